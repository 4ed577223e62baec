//! Every row of every code table that follows the standard, walked through a message: its codes are found in the result, at
//! a place the code decides.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use causeway_core::envelope::{FeedName, Format};
use causeway_core::feed::FeedSettings;
use causeway_core::mapped::Mapped;
use causeway_core::provider::ProviderId;
use causeway_mappers::hl7v2;
use jiff::Timestamp;
use serde_json::Value;

/// A table, the message its codes go through, and the columns that must be found.
struct Walk {
    file: &'static str,
    kind: &'static str,
    /// The segments after MSH; `{}` stands for the code.
    segments: &'static str,
    columns: &'static [usize],
}

const fn walk(file: &'static str, kind: &'static str, segments: &'static str, columns: &'static [usize]) -> Walk {
    Walk { file, kind, segments, columns }
}

const WALKS: &[Walk] = &[
    walk("administrative_sex.csv", "ADT^A28", "PID|1||H1||CHAN|||{}", &[1]),
    walk("name_type.csv", "ADT^A28", "PID|1||H1||CHAN^A^^^^^{}", &[1]),
    walk("name_representation.csv", "ADT^A28", "PID|1||H1||CHAN^A^^^^^^{}", &[1]),
    walk("marital_status.csv", "ADT^A28", "PID|1||H1|||||||||||||{}", &[1, 2, 3]),
    walk("language.csv", "ADT^A28", "PID|1||H1||||||||||||{}", &[1, 2]),
    walk("telecom_use.csv", "ADT^A28", "PID|1||H1||||||||||||\rNK1|1|CHAN|||1^{}", &[1]),
    walk("telecom_equipment.csv", "ADT^A28", "PID|1||H1||||||||||||\rNK1|1|CHAN|||1^^{}", &[1, 2]),
    walk("address_type.csv", "ADT^A28", "PID|1||H1||||||||1 Road^^^^^^{}", &[1, 2]),
    walk("identifier_type.csv", "ADT^A28", "PID|1||H1~12345^^^^{}", &[2]),
    walk("relationship.csv", "ADT^A28", "PID|1||H1\rNK1|1|CHAN|{}", &[1, 2, 3]),
    walk("contact_role.csv", "ADT^A28", "PID|1||H1\rNK1|1|CHAN|||||{}", &[1, 2, 3]),
    walk("patient_class.csv", "ADT^A04", "PID|1||H1\rPV1|1|{}|||||||||||||||||V1", &[1, 2, 3, 4]),
    walk("admission_type.csv", "ADT^A01", "PID|1||H1\rPV1|1|I||{}|||||||||||||||V1", &[1, 2, 3]),
    walk("hospital_service.csv", "ADT^A01", "PID|1||H1\rPV1|1|I||||||||{}|||||||||V1", &[1, 2, 3]),
    walk("readmission.csv", "ADT^A01", "PID|1||H1\rPV1|1|I|||||||||||{}||||||V1", &[1, 2, 3]),
    walk("ambulatory_status.csv", "ADT^A01", "PID|1||H1\rPV1|1|I|||||||||||||{}||||V1", &[1, 2, 3]),
    walk(
        "encounter_priority.csv",
        "ADT^A01",
        "PID|1||H1\rPV1|1|I|||||||||||||||||V1\rPV2|||||||||||||||||||||||||{}",
        &[1, 2, 3],
    ),
    walk(
        "arrival_mode.csv",
        "ADT^A01",
        "PID|1||H1\rPV1|1|I|||||||||||||||||V1\rPV2||||||||||||||||||||||||||||||||||||||{}",
        &[1, 2, 3],
    ),
    walk("allergen_type.csv", "ADT^A28", "PID|1||H1\rAL1|1|{}|X^X^L", &[1, 2]),
    walk("allergy_severity.csv", "ADT^A28", "PID|1||H1\rAL1|1|DA|X^X^L|{}|Rash", &[1]),
    walk("allergy_severity.csv", "ADT^A28", "PID|1||H1\rAL1|1|DA|X^X^L|{}", &[2]),
    walk("allergy_clinical_status.csv", "ADT^A28", "PID|1||H1\rIAM|1|DA|X^X^L||||A1||||||||||{}", &[1, 2]),
    walk("diagnosis_type.csv", "ADT^A01", "PID|1||H1\rPV1|1|I|||||||||||||||||V1\rDG1|1||X^X^L|||{}", &[1, 2, 3]),
    walk("report_status.csv", "ORU^R01", "PID|1||H1\rOBR|1||F1|X^X^L|||||||||||||||||||||{}", &[1]),
    walk("observation_status.csv", "ORU^R01", "PID|1||H1\rOBR|1||F1|X^X^L\rOBX|1|ST|X^X^L||x||||||{}", &[1]),
    walk("interpretation.csv", "ORU^R01", "PID|1||H1\rOBR|1||F1|X^X^L\rOBX|1|ST|X^X^L||x|||{}|||F", &[1, 2, 3]),
    walk(
        "diagnostic_section.csv",
        "ORU^R01",
        "PID|1||H1\rOBR|1||F1|X^X^L||||||||||||||||||||{}|F\rOBX|1|ST|X^X^L||x||||||F",
        &[0, 1, 2, 3],
    ),
    walk("specimen_available.csv", "ORU^R01", "PID|1||H1\rOBR|1||F1|X^X^L\rSPM|1|S1||BLD||||||||||||||||{}", &[1]),
    walk("specimen_type.csv", "ORU^R01", "PID|1||H1\rOBR|1||F1|X^X^L\rSPM|1|S1||{}", &[1, 2, 3]),
    walk(
        "specimen_condition.csv",
        "ORU^R01",
        "PID|1||H1\rOBR|1||F1|X^X^L\rSPM|1|S1||BLD||||||||||||||||||||{}",
        &[1, 2, 3],
    ),
    walk("specimen_collection_method.csv", "ORU^R01", "PID|1||H1\rOBR|1||F1|X^X^L\rSPM|1|S1||BLD|||{}", &[1, 2, 3]),
    walk(
        "appointment_type.csv",
        "SIU^S12",
        "SCH|P1|F1||||||{}|||^^^202601011000^202601011030||||||||||||||BOOKED\rPID|1||H1\rAIP|1||D1^A",
        &[1, 2, 3],
    ),
    walk(
        "comment_type.csv",
        "ORU^R01",
        "PID|1||H1\rOBR|1||F1|X^X^L\rOBX|1|ST|X^X^L||x||||||F\rNTE|1||words|{}",
        &[1, 2, 3],
    ),
    walk("provider_role.csv", "ADT^A01", "PID|1||H1\rPV1|1|I|||||||||||||||||V1\rROL|1|AD|{}|D1^CHEUNG", &[1, 2, 3]),
    walk("code_system.csv", "ORU^R01", "PID|1||H1\rOBR|1||F1|X^X^L\rOBX|1|ST|X^X^{}||x||||||F", &[1]),
    walk("order_status.csv", "OML^O21", "PID|1||H1\rORC|SC|P1|||{}\rOBR|1|P1||X^X^L", &[1]),
    walk("order_control.csv", "OML^O21", "PID|1||H1\rORC|{}|P1\rOBR|1|P1||X^X^L", &[1]),
    walk("order_priority.csv", "OML^O21", "PID|1||H1\rORC|NW|P1\rOBR|1|P1||X^X^L|||||||||||||||||||||||^^^^^{}", &[1]),
    walk("problem_confirmation.csv", "PPR^PC1", "PID|1||H1\rPRB|AD|20260101|X^X^L|PB1|||||||||{}", &[1]),
    walk("problem_life_cycle.csv", "PPR^PC1", "PID|1||H1\rPRB|AD|20260101|X^X^L|PB1||||||||||{}", &[1]),
    walk(
        "appointment_status.csv",
        "SIU^S12",
        "SCH|P1|F1|||||||||^^^202601011000^202601011030||||||||||||||{}\rPID|1||H1\rAIP|1||D1^A|||||||||{}",
        &[1, 2],
    ),
    walk("referral_status.csv", "REF^I12", "RF1|{}|||||R1\rPID|1||H1", &[1]),
    walk("modality.csv", "ORU^R01", "PID|1||H1\rOBR|1||F1|X^X^L\rIPC|A1||||{}", &[0, 1]),
    walk(
        "document_completion.csv",
        "MDM^T02",
        "PID|1||H1\rPV1|1|I\rTXA|1|CN|TX|||||||||D1|||||{}\rOBX|1|TX|X^X^L||x||||||F",
        &[1],
    ),
    walk(
        "document_confidentiality.csv",
        "MDM^T02",
        "PID|1||H1\rPV1|1|I\rTXA|1|CN|TX|||||||||D1|||||AU|{}\rOBX|1|TX|X^X^L||x||||||F",
        &[1, 2, 3],
    ),
    walk(
        "document_type.csv",
        "MDM^T02",
        "PID|1||H1\rPV1|1|I\rTXA|1|{}|TX|||||||||D1|||||AU\rOBX|1|TX|X^X^L||x||||||F",
        &[0, 1, 2],
    ),
];

