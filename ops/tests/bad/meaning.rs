//! What a well-formed message says: order, merges, corrections, dates, numbers, identity, escapes, documents.

use std::net::TcpListener;

use super::hub::{Hub, Peer, Person, header, hub, refused};

/// Sends a message that is taken, and waits for its outcome.
pub(super) fn take(hub: &Hub, id: &str, text: &str) -> String {
    assert_eq!(Peer::to(hub.plain).code(text), format!("AA|{id}"), "{text}");
    hub.state(id)
}

pub(super) fn visit(id: &str, event: &str, at: &str, person: Person, ward: &str) -> String {
    let number = format!("HN26{:06}A", person.0);
    format!(
        "{}EVN|{event}|{at}+0800\r{}PV1|1|I|{ward}^01^1^QMH||||||||||||||||{number}|||||||||||||||||||||||||20260301100000+0800\r",
        header(id, &format!("ADT^{event}^ADT_A01")).replace("20260301100000", at),
        person.pid()
    )
}

pub(super) fn result(id: &str, at: &str, person: Person, status: &str, kind: &str, value: &str) -> String {
    format!(
        "{}{}OBR|1|P-{n}|F-{n}|2345-7^Glucose^LN|||20260301083000+0800|||||||||||||||20260301085500+0800||CH|{status}\r\
         OBX|1|{kind}|2345-7^Glucose^LN||{value}|mmol/L|||||{status}|||20260301083000+0800\r",
        header(id, "ORU^R01^ORU_R01").replace("20260301100000", at),
        person.pid(),
        n = person.0
    )
}

fn merge(id: &str, person: Person, to: &str, from: &str) -> String {
    let pid = person.pid().replace(&format!("L{:05}^^^QMH^PI", person.0), &format!("{to}^^^QMH^PI"));
    format!("{}EVN|A40|20260301100000+0800\r{pid}MRG|{from}^^^QMH^PI\r", header(id, "ADT^A40^ADT_A39"))
}

#[test]
fn r52_a_merge_with_itself_is_an_error_and_kept() {
    let (hub, person) = (hub(), Person(4));
    assert_eq!(take(&hub, "r52-1", &merge("r52-1", person, "L00004", "L90004")), "accepted");
    let answer = Peer::to(hub.plain).exchange(merge("r52-self", person, "L00004", "L00004"));
    refused(&answer, "AE|r52-self", 207, "MERGE_LOOP");
    assert!(answer.contains("|MRG^1^1|"), "{answer}");
    assert_eq!(hub.state("r52-self"), "rejected MERGE_LOOP", "kept for the person desk");
}

