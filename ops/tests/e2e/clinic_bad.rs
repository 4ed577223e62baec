//! What a clinic should not send, each as a test on the real binary: every field and row has its answer, the good ones
//! are stored, and nothing is stored in part.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use super::clinic_files::{self, HEADING, put, read, results, row, spreadsheet};
use super::clinics::{self, JSON, NDJSON, PERSON, TOKEN, ask, example, many, messages, one, status};
use super::hub::{Hub, until};

/// A hub with a door, running.
fn door() -> (Hub, SocketAddr) {
    let (mut hub, address) = clinics::hub("", &clinics::with_token());
    hub.start();
    (hub, address)
}

/// What the door has against the full example with this value at a pointer: pointer and code.
fn against(address: SocketAddr, pointer: &str, value: Value) -> (String, String) {
    let mut record = example("full.json");
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    match record.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}")) {
        Value::Object(object) => drop(object.insert(name.to_owned(), value)),
        Value::Array(list) => list[name.parse::<usize>().expect("an index")] = value,
        other => panic!("{other}"),
    }
    let (code, told) = one(address, record.to_string().as_bytes());
    assert_eq!(code, 400, "{pointer} {told}");
    let first = &told["errors"][0];
    assert!(first["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{told}");
    let text = |name: &str| first[name].as_str().unwrap_or_default().to_owned();
    (text("pointer"), text("code"))
}

#[test]
fn wrong_and_missing_fields_are_refused_with_their_places() {
    let (hub, address) = door();
    for (pointer, value, code) in [
        ("/visit/number", Value::Null, "wrong-type"),
        ("/visit/start", json!("2026-02-30"), "bad-value"),
        ("/status", json!("done"), "bad-value"),
        ("/version", json!(0), "out-of-range"),
        ("/patient", json!("陳大文"), "wrong-type"),
        ("/prescriptions/0/form", json!("soup"), "bad-value"),
    ] {
        assert_eq!(against(address, pointer, value), (pointer.to_owned(), code.to_owned()));
    }
    assert_eq!(against(address, "/patient", json!({})), ("/patient".to_owned(), "no-patient".to_owned()));
    assert_eq!(against(address, "/visit/seen", json!(1)), ("/visit".to_owned(), "unknown-field".to_owned()));
    let mut missing = example("smallest.json");
    missing.as_object_mut().expect("an object").remove("practitioner");
    let (code, told) = one(address, missing.to_string().as_bytes());
    assert_eq!((code, &told["errors"][0]["pointer"]), (400, &json!("/practitioner")));
    assert_eq!(messages(&hub, 0).len(), 0, "nothing was kept");
}

#[test]
fn unknown_points_and_negative_or_absurd_doses_are_refused() {
    let (hub, address) = door();
    let point = "/acupuncture/0/points/0/code";
    for code in ["ST46", "LU0", "XX1", "EX-HN16"] {
        assert_eq!(against(address, point, json!(code)), (point.to_owned(), "unknown-point".to_owned()), "{code}");
    }
    let dose = "/prescriptions/0/herbs/0/dose";
    for value in [json!(-6), json!(0), json!(1_000_000), json!(0.000_01)] {
        assert_eq!(against(address, dose, value.clone()), (dose.to_owned(), "out-of-range".to_owned()), "{value}");
    }
    assert_eq!(messages(&hub, 0).len(), 0);
}

#[test]
fn duplicate_keys_are_refused_where_they_stand() {
    let (_hub, address) = door();
    let text = example("smallest.json").to_string();
    let twice = text.replacen("\"number\":\"V-2001\"", "\"number\":\"V-2001\",\"number\":\"V-2002\"", 1);
    assert_ne!(text, twice);
    let (code, told) = one(address, twice.as_bytes());
    assert_eq!((code, &told["errors"][0]["code"]), (400, &json!("duplicate-field")));
    assert_eq!(told["errors"][0]["pointer"], "/visit/number");
}

#[test]
fn nesting_bombs_and_fifty_megabytes_are_refused_and_the_next_record_is_taken() {
    let (hub, address) = door();
    let bomb = "[".repeat(200_000);
    for text in [bomb.clone(), "{\"a\":".repeat(40_000), format!("{{\"format\":{bomb}")] {
        assert_eq!(one(address, text.as_bytes()).0, 400);
    }
    assert_eq!(one(address, &vec![b' '; 50 << 20]).0, 413);
    let record = example("smallest.json").to_string();
    let long = [vec![b'x'; 50 << 20], b"\n".to_vec(), bomb.into_bytes(), b"\n".to_vec(), record.into_bytes()].concat();
    let told = many(address, &long);
    assert_eq!(told.iter().map(status).collect::<Vec<_>>(), ["rejected", "rejected", "accepted"]);
    assert_eq!(told[0]["errors"][0]["code"], "too-long");
    assert_eq!(messages(&hub, 1).len(), 1);
}

