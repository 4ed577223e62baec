//! Visits of two made-up Chinese-medicine clinics: one whose system sends records, one that keeps a spreadsheet.

use causeway_core::person::Sex;
use jiff::{Timestamp, tz};
use serde_json::{Value, json};

use super::dice::Dice;
use super::person::Synthetic;

/// What the clinics see: disease, syndrome, principle, tongue, pulse, each with its invented code where it has one.
struct Case {
    disease: [&'static str; 2],
    syndrome: [&'static str; 2],
    principle: &'static str,
    tongue: &'static str,
    pulse: &'static str,
    formula: &'static str,
    /// Herbs with the grams of a pack.
    herbs: &'static [(&'static str, u32)],
    points: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        disease: ["咳嗽", "Z-D001"],
        syndrome: ["風寒襲肺證", "Z-S001"],
        principle: "疏風散寒，宣肺止咳",
        tongue: "舌淡紅，苔薄白",
        pulse: "脈浮緊",
        formula: "三拗湯加減",
        herbs: &[("麻黃", 6), ("苦杏仁", 9), ("甘草", 3)],
        points: &["LU7", "LI4"],
    },
    Case {
        disease: ["胃脘痛", "Z-D002"],
        syndrome: ["肝胃不和證", "Z-S002"],
        principle: "疏肝和胃",
        tongue: "舌紅，苔薄黃",
        pulse: "脈弦",
        formula: "柴胡疏肝散加減",
        herbs: &[("柴胡", 9), ("白芍", 12), ("枳殼", 9), ("甘草", 6)],
        points: &["ST36", "PC6", "LR3"],
    },
    Case {
        disease: ["腰痛", "Z-D003"],
        syndrome: ["腎虛證", "Z-S003"],
        principle: "補腎強腰",
        tongue: "舌淡，苔白",
        pulse: "脈沉細",
        formula: "獨活寄生湯加減",
        herbs: &[("獨活", 9), ("桑寄生", 15), ("杜仲", 12), ("牛膝", 9)],
        points: &["BL23", "BL40", "GV4"],
    },
];

/// The heading of the spreadsheet.
const HEADING: &str = "visit_number,visit_start,document_kind,document_number,family,given,chinese_name,birth,sex,registration,\
    practitioner_zh,disease,disease_code,syndrome,syndrome_code,principle,tongue,pulse,prescription_number,prescription_form,\
    formula,packs,days,taking,herb,dose,unit,acupuncture_method,point,point_side\n";

/// One visit as the first clinic's system sends it.
pub(crate) fn record(dice: &mut Dice, person: &Synthetic, number: &str, at: Timestamp) -> Value {
    let Some(case) = dice.pick(CASES) else { return Value::Null };
    let days = dice.between(2, 5);
    let herbs: Vec<_> =
        case.herbs.iter().map(|(name, grams)| json!({"name": name, "dose": grams, "unit": "g"})).collect();
    let points: Vec<_> = case.points.iter().map(|code| json!({"code": code, "side": side(code)})).collect();
    let mut record = json!({
        "format": "causeway-cm-1",
        "version": 1,
        "status": "final",
        "issued": at,
        "patient": {
            "documents": [{"kind": "HKID", "number": person.hkid}],
            "family": person.name.family, "given": person.name.given, "chinese": person.name.chinese,
            "birth": person.birth, "sex": sex(person),
        },
        "visit": {"number": number, "start": at, "kind": if dice.percent(60) { "follow-up" } else { "first" }},
        "practitioner": {"registration": "000001", "name_zh": "黃小明"},
        "disease": term(case.disease),
        "syndromes": [term(case.syndrome)],
        "principle": {"text": case.principle},
        "tongue": {"text": case.tongue},
        "pulse": {"text": case.pulse},
        "prescriptions": [{
            "number": format!("RX-{number}"), "form": "decoction", "formula": {"text": case.formula}, "herbs": herbs,
            "packs": days, "days": days, "times_per_day": 2, "taking": "飯後溫服",
        }],
    });
    if dice.percent(40)
        && let Some(object) = record.as_object_mut()
    {
        object.insert("acupuncture".to_owned(), json!([{"method": "needling", "points": points, "minutes": 20}]));
    }
    record
}

