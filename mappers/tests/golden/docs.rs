//! docs/messages.md and the tables of docs/fhir.md are written from the code, and the code does what its tables say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use causeway_core::envelope::{FeedName, Format};
use causeway_core::feed::FeedSettings;
use causeway_core::feed::dialect::Dialect;
use causeway_core::mapped::Mapped;
use causeway_core::provider::ProviderId;
use causeway_core::scope::Domain;
use causeway_mappers::hl7v2::note::NoteCode;
use causeway_mappers::hl7v2::profile::{SegmentUse, Usage};
use causeway_mappers::hl7v2::{self, SEGMENTS, Trigger, triggers};
use jiff::Timestamp;

use crate::case::{Case, cases};
use crate::statement::statement;

fn document(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

/// Compares a document with what it should be, or rewrites it.
fn hold(name: &str, wanted: &str) {
    let path = document(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, wanted).expect("the document");
        return;
    }
    let stands = fs::read_to_string(path).unwrap_or_default();
    let differs = stands.lines().zip(wanted.lines()).position(|(a, b)| a != b);
    assert!(stands == wanted, "docs/{name} is stale from line {differs:?}: UPDATE_EXPECT=1 rewrites it");
}

#[test]
fn the_list_of_messages_is_what_the_code_says() {
    hold("messages.md", &statement());
}

#[test]
fn the_tables_of_fhir_are_what_the_code_says() {
    let stands = fs::read_to_string(document("fhir.md")).expect("docs/fhir.md");
    let with = |text: &str, mark: &str, inside: &str| {
        let (begin, end) = (format!("<!-- begin {mark} -->\n"), format!("<!-- end {mark} -->\n"));
        let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("docs/fhir.md has no {begin}"));
        let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("docs/fhir.md has no {end}"));
        format!("{before}{begin}{inside}{end}{after}")
    };
    let minimum = minimum_elements();
    let text = with(&with(&stands, "fields", &fields()), "code tables", &code_tables());
    let text = with(&text, "minimum elements", &minimum);
    hold("fhir.md", &with(&text, "domains", &domains()));
}

fn minimum_elements() -> String {
    let mut text = String::from("| domain | element | needed | why |\n| --- | --- | --- | --- |\n");
    for line in include_str!("../../src/minimum_elements.csv").lines().skip(2) {
        let [domain, _, element, _, need, status, why] = line.splitn(7, ',').collect::<Vec<_>>()[..] else {
            panic!("seven columns: {line}");
        };
        let needed = match (need, status) {
            ("must", "") => "yes".to_owned(),
            ("must", status) => format!("when {status}"),
            _ => "no".to_owned(),
        };
        row(&mut text, &[domain, &format!("`{element}`"), &needed, why]);
    }
    text
}

#[test]
fn every_key_of_a_profile_is_told_of() {
    let text = fs::read_to_string(document("profiles.md")).expect("docs/profiles.md");
    let all = Dialect { charset: Dialect::parse("charset = \"BIG-5\"").expect("one").charset, ..Dialect::default() };
    let value = serde_json::to_value(all).expect("JSON");
    let keys = value.as_object().expect("keys").iter().flat_map(|(section, value)| match value.as_object() {
        Some(inner) => inner.keys().map(|key| format!("{section}.{key}")).collect(),
        None => vec![section.clone()],
    });
    let untold: Vec<String> = keys.filter(|key| !text.contains(&format!("`{key}`"))).collect();
    assert!(untold.is_empty(), "docs/profiles.md does not tell of {untold:?}");
}

/// A line for each resource of a domain, as the golden cases make them.
fn domains() -> String {
    let mut made: BTreeMap<(Domain, String), (BTreeSet<u8>, BTreeSet<String>)> = BTreeMap::new();
    for case in cases() {
        for record in case.map().iter().flat_map(|mapped| &mapped.records) {
            let (ranks, names) = made.entry((record.domain, record.key.resource_type().to_owned())).or_default();
            ranks.insert(record.clock.rank);
            names.insert(case.name.clone());
        }
    }
    let mut text = String::from(
        "\n| domain | least level | resource | ranks | cases | as in |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for ((domain, resource), (ranks, names)) in &made {
        let ranks: Vec<String> = ranks.iter().map(u8::to_string).collect();
        let level = serde_json::to_value(domain.minimum()).expect("JSON");
        let first = names.first().map(|name| format!("`{name}`")).unwrap_or_default();
        let about = format!("{} {}", domain.code(), domain.name());
        let level = level.as_str().unwrap_or_default();
        row(&mut text, &[&about, level, resource, &ranks.join(" "), &names.len().to_string(), &first]);
    }
    text.push('\n');
    text
}

