//! Whatever comes, mapping neither panics nor makes what is not FHIR, and no note repeats what a patient's message says.

use causeway_core::envelope::{FeedName, Format};
use causeway_core::feed::{FeedSettings, Profile};
use causeway_core::mapped::Mapped;
use causeway_core::provider::ProviderId;
use causeway_mappers::hl7v2;
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::case::cases;
use crate::shape;

fn map(body: &[u8], profile: Profile) -> Mapped {
    let name = FeedName::parse("any").expect("a name");
    let feed = FeedSettings { profile, ..FeedSettings::new(name, Format::Hl7v2, ProviderId("HA".to_owned())) };
    hl7v2::map(body, &feed, 0, Timestamp::UNIX_EPOCH)
}

/// Something done to a message on its way: at a place (a share of its length), with some bytes.
#[derive(Debug, Clone)]
enum Harm {
    Cut(f64, usize),
    Insert(f64, Vec<u8>),
    Replace(f64, u8),
    RepeatLine(f64),
    SwapLines(f64, f64),
    /// The segments behind MSH in another order.
    Shuffle(u64),
    /// A field without its value.
    Blank(f64, f64),
}

fn harm() -> impl Strategy<Value = Harm> {
    let place = 0.0..1.0;
    let pieces = prop_oneof![
        vec(any::<u8>(), 1..4),
        prop::sample::select(vec![
            "|", "^", "~", "\\", "&", "\r", "\"\"", "\\X", "HL7", "20260230", "-1", "é", "陳", "\0"
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
    ];
    prop_oneof![
        (place.clone(), 1..20_usize).prop_map(|(at, length)| Harm::Cut(at, length)),
        (place.clone(), pieces).prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
        (place.clone(), any::<u8>()).prop_map(|(at, byte)| Harm::Replace(at, byte)),
        place.clone().prop_map(Harm::RepeatLine),
        (place.clone(), place.clone()).prop_map(|(a, b)| Harm::SwapLines(a, b)),
        any::<u64>().prop_map(Harm::Shuffle),
        (place.clone(), place).prop_map(|(a, b)| Harm::Blank(a, b)),
    ]
}

impl Harm {
    fn to(&self, message: &mut Vec<u8>) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a small length")]
        let place = |share: f64, of: usize| ((share * of as f64) as usize).min(of.saturating_sub(1));
        let mut lines: Vec<Vec<u8>> = message.split(|b| matches!(b, b'\r' | b'\n')).map(<[u8]>::to_vec).collect();
        match self {
            Self::Cut(at, length) => {
                let from = place(*at, message.len());
                let to = (from + length).min(message.len());
                message.drain(from..to);
            }
            Self::Insert(at, bytes) => {
                let at = place(*at, message.len());
                message.splice(at..at, bytes.iter().copied());
            }
            Self::Replace(at, byte) => {
                let at = place(*at, message.len());
                if let Some(slot) = message.get_mut(at) {
                    *slot = *byte;
                }
            }
            Self::RepeatLine(at) => {
                let at = place(*at, lines.len());
                lines.insert(at, lines[at].clone());
                *message = lines.join(&b'\r');
            }
            Self::SwapLines(a, b) => {
                let (a, b) = (place(*a, lines.len()), place(*b, lines.len()));
                lines.swap(a, b);
                *message = lines.join(&b'\r');
            }
            Self::Shuffle(seed) => {
                let rest = lines.split_off(lines.len().min(1));
                let mut rest: Vec<_> = rest.into_iter().zip(1_u64..).collect();
                rest.sort_by_key(|(_, at)| at.wrapping_mul(*seed | 1).rotate_left(31));
                lines.extend(rest.into_iter().map(|(line, _)| line));
                *message = lines.join(&b'\r');
            }
            Self::Blank(line, field) => {
                let at = place(*line, lines.len());
                let mut fields: Vec<&[u8]> = lines[at].split(|b| *b == b'|').collect();
                let which = place(*field, fields.len());
                fields[which] = b"";
                lines[at] = fields.join(&b'|');
                *message = lines.join(&b'\r');
            }
        }
    }
}

/// A thousand cases, or more with `PROPTEST_CASES`.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(1000), failure_persistence: None, ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_give_a_fault_or_records_and_never_a_panic(bytes in vec(any::<u8>(), 0..400)) {
        let mapped = map(&bytes, Profile::Generic);
        prop_assert!(!mapped.faults.is_empty() || !mapped.records.is_empty());
    }

    #[test]
    fn a_message_harmed_on_its_way_never_becomes_what_is_not_fhir(
        which in any::<prop::sample::Index>(),
        harms in vec(harm(), 1..6),
        hospital in any::<bool>(),
    ) {
        let samples = samples();
        let mut message = samples[which.index(samples.len())].clone();
        harms.iter().for_each(|harm| harm.to(&mut message));
        let mapped = map(&message, if hospital { Profile::HkPublicHospital } else { Profile::Generic });
        prop_assert_eq!(shape::check(&mapped), Vec::<String>::new());
        let again = map(&message, if hospital { Profile::HkPublicHospital } else { Profile::Generic });
        prop_assert_eq!(mapped, again);
    }

    #[test]
    fn any_text_in_any_field_never_becomes_what_is_not_fhir(
        segment in prop::sample::select(vec![
            "PID", "PD1", "NK1", "PV1", "PV2", "AL1", "IAM", "DG1", "PR1", "OBR", "OBX", "NTE", "SPM", "ORC",
        ]),
        fields in vec("[ -~é陳\\t]{0,12}", 1..45),
    ) {
        let is_result = matches!(segment, "OBR" | "OBX" | "NTE" | "SPM" | "ORC");
        let kind = if is_result { "ORU^R01" } else { "ADT^A08" };
        let whole = format!("{segment}|{}", fields.join("|"));
        let order = if is_result { "OBR|1||F1|X^X^L\rOBX|1|NM|A^A^L||1||||||F\r" } else { "" };
        let pid = if segment == "PID" { "" } else { "PID|1||H1^^^QMH^MR\r" };
        let message = format!("MSH|^~\\&|A|B|||20260101||{kind}|1|P|2.5|||||||UNICODE UTF-8\r{pid}{order}{whole}\r");
        let mapped = map(message.as_bytes(), Profile::HkPublicHospital);
        prop_assert_eq!(shape::check(&mapped), Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text_in_any_field_of_an_order_or_a_dose_never_becomes_what_is_not_fhir(
        event in prop::sample::select(vec![
            ("OMP^O09", "RXO|A^A^L\r"), ("RDE^O11", "RXE||A^A^L|1||mg\r"), ("RDS^O13", "RXD|1|A^A^L|20260101|1\r"),
            ("RAS^O17", "RXA|0|1|20260101||A^A^L|1\r"), ("ORM^O01", "RXO|A^A^L\r"), ("VXU^V04", "RXA|0|1|20260101||03^A^CVX|1\r"),
        ]),
        segment in prop::sample::select(vec![
            "ORC", "TQ1", "TQ2", "RXO", "RXE", "RXR", "RXC", "RXD", "RXA", "OBX", "NTE", "DG1", "AL1",
        ]),
        fields in vec("[ -~é陳\\t]{0,12}", 1..45),
    ) {
        let (kind, detail) = event;
        let whole = format!("{segment}|{}\r", fields.join("|"));
        let (before, after) = if matches!(segment, "ORC" | "TQ1" | "TQ2") { (whole, String::new()) } else { (String::new(), whole) };
        let order = if segment == "ORC" { "" } else { "ORC|NW|P1|F1\r" };
        let head = format!("MSH|^~\\&|A|B|||20260101||{kind}|1|P|2.5|||||||UNICODE UTF-8\rPID|1||H1^^^QMH^MR\r");
        let message = format!("{head}{order}{before}{detail}{after}");
        let mapped = map(message.as_bytes(), Profile::Generic);
        prop_assert_eq!(shape::check(&mapped), Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text_in_any_field_of_a_document_a_problem_a_referral_or_an_appointment_never_becomes_what_is_not_fhir(
        event in prop::sample::select(vec![
            ("MDM^T02", vec!["OBX|1|TX|A^A^L||x\r", "TXA|1|PN||||||||||D1\r", "NTE|1||x\r", "ORC|RE|P1\r", "OBR|1|P1||X^X^L\r"]),
            ("PPR^PC1", vec!["PRB|AD|20260101|A^A^L|PB1\r", "OBX|1|NM|A^A^L||1||||||F\r", "NTE|1||x\r"]),
            ("REF^I12", vec!["RF1|A|R||||R1\r", "PRD|RP|A^B\r", "OBX|1|TX|A^A^L||x\r", "NTE|1||x\r", "DG1|1||A^A^L\r"]),
            ("ORU^R01", vec!["IPC|A1|P1|1.2.3|S1|CT\r", "ZDS|1.2.3\r", "OBR|1||F1|X^X^L\r"]),
            ("SIU^S12", vec![
                "SCH||A1|||||||30|MIN|^^^20260101100000\r", "TQ1|1||||||20260101\r", "RGS|1\r", "AIS|1||A^A^L\r", "AIG|1||A^A^L\r",
                "AIL|1||A^1\r", "AIP|1||D1^A\r", "NTE|1||x\r",
            ]),
        ]),
        which in any::<prop::sample::Index>(),
        fields in vec("[ -~é陳\\t]{0,12}", 1..45),
    ) {
        let (kind, lines) = event;
        let which = which.index(lines.len());
        let name = lines[which].split('|').next().expect("a name");
        let head = format!("MSH|^~\\&|A|B|||20260101||{kind}|1|P|2.5|||||||UNICODE UTF-8\rPID|1||H1^^^QMH^MR\r");
        let order = if kind == "ORU^R01" && name != "OBR" { "OBR|1||F1|X^X^L\r" } else { "" };
        // MDM has its order, then its header, in front of its content.
        let (front, back): (Vec<&str>, Vec<&str>) = if kind == "MDM^T02" {
            (vec![lines[3], lines[4], lines[1]], vec![lines[0], lines[2]])
        } else {
            (lines.clone(), Vec::new())
        };
        let whole = format!("{name}|{}\r", fields.join("|"));
        let written = |line: &&str| if line.starts_with(name) { whole.clone() } else { (*line).to_owned() };
        let lines: String = front.iter().chain(&back).map(written).collect();
        let mapped = map(format!("{head}{order}{lines}").as_bytes(), Profile::Generic);
        prop_assert_eq!(shape::check(&mapped), Vec::<String>::new());
    }
}

#[test]
fn every_message_of_every_golden_harmed_gives_a_fault_or_what_is_fhir() {
    let mut runner = TestRunner::default();
    let harms = vec(harm(), 1..8);
    for (sample, number) in samples().iter().zip(0..) {
        for profile in [Profile::Generic, Profile::HkPublicHospital, Profile::Generic] {
            let harms = harms.new_tree(&mut runner).expect("a case").current();
            let mut message = sample.clone();
            harms.iter().for_each(|harm| harm.to(&mut message));
            let mapped = map(&message, profile);
            assert_eq!(shape::check(&mapped), Vec::<String>::new(), "sample {number} after {harms:?}");
            // A merge of a patient with itself makes nothing, and says so in a note.
            let says_something = !mapped.faults.is_empty() || !mapped.records.is_empty() || !mapped.notes.is_empty();
            assert!(says_something, "sample {number} after {harms:?} is passed over in silence");
        }
    }
}

/// Every message of the golden cases.
fn samples() -> &'static [Vec<u8>] {
    static SAMPLES: std::sync::LazyLock<Vec<Vec<u8>>> =
        std::sync::LazyLock::new(|| cases().into_iter().flat_map(|case| case.messages().to_vec()).collect());
    &SAMPLES
}

#[test]
fn a_message_of_very_many_segments_gives_a_bounded_number_of_notes() {
    let mut message = b"MSH|^~\\&|A|B|||20260101||ORU^R01|1|P|2.5\rPID|1||H1\rOBR|1||F1|X^X^L\r".to_vec();
    for _ in 0..3000 {
        message.extend_from_slice(b"OBX|1|NM|A^A^L||x||||0.9|0.9|F|0.9|0.9\r");
    }
    let mapped = map(&message, Profile::Generic);
    assert_eq!(mapped.notes.len(), 1001);
    assert_eq!(mapped.notes.last().map(|note| note.code.as_str()), Some("too-many-notes"));
    assert_eq!(mapped.records.len(), 3002);
}

#[test]
fn no_note_and_no_fault_repeats_what_a_message_says() {
    for case in cases() {
        for (message, mapped) in case.messages().iter().zip(case.map()) {
            let text = String::from_utf8_lossy(message).into_owned();
            // The header is no patient's: a fault names the character set it asks for.
            let (_, body) = text.split_once(['\r', '\n']).unwrap_or_default();
            let values: Vec<&str> =
                body.split(['|', '^', '~', '&', '\r', '\n']).filter(|v| v.chars().count() > 4).collect();
            let said = mapped.notes.iter().map(|note| &note.text).chain(mapped.faults.iter().map(|fault| &fault.text));
            for said in said {
                let repeated = values.iter().find(|value| said.contains(**value));
                assert_eq!(repeated, None, "{}: {said}", case.name);
            }
            let debug = format!("{:?} {:?} {:?}", mapped.identity, mapped.notes, mapped.faults);
            for name in ["CHAN", "TAI MAN", "大文", "H2001", "A1234563"] {
                assert!(!debug.contains(name), "{}: {name}", case.name);
            }
        }
    }
}
