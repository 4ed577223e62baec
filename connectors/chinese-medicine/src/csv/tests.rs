//! Files as clinics write them, good and bad.

use std::io::Cursor;

use causeway_core::chinese_medicine::read;
use serde_json::Value;

use super::*;

fn reading(charset: CharsetRule) -> Reading {
    Reading { charset, zone: TimeZone::get("Asia/Hong_Kong").expect("known"), record_bytes_max: 256 << 10 }
}

fn visits_in(bytes: &[u8], charset: CharsetRule) -> Vec<Visit> {
    let mut visits = Visits::open(Cursor::new(bytes), reading(charset)).expect("a heading");
    std::iter::from_fn(|| visits.next_visit().expect("memory")).collect()
}

fn visits(text: &str) -> Vec<Visit> {
    visits_in(text.as_bytes(), CharsetRule::Auto)
}

/// Row, column and code of everything that is wrong.
fn faults(visits: &[Visit]) -> Vec<(u64, String, &'static str)> {
    let faults = visits.iter().filter_map(|visit| visit.record.as_ref().err()).flatten();
    faults.map(|fault| (fault.row, fault.column.clone(), fault.fault.code.as_str())).collect()
}

fn good(visits: &[Visit]) -> Vec<Value> {
    let records = visits.iter().filter_map(|visit| visit.record.as_ref().ok());
    records.map(|record| serde_json::from_slice(record).expect("JSON")).collect()
}

fn one(row: u64, column: &str, code: &'static str) -> Vec<(u64, String, &'static str)> {
    vec![(row, column.to_owned(), code)]
}

const HEADING: &str = "visit_number,visit_start,patient_number,registration,disease,disease_code,herb,dose,unit,prescription_number,prescription_form,packs\n";

fn file(rows: &[&str]) -> String {
    format!("{HEADING}{}\n", rows.join("\n"))
}

fn heading_faults(heading: &str) -> Vec<(u64, String, &'static str)> {
    let opened = Visits::open(Cursor::new(heading.as_bytes()), reading(CharsetRule::Auto));
    let Err(Unread::Faults(faults)) = opened else { panic!("{opened:?}") };
    faults.into_iter().map(|fault| (fault.row, fault.column, fault.fault.code.as_str())).collect()
}

#[test]
fn a_visit_over_several_rows_is_one_record_with_its_herbs_in_order() {
    let text = file(&[
        "V1,2026-03-01 09:30,C1,000001,咳嗽,D1,麻黃,6,g,RX1,decoction,3",
        "V1,,,,,,杏仁,9,克,,,",
        "V1,2026/3/1 9:30,C1,000001,咳嗽,D1,甘草,3,g,RX2,湯劑,2",
        "V2,2026-03-01,C2,000001,感冒,D2,,,,,,",
    ]);
    let found = visits(&text);
    assert_eq!(faults(&found), []);
    assert_eq!(found.iter().map(|visit| (visit.first, visit.last)).collect::<Vec<_>>(), [(2, 4), (5, 5)]);
    let [first, second] = good(&found).try_into().expect("two");
    assert_eq!(first["prescriptions"][0]["herbs"][1]["name"], "杏仁");
    assert_eq!(first["prescriptions"][0]["herbs"][1]["unit"], "g");
    assert_eq!(first["prescriptions"][1]["herbs"][0]["name"], "甘草");
    assert_eq!(first["issued"], "2026-03-01T09:30:00+08:00");
    assert_eq!(
        (&second["issued"], &second["visit"]["start"]),
        (&"2026-03-01T00:00:00+08:00".into(), &"2026-03-01".into())
    );
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let text = file(&["V1,2026-03-01,C1,000001,咳嗽,D1,麻黃,6,g,RX1,decoction,3"]);
    assert_eq!(visits(&text), visits(&format!("\u{feff}{}", text.replace('\n', "\r\n"))));
}