#[test]
fn the_table_of_records_knows_every_resource_of_every_domain() {
    let text = fs::read_to_string(document("fhir.md")).expect("docs/fhir.md");
    let (_, table) = text.split_once("## Records\n").expect("the section");
    let (table, _) = table.split_once("## ").expect("a section after it");
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(" | ").collect()).collect();
    let knows = |resource: &str, domain: &str| {
        rows.iter().any(|cells| {
            let [first, second, ..] = cells.as_slice() else { return false };
            let named = first.trim_start_matches("| ").split(", ").any(|name| name == resource);
            // An observation is of the domain of what it belongs to.
            named && (second.contains(domain) || second.starts_with("as "))
        })
    };
    for case in cases() {
        for record in case.map().iter().flat_map(|mapped| &mapped.records) {
            let (resource, domain) = (record.key.resource_type(), record.domain.code());
            assert!(knows(resource, domain), "{}: docs/fhir.md does not tell of {resource} as {domain}", case.name);
        }
    }
}

fn fields() -> String {
    let mut text = String::new();
    for segment in SEGMENTS {
        let ig = if segment.ig.is_empty() { "none" } else { segment.ig };
        write!(text, "\n### {}, {}\n\nSegment maps of the guide: {ig}.\n\n", segment.name, segment.title)
            .expect("text");
        text.push_str("| field | goes to | differs from the guide |\n| --- | --- | --- |\n");
        for field in segment.fields.iter().filter(|field| !field.target.is_empty() || !field.deviation.is_empty()) {
            let target = if field.target.is_empty() { "nowhere" } else { field.target };
            row(&mut text, &[&format!("{}-{} {}", segment.name, field.number, field.name), target, field.deviation]);
        }
    }
    text
}

fn code_tables() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/codes");
    let files = fs::read_dir(folder).expect("the code tables").map(|file| file.expect("a file").path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "csv")).collect();
    files.sort();
    let mut text = String::from("\n| file | rows | source |\n| --- | --- | --- |\n");
    for path in files {
        let csv = fs::read_to_string(&path).expect("a code table");
        let source = csv.lines().next().unwrap_or_default().trim_start_matches("# ");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        row(&mut text, &[&format!("`{name}`"), &csv.lines().skip(2).count().to_string(), source]);
    }
    text.push('\n');
    text
}

pub(crate) fn row(text: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    writeln!(text, "| {} |", cells.join(" | ").replace("|  |", "| |")).expect("text");
}

#[test]
fn every_code_of_a_note_is_seen_in_some_case() {
    let seen: BTreeSet<String> =
        cases().iter().flat_map(Case::map).flat_map(|mapped| mapped.notes).map(|note| note.code).collect();
    let unseen: Vec<&str> =
        NoteCode::ALL.iter().map(|code| code.as_str()).filter(|code| !seen.contains(*code)).collect();
    // Its own test makes the very many notes it takes.
    assert_eq!(unseen, ["too-many-notes"]);
}

#[test]
fn every_used_field_has_a_value_in_some_case() {
    let mut valued: BTreeSet<(String, usize)> = BTreeSet::new();
    for case in cases() {
        for message in case.messages() {
            for line in String::from_utf8_lossy(message).split(['\r', '\n']) {
                let fields = line.split('|').enumerate().filter(|(_, value)| !matches!(*value, "" | "\"\""));
                let name = line.get(..3).unwrap_or_default();
                let first = usize::from(name == "MSH");
                valued.extend(fields.map(|(number, _)| (name.to_owned(), number + first)));
            }
        }
    }
    let used = SEGMENTS.iter().flat_map(|segment| {
        let fields = segment.fields.iter().filter(|field| field.usage != Usage::Kept);
        fields.map(|field| (segment.name.to_owned(), field.number))
    });
    let missing: Vec<_> = used.filter(|field| !valued.contains(field)).collect();
    assert!(missing.is_empty(), "no case has {missing:?}");
}