/// So many visits as the second clinic's spreadsheet has them, with mistakes of the kind that people make.
pub(crate) fn spreadsheet(dice: &mut Dice, persons: &[Synthetic], run: &str, visits: u32, at: Timestamp) -> String {
    let start = at.to_zoned(tz::TimeZone::fixed(tz::offset(8))).strftime("%Y-%m-%d %H:%M").to_string();
    let mut text = format!("\u{feff}{HEADING}");
    for visit in 1..=visits {
        let (Some(person), Some(case)) = (dice.pick(persons), dice.pick(CASES)) else { continue };
        let number = format!("{run}-{visit}");
        let mistake = dice.between(1, 12);
        let days = dice.between(2, 5);
        for (at, (herb, grams)) in case.herbs.iter().enumerate() {
            let (dose, unit) =
                if mistake == 1 && at == 1 { (format!("-{grams}"), "g") } else { (grams.to_string(), "g") };
            let unit = if mistake == 2 && at == 0 { "spoon" } else { unit };
            let point = if mistake == 3 && at == 0 { "ST46" } else { case.points.get(at).copied().unwrap_or_default() };
            let method = if point.is_empty() { "" } else { "needling" };
            let of_visit = if at == 0 {
                let start = if mistake == 4 { "1/3/2026" } else { start.as_str() };
                let Synthetic { hkid, name, birth, .. } = person;
                let [disease, code] = case.disease;
                let [syndrome, syndrome_code] = case.syndrome;
                format!(
                    "{start},HKID,{hkid},{},{},{},{birth},{},000002,李大明,{disease},{code},{syndrome},{syndrome_code},\
                     {},{},{},RX-{number},decoction,{},{days},{days},飯後溫服",
                    name.family,
                    name.given,
                    name.chinese,
                    sex(person),
                    case.principle,
                    case.tongue,
                    case.pulse,
                    case.formula
                )
            } else {
                ",".repeat(22)
            };
            text += &format!("{number},{of_visit},{herb},{dose},{unit},{method},{point},{}\n", side(point));
        }
    }
    text
}

fn term([text, code]: [&str; 2]) -> Value {
    json!({"text": text, "code": code})
}

fn sex(person: &Synthetic) -> &'static str {
    if person.sex == Sex::Male { "M" } else { "F" }
}

/// Points of the middle have no side.
fn side(point: &str) -> &'static str {
    match point.get(..2) {
        None => "",
        Some("GV" | "CV") => "midline",
        Some(_) => "both",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use causeway_chinese_medicine::csv::{Reading, Visits};
    use causeway_core::chinese_medicine::{RECORD_BYTES_MAX, read};
    use causeway_core::feed::CharsetRule;

    use super::*;
    use crate::generate::person;

    #[test]
    fn every_record_is_good_and_a_few_visits_of_a_spreadsheet_are_not() {
        let (persons, mut dice) = (person::roll(1, 50), Dice::new(1));
        for person in &persons {
            let record = record(&mut dice, person, "V-1", Timestamp::UNIX_EPOCH);
            assert!(read(record.to_string().as_bytes()).is_ok(), "{record}");
        }
        let text = spreadsheet(&mut dice, &persons, "D", 300, Timestamp::UNIX_EPOCH);
        let zone = tz::TimeZone::UTC;
        let reading = Reading { charset: CharsetRule::Auto, zone, record_bytes_max: RECORD_BYTES_MAX };
        let mut visits = Visits::open(Cursor::new(text.into_bytes()), reading).expect("a heading");
        let all: Vec<_> = std::iter::from_fn(|| visits.next_visit().expect("memory")).collect();
        let bad = all.iter().filter(|visit| visit.record.is_err()).count();
        assert!(all.len() == 300 && (50..150).contains(&bad), "{bad} of {}", all.len());
    }
}