const WALKS_OF_MEDICATION: &[Walk] = &[
    walk(
        "completion_status.csv",
        "VXU^V04",
        "PID|1||H1\rORC|RE|P1|F1\rRXA|0|1|20260101|20260101|03^MMR^CVX|1||||||||||||||{}",
        &[1],
    ),
    walk(
        "route.csv",
        "VXU^V04",
        "PID|1||H1\rORC|RE|P1|F1\rRXA|0|1|20260101|20260101|03^MMR^CVX|1||||||||||||||CP\rRXR|{}",
        &[1, 2, 3],
    ),
    walk(
        "administration_site.csv",
        "VXU^V04",
        "PID|1||H1\rORC|RE|P1|F1\rRXA|0|1|20260101|20260101|03^MMR^CVX|1||||||||||||||CP\rRXR|IM|{}",
        &[1, 2, 3],
    ),
    walk(
        "administration_method.csv",
        "RAS^O17",
        "PID|1||H1\rORC|RE|P1|F1\rRXA|0|1|20260101|20260101|X^X^L|1||||||||||||||CP\rRXR|IM|||{}",
        &[1, 2, 3],
    ),
    walk("medication_control.csv", "OMP^O09", "PID|1||H1\rORC|{}|P1\rRXO|X^X^L|1||mg", &[1]),
    walk("medication_status.csv", "OMP^O09", "PID|1||H1\rORC|SC|P1|||{}\rRXO|X^X^L|1||mg", &[1]),
    walk(
        "dispense_type.csv",
        "RDS^O13",
        "PID|1||H1\rORC|RE|P1|F1\rRXD|1|X^X^L|20260101|1|||7||||||||||||||||||||||||||{}",
        &[1, 2, 3],
    ),
];

