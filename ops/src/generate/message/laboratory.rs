//! Laboratory reports: panels whose values move from day to day around each person's own level, first preliminary,
//! then final, now and then corrected.

use jiff::Timestamp;

use super::super::dice::Dice;
use super::super::person::Synthetic;
use super::super::segment::{Segment, message};
use super::{Outgoing, Pen, Source, patient, stamp};

/// One thing measured.
#[derive(Debug, PartialEq)]
struct Analyte {
    /// LOINC.
    code: &'static str,
    name: &'static str,
    unit: &'static str,
    low: f64,
    high: f64,
    /// Digits after the point.
    digits: usize,
}

/// What is ordered together.
#[derive(Debug, PartialEq)]
pub(crate) struct Panel {
    code: &'static str,
    name: &'static str,
    /// HL7 table 0074.
    section: &'static str,
    analytes: &'static [Analyte],
}

/// How far a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// P.
    Preliminary,
    /// F.
    Final,
    /// C.
    Corrected,
}

impl Stage {
    const fn code(self) -> &'static str {
        match self {
            Self::Preliminary => "P",
            Self::Final => "F",
            Self::Corrected => "C",
        }
    }
}

/// An order on its way.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// Whose.
    pub(crate) person: usize,
    /// Counted in the run.
    pub(crate) number: String,
    /// What.
    pub(crate) panel: &'static Panel,
    /// When the blood was taken.
    pub(crate) collected: Timestamp,
    /// The values, in the order of the panel.
    pub(crate) values: Vec<f64>,
}

macro_rules! analyte {
    ($code:literal $name:literal $unit:literal $low:literal $high:literal $digits:literal) => {
        Analyte { code: $code, name: $name, unit: $unit, low: $low, high: $high, digits: $digits }
    };
}

/// The panels.
pub(crate) const PANELS: &[Panel] = &[
    Panel {
        code: "24362-6",
        name: "Renal function",
        section: "CH",
        analytes: &[
            analyte!("2951-2" "Sodium" "mmol/L" 135.0 145.0 0),
            analyte!("2823-3" "Potassium" "mmol/L" 3.5 5.1 1),
            analyte!("22664-7" "Urea" "mmol/L" 2.8 8.1 1),
            analyte!("14682-9" "Creatinine" "umol/L" 49.0 107.0 0),
        ],
    },
    Panel {
        code: "58410-2",
        name: "Complete blood count",
        section: "HM",
        analytes: &[
            analyte!("6690-2" "White cells" "10*9/L" 3.7 9.2 1),
            analyte!("718-7" "Haemoglobin" "g/dL" 11.5 17.3 1),
            analyte!("777-3" "Platelets" "10*9/L" 145.0 370.0 0),
        ],
    },
    Panel {
        code: "24331-1",
        name: "Lipid profile",
        section: "CH",
        analytes: &[
            analyte!("14647-2" "Cholesterol" "mmol/L" 3.0 5.2 1),
            analyte!("14927-8" "Triglycerides" "mmol/L" 0.5 1.7 2),
            analyte!("14646-4" "HDL cholesterol" "mmol/L" 1.0 2.2 1),
        ],
    },
    Panel {
        code: "55399-0",
        name: "Diabetes",
        section: "CH",
        analytes: &[
            analyte!("14771-0" "Fasting glucose" "mmol/L" 3.9 6.1 1),
            analyte!("4548-4" "Haemoglobin A1c" "%" 4.0 6.0 1),
        ],
    },
];

/// Rolls an order with its values. Each person has a level of their own in every analyte, which `person` fixes.
pub(crate) fn order(dice: &mut Dice, number: String, person: usize, level: &Dice, at: Timestamp) -> Option<Order> {
    let panel = dice.pick(PANELS)?;
    let values = panel
        .analytes
        .iter()
        .zip(1_u64..)
        .map(|(analyte, place)| {
            let (middle, spread) = ((analyte.low + analyte.high) / 2.0, (analyte.high - analyte.low) / 2.0);
            let own = level.fork(place).around_zero() * 0.9;
            (middle + spread * (own + dice.around_zero() * 0.25)).max(analyte.low * 0.4)
        })
        .collect();
    Some(Order { person, number, panel, collected: at, values })
}

/// The report of an order.
pub(crate) fn write(pen: &mut Pen, person: &Synthetic, order: &Order, stage: Stage, at: Timestamp) -> Outgoing {
    let source = Source::Laboratory;
    let (header, control_id) = pen.header(source, "ORU^R01^ORU_R01", at);
    let collected = stamp(order.collected);
    let obr = Segment::new("OBR")
        .set(1, "1")
        .set(2, format!("P{}", order.number))
        .set(3, format!("F{}", order.number))
        .set(4, format!("{}^{}^LN", order.panel.code, order.panel.name))
        .set(7, collected.clone())
        .set(15, "^^^^^^Venous blood")
        .set(22, stamp(at))
        .set(24, order.panel.section)
        .set(25, stage.code());
    let mut segments = vec![header, patient(source, person), obr];
    for ((analyte, value), number) in order.panel.analytes.iter().zip(&order.values).zip(1_u32..) {
        // A correction is seen in the value as well as in the status.
        let value = if stage == Stage::Corrected && number == 1 { value * 1.04 } else { *value };
        segments.push(observation(analyte, value, number, stage, &collected));
    }
    Outgoing { source, control_id, text: message(&segments), mislabelled: false }
}

fn observation(analyte: &Analyte, value: f64, number: u32, stage: Stage, collected: &str) -> Segment {
    let Analyte { code, name, unit, low, high, digits } = analyte;
    let flag = if value < *low {
        "L"
    } else if value > *high {
        "H"
    } else {
        "N"
    };
    Segment::new("OBX")
        .set(1, number.to_string())
        .set(2, "NM")
        .set(3, format!("{code}^{name}^LN"))
        .set(5, format!("{value:.digits$}"))
        .set(6, *unit)
        .set(7, format!("{low}-{high}"))
        .set(8, flag)
        .set(11, stage.code())
        .set(14, collected)
}