/// The number of the last field that is tried in every segment: no version of the standard has more in those we read.
const LAST: usize = 56;

#[test]
fn the_tables_say_what_the_code_reads() {
    for segment in SEGMENTS.iter().filter(|segment| segment.name != "MSH") {
        // A unit has a place beside a number only.
        let value = |number: usize, section: &'static str| match (segment.name, number) {
            ("OBX", 2) => "NM",
            ("OBX", 5) => "1",
            // A dose without a time, and one of which it cannot be told whether it was given, are no records.
            ("RXA", 3) => "20260101",
            ("RXA", 20) => "CP",
            ("OBR", 24) => section,
            _ => "X",
        };
        // Of a report on images more is read, but no specimen.
        let full = |section| {
            let values: Vec<&str> = (1..=LAST).map(|number| value(number, section)).collect();
            format!("{}|{}", segment.name, values.join("|"))
        };
        // A field is used when one of the events uses it: an order's number of refills says nothing in a result.
        let mapped: Vec<Mapped> = ["RAD", "CH"]
            .into_iter()
            .flat_map(|section| taking(segment).map(move |trigger| (trigger, section)))
            .map(|(trigger, section)| map(&message_with(trigger, segment, &full(section))))
            .collect();
        let is_ignored = |number: usize| mapped.iter().all(|mapped| is_noted(mapped, segment.name, number));
        let ignored: BTreeSet<usize> = (1..=LAST).filter(|number| is_ignored(*number)).collect();
        let listed: BTreeSet<usize> = segment.fields.iter().map(|field| field.number).collect();
        let expected: BTreeSet<usize> = (1..=LAST).filter(|number| !listed.contains(number)).collect();
        let wrong: Vec<_> = ignored.symmetric_difference(&expected).collect();
        assert!(wrong.is_empty(), "{}: the table and the code do not agree on {wrong:?}", segment.name);
    }
}

#[test]
fn a_required_field_without_a_value_is_a_fault() {
    for segment in SEGMENTS.iter().filter(|segment| segment.name != "MSH") {
        for field in segment.fields.iter().filter(|field| field.usage == Usage::Required) {
            // Numbers of a patient may stand in PID-2 and PID-4 instead.
            let blank = |number: usize| number == field.number || (segment.name == "PID" && [2, 4].contains(&number));
            let values: Vec<&str> = (1..=LAST).map(|number| if blank(number) { "" } else { "X" }).collect();
            let line = format!("{}|{}", segment.name, values.join("|"));
            let place = format!("{}-{}", segment.name, field.number);
            for trigger in taking(segment) {
                let mapped = map(&message_with(trigger, segment, &line));
                let (code, event) = (trigger.code, trigger.event);
                let found = mapped.faults.iter().any(|fault| fault.place == place);
                assert!(found, "{code}^{event}, {place}: {:?}", mapped.faults);
            }
        }
    }
}

#[test]
fn a_required_segment_that_is_missing_is_a_fault() {
    for trigger in triggers() {
        let mapped = map(&format!("MSH|^~\\&|A|B|||2026||{}^{}|1|P|2.5\rZZZ|1\r", trigger.code, trigger.event));
        let missing: Vec<&str> = mapped.faults.iter().map(|fault| fault.place.as_str()).collect();
        assert_eq!(missing, trigger.required, "{}^{}", trigger.code, trigger.event);
        assert_eq!(mapped.records.len(), 0);
    }
}

/// The events that take a segment, but for those of two patients, which have their own cases (`link-faults`).
fn taking(segment: &SegmentUse) -> impl Iterator<Item = &'static Trigger> {
    let name = segment.name;
    let of_one = triggers().filter(|trigger| !matches!(trigger.event, "A24" | "A37"));
    of_one.filter(move |trigger| trigger.required.contains(&name) || trigger.optional.contains(&name))
}