/// Tables that follow no table of the standard, or whose rows need a message of their own, with what tests them instead.
const ELSEWHERE: &[(&str, &str)] = &[
    ("attachment_type.csv", "goldens `document-…`: the bytes decide before the word"),
    ("chinese_medicine_system.csv", "names, no table of HL7: goldens of Chinese medicine"),
    ("duration_unit.csv", "units in the middle of a text: unit tests of the repeat pattern"),
    ("immunization_fact.csv", "LOINC codes that say where an observation goes: goldens of immunisation"),
    ("immunization_source.csv", "no table of HL7 and rows without a concept: goldens of immunisation"),
    ("registered_product.csv", "forms of numbers, no codes: unit tests"),
    ("repeat_pattern.csv", "a row gives several members of Timing: unit tests of the repeat pattern"),
    ("report_section.csv", "says where a text goes, no code: goldens of radiology and of other investigations"),
    ("value_type.csv", "a row tells how OBX-5 is read: `value_types.rs`"),
    ("substitution.csv", "two tables in one, told apart by their field: goldens of medication"),
    ("birth_record.csv", "names and LOINC codes, no table of HL7: goldens `birth-…`"),
    ("obstetric_record.csv", "names and LOINC codes, no table of HL7: goldens of obstetric records"),
];

/// Rows that make no record on purpose.
const WITHOUT_RECORD: &[(&str, &str)] = &[
    // Final, without the value: as a version it would hide the value.
    ("observation_status.csv", "U"),
    // Previous results, sent along with an order.
    ("order_control.csv", "PR"),
];

