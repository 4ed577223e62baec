//! `causeway map` and `causeway map explain`, on the real binary.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::hub::run;

const ADMISSION: &str = "MSH|^~\\&|PAS|CBH|HUB|HKHUB|20260301100000+0800||ADT^A01^ADT_A01|M1|P|2.5.1\rEVN|A01|20260301100000+0800\r\
    PID|1||ZZ0000018^^^HKSAR^HKID||CHAN^TAI MAN||19830114|M|||||||||||||||||||||||||||||||LAST\rPV1|1|I|MED3||||||||||||||||HN26000001A\r";

fn folder_with(name: &str, bytes: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(name), bytes).expect("written");
    folder
}

fn goldens() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/hl7v2");
    let cases = fs::read_dir(root).expect("the golden cases").map(|case| case.expect("a folder").path());
    let mut read: Vec<_> = cases
        .map(|case| {
            (
                case.file_name().expect("a name").to_string_lossy().into_owned(),
                fs::read(case.join("input.hl7")).expect("input.hl7"),
            )
        })
        .collect();
    read.sort();
    read
}

#[test]
fn a_message_is_explained_field_by_field_and_its_values_are_masked() {
    let folder = folder_with("a.hl7", ADMISSION.as_bytes());
    let ran = run(folder.path(), &["map", "explain", "a.hl7", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let explained = ran.json();
    let value = |place: &str| -> Value {
        let values = explained["values"].as_array().expect("list");
        values.iter().find(|value| value["place"] == place).unwrap_or_else(|| panic!("{place} in {explained}")).clone()
    };
    assert_eq!(value("PID-8")["effects"][0]["path"], "Patient.gender");
    assert_eq!(value("PID-8")["tables"], serde_json::json!(["administrative_sex.csv"]));
    assert_eq!(value("PID-8")["guide"], "PID[Patient]");
    assert_eq!(value("PID-39")["use"], "ignored");
    assert_eq!(value("PID-39")["notes"][0]["code"], "unused-field");
    for protected in ["CHAN", "TAI MAN", "ZZ0000018", "HN26000001A", "19830114"] {
        assert!(!ran.out.contains(protected), "{protected} is shown");
        let revealed = run(folder.path(), &["map", "explain", "a.hl7", "--reveal", "--json"]);
        assert!(revealed.out.contains(protected), "{protected} is masked");
    }
}

#[test]
fn the_table_of_an_explanation_ends_with_what_is_not_used_and_has_no_colours_in_a_pipe() {
    let folder = folder_with("a.hl7", ADMISSION.as_bytes());
    let ran = run(folder.path(), &["map", "explain", "a.hl7"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (used, unused) = ran.out.split_once("\nNot used\n").expect("both lists");
    assert!(used.contains("Patient.gender") && used.contains("administrative_sex.csv"), "{used}");
    assert!(unused.contains("PID-39") && unused.contains("unused-field"), "{unused}");
    assert!(!ran.out.contains('\x1b') && !ran.out.contains("CHAN"), "{}", ran.out);
    let none = run(folder.path(), &["map", "explain", "a.hl7", "--message", "2"]);
    assert!(none.code == Some(1) && none.err.contains("it has 1"), "{none:?}");
}

/// The segments behind MSH the other way round.
fn shuffled(message: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = message.split(|byte| matches!(byte, b'\r' | b'\n')).collect();
    lines.get_mut(1..).into_iter().for_each(<[_]>::reverse);
    lines.join(&b'\r')
}

/// Every third field behind MSH without its value.
fn thinned(message: &[u8]) -> Vec<u8> {
    let lines = message.split(|byte| matches!(byte, b'\r' | b'\n'));
    let thin = |(line, number): (&[u8], usize)| -> Vec<u8> {
        let fields = line.split(|byte| *byte == b'|').zip(0..);
        let fields = fields.map(|(field, at)| if number > 0 && at % 3 == 1 { b"" } else { field });
        fields.collect::<Vec<_>>().join(&b'|')
    };
    lines.zip(0..).map(thin).collect::<Vec<_>>().join(&b'\r')
}

/// A byte that belongs nowhere after every eleventh one behind MSH.
fn with_junk(message: &[u8]) -> Vec<u8> {
    let junk = [0x00, 0xff, b'^', b'\\', 0x1b, 0xc3, b'~', 0x7f];
    let end = message.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(message.len());
    let (head, body) = message.split_at(end);
    let body = body.chunks(11).zip(junk.iter().cycle()).flat_map(|(chunk, junk)| chunk.iter().chain([junk]));
    head.iter().chain(body).copied().collect()
}

#[test]
fn what_cannot_be_used_is_a_fault_of_its_line_and_never_the_end_of_the_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut inputs = 0;
    let mut write = |name: &str, bytes: &[u8]| {
        inputs += 1;
        fs::write(folder.path().join(format!("{name}.dat")), bytes).expect("written");
    };
    for (name, bytes) in goldens() {
        // One message a file; cut in the middle, with every byte's highest bit turned, and with the delimiters gone.
        let first =
            bytes.windows(4).skip(1).position(|four| four.ends_with(b"MSH") && matches!(four[0], b'\r' | b'\n'));
        let one = &bytes[..first.map_or(bytes.len(), |at| at + 1)];
        write(&format!("{name}-cut"), &one[..one.len() / 2]);
        write(&format!("{name}-turned"), &one.iter().map(|byte| byte ^ 0x80).collect::<Vec<_>>());
        write(&format!("{name}-bare"), &one.iter().copied().filter(|byte| *byte != b'|').collect::<Vec<_>>());
        write(&format!("{name}-shuffled"), &shuffled(one));
        write(&format!("{name}-thin"), &thinned(one));
        write(&format!("{name}-junk"), &with_junk(one));
    }
    write("empty", b"");
    write("zeros", &[0; 4096]);
    write("nested", format!("MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.5\rPID|1||{}\r", "~^&".repeat(20_000)).as_bytes());
    let ran = run(folder.path(), &["map", ".", "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let lines = ran.lines();
    assert_eq!(lines.len(), inputs, "a line an input");
    for line in &lines {
        let count = |member: &str| line[member].as_array().expect("a list").len();
        assert!(count("faults") + count("records") > 0, "neither records nor a fault: {line}");
    }
}

#[test]
fn samples_are_tried_like_by_a_compiler_through_the_feed_they_are_for() {
    let config = "[[door]]\nlisten = \"127.0.0.1:2575\"\n[[door.feed]]\nname = \"pas\"\nprovider = \"HA\"\nsenders = [\"PAS|QMH\"]\n";
    let bad = ADMISSION.replace("|P|2.5.1", "|T|2.5.1").replace("19830114", "19830230");
    let folder = folder_with("a.hl7", format!("{ADMISSION}\n{bad}").as_bytes());
    fs::write(folder.path().join("causeway.toml"), config).expect("written");
    let ran = run(folder.path(), &["feed", "test", "a.hl7", "--feed", "pas"]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    for told in [
        "error[FEED_UNKNOWN]: No feed is configured for this peer, application and facility: the door refuses the message\n",
        "error[PROCESSING_ID]",
        "warning[bad-date]",
        " --> a.hl7#2: PID-7\n  |\n3 | PID|1***||Z***^^^H***^H***||C***^T***||1***|M***|",
        &format!("\n  | {}^^^^\nfix: Send YYYY", " ".repeat("PID|1***||Z***^^^H***^H***||C***^T***||".len())),
        "note[unused-field]",
        "2 messages, 2 would be refused or held",
    ] {
        assert!(ran.out.contains(told), "{told} is not in {}", ran.out);
    }
    assert!(!ran.out.contains("CHAN") && !ran.out.contains("ZZ0000018") && !ran.out.contains('\x1b'), "{}", ran.out);
    let open = run(folder.path(), &["feed", "test", "a.hl7", "--profile", "generic", "--json"]);
    assert_eq!(open.code, Some(0), "any sender and processing id will do without a feed: {open:?}");
    let found = open.lines();
    let date = found.iter().find(|line| line["code"] == "bad-date").expect("the date");
    assert_eq!(
        (&date["severity"], &date["input"], &date["place"]),
        (&"warning".into(), &"a.hl7#2".into(), &"PID-7".into())
    );
}

#[test]
fn a_pointer_that_nobody_may_follow_and_a_batch_that_holds_less_than_it_says_are_told_before_they_are_sent() {
    let report = "MSH|^~\\&|PAS|QMH|HUB|HK|20260301100000+0800||ORU^R01^ORU_R01|7|P|2.5.1\rPID|1||L-1^^^QMH^PI||CHAN^TAI MAN\r\
        OBR|1|P1|F1|X^X^L|||20260301083000+0800|||||||||||||||20260301085500+0800||CH|F\r\
        OBX|1|RP|X^X^L||http://files.test/pdf/a.pdf||||||F\r";
    let folder = folder_with("a.hl7", report.as_bytes());
    let ran = run(folder.path(), &["feed", "test", "a.hl7"]);
    assert_eq!(ran.code, Some(5), "nobody's list is empty by default, so it would be held: {ran:?}");
    assert!(ran.out.contains("error[DOCUMENT_NOT_LISTED]") && ran.out.contains(" --> a.hl7: OBX-5\n"), "{}", ran.out);
    assert!(ran.out.contains("1 message, 1 would be refused or held"), "{}", ran.out);
    let config = "[[door]]\nlisten = \"127.0.0.1:2575\"\n[[door.feed]]\nname = \"pas\"\nprovider = \"HA\"\nsenders = [\"PAS|QMH\"]\n\
        [[door.feed.fetch]]\npointers = \"http://files.test/pdf/\"\naddresses = [\"10.1.2.3\"]\n";
    fs::write(folder.path().join("causeway.toml"), config).expect("written");
    let ran = run(folder.path(), &["feed", "test", "a.hl7", "--feed", "pas"]);
    assert!(ran.code == Some(0) && ran.out.contains("note[DOCUMENT_PENDING]"), "{ran:?}");

    let batch = format!("FHS|^~\\&|PAS|QMH\rBHS|^~\\&|PAS|QMH\r{ADMISSION}\rBTS|2\rFTS|1\r");
    fs::write(folder.path().join("b.hl7"), batch).expect("written");
    let ran = run(folder.path(), &["feed", "test", "b.hl7", "--json"]);
    let found = ran.lines();
    let count = found.iter().find(|line| line["code"] == "BATCH_COUNT").expect("told");
    assert_eq!((&count["place"], &count["severity"]), (&"BTS-1".into(), &"warning".into()));
    assert_eq!(ran.code, Some(0), "what came is taken: {ran:?}");
}
