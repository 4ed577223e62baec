//! A clinic's spreadsheets through the real binary: tried, dropped into a folder or sent, and answered row by row.

use std::fs;
use std::path::Path;

use causeway_core::hl7v2::charset::Charset;

use super::clinics::{self, PERSON, example, messages};
use super::hub::{Hub, until};

pub(super) const HEADING: &str = "visit_number,visit_start,patient_number,document_kind,document_number,family,given,chinese_name,birth,sex,registration,disease,disease_code,\
    prescription_number,prescription_form,packs,days,herb,dose,unit,complaint";

/// A row with a visit of one herb.
pub(super) fn row(visit: &str, herb: &str, dose: &str) -> String {
    format!(
        "{visit},2026-03-01 09:30,C1,HKID,A123456(3),CHAN,Tai Man,陳大文,1983-01-14,M,000001,咳嗽,Z-D001,RX-{visit},decoction,3,3,{herb},{dose},g,"
    )
}

pub(super) fn spreadsheet(rows: &[String]) -> String {
    format!("{HEADING}\n{}\n", rows.join("\n"))
}

/// A hub with a folder for a clinic's files; `feed` stands in the feed's own section.
pub(super) fn hub(feed: &str) -> Hub {
    let hub = Hub::new();
    fs::create_dir(hub.path().join("in")).expect("a folder");
    let file = hub.path().join("causeway.toml");
    let text = fs::read_to_string(&file).expect("written by init");
    let provider =
        text.lines().find_map(|line| line.trim().strip_prefix("provider = ")).expect("a provider").to_owned();
    let door = format!(
        "\n[[cm_file_door]]\n[cm_file_door.pickup]\nfolder = \"in\"\nstill_for = \"0\"\nscan_every = \"20ms\"\n\
         [cm_file_door.feed]\nname = \"clinic\"\nprovider = {provider}\n{feed}\n"
    );
    fs::write(&file, text + &door).expect("written");
    let checked = hub.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    hub
}

/// Puts a file in as a careful sender does.
pub(super) fn put(hub: &Hub, name: &str, bytes: impl AsRef<[u8]>) {
    let unfinished = hub.file(&format!("in/{name}.part"), bytes.as_ref());
    fs::rename(unfinished, hub.path().join("in").join(name)).expect("renamed");
}

/// The file, once it is there.
pub(super) fn read(hub: &Hub, name: &str) -> String {
    let path = hub.path().join("in").join(name);
    let found = until(|| fs::read_to_string(&path).ok());
    found.unwrap_or_else(|| panic!("{name} never came: {:?}", listing(&hub.path().join("in"))))
}

fn listing(folder: &Path) -> Vec<String> {
    let below = |name: &str| fs::read_dir(folder.join(name)).into_iter().flatten().flatten();
    ["", "work", "done", "failed"].into_iter().flat_map(below).map(|entry| entry.path().display().to_string()).collect()
}

/// The lines of a result file behind its heading.
pub(super) fn results(text: &str) -> Vec<&str> {
    assert!(text.starts_with("\u{feff}first_row,last_row,status,trace,row,column,code,what,what_zh,fix\r\n"), "{text}");
    text.lines().skip(1).collect()
}