fn rows(file: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/codes").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display()));
    let split = |line: &str| {
        let mut columns = vec![String::new()];
        let mut quoted = false;
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => columns.push(String::new()),
                c => columns.last_mut().expect("a column").push(c),
            }
        }
        columns
    };
    text.lines().skip(2).map(split).collect()
}

fn map(walk: &Walk, code: &str) -> Mapped {
    let escaped = code.replace('&', "\\T\\").replace('^', "\\S\\").replace('|', "\\F\\").replace('~', "\\R\\");
    let segments = walk.segments.replace("{}", &escaped);
    let message = format!("MSH|^~\\&|A|B|||20260101||{}|1|P|2.5.1\r{segments}\r", walk.kind);
    let feed = FeedSettings::new(FeedName::parse("table").expect("a name"), Format::Hl7v2, ProviderId("HA".to_owned()));
    hl7v2::map(message.as_bytes(), &feed, 0, Timestamp::UNIX_EPOCH)
}

/// The values of all records, by type of resource and path; and the domain of each.
fn values(mapped: &Mapped) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for record in &mapped.records {
        let kind = record.key.resource_type();
        values.insert(format!("{kind} domain"), record.domain.code().to_owned());
        gather(kind, &record.resource.value(), &mut values);
    }
    values
}

fn gather(path: &str, value: &Value, values: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| gather(&format!("{path}.{name}"), value, values))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| gather(&format!("{path}[{at}]"), value, values))
        }
        Value::String(text) => drop(values.insert(path.to_owned(), text.clone())),
        Value::Null | Value::Bool(_) | Value::Number(_) => drop(values.insert(path.to_owned(), value.to_string())),
    }
}

#[test]
fn every_row_of_every_table_is_found_in_what_its_code_becomes() {
    let mut wrong = Vec::new();
    for walk in WALKS.iter().chain(WALKS_OF_MEDICATION) {
        let rows = rows(walk.file);
        let results: Vec<_> = rows.iter().map(|row| values(&map(walk, &row[0]))).collect();
        let bogus = values(&map(walk, "?!"));
        // The places the code decides: those where some row differs from a code in no table.
        let mut places: BTreeSet<&String> = BTreeSet::new();
        for result in &results {
            places.extend(result.iter().filter(|(path, value)| bogus.get(*path) != Some(*value)).map(|(path, _)| path));
        }
        assert!(!places.is_empty(), "{} decides nothing in {}", walk.file, walk.segments);
        for (row, result) in rows.iter().zip(&results) {
            if WITHOUT_RECORD.contains(&(walk.file, row[0].as_str())) {
                continue;
            }
            for column in walk.columns {
                let wanted = &row[*column];
                let found = places.iter().any(|place| result.get(*place) == Some(wanted));
                if !wanted.is_empty() && !found {
                    wrong.push(format!("{} {}: no {wanted}", walk.file, row[0]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} rows do not become what they say:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_code_of_a_table_is_noted_as_being_in_none() {
    let mut wrong = Vec::new();
    for walk in WALKS.iter().chain(WALKS_OF_MEDICATION) {
        let noted = |code: &str| map(walk, code).notes.iter().filter(|note| note.code == "unmapped-code").count();
        let of_bogus = noted("?!");
        wrong.extend(
            rows(walk.file)
                .iter()
                .filter(|row| noted(&row[0]) > 0 && of_bogus > 0)
                .map(|row| format!("{} {}", walk.file, row[0])),
        );
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_table_is_walked_or_says_what_tests_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/codes");
    let files = fs::read_dir(folder)
        .expect("the code tables")
        .map(|file| file.expect("a file").file_name().into_string().expect("a name"));
    let known: BTreeSet<&str> = WALKS
        .iter()
        .chain(WALKS_OF_MEDICATION)
        .map(|walk| walk.file)
        .chain(ELSEWHERE.iter().map(|(file, _)| *file))
        .collect();
    let unknown: Vec<String> = files.filter(|file| !known.contains(file.as_str())).collect();
    assert!(unknown.is_empty(), "add a walk, or the reason why there is none: {unknown:?}");
}