/// A message of an event that takes the segment, with everything around it that it needs.
pub(crate) fn message_with(trigger: &Trigger, segment: &SegmentUse, line: &str) -> String {
    if matches!(trigger.code, "OMP" | "RDE" | "RDS" | "RAS" | "ORM" | "VXU") {
        return order_with(trigger, segment, line);
    }
    let mut lines = vec![format!("MSH|^~\\&|A|B|||20260101||{}^{}|1|P|2.5", trigger.code, trigger.event)];
    let mut add = |name: &str, minimal: &str| {
        if segment.name == name {
            lines.push(line.to_owned());
        } else if trigger.required.contains(&name) || (name == "OBX" && segment.name == "NTE") {
            lines.push(minimal.to_owned());
        }
    };
    add("EVN", "");
    add("RF1", "RF1||||||R1");
    add("SCH", "SCH||A1|||||||30|MIN|^^^20260101100000");
    add("TQ1", "");
    add("PID", "PID|1||H1^^^QMH^MR");
    ["PD1", "NK1", "MRG"].iter().for_each(|name| add(name, "MRG|H2||||V8|V9"));
    add("PV1", "PV1|1|I||||||||||||||||||V1");
    ["PV2", "ROL", "AL1"].iter().for_each(|name| add(name, ""));
    add("IAM", "IAM|1||A^A^L");
    ["PRD", "PRB"].iter().for_each(|name| add(name, "PRB|AD|20260101|A^A^L|PB1"));
    ["DG1", "PR1", "ORC"].iter().for_each(|name| add(name, ""));
    add("OBR", "OBR|1|P1|F1|A^A^L");
    add("TXA", "TXA|1|PN||||||||||D1");
    add("OBX", "OBX|1|NM|A^A^L||1||||||F");
    ["NTE", "SPM", "IPC", "ZDS", "RGS", "AIS", "AIG", "AIL", "AIP"].iter().for_each(|name| add(name, ""));
    lines.join("\r")
}

/// As [`message_with`], for the events of medicines, whose segments hang on ORC.
fn order_with(trigger: &Trigger, segment: &SegmentUse, line: &str) -> String {
    let mut lines = vec![format!("MSH|^~\\&|A|B|||20260101||{}^{}|1|P|2.5", trigger.code, trigger.event)];
    for (name, minimal, is_needed) in [
        ("PID", "PID|1||H1^^^QMH^MR", true),
        ("PD1", "", false),
        ("NK1", "", false),
        ("PV1", "", false),
        ("PV2", "", false),
        ("AL1", "", false),
        ("IAM", "", false),
        ("ORC", "ORC|NW|P1", true),
        ("TQ1", "", false),
        ("TQ2", "", false),
        // An order without a drug is none; RXE would fall back on that of RXO.
        ("RXO", "RXO|A^A^L", trigger.optional.contains(&"RXO") && segment.name != "RXE"),
        ("RXE", "", false),
        ("RXD", "RXD|1|A^A^L|20260101|1", trigger.code == "RDS"),
        ("RXA", "RXA|0|1|20260101|20260101|A^A^L|1", matches!(trigger.code, "RAS" | "VXU")),
        ("RXR", "", false),
        ("RXC", "", false),
        ("OBX", "", false),
        ("NTE", "", false),
        ("DG1", "", false),
        ("OBR", "OBR|1|P1|F1|A^A^L", trigger.optional.contains(&"OBR") && segment.name == "SPM"),
        ("SPM", "", false),
    ] {
        if name == segment.name {
            lines.push(line.to_owned());
        } else if is_needed {
            lines.push(minimal.to_owned());
        }
    }
    lines.join("\r")
}

pub(crate) fn map(message: &str) -> Mapped {
    let name = FeedName::parse("any").expect("a name");
    let feed = FeedSettings::new(name, Format::Hl7v2, ProviderId("HA".to_owned()));
    hl7v2::map(message.as_bytes(), &feed, 0, Timestamp::UNIX_EPOCH)
}

fn is_noted(mapped: &Mapped, segment: &str, number: usize) -> bool {
    let place = format!("{segment}-{number}");
    mapped.notes.iter().any(|note| note.code == "unused-field" && note.place == place)
}
