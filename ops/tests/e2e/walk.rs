//! The walk of messages through the real binary: from the first byte to the record or the reason.

use serde_json::Value;

use super::hub::{Hub, until};

/// Texts of the patient that must never be printed unasked.
const SECRETS: &[&str] = &["ZZ0000018", "YEUNG", "SIU KEI", "Siu Kei", "楊", "19830114", "1983-01-14", "L-998877"];

fn admission(id: &str) -> String {
    format!(
        "MSH|^~\\&|PAS|CBH|HUB|HKHUB|20260301100000+0800||ADT^A01^ADT_A01|{id}|P|2.5.1||||||UNICODE UTF-8\r\
         EVN|A01|20260301100000+0800\r\
         PID|1||ZZ0000018^^^HKSAR^HKID~L-998877^^^CBH^PI||YEUNG^SIU KEI^^^^^L^A~楊^小琪^^^^^L^I||19830114|M\r\
         PV1|1|I|MED3^01^1^CBH||||||||||||||||HN26000001A|||||||||||||||||||||||||20260301100000+0800\r\n\n"
    )
}

const PERSON: &str = "document_kind,document_number,family,given,chinese,birth,sex\n\
                      HKID,ZZ000001(8),YEUNG,Siu Kei,楊小琪,1983-01-14,M\n";

/// Waits until the message has this state.
fn settled(hub: &Hub, id: &str, state: &str) -> Value {
    let found = until(|| {
        let ran = hub.run(&["--json", "message", "trace", id]);
        (ran.code == Some(0)).then(|| ran.json()).filter(|message| message["state"] == state)
    });
    found.unwrap_or_else(|| panic!("{id} never was {state}: {:?}", hub.run(&["message", "trace", id])))
}

#[test]
fn what_was_withheld_is_taken_up_when_its_person_joins() {
    let mut hub = Hub::new();
    hub.start();
    let sent = hub.send("a.hl7", &admission("W1"));
    assert_eq!((sent.code, &sent.json()["by_code"]["AA"]), (Some(0), &1.into()), "{sent:?}");
    let withheld = settled(&hub, "W1", "withheld");
    assert_eq!(withheld["reason"], "NOT_REGISTERED");
    assert_eq!(withheld["versions"], Value::Array(Vec::new()), "nothing clinical is kept outside the log");

    hub.file("persons.csv", PERSON.as_bytes());
    let imported = hub.run(&["--json", "person", "import", "persons.csv", "--join", "2025"]);
    assert_eq!((imported.code, &imported.json()["joined"]), (Some(0), &1.into()), "{imported:?}");
    let accepted = settled(&hub, "W1", "accepted");
    let steps: Vec<_> = accepted["steps"].as_array().expect("steps").iter().map(|s| s["actor"].clone()).collect();
    assert_eq!(steps, ["router", "take-up"]);
    assert!(accepted["decisions"].as_array().expect("decisions").iter().all(|d| d["permit"] == true));

    let listed = hub.run(&["--json", "record", "list", "--person", "1"]);
    assert!(listed.lines().iter().any(|record| record["type"] == "Encounter"), "{listed:?}");
    let again = hub.run(&["--json", "person", "import", "persons.csv", "--join", "2025"]).json();
    assert_eq!((&again["added"], &again["known"], &again["joined"]), (&0.into(), &1.into(), &0.into()));
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn nothing_protected_is_printed_unasked_and_asking_is_audited() {
    let mut hub = Hub::new();
    hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
    hub.start();
    hub.send("a.hl7", &admission("P1"));
    settled(&hub, "P1", "accepted");
    for arguments in [
        &["message", "list"][..],
        &["message", "trace", "P1"],
        &["message", "show", "P1"],
        &["message", "show", "P1", "--raw"],
        &["--json", "message", "show", "P1"],
        &["person", "list"],
        &["--json", "person", "show", "1"],
        &["record", "list", "--person", "1"],
        &["--json", "record", "list", "--person", "1"],
        &["consent", "list", "1"],
        &["audit", "find"],
        &["status"],
        &["feed", "list"],
        &["doctor"],
    ] {
        let ran = hub.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?} {ran:?}");
        for secret in SECRETS {
            assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{secret} in {arguments:?}");
        }
    }
    for path in ["/metrics", "/api/v1/status", "/en/ops", "/en/ops/messages"] {
        let (status, body) = hub.get(path);
        assert_eq!(status, 200, "{path}");
        assert!(SECRETS.iter().all(|secret| !body.contains(secret)), "{path}");
    }
    let shown = hub.run(&["message", "show", "P1", "--raw", "--reveal"]);
    assert!(shown.out.contains("PID|1||ZZ0000018"), "{shown:?}");
    let audit = hub.run(&["--json", "audit", "find", "--action", "show-message"]).lines();
    assert_eq!((audit.len(), &audit[0]["entry"]["actor"]), (1, &"cli:tester".into()));
    let records = hub.run(&["--json", "record", "list", "--person", "1", "--reveal"]);
    assert!(records.lines().iter().any(|record| record["resource"]["resourceType"] == "Patient"), "{records:?}");
    assert_eq!(hub.run(&["audit", "verify"]).code, Some(0));
}