#[test]
fn every_fault_of_a_visit_is_told_by_its_row_and_column_and_no_value_is_repeated() {
    let text = file(&[
        "V1,1/3/2026,C1,000001,咳嗽,D1,麻黃,six,g,RX1,decoction,0",
        "V1,,,,,,杏仁,-9,spoon,,,",
        "V2,2026-03-01,,000001,感冒,D2,,,,,,",
    ]);
    let found = visits(&text);
    let told = faults(&found);
    let expected = [
        (2, "visit_start", "bad-value"),
        (2, "dose", "wrong-type"),
        (2, "packs", "out-of-range"),
        (3, "dose", "out-of-range"),
        (3, "unit", "bad-value"),
        (4, "patient_number", "no-patient"),
    ];
    let mut expected: Vec<_> = expected.map(|(row, column, code)| (row, column.to_owned(), code)).into();
    let mut told_sorted = told.clone();
    expected.sort();
    told_sorted.sort();
    assert_eq!(told_sorted, expected);
    let shown = format!("{found:?}");
    for value in ["1/3/2026", "six", "spoon", "-9"] {
        assert!(!shown.contains(value), "{value}");
    }
}

#[test]
fn one_bad_row_keeps_back_its_visit_and_no_other() {
    let good_row = |number: u32| format!("V{number},2026-03-01,C1,000001,咳嗽,D1,,,,,,");
    let mut rows: Vec<String> = (0..1000).map(good_row).collect();
    for at in (50..1000).step_by(100) {
        rows[at] = "V-cut,2026-03-01,C1".to_owned();
    }
    rows[7] = "V7,2026-03-01,C1,000001,\"咳嗽,D1,,,,,,".to_owned();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let found = visits(&file(&rows));
    assert_eq!(good(&found).len(), 1000 - 11);
    let told = faults(&found);
    assert!(told.contains(&(9, String::new(), "bad-row")), "{told:?}");
    assert_eq!(told.iter().filter(|(.., code)| *code == "bad-row").count(), 11);
}

#[test]
fn nothing_is_taken_of_a_visit_whose_rows_stand_apart_or_beside_a_row_without_a_number() {
    let row = |number: &str| format!("{number},2026-03-01,C1,000001,咳嗽,D1,,,,,,");
    let rows = ["V1", "V2", "V1", "V3", "", "V4", "V5"].map(row);
    let found = visits(&file(&rows.each_ref().map(String::as_str)));
    let records = good(&found);
    assert_eq!(records.iter().map(|one| one["visit"]["number"].as_str()).collect::<Vec<_>>(), [Some("V2"), Some("V5")]);
    let codes: Vec<_> = faults(&found).into_iter().map(|(row, _, code)| (row, code)).collect();
    assert_eq!(
        codes,
        [(2, "same-number"), (4, "same-number"), (6, "missing-field"), (6, "missing-field"), (6, "missing-field")]
    );
}

#[test]
fn files_of_the_three_encodings_say_the_same_and_a_cell_of_another_one_is_refused() {
    let text = file(&["V1,2026-03-01,C1,000001,咳嗽,D1,,,,,,", "V2,2026-03-01,C1,000001,感冒,D1,,,,,,"]);
    let plain = good(&visits(&text));
    for charset in [Charset::BIG5, Charset::GB_18030] {
        let name = charset.name().to_owned();
        let bytes = charset.encode(&text).expect("it has them all");
        assert_eq!(good(&visits_in(&bytes, CharsetRule::Default(name.clone()))), plain, "{name}");
        assert_eq!(good(&visits_in(text.as_bytes(), CharsetRule::Default(name.clone()))), plain, "{name}, but UTF-8");
        let marked = format!("\u{feff}{text}");
        assert_eq!(good(&visits_in(marked.as_bytes(), CharsetRule::Force(name.clone()))), plain, "{name}, but marked");
        let mixed =
            [text.as_bytes(), b"V3,2026-03-01,C1,000001,", &charset.encode("咳嗽").expect("it has"), b",D1,,,,,,\n"]
                .concat();
        let found = visits_in(&mixed, CharsetRule::Auto);
        assert_eq!((good(&found).len(), faults(&found)), (2, one(4, "disease", "encoding")));
        let found = visits_in(&mixed, CharsetRule::Force(name));
        assert_eq!((good(&found).len(), faults(&found).len()), (1, 2), "the UTF-8 rows are refused");
    }
}

#[test]
fn quotes_commas_and_line_ends_within_cells_are_kept() {
    let text = "visit_number,visit_start,patient_number,registration,complaint\nV1,2026-03-01,C1,000001,\"咳嗽, \"\"乾咳\"\"\n三天\"\n";
    assert_eq!(good(&visits(text))[0]["visit"]["complaint"], "咳嗽, \"乾咳\"\n三天");
}