#[test]
fn r52_a_merge_back_into_a_number_that_was_replaced_is_an_error_and_waits_for_the_person_desk() {
    let (hub, person) = (hub(), Person(25));
    let at = |minute: u8, text: String| text.replace("20260301100000", &format!("202603011{minute:02}000"));
    assert_eq!(take(&hub, "r52-ab", &at(1, merge("r52-ab", person, "L00025", "L90025"))), "accepted");
    assert_eq!(
        take(&hub, "r52-ca", &at(2, merge("r52-ca", person, "L80025", "L00025"))),
        "accepted",
        "a chain is no loop"
    );

    // Back at once, and by a detour.
    for (id, to, from) in [("r52-ba", "L90025", "L80025"), ("r52-back", "L00025", "L80025")] {
        let text = at(3, merge(id, person, to, from));
        let answer = Peer::to(hub.plain).exchange(&text);
        refused(&answer, &format!("AE|{id}"), 207, "MERGE_LOOP");
        assert!(answer.contains("|MRG^1^1|"), "{answer}");
        assert_eq!(hub.state(id), "held MERGE_LOOP", "kept for the person desk");
        let again = Peer::to(hub.plain).exchange(&text);
        refused(&again, &format!("AE|{id}"), 207, "MERGE_LOOP");
    }
    let record = hub.record(person);
    let patients: Vec<&str> = record.lines().filter(|line| line.contains("\"resourceType\":\"Patient\"")).collect();
    let retired = patients.iter().filter(|line| line.contains("\"replaced-by\"")).count();
    assert_eq!((patients.len(), retired), (3, 2), "the last one stays: {record}");

    // Once the wrong merge is taken back, the right one is replayed.
    let second = person.pid().replacen("PID|1", "PID|2", 1);
    let first = person.pid().replace("L00025^", "L80025^");
    let undo = format!(
        "{}EVN|A37|20260301102500+0800\r{first}PV1|1|N\r{second}PV1|2|N\r",
        header("r52-undo", "ADT^A37^ADT_A37")
    );
    assert_eq!(take(&hub, "r52-undo", &undo.replace("20260301100000", "20260301102500")), "accepted");
    let (code, text) = hub.run(&["message", "replay", "r52-back", "--yes"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(hub.state("r52-back"), "accepted");
}

#[test]
fn r53_a_merge_and_what_is_in_flight_for_both_numbers_all_take_effect() {
    let (hub, person) = (hub(), Person(5));
    let (old, new) = ("L90005", "L00005");
    let under = |number: &str, text: String| text.replace(new, number);
    let at = |minute: u32| format!("2026030110{minute:02}00");
    // Each number has its own lane: two senders fill both at the same time, and the merge comes between.
    let lanes = [old, new].map(|number| {
        let ids = (0..10).map(move |minute| (format!("r53-{number}-{minute}"), minute));
        ids.map(|(id, minute)| {
            let text = visit(&id, "A08", &at(minute * 2), person, &format!("W{minute}"));
            (id, under(number, text))
        })
        .collect::<Vec<_>>()
    });
    std::thread::scope(|scope| {
        for lane in &lanes {
            scope.spawn(|| {
                let mut peer = Peer::to(hub.plain);
                lane.iter().for_each(|(id, text)| assert_eq!(peer.code(text), format!("AA|{id}")));
            });
        }
        let merge = merge("r53-merge", person, new, old).replace("20260301100000", &at(9));
        assert_eq!(Peer::to(hub.plain).code(merge), "AA|r53-merge");
    });
    let late = under(old, result("r53-late", &at(30), person, "F", "NM", "5.5"));
    assert_eq!(take(&hub, "r53-late", &late), "accepted");
    assert_eq!(hub.state("r53-merge"), "accepted");
    for (id, _) in lanes.iter().flatten() {
        assert_eq!(hub.state(id), "accepted", "{id}");
    }
    let record = hub.record(person);
    let patients: Vec<&str> = record.lines().filter(|line| line.contains("\"resourceType\":\"Patient\"")).collect();
    let retired: Vec<_> = patients.iter().filter(|line| line.contains("\"replaced-by\"")).collect();
    assert_eq!((patients.len(), retired.len()), (2, 1), "{record}");
    assert!(retired[0].contains(old) && retired[0].contains("\"active\":false"), "{retired:?}");
    assert!(record.contains("\"value\":5.5") && record.contains("W9"), "{record}");
}

#[test]
fn r54_a_cancelled_admission_is_cancelled_with_its_history_and_not_deleted() {
    let (hub, person) = (hub(), Person(6));
    assert_eq!(take(&hub, "r54-1", &visit("r54-1", "A01", "20260301100000", person, "W6")), "accepted");
    assert_eq!(take(&hub, "r54-2", &visit("r54-2", "A11", "20260301110000", person, "W6")), "accepted");
    assert!(!hub.record(person).contains("Encounter/"), "it is no longer current");
    assert_eq!(
        statuses(&hub, person, "Encounter"),
        ["cancelled", "in-progress"],
        "the latest first, and nothing is erased"
    );
}

#[test]
fn r54_a_cancelled_transfer_brings_the_former_place_back_and_keeps_the_one_that_was_said() {
    let (hub, person) = (hub(), Person(26));
    for (id, event, at, ward) in [
        ("r54-in", "A01", "20260301100000", "W26A"),
        ("r54-move", "A02", "20260301110000", "W26B"),
        ("r54-stay", "A12", "20260301120000", "W26A"),
    ] {
        assert_eq!(take(&hub, id, &visit(id, event, at, person, ward)), "accepted");
    }
    let (record, history) = (hub.record(person), hub.history(person));
    assert!(record.contains("W26A") && !record.contains("W26B") && record.contains("in-progress"), "{record}");
    assert!(history.contains("W26B"), "what was said stays readable: {history}");
    assert_eq!(statuses(&hub, person, "Encounter").len(), 3);
}

#[test]
fn r54_a_cancelled_discharge_opens_the_visit_again_and_keeps_that_it_was_closed() {
    let (hub, person) = (hub(), Person(27));
    for (id, event, at) in
        [("r54-a", "A01", "20260301100000"), ("r54-b", "A03", "20260301110000"), ("r54-c", "A13", "20260301120000")]
    {
        assert_eq!(take(&hub, id, &visit(id, event, at, person, "W27")), "accepted");
    }
    assert_eq!(statuses(&hub, person, "Encounter"), ["in-progress", "finished", "in-progress"]);
    let record = hub.record(person);
    assert!(record.contains("in-progress") && !record.contains("finished"), "{record}");
}

#[test]
fn r54_a_deleted_visit_and_a_deleted_person_are_taken_back_with_their_history() {
    let (hub, person) = (hub(), Person(28));
    assert_eq!(take(&hub, "r54-v1", &visit("r54-v1", "A01", "20260301100000", person, "W28")), "accepted");
    assert_eq!(take(&hub, "r54-v2", &visit("r54-v2", "A23", "20260301110000", person, "W28")), "accepted");
    assert!(!hub.record(person).contains("Encounter/"), "no longer current");
    assert_eq!(statuses(&hub, person, "Encounter"), ["entered-in-error", "in-progress"]);
    let late = visit("r54-v3", "A08", "20260301120000", person, "W28");
    assert_eq!(take(&hub, "r54-v3", &late), "accepted");
    assert!(!hub.record(person).contains("Encounter/"), "an update on its way brings no deleted visit back");

    let deleted = format!("{}EVN|A29|20260301130000+0800\r{}", header("r54-p", "ADT^A29^ADT_A21"), person.pid());
    assert_eq!(take(&hub, "r54-p", &deleted.replace("20260301100000", "20260301130000")), "accepted");
    assert!(!hub.record(person).contains("\"resourceType\":\"Patient\""), "no longer current");
    let history = hub.history(person);
    let patients: Vec<&str> = history.lines().filter(|line| line.contains("\"resourceType\":\"Patient\"")).collect();
    assert!(patients.len() >= 2, "{history}");
    assert!(patients[0].contains("\"active\":false") && patients[0].contains("\"retracted\":true"), "{}", patients[0]);
    assert!(patients[1..].iter().any(|line| line.contains("\"retracted\":false")), "as it was: {history}");
}

/// The statuses of all versions of a person's records of one type, the latest first.
fn statuses(hub: &Hub, person: Person, kind: &str) -> Vec<String> {
    let rows = hub.history(person);
    let rows = rows.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let of_kind = rows.filter(|row| row["resource"]["resourceType"] == kind);
    of_kind.map(|row| row["resource"]["status"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn r55_a_corrected_result_that_comes_before_the_final_one_stays() {
    let (hub, person) = (hub(), Person(7));
    assert_eq!(take(&hub, "r55-c", &result("r55-c", "20260301110000", person, "C", "NM", "8.5")), "accepted");
    assert_eq!(take(&hub, "r55-f", &result("r55-f", "20260301110500", person, "F", "NM", "5.8")), "accepted");
    let record = hub.resources(person);
    assert!(record.contains("\"value\":8.5") && !record.contains("5.8"), "{record}");
    // A wrong result is withdrawn by its status, whatever the clocks say.
    assert_eq!(take(&hub, "r55-w", &result("r55-w", "20260301090000", person, "W", "NM", "8.5")), "accepted");
    let history = hub.history(person);
    assert!(!hub.resources(person).contains("8.5") && history.contains("entered-in-error"), "{history}");
}

#[test]
fn r56_dates_that_are_none_do_not_stop_a_message_and_are_never_made_up() {
    let (hub, person) = (hub(), Person(8));
    for (number, date) in ["00000000", "20260230", "9999", "0001", "2026030110+1600"].into_iter().enumerate() {
        let id = format!("r56-{number}");
        let text =
            visit(&id, "A01", "20260301100000", person, "W8").replace("|20260301100000+0800\r", &format!("|{date}\r"));
        let text = text.replace(&format!("EVN|A01|{date}"), "EVN|A01|20260301100000+0800");
        assert_eq!(take(&hub, &id, &text), "accepted", "{date}");
        let notes = hub.outcome(&id)["notes"].to_string();
        assert!(notes.contains("\"bad-date\"") && notes.contains("\"PV1-44\""), "{date} is flagged: {notes}");
        let (_, raw) = hub.run(&["message", "show", &id, "--raw", "--reveal"]);
        assert!(raw.contains(&format!("|{date}")), "{date} is kept as it came");
    }
    let record = hub.record(person);
    assert!(!record.contains("2026-02-30") && !record.contains("0000-00-00"), "{record}");
}

#[test]
fn r57_numbers_that_are_none_are_kept_as_they_came() {
    let (hub, person) = (hub(), Person(9));
    for (number, value) in ["1e309", "NaN", "1,000", "&lt;5", "１２"].into_iter().enumerate() {
        let (id, value) = (format!("r57-{number}"), value.replace("&lt;", "<"));
        let text = result(&id, "20260301110000", person, "F", "NM", &value);
        let text = text.replace("F-9", &format!("F-9-{number}")).replace("P-9", &format!("P-9-{number}"));
        assert_eq!(take(&hub, &id, &text), "accepted", "{value}");
        let record = hub.record(person);
        // A comparator is one: the number behind it is a number.
        let compared = value == "<5" && record.contains("\"comparator\":\"<\",\"value\":5");
        let compared = compared || (value == "<5" && record.contains("\"value\":5,\"comparator\":\"<\""));
        assert!(record.contains(&value) || compared, "{value} is not in the record: {record}");
    }
}

#[test]
fn r57_structured_numbers_are_read_by_their_rule_and_what_fits_none_stays_text() {
    let (hub, person) = (hub(), Person(31));
    let values = ["<^5.10", "^1^:^128", "^2^-^3", ">^^x", "^1e309"];
    for (number, value) in values.into_iter().enumerate() {
        let id = format!("r57-sn-{number}");
        let text = result(&id, "20260301110000", person, "F", "SN", value);
        let text = text.replace("F-31", &format!("F-31-{number}")).replace("P-31", &format!("P-31-{number}"));
        assert_eq!(take(&hub, &id, &text), "accepted", "{value}");
    }
    let record = hub.record(person);
    for kept in ["5.10", "valueRatio", "128", "valueRange", "\"> x mmol/L\"", "\"1e309 mmol/L\""] {
        assert!(record.contains(kept), "{kept} is not in the record: {record}");
    }
}

#[test]
fn r58_a_wrong_check_digit_keeps_the_message_and_blocks_the_match() {
    let (hub, person) = (hub(), Person(10));
    let (good, mut wrong) = (person.hkid(), person.hkid());
    wrong.replace_range(8.., if good.ends_with('5') { "6" } else { "5" });
    let text = visit("r58", "A01", "20260301100000", person, "W10").replace(&good, &wrong).replace("L00010", "L91010");
    assert_eq!(take(&hub, "r58", &text), "held ID_CHECK_DIGIT");
}

#[test]
fn r59_a_number_of_somebody_else_is_never_merged_by_itself() {
    let (hub, person) = (hub(), Person(11));
    assert_eq!(take(&hub, "r59-1", &visit("r59-1", "A01", "20260301100000", person, "W11")), "accepted");
    let other = visit("r59-2", "A01", "20260301100000", person, "W11X")
        .replace(&person.family(), "QUITE")
        .replace("SIU KEI", "DIFFERENT")
        .replace("19830112", "19500607")
        .replace("L00011", "L91011");
    assert_eq!(take(&hub, "r59-2", &other), "held IDENTITY_CONFLICT");
    assert!(!hub.record(person).contains("W11X"));
}

#[test]
fn r60_escapes_that_mean_nothing_stay_as_they_are_and_none_is_expanded_without_bound() {
    let (hub, person) = (hub(), Person(12));
    for (number, junk) in ["\\X4\\", "\\Z", "\\.sp99999999\\", "\\C2842\\", "open\\"].into_iter().enumerate() {
        let id = format!("r60-{number}");
        let text = result(&id, "20260301110000", person, "F", "ST", &format!("before {junk} after"));
        assert_eq!(take(&hub, &id, &text.replace("F-12", &format!("F-12-{number}"))), "accepted", "{junk}");
        let notes = hub.outcome(&id)["notes"].to_string();
        assert!(notes.contains("\"unknown-escape\"") && notes.contains("\"OBX-5\""), "{junk} is told: {notes}");
    }
    let record = hub.record(person);
    assert!(record.len() < 1 << 20, "nothing was blown up");
    for literal in ["X4", "C2842", "open"] {
        assert!(record.contains(literal), "{literal} is kept as it came: {record}");
    }
}

#[test]
fn r61_an_escaped_line_break_or_delimiter_is_text_and_never_structure() {
    let (hub, person) = (hub(), Person(13));
    let injected = "good\\X0D\\PID|1||INJECTED\\F\\x".replace('|', "\\F\\");
    assert_eq!(take(&hub, "r61", &result("r61", "20260301110000", person, "F", "ST", &injected)), "accepted");
    let record = hub.record(person);
    assert!(record.contains("INJECTED") && record.contains("good"), "kept as the text it is: {record}");
    let persons = hub.run(&["--json", "message", "trace", "r61"]).1;
    assert!(persons.contains("ORU^R01"), "{persons}");
}

#[test]
fn r64_a_document_whose_base64_is_broken_is_an_error_that_names_its_place_and_kept() {
    let (hub, person) = (hub(), Person(14));
    for (number, broken) in ["JVBERi0xLjQK!!!broken", "JVBERi0xLjQ", "JVBERi0xLj=K"].into_iter().enumerate() {
        let id = format!("r64-{number}");
        let text = result(&id, "20260301110000", person, "F", "ED", &format!("^application^PDF^Base64^{broken}"));
        let text = text.replace("OBX|1|ED", "OBX|0|ST|0^x^L||y||||||F\rOBX|1|ED");
        let answer = Peer::to(hub.plain).exchange(&text);
        refused(&answer, &format!("AE|{id}"), 102, "DOCUMENT_BROKEN");
        assert!(answer.contains("|OBX^2^5^1^5|") && !answer.contains("JVBER"), "{answer}");
        assert_eq!(hub.state(&id), "rejected DOCUMENT_BROKEN", "kept for whoever mends the sender");
    }
    assert!(!hub.record(person).contains("application/pdf"), "half a document is no document");
}

#[test]
fn r64_a_document_of_twelve_megabytes_is_stored_whole_as_what_its_bytes_are_and_a_program_is_not() {
    let (hub, person) = (hub(), Person(20));
    let script = "%PDF-1.4\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n%%EOF\n";
    let encode = |text: &str| {
        std::fs::write(hub.path("r64.bin"), text).expect("written");
        let ran =
            std::process::Command::new("base64").arg("-w0").arg(hub.path("r64.bin")).output().expect("base64 runs");
        String::from_utf8(ran.stdout).expect("ASCII")
    };
    let large = format!("%PDF-1.4\n{}\n%%EOF\n", "x".repeat(12_000_000));
    let letter = |id: &str, label: &str, content: &str| {
        format!(
            "{}EVN|T02|20260301100000+0800\r{}PV1|1|I|8A^^^QMH||||||||||||||||HN26000020A\r\
             TXA|1|DS|AP|20260228103000+0800||20260301090000+0800|||D001^CHEUNG^KA YAN^^^Dr|||{id}^DMS|||||AU||AV\r\
             OBX|1|ED|S^Summary^L||DMS^{label}^Base64^{}||||||F\r",
            header(id, "MDM^T02^MDM_T02"),
            person.pid(),
            encode(content)
        )
    };
    for (id, label, content) in [("r64-large", "application^PDF", large.as_str()), ("r64-script", "text^HTML", script)]
    {
        assert_eq!(take(&hub, id, &letter(id, label, content)), "accepted");
        let record = hub.record(person);
        assert!(
            record.contains("\"contentType\":\"application/pdf\""),
            "by its bytes, whatever it is called: {record}"
        );
        assert!(record.contains(&format!("\"size\":{}", content.len())), "{id} whole");
    }
    let page = letter("r64-page", "application^PDF", "<html><script>1</script>");
    take(&hub, "r64-page", &page);
    let notes = hub.outcome("r64-page")["notes"].to_string();
    assert!(notes.contains("document-type"), "a page is no document, whatever it is called: {notes}");
    let size = format!("\"size\":{}", "<html><script>1</script>".len());
    assert!(!hub.record(person).contains(&size), "nothing of it is stored");
}

#[test]
fn r65_a_pointer_is_never_followed_to_where_nobody_allowed_it() {
    let (hub, person) = (hub(), Person(15));
    let trap = TcpListener::bind("127.0.0.1:0").expect("listens");
    trap.set_nonblocking(true).expect("an option");
    let address = trap.local_addr().expect("an address");
    for (number, target) in [
        format!("http://{address}/latest/meta-data"),
        "file:///etc/passwd".to_owned(),
        format!("ftp://{address}/x.pdf"),
    ]
    .iter()
    .enumerate()
    {
        let id = format!("r65-{number}");
        let text = result(&id, "20260301110000", person, "F", "RP", target).replace("F-15", &format!("F-15-{number}"));
        assert_eq!(take(&hub, &id, &text), "held DOCUMENT_NOT_LISTED", "{target}");
    }
    let asked = trap.accept();
    assert_eq!(asked.expect_err("nobody came").kind(), std::io::ErrorKind::WouldBlock);
    assert!(!hub.record(person).contains("root:"));
}
