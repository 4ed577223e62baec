//! Local codes that no table knows: listed, counted, and given their meaning by a better table and a replay.

use serde_json::{Value, json};

use super::hub::{Hub, until};

const PERSON: &str = "document_kind,document_number,family,given,chinese,birth,sex\n\
                      HKID,ZZ000001(8),YEUNG,Siu Kei,楊小琪,1983-01-14,M\n";
const TABLE: &str = "system,code,target_system,target_code,target_display,source\n\
                     L,ZGLU,urn:example:terms,T-GLU,Glucose,the laboratory\n";

fn result(id: &str, codes: &[&str]) -> String {
    let observed: String = codes
        .iter()
        .zip(1..)
        .map(|(code, number)| format!("OBX|{number}|NM|{code}^Called {code}^L||5.8|mmol/L|||||F\r"))
        .collect();
    format!(
        "MSH|^~\\&|LIS|CBH|HUB|HKHUB|20260301100000+0800||ORU^R01^ORU_R01|{id}|P|2.5.1||||||UNICODE UTF-8\r\
         PID|1||ZZ0000018^^^HKSAR^HKID~L-998877^^^CBH^PI||YEUNG^SIU KEI^^^^^L^A||19830114|M\r\
         OBR|1|P{id}|F{id}|2345-7^Glucose^LN|||20260301083000+0800|||||||||||||||20260301085500+0800||CH|F\r\
         {observed}\r\n\n"
    )
}

/// Waits until the hub has accepted so many messages.
fn accepted(hub: &Hub, wanted: u64) {
    let count = || hub.run(&["status", "--json"]).json()["feeds"][0]["accepted"].as_u64();
    assert!(until(|| (count() == Some(wanted)).then_some(())).is_some(), "{:?}", hub.run(&["message", "list"]));
}

/// Code, count and whether a table knows it, of what is listed.
fn listed(hub: &Hub, more: &[&str]) -> Vec<(Value, Value, Value)> {
    let ran = hub.run(&[&["--json", "feed", "codes", "--unmapped"], more].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.lines().into_iter().map(|row| (row["code"].clone(), row["count"].clone(), row["known"].clone())).collect()
}

/// The codings of the observations of a code, the newest version first.
fn codings(hub: &Hub, code: &str) -> Vec<Value> {
    let ran = hub.run(&["--json", "record", "list", "--person", "1", "--domain", "LABR", "--history", "--reveal"]);
    let all = ran.lines().into_iter().map(|row| row["resource"]["code"]["coding"].clone());
    all.filter(|coding| coding[0]["code"] == code).collect()
}

#[test]
fn an_unknown_code_is_listed_and_gets_its_meaning_by_a_better_table_and_a_replay() {
    let mut hub = Hub::new();
    let config = std::fs::read_to_string(hub.path().join("causeway.toml")).expect("the configuration");
    assert!(config.contains("name = \"catch-all\"\n"), "{config}");
    let config = config.replace("name = \"catch-all\"\n", "name = \"catch-all\"\ncode_tables = [\"lab.csv\"]\n");
    hub.file("causeway.toml", config.as_bytes());
    hub.file("lab.csv", TABLE.lines().next().expect("a heading").as_bytes());
    hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
    hub.start();
    hub.send("a.hl7", &(result("C1", &["ZGLU", "ZNA"]) + &result("C2", &["ZGLU"])));
    accepted(&hub, 2);
    let unknown = [(json!("ZGLU"), json!(2), json!(false)), (json!("ZNA"), json!(1), json!(false))];
    assert_eq!(listed(&hub, &[]), unknown);
    let page = hub.get("/en/ops/codes").1;
    assert!(page.contains("<code>ZGLU</code>") && page.contains("Called ZNA"), "{page}");
    assert!(!page.contains("YEUNG") && !page.contains("L-998877"), "a list of codes names nobody");
    assert!(hub.get("/zh-hant/ops/codes").1.contains("<code>ZNA</code>"));
    assert_eq!(hub.stop(), Some(0));

    hub.file("lab.csv", TABLE.as_bytes());
    assert_eq!(hub.run(&["check"]).code, Some(0));
    assert_eq!(listed(&hub, &[]), unknown[1..], "what a table knows today is left out");
    assert_eq!(listed(&hub, &["--all"])[0], (json!("ZGLU"), json!(2), json!(true)));
    hub.start();
    let before = codings(&hub, "ZGLU");
    assert!(before.len() == 2 && before.iter().all(|coding| coding[1].is_null()), "{before:?}");
    let unknown = hub.run(&["message", "replay", "--feed", "catch-al", "--yes"]);
    assert!(unknown.code == Some(1) && unknown.err.contains("did you mean `catch-all`?"), "{unknown:?}");
    let replayed = hub.run(&["message", "replay", "--feed", "catch-all", "--yes"]);
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
    let after = until(|| {
        let now = codings(&hub, "ZGLU");
        (now.iter().filter(|coding| coding[1]["code"] == "T-GLU").count() == 2).then_some(now)
    });
    let after = after.unwrap_or_else(|| panic!("{:?}", codings(&hub, "ZGLU")));
    assert_eq!(after.len(), 4, "each record keeps the version it had: {after:?}");
    assert_eq!(codings(&hub, "ZNA").len(), 1, "what changes nothing is no version");
    assert_eq!(listed(&hub, &["--all"])[0], (json!("ZGLU"), json!(2), json!(true)), "a replay counts nothing again");
    assert!(!hub.get("/en/ops/codes").1.contains("<code>ZGLU</code>"));
    assert_eq!(hub.stop(), Some(0));
}