#[test]
fn a_batch_cut_in_the_middle_keeps_its_whole_lines_and_no_part_of_one() {
    let (hub, address) = door();
    let line = |number: u32| {
        let mut record = example("smallest.json");
        record["visit"]["number"] = json!(format!("V-{number}"));
        record.to_string() + "\n"
    };
    let body = format!("{}{}{}", line(1), line(2), line(3));
    let mut stream = TcpStream::connect(address).expect("connects");
    let cut = body.len() - 40;
    let head = format!(
        "POST /chinese-medicine/records HTTP/1.1\r\nHost: localhost\r\n{TOKEN}{NDJSON}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body.as_bytes()[..cut]].concat()).expect("sent");
    stream.shutdown(Shutdown::Write).expect("cut");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a deadline");
    let mut answer = Vec::new();
    // The door may close a connection that was cut.
    drop(stream.read_to_end(&mut answer));
    assert_eq!(messages(&hub, 2).len(), 2, "{}", String::from_utf8_lossy(&answer));
    let told = many(address, body.as_bytes());
    assert_eq!(told.iter().map(status).collect::<Vec<_>>(), ["resent", "resent", "accepted"], "sent again, whole");
}

#[test]
fn a_record_for_someone_who_never_joined_is_withheld_and_nothing_clinical_is_kept() {
    let (hub, address) = door();
    let (code, _) = one(address, example("cough.json").to_string().as_bytes());
    assert_eq!(code, 202);
    let message = messages(&hub, 1).remove(0);
    assert_eq!((&message["state"], &message["reason"]), (&json!("withheld"), &json!("NOT_REGISTERED")));
    let counted = hub.run(&["--json", "record", "count"]);
    assert!(!counted.out.contains("CMDX") && !counted.out.contains("CMRX"), "{counted:?}");
}

#[test]
fn a_practitioner_whose_registration_lapsed_is_marked_and_the_record_is_taken() {
    let (hub, address) = door();
    let persons = hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", persons.to_str().expect("UTF-8"), "--join", "2025"]).code, Some(0));
    let mut record = example("cough.json");
    record["practitioner"]["registered_until"] = json!("2020-12-31");
    let file = hub.file("lapsed.json", record.to_string().as_bytes());
    let tested = hub.run(&["feed", "test", file.to_str().expect("UTF-8"), "--feed", "clinic"]);
    assert!(tested.code == Some(0) && tested.out.contains("practitioner-lapsed"), "{tested:?}");
    assert_eq!(one(address, record.to_string().as_bytes()).0, 202);
    let accepted = until(|| {
        let message = messages(&hub, 1).remove(0);
        (message["state"] == "accepted").then_some(message)
    });
    let position = accepted.expect("accepted")["position"].as_str().expect("a position").to_owned();
    let traced = hub.run(&["--json", "message", "trace", &position]);
    assert!(traced.out.contains("practitioner-lapsed"), "{traced:?}");
}

#[test]
fn five_thousand_rows_with_ten_bad_ones_have_ten_faults_and_the_others_are_stored() {
    let mut hub = clinic_files::hub("");
    hub.start();
    let mut rows: Vec<_> = (0..5000).map(|number| row(&format!("V{number}"), "甘草", "3")).collect();
    let bad = [7, 512, 1024, 1500, 2000, 2500, 3000, 3500, 4000, 4999];
    for (at, number) in bad.into_iter().enumerate() {
        let whole = rows[number].clone();
        rows[number] = match at % 5 {
            0 => whole.replace(",3,g,", ",-3,g,"),
            1 => whole.replace("2026-03-01 09:30", "30/2/2026"),
            2 => format!("V{number},cut"),
            3 => whole.replace("咳嗽", "\"咳嗽"),
            _ => whole.replace(",decoction,", ",soup,"),
        };
    }
    put(&hub, "many.csv", spreadsheet(&rows));
    let result = read(&hub, "failed/many.csv.result.csv");
    let told = results(&result);
    let of = |status: &str| told.iter().filter(|line| line.split(',').nth(2) == Some(status)).count();
    assert_eq!((of("accepted"), of("rejected"), told.len()), (4990, 10, 5000));
    let refused: Vec<usize> = told
        .iter()
        .filter(|line| line.contains(",rejected,"))
        .map(|line| line.split(',').next().and_then(|row| row.parse::<usize>().ok()).expect("a row") - 2)
        .collect();
    assert_eq!(refused, bad);
}

#[test]
fn mixed_encodings_byte_order_marks_quotes_and_line_ends_within_cells_are_told_or_kept() {
    let mut hub = clinic_files::hub("");
    hub.start();
    let quoted = row("V1", "甘草", "3") + "\"咳嗽, \"\"乾\"\"\r\n三天\"";
    let text = format!("\u{feff}{HEADING}\r\n{quoted}\r\n");
    let big5 = [0xa5_u8, 0xcc];
    let spoilt = row("V2", "甘草", "3");
    let (before, after) = spoilt.split_once("甘草").expect("the herb");
    let bytes = [
        text.as_bytes(),
        before.as_bytes(),
        &big5,
        after.as_bytes(),
        b"\r\n",
        row("V3", "甘草", "3").as_bytes(),
        b"\r\n",
    ]
    .concat();
    put(&hub, "mixed.csv", bytes);
    let result = read(&hub, "failed/mixed.csv.result.csv");
    let told = results(&result);
    assert_eq!(told.len(), 3, "{result}");
    assert!(told[0].starts_with("2,2,accepted,") && told[2].starts_with("4,4,accepted,"), "{result}");
    assert!(told[1].starts_with("3,3,rejected,,3,herb,encoding,"), "{result}");
    assert_eq!(messages(&hub, 2).len(), 2);
}

/// Mutual TLS: the certificates that `causeway init` makes.
#[test]
fn a_door_with_mutual_tls_hears_the_certificate_of_its_feed_and_nobody_else() {
    let tls = "[cm_door.tls]\ncertificate = \"certificates/server.pem\"\nkey = \"certificates/server.key\"\n\
               client_ca = \"certificates/ca.pem\"";
    let (mut hub, address) = clinics::hub(tls, "certificates = [\"cn:catch-all\"]");
    hub.start();
    let file = hub.file("visit.json", example("smallest.json").to_string().as_bytes());
    let file = file.to_str().expect("UTF-8");
    let to = format!("https://localhost:{}", address.port());
    let send =
        |more: &[&str]| hub.run(&[&["send", "cm", file, "--to", &to, "--ca", "certificates/ca.pem"], more].concat());
    let own = send(&["--cert", "certificates/feed-catch-all.pem", "--key", "certificates/feed-catch-all.key"]);
    assert!(own.code == Some(0) && own.out.contains("1 accepted"), "{own:?}");
    let none = send(&[]);
    assert_eq!(none.code, Some(4), "{none:?}");
    let servers = send(&["--cert", "certificates/server.pem", "--key", "certificates/server.key"]);
    assert_eq!(servers.code, Some(4), "{servers:?}");
    let plain = hub.run(&["send", "cm", file, "--to", &format!("http://{address}"), "--token", "open sesame"]);
    assert_eq!(plain.code, Some(4), "{plain:?}");
    let trust = hub.run(&["send", "cm", file, "--to", &to]);
    assert_eq!(trust.code, Some(2), "{trust:?}");
    assert_eq!(messages(&hub, 1).len(), 1);
}

/// A feed bound to both must show both.
#[test]
fn a_feed_with_a_token_and_a_certificate_needs_both() {
    let tls = "[cm_door.tls]\ncertificate = \"certificates/server.pem\"\nkey = \"certificates/server.key\"\n\
               client_ca = \"certificates/ca.pem\"";
    let both = format!("{}\ncertificates = [\"cn:catch-all\"]", clinics::with_token());
    let (mut hub, address) = clinics::hub(tls, &both);
    hub.start();
    let file = hub.file("visit.json", example("smallest.json").to_string().as_bytes());
    let to = format!("https://localhost:{}", address.port());
    let certificate = ["--cert", "certificates/feed-catch-all.pem", "--key", "certificates/feed-catch-all.key"];
    let send = |token: &[&str]| {
        let file = file.to_str().expect("UTF-8");
        let common = ["send", "cm", file, "--to", &to, "--ca", "certificates/ca.pem"];
        hub.run(&[common.as_slice(), certificate.as_slice(), token].concat())
    };
    let alone = send(&[]);
    assert!(alone.code != Some(0) && alone.err.contains("401"), "{alone:?}");
    let wrong = send(&["--token", "open barley"]);
    assert!(wrong.code != Some(0) && wrong.err.contains("401"), "{wrong:?}");
    assert_eq!(send(&["--token", "open sesame"]).code, Some(0));
}

/// A caller that says nothing is given up, and others are heard meanwhile.
#[test]
fn a_sender_that_falls_silent_in_mid_record_is_answered_and_stores_nothing() {
    let (mut hub, address) = clinics::hub("[cm_door.limits]\nread_timeout = \"300ms\"", &clinics::with_token());
    hub.start();
    let mut stream = TcpStream::connect(address).expect("connects");
    let head = format!(
        "POST /chinese-medicine/records HTTP/1.1\r\nHost: localhost\r\n{TOKEN}{JSON}Content-Length: 500\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let (code, ..) = ask(address, &format!("{TOKEN}{JSON}"), example("smallest.json").to_string().as_bytes());
    assert_eq!(code, 202, "others are heard");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a deadline");
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("400") && answer.contains("cut-short"), "{answer}");
    assert_eq!(messages(&hub, 1).len(), 1);
}