#[test]
fn every_surface_shows_the_same_numbers() {
    let mut hub = Hub::new();
    hub.start();
    let many: String = (0..30).map(|number| admission(&format!("N{number}"))).collect();
    let refused = admission("N30").replace("ADT^A01^ADT_A01", "ZZZ^Z01");
    let sent = hub.send("many.hl7", &(many + &refused));
    assert_eq!(sent.code, Some(5), "{sent:?}");
    assert_eq!((&sent.json()["answered"], &sent.json()["unanswered"]), (&31.into(), &0.into()));
    let feed = |status: &Value| {
        let feed = &status["feeds"][0];
        ["accepted", "withheld", "held", "rejected"].map(|state| feed[state].as_u64().expect("a count"))
    };
    let status = until(|| {
        let status: Value = serde_json::from_str(&hub.get("/api/v1/status").1).expect("JSON");
        (feed(&status).iter().sum::<u64>() == 31).then_some(status)
    });
    let status = status.expect("all outcomes");
    assert_eq!(feed(&status), [0, 30, 0, 1]);
    let told = hub.run(&["status", "--json"]);
    assert_eq!((told.code, feed(&told.json())), (Some(0), feed(&status)));
    let metrics = hub.get("/metrics").1;
    for line in [
        "causeway_outcomes_total{feed=\"catch-all\",state=\"withheld\"} 30",
        "causeway_outcomes_total{feed=\"catch-all\",state=\"rejected\"} 1",
        "causeway_feed_up{feed=\"catch-all\",protocol=\"mllp\"} 1",
        "causeway_consumer_lag_messages{group=\"router\",topic=\"envelopes\"} 0",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line} is missing");
    }
    assert_eq!((hub.get("/livez").0, hub.get("/readyz").0), (200, 200));
    assert_eq!(hub.stop(), Some(0));
    let offline = hub.run(&["status", "--json"]);
    assert_eq!((offline.code, feed(&offline.json())), (Some(1), feed(&status)), "{offline:?}");
}

#[test]
fn a_paused_feed_is_told_to_come_back_and_goes_on_when_it_is_resumed() {
    let mut hub = Hub::new();
    hub.start();
    assert_eq!(hub.run(&["feed", "pause", "catch-all"]).code, Some(0));
    let refused = until(|| Some(hub.send("a.hl7", &admission("F1"))).filter(|ran| ran.code == Some(5)));
    let refused = refused.expect("refused").json();
    assert_eq!((&refused["by_code"]["AE"], &refused["refused"][0]["error"]), (&1.into(), &"207".into()), "{refused}");
    assert_eq!(hub.run(&["feed", "resume", "catch-all"]).code, Some(0));
    let taken = until(|| Some(hub.send("a.hl7", &admission("F2"))).filter(|ran| ran.code == Some(0)));
    assert!(taken.is_some());
    let meant = hub.run(&["feed", "pause", "catchall"]);
    assert!(meant.code == Some(1) && meant.err.contains("did you mean `catch-all`?"), "{meant:?}");
}