#[test]
fn a_heading_that_is_not_of_the_template_is_told_by_its_letters() {
    let told = heading_faults("visit_number,visit_start,陳大文,registration,visit_start\n");
    assert_eq!(told, [(1, "C".to_owned(), "unknown-field"), (1, "E".to_owned(), "duplicate-field")]);
    assert_eq!(heading_faults("visit_number,visit_start\n"), one(1, "registration", "missing-field"));
    assert_eq!(heading_faults("visit_start,visit_number,registration\n"), one(1, "visit_number", "bad-row"));
    assert_eq!(heading_faults(""), one(1, "", "bad-row"));
    assert_eq!(heading_faults("\u{feff}診症編號,診症時間\n"), one(1, "registration", "missing-field"));
}

#[test]
fn a_file_cut_at_any_byte_gives_no_part_of_its_last_visit() {
    let text =
        file(&["V1,2026-03-01,C1,000001,咳嗽,D1,,,,,,", "V2,2026-03-01,C2,000001,感冒,D2,麻黃,6,g,RX1,decoction,30"]);
    let whole = good(&visits(&text));
    let start = text.find("V2").expect("there");
    for at in start..text.len() {
        for record in good(&visits_in(&text.as_bytes()[..at], CharsetRule::Auto)).into_iter().skip(1) {
            // A cut within the last cell leaves a row as long as the heading: its digits alone can be fewer.
            let mut shorter = whole[1].clone();
            shorter["prescriptions"][0]["packs"] = record["prescriptions"][0]["packs"].clone();
            assert_eq!(record, shorter, "{at}");
        }
    }
}

#[test]
fn the_templates_and_the_example_beside_the_docs_are_those_of_the_program() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/chinese-medicine");
    let pages = [
        ("template.csv", template(Language::English)),
        ("template-zh.csv", template(Language::Chinese)),
        ("columns.md", page(&crate::documents::schema())),
    ];
    for (name, text) in pages {
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(folder.join(name), &text).expect("written");
        }
        let there = std::fs::read_to_string(folder.join(name)).expect(name);
        assert_eq!(there, text, "UPDATE_EXPECT=1 rewrites {name}");
    }
    for language in [Language::English, Language::Chinese] {
        assert!(Visits::open(Cursor::new(template(language).into_bytes()), reading(CharsetRule::Auto)).is_ok());
    }
    let found = visits(crate::documents::EXAMPLE_CSV);
    assert_eq!(faults(&found), []);
    assert!(good(&found).len() >= 3 && good(&found).iter().all(|one| read(one.to_string().as_bytes()).is_ok()));
}

#[test]
fn every_field_of_the_schema_has_a_column_but_those_that_are_named_here() {
    const WITHOUT: [&str; 2] = ["/format", "/prescriptions/*/formula/withdrawn"];
    fn leaves(root: &Value, schema: &Value, path: &str, found: &mut Vec<String>) {
        let choices = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
        let reference = std::iter::once(schema).chain(choices).find_map(|one| one.get("$ref").and_then(Value::as_str));
        let schema = reference.and_then(|to| root.pointer(to.strip_prefix('#')?)).unwrap_or(schema);
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            properties.iter().for_each(|(name, below)| leaves(root, below, &format!("{path}/{name}"), found));
        } else if let Some(items) = schema.get("items") {
            let item = if path == "/patient/documents" { "0" } else { "*" };
            leaves(root, items, &format!("{path}/{item}"), found);
        } else {
            found.push(path.replace("/bone_setting/", "/@/").replace("/tui_na/", "/@/"));
        }
    }
    let (schema, mut found) = (crate::documents::schema(), Vec::new());
    leaves(&schema, &schema, "", &mut found);
    assert!(found.len() > 80, "{found:?}");
    let missing: Vec<_> = found
        .iter()
        .filter(|path| !COLUMNS.iter().any(|column| column.path == path.as_str()) && !WITHOUT.contains(&path.as_str()))
        .collect();
    assert_eq!(missing, [""; 0]);
    let strange = COLUMNS.iter().filter(|column| column.path != "/@" && !found.iter().any(|path| path == column.path));
    assert_eq!(strange.map(|column| column.path).collect::<Vec<_>>(), [""; 0]);
}
