//! Medicines and vaccines of the clinic: prescribed, dispensed, given.

use jiff::Timestamp;

use super::super::dice::Dice;
use super::super::person::Synthetic;
use super::super::segment::{Segment, message};
use super::{Outgoing, Pen, Source, patient, stamp};

/// What the clinic prescribes: its own code, name in both languages, dose, unit, how often.
const DRUGS: &[(&str, &str, &str, &str, &str)] = &[
    ("PARA500", "Paracetamol 500 mg 必理痛", "500", "mg", "QID"),
    ("AMOX500", "Amoxicillin 500 mg 阿莫西林", "500", "mg", "TDS"),
    ("MET500", "Metformin 500 mg 二甲雙胍", "500", "mg", "BD"),
    ("AML5", "Amlodipine 5 mg 氨氯地平", "5", "mg", "OD"),
];

/// What the clinic vaccinates with: CVX and name.
const VACCINES: &[(&str, &str)] =
    &[("88", "Influenza 流感疫苗"), ("133", "Pneumococcal 肺炎球菌疫苗"), ("207", "COVID-19 新冠疫苗")];

/// One message: mostly a prescription, else a dispensing or a vaccination.
pub(crate) fn write(pen: &mut Pen, dice: &mut Dice, person: &Synthetic, number: &str, at: Timestamp) -> Outgoing {
    let source = Source::Clinic;
    let (kind, details) = match dice.between(1, 10) {
        1..=5 => ("RDE^O11^RDE_O11", prescription(dice, number, at)),
        6..=8 => ("RDS^O13^RDS_O13", dispensing(dice, number, at)),
        _ => ("VXU^V04^VXU_V04", vaccination(dice, number, at)),
    };
    let (header, control_id) = pen.header(source, kind, at);
    let mut segments = vec![header, patient(source, person)];
    segments.extend(details);
    Outgoing { source, control_id, text: message(&segments), mislabelled: false }
}

fn order(control: &str, number: &str, at: Timestamp) -> Segment {
    Segment::new("ORC")
        .set(1, control)
        .set(2, format!("RXP{number}^CMS"))
        .set(3, format!("RXF{number}^CMS"))
        .set(9, stamp(at))
        .set(12, "D201^HO^CHI WAI")
}

fn prescription(dice: &mut Dice, number: &str, at: Timestamp) -> Vec<Segment> {
    let Some((code, name, dose, unit, pattern)) = dice.pick(DRUGS) else { return Vec::new() };
    let days = dice.between(3, 28);
    let rxe = Segment::new("RXE")
        .set(1, format!("^{pattern}^D{days}^{}", stamp(at)))
        .set(2, format!("{code}^{name}^L"))
        .set(3, *dose)
        .set(5, *unit)
        .set(10, (days * 2).to_string())
        .set(11, "TAB");
    vec![order("NW", number, at), rxe, Segment::new("RXR").set(1, "PO")]
}

fn dispensing(dice: &mut Dice, number: &str, at: Timestamp) -> Vec<Segment> {
    let Some((code, name, ..)) = dice.pick(DRUGS) else { return Vec::new() };
    let rxd = Segment::new("RXD")
        .set(1, "1")
        .set(2, format!("{code}^{name}^L"))
        .set(3, stamp(at))
        .set(4, dice.between(6, 56).to_string())
        .set(5, "TAB")
        .set(7, format!("RX{number}"));
    vec![order("RE", number, at), rxd]
}

fn vaccination(dice: &mut Dice, number: &str, at: Timestamp) -> Vec<Segment> {
    let Some((code, name)) = dice.pick(VACCINES) else { return Vec::new() };
    let rxa = Segment::new("RXA")
        .set(1, "0")
        .set(2, "1")
        .set(3, stamp(at))
        .set(5, format!("{code}^{name}^CVX"))
        .set(6, "0.5")
        .set(7, "mL")
        .set(15, format!("LOT{}", dice.between(100, 999)))
        .set(20, "CP")
        .set(21, "A");
    vec![order("RE", number, at), rxa, Segment::new("RXR").set(1, "IM").set(2, "LD")]
}