#[test]
fn a_practitioners_spreadsheet_is_tried_dropped_and_read_and_its_bad_rows_are_answered_by_row_and_column() {
    let mut hub = hub("charset = \"default:BIG-5\"");
    let rows = [
        row("V1", "麻黃", "6"),
        "V1,,,,,,,,,,,,,,,,,杏仁,9,克,".to_owned(),
        row("V2", "甘草", "-3"),
        row("V3", "甘草", "3"),
    ];
    let text = spreadsheet(&rows);
    let file = hub.file("visits.csv", text.as_bytes());
    let tested = hub.run(&["feed", "test", file.to_str().expect("UTF-8"), "--feed", "clinic"]);
    assert!(tested.code == Some(5) && tested.out.contains("row 4, dose"), "{tested:?}");
    let mapped = hub.run(&["--json", "map", file.to_str().expect("UTF-8"), "--feed", "clinic"]).lines();
    assert_eq!(mapped.iter().map(|one| one["faults"].as_array().map_or(0, Vec::len)).collect::<Vec<_>>(), [0, 1, 0]);
    let persons = hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", persons.to_str().expect("UTF-8"), "--join", "2025"]).code, Some(0));
    hub.start();
    let big5 = Charset::BIG5.encode(&text).expect("it has them all");
    put(&hub, "visits.csv", big5);
    let result = read(&hub, "failed/visits.csv.result.csv");
    let told = results(&result);
    assert_eq!(told.len(), 3, "{result}");
    assert!(told[0].starts_with("2,3,accepted,") && told[2].starts_with("5,5,accepted,"), "{result}");
    assert!(told[1].starts_with("4,4,rejected,,4,dose,out-of-range,"), "{result}");
    assert!(!result.contains("麻黃") && !result.contains("A123456"), "no value is repeated: {result}");
    assert_eq!(messages(&hub, 2).len(), 2);
    let listed = until(|| {
        let listed = hub.run(&["--json", "record", "list", "--person", "1", "--domain", "CMRX"]).lines();
        (listed.len() == 2).then_some(listed)
    });
    assert!(listed.is_some(), "{:?}", hub.run(&["message", "list"]));
    put(&hub, "corrected.csv", spreadsheet(&[row("V2", "甘草", "3"), row("V3", "甘草", "3")]));
    let result = read(&hub, "done/corrected.csv.result.csv");
    let told = results(&result);
    assert!(told[0].starts_with("2,2,accepted") && told[1].starts_with("3,3,resent"), "{result}");
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn a_hub_killed_in_mid_file_loses_nothing_and_doubles_nothing() {
    let mut hub = hub("");
    hub.start();
    let rows: Vec<_> = (0..3000).map(|number| row(&format!("V{number}"), "甘草", "3")).collect();
    put(&hub, "many.csv", spreadsheet(&rows));
    let begun = until(|| {
        let count = hub.get("/metrics").1;
        let line = count
            .lines()
            .find(|line| line.starts_with("causeway_messages_received_total") && line.contains("clinic"))?;
        line.rsplit(' ').next()?.parse::<f64>().ok().filter(|count| *count > 50.0)
    });
    assert!(begun.is_some_and(|count| count < 3000.0), "it was killed in the middle: {begun:?}");
    hub.kill();
    assert!(hub.path().join("in/work/many.csv").exists() && !hub.path().join("in/done/many.csv").exists());
    hub.start();
    let result = read(&hub, "done/many.csv.result.csv");
    let told = results(&result);
    let count = |status: &str| told.iter().filter(|line| line.split(',').nth(2) == Some(status)).count();
    assert_eq!((count("accepted") + count("resent"), told.len()), (3000, 3000));
    assert!(count("resent") > 0, "what was durable before is known");
    let metrics = |hub: &Hub| {
        let counted = hub.run(&["--json", "feed", "list"]).lines();
        counted.into_iter().find(|feed| feed["name"] == "clinic").expect("the feed")
    };
    let all = until(|| {
        let (feed, states) = (metrics(&hub), ["accepted", "withheld", "held"]);
        let sum: u64 = states.iter().filter_map(|state| feed[state].as_u64()).sum();
        (sum == 3000).then_some(())
    });
    assert!(all.is_some(), "{}", metrics(&hub));
}

#[test]
fn json_and_ndjson_files_are_answered_line_by_line_and_what_is_neither_is_put_aside() {
    let mut hub = hub("");
    hub.start();
    let record = example("smallest.json");
    put(&hub, "one.json", serde_json::to_string_pretty(&record).expect("JSON"));
    assert!(read(&hub, "done/one.json.result.ndjson").contains("\"accepted\""));
    put(&hub, "many.ndjson", format!("{record}\n{{\"format\":1}}\n{record}\n"));
    let result = read(&hub, "failed/many.ndjson.result.ndjson");
    let words: Vec<_> = result.lines().map(clinics::parsed).map(|one| clinics::status(&one).to_owned()).collect();
    assert_eq!(words, ["accepted", "rejected", "resent"]);
    put(&hub, "visits.xlsx", b"PK");
    assert!(read(&hub, "failed/visits.xlsx.reason").starts_with("FILE_NAME: "));
    put(&hub, "empty.csv", "");
    assert!(read(&hub, "failed/empty.csv.result.csv").contains("bad-row"));
    put(&hub, "heading.csv", HEADING);
    assert!(read(&hub, "failed/heading.csv.reason").starts_with("NO_RECORD: "));
    assert_eq!(messages(&hub, 2).len(), 2);
}

#[test]
fn a_spreadsheet_may_be_sent_by_http_and_its_template_is_there_to_be_fetched() {
    let (mut hub, address) = clinics::hub("", &clinics::with_token());
    hub.start();
    let text = spreadsheet(&[row("V1", "甘草", "3"), row("V2", "甘草", "many")]);
    let file = hub.file("visits.csv", text.as_bytes());
    let sent = hub.run(&[
        "send",
        "cm",
        file.to_str().expect("UTF-8"),
        "--to",
        &format!("http://{address}"),
        "--token",
        "open sesame",
    ]);
    assert!(sent.code == Some(5) && sent.out.contains("1 accepted") && sent.out.contains("row 3, dose"), "{sent:?}");
    for (path, begin) in [
        ("template.csv", "\u{feff}visit_number,"),
        ("template-zh.csv", "\u{feff}診症編號,"),
        ("example.csv", "\u{feff}visit_number,"),
        ("record.schema.json", "{"),
        ("openapi.json", "{"),
    ] {
        let (status, body) = clinics::fetch(address, &format!("/chinese-medicine/{path}"));
        assert!(status == 200 && body.starts_with(begin), "{path} {status}");
    }
    let example = hub.run(&["feed", "template", "--example"]);
    let file = hub.file("example.csv", example.out.as_bytes());
    let tested = hub.run(&["feed", "test", file.to_str().expect("UTF-8")]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    // The steps of README.md, with the files they name.
    let persons = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/chinese-medicine/persons.csv");
    let imported = hub.run(&["person", "import", persons.to_str().expect("UTF-8"), "--join", "2025"]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let to = format!("http://{address}");
    let sent = hub.run(&["send", "cm", file.to_str().expect("UTF-8"), "--to", &to, "--token", "open sesame"]);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    let listed = until(|| {
        let listed = hub.run(&["--json", "record", "list", "--person", "1"]).lines();
        ["CMDX", "CMRX", "CMPR"]
            .into_iter()
            .all(|domain| listed.iter().any(|one| one["domain"] == domain))
            .then_some(())
    });
    assert!(listed.is_some(), "{:?}", hub.run(&["message", "list"]));
}
