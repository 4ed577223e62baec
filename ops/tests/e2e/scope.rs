//! What a provider may share, and from which day on, by domain and by service location: on the real binary.

use serde_json::Value;

use super::hub::{Hub, until};

const PERSON: &str = "document_kind,document_number,family,given,chinese,birth,sex\n\
                      HKID,ZZ000001(8),YEUNG,Siu Kei,楊小琪,1983-01-14,M\n";

/// An admission at a location: PV1-3.4, and MSH-4.
fn admission(id: &str, ward: &str, facility: &str) -> String {
    format!(
        "MSH|^~\\&|PAS|{facility}|HUB|HKHUB|20260301100000+0800||ADT^A01^ADT_A01|{id}|P|2.5.1||||||UNICODE UTF-8\r\
         EVN|A01|20260301100000+0800\r\
         PID|1||ZZ0000018^^^HKSAR^HKID~L-998877^^^CBH^PI||YEUNG^SIU KEI^^^^^L^A||19830114|M\r\
         PV1|1|I|{ward}||||||||||||||||HN{id}|||||||||||||||||||||||||20260301100000+0800\r\n\n"
    )
}

/// The message, when it has the state.
fn settled(hub: &Hub, id: &str, state: &str) -> Value {
    let found = until(|| {
        let ran = hub.run(&["--json", "message", "trace", id]);
        (ran.code == Some(0)).then(|| ran.json()).filter(|message| message["state"] == state)
    });
    found.unwrap_or_else(|| panic!("{id} never was {state}: {:?}", hub.run(&["message", "trace", id])))
}

fn done(hub: &Hub, arguments: &[&str]) {
    let ran = hub.run(arguments);
    assert_eq!(ran.code, Some(0), "{arguments:?} {ran:?}");
}

#[test]
fn a_location_shares_from_its_own_day_on_and_what_waited_for_it_is_taken_up() {
    let mut hub = Hub::new();
    hub.file("persons.csv", PERSON.as_bytes());
    done(&hub, &["person", "import", "persons.csv", "--join", "2025"]);
    let provider = hub.run(&["--json", "provider", "list"]).lines()[0]["id"].as_str().expect("an id").to_owned();
    done(&hub, &["scope", "disable", &provider, "all"]);
    done(&hub, &["scope", "enable", &provider, "all", "--from", "2026-01-01", "--location", "EAST"]);
    hub.start();
    hub.send("a.hl7", &admission("S1", "MED3^01^1^EAST", "HEAD"));
    hub.send("b.hl7", &admission("S2", "MED3^01^1^WEST", "HEAD"));
    hub.send("c.hl7", &admission("S3", "MED3", "EAST"));
    settled(&hub, "S1", "accepted");
    assert_eq!(settled(&hub, "S2", "withheld")["reason"], "OUT_OF_SCOPE");
    settled(&hub, "S3", "accepted");

    // A day that is still to come keeps a location out, whatever the provider's own.
    done(&hub, &["scope", "enable", &provider, "PERS", "ENCT", "--from", "2026-01-01"]);
    settled(&hub, "S2", "accepted");
    done(&hub, &["scope", "enable", &provider, "PERS", "ENCT", "--from", "2026-03-02", "--location", "WEST"]);
    hub.send("d.hl7", &admission("S4", "MED3^01^1^WEST", "HEAD"));
    assert_eq!(settled(&hub, "S4", "withheld")["reason"], "SCOPE_DATE");
    done(&hub, &["scope", "enable", &provider, "PERS", "ENCT", "--from", "2026-03-01", "--location", "WEST"]);
    settled(&hub, "S4", "accepted");

    let shown = hub.run(&["provider", "show", &provider]);
    let line = |words: [&str; 3]| shown.out.lines().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(line(["ENCT", "WEST", "2026-03-01"]) && line(["ENCT", "all others", "2026-01-01"]), "{}", shown.out);
    let shown = hub.run(&["--json", "provider", "show", &provider]).json();
    assert_eq!(shown["locations"]["EAST"]["LABR"], "2026-01-01");
    let explained = |location: &str| {
        let asked = ["consent", "explain", "1", "--provider", &provider, "--domain", "LABR", "--location", location];
        hub.run(&asked).code
    };
    assert_eq!((explained("EAST"), explained("WEST"), explained("")), (Some(0), Some(6), Some(6)));
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn providers_are_imported_with_the_days_of_their_locations() {
    let hub = Hub::new();
    let good = r#"{"id":"1000000001","name":"Clinic","kind":"clinic","status":"registered","domains":{"PERS":"2024-01-01"},"locations":{"EAST":{"LABR":"2025-01-01"}}}"#;
    let bad = r#"{"id":"1000000002","name":"Clinic","kind":"clinic","status":"registered","locations":{" ":{"LABR":"2025-01-01"}}}"#;
    hub.file("providers.jsonl", format!("{good}\n{bad}\n").as_bytes());
    let imported = hub.run(&["--json", "provider", "import", "providers.jsonl"]);
    assert_eq!((imported.code, &imported.json()["stored"]), (Some(5), &1.into()), "{imported:?}");
    assert!(imported.json()["bad"][0]["why"].as_str().expect("why").contains("location"), "{imported:?}");
    let shown = hub.run(&["--json", "provider", "show", "1000000001"]).json();
    assert_eq!(shown["locations"], serde_json::json!({ "EAST": { "LABR": "2025-01-01" } }));
}