#[test]
fn held_messages_are_repaired_replayed_and_discarded() {
    let mut hub = Hub::new();
    let other = PERSON.replace("1983-01-14", "1983-01-15");
    hub.file("persons.csv", other.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
    hub.start();
    hub.send("a.hl7", &(admission("H1") + &admission("H2")));
    assert_eq!(settled(&hub, "H1", "held")["reason"], "IDENTITY_REVIEW");
    settled(&hub, "H2", "held");

    assert_eq!(hub.run(&["person", "correct", "1", "--birth", "1983-01-14"]).code, Some(0));
    let preview = hub.run(&["--json", "message", "replay", "H1"]);
    assert_eq!(
        (preview.code, &preview.json()["done"], &preview.json()["states"]["accepted"]),
        (Some(0), &false.into(), &1.into())
    );
    assert_eq!(hub.run(&["--json", "message", "trace", "H1"]).json()["state"], "held", "a preview changes nothing");
    let done = hub.run(&["--json", "message", "replay", "H1", "--yes"]).json();
    assert!(done["new"].as_u64().expect("a count") >= 2, "{done}");
    settled(&hub, "H1", "accepted");
    let twice = hub.run(&["--json", "message", "replay", "H1", "--yes"]).json();
    assert_eq!((&twice["new"], &twice["updated"]), (&0.into(), &0.into()), "a replay cannot duplicate anything");

    assert_eq!(hub.run(&["message", "replay"]).code, Some(2), "nothing is replayed by accident");
    assert_eq!(hub.run(&["message", "discard", "H2", "--comment", "sent by mistake"]).code, Some(0));
    let discarded = settled(&hub, "H2", "discarded");
    assert!(discarded["steps"].to_string().contains("sent by mistake"));
    assert_eq!(hub.run(&["message", "discard", "H1", "--comment", "no"]).code, Some(1), "accepted ones stay");
}

#[test]
fn a_second_hub_is_kept_out_and_a_backup_can_be_put_back() {
    let mut hub = Hub::new();
    hub.start();
    hub.send("a.hl7", &admission("B1"));
    settled(&hub, "B1", "withheld");
    let second = hub.run(&["serve"]);
    assert_eq!(second.code, Some(1));
    assert!(second.err.contains("CW0301"), "{second:?}");
    let backup = hub.run(&["--json", "db", "backup", "copy.db"]);
    assert_eq!(backup.code, Some(0), "{backup:?}");
    hub.send("b.hl7", &admission("B2"));
    settled(&hub, "B2", "withheld");
    assert_eq!(hub.run(&["db", "restore", "copy.db", "--yes"]).code, Some(1), "not under a running hub");
    assert_eq!(hub.stop(), Some(0));
    assert_eq!(hub.run(&["db", "restore", "copy.db"]).code, Some(2), "not without --yes");
    let restored = hub.run(&["db", "restore", "copy.db", "--yes"]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    assert_eq!(hub.run(&["message", "trace", "B2"]).code, Some(1), "the backup is older");
    hub.start();
    settled(&hub, "B2", "withheld");
    assert_eq!(hub.run(&["--json", "message", "list"]).lines().len(), 2, "the log gave it again, once");
    assert_eq!(hub.run(&["log", "verify"]).code, Some(0));
    assert_eq!(hub.run(&["db", "status"]).code, Some(0));
}

#[test]
fn a_log_that_lost_acknowledged_messages_stops_the_hub_with_74_and_says_what_to_do() {
    let mut hub = Hub::new();
    let hub_log = hub.path().join("data/log");
    let log = |name: &str| hub_log.join(name);
    hub.start();
    hub.send("a.hl7", &admission("D1"));
    settled(&hub, "D1", "withheld");
    assert_eq!(hub.stop(), Some(0));
    let older = ["log.db", "log.db-wal"].map(|name| (name, std::fs::read(log(name)).ok()));
    hub.start();
    hub.send("b.hl7", &admission("D2"));
    settled(&hub, "D2", "withheld");
    assert_eq!(hub.stop(), Some(0));
    // As after a disk that lied, or a file put back from an older copy.
    for (name, bytes) in older {
        match bytes {
            Some(bytes) => std::fs::write(log(name), bytes).expect("written"),
            None => drop(std::fs::remove_file(log(name))),
        }
    }
    drop(std::fs::remove_file(log("log.db-shm")));
    let ran = hub.run(&["serve"]);
    assert_eq!(ran.code, Some(74), "{ran:?}");
    assert!(ran.err.contains("CW0304") && ran.err.contains("causeway log verify"), "{ran:?}");
    assert_eq!(hub.run(&["doctor"]).code, Some(1));
}

fn report(id: &str) -> String {
    format!(
        "MSH|^~\\&|LIS|CBH|HUB|HKHUB|20260301100000+0800||ORU^R01^ORU_R01|{id}|P|2.5.1||||||UNICODE UTF-8\r\
         PID|1||ZZ0000018^^^HKSAR^HKID||YEUNG^SIU KEI||19830114|M\r\
         OBR|1|P-25|F-{id}|11502-2^Laboratory report^LN|||20260301080000+0800|||||||||||||||20260301090000+0800||LAB|F\r\
         OBX|1|ED|11502-2^Laboratory report^LN||LIS^Application^PDF^Base64^JVBERi0xLjQKJSVFT0YK||||||F\r\n\n"
    )
}

#[test]
fn a_document_is_stored_with_its_permitted_record_and_read_with_an_audited_grant() {
    let mut hub = Hub::new();
    hub.start();
    hub.send("a.hl7", &report("D1"));
    settled(&hub, "D1", "withheld");
    let files = || {
        let shards = std::fs::read_dir(hub.path().join("data/blobs")).expect("a folder").map_while(Result::ok);
        let shards = shards.filter(|shard| shard.file_name() != "unfinished");
        shards.map(|shard| std::fs::read_dir(shard.path()).expect("a shard").count()).sum::<usize>()
    };
    assert_eq!(files(), 0, "nothing clinical is kept outside the log of what is withheld");
    hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
    settled(&hub, "D1", "accepted");
    assert_eq!(files(), 1);

    let records = hub.run(&["--json", "record", "list", "--person", "1", "--reveal"]).lines();
    let pointing = |record: &&Value| record["resource"].to_string().contains("Binary/");
    let record = records.iter().find(pointing).expect("a record that points to its document");
    let key = record["key"].as_str().expect("a key");
    let read = hub.run(&["--json", "record", "document", "--key", key, "--out", "report.pdf"]);
    assert_eq!((read.code, &read.json()["bytes"]), (Some(0), &15.into()), "{read:?}");
    assert_eq!(std::fs::read(hub.path().join("report.pdf")).expect("written"), b"%PDF-1.4\n%%EOF\n");
    let audit = hub.run(&["--json", "audit", "find", "--action", "read-document"]).lines();
    assert_eq!((audit.len(), &audit[0]["entry"]["actor"]), (1, &"cli:tester".into()));
    let again = hub.run(&["record", "document", "--key", key, "--out", "report.pdf"]);
    assert_eq!(again.code, Some(1), "a file that is there is left alone: {again:?}");
    let nobody = hub.run(&["record", "document", "--key", "DocumentReference/x/y", "--out", "other.pdf"]);
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    let metrics = hub.get("/metrics").1;
    assert!(metrics.contains("causeway_blob_bytes_total{operation=\"write\"} 15"), "{metrics}");
    assert!(hub.get("/readyz").1.contains("blobs-work"));
    assert_eq!(hub.stop(), Some(0));
}
