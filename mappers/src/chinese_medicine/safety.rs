//! The safety checks of prescriptions. They mark and never block: each finding is a note for operators, which names the
//! table and no herb, and an annotation of the prescription in both languages for those who may read it.

use causeway_core::chinese_medicine::record::{Dispensing, Form, Prescription, Unit};
use jiff::civil::{Date, date};

use super::context::Context;
use super::note::NoteCode;
use super::table::{self, is_herb};

/// The last day of transitional registrations of proprietary Chinese medicines.
const TRANSITION_ENDS: Date = date(2025, 6, 30);
/// How the pharmacopoeia is named in findings.
const PHARMACOPOEIA: &str = "《中華人民共和國藥典》 Pharmacopoeia of the PRC";

/// Checks a prescription that stands at `place`; what is found, for those who read it.
pub(super) fn check(context: &Context<'_>, prescription: &Prescription, place: &str) -> Vec<String> {
    let mut findings = Findings { context, texts: Vec::new() };
    doses(&mut findings, prescription, place);
    pairs(&mut findings, prescription, place);
    pregnancy(&mut findings, prescription, place);
    duplicates(&mut findings, prescription, place);
    for (at, product) in prescription.products.iter().enumerate() {
        let number = product.registration.as_ref().map(|number| number.expose()).unwrap_or_default();
        if number.starts_with("HKP-") && context.day > TRANSITION_ENDS {
            findings.add(
                NoteCode::RegistrationEnded,
                &format!("{place}/products/{at}/registration"),
                "Cap. 549",
                number,
            );
        }
    }
    if prescription.packs.zip(prescription.days).is_some_and(|(packs, days)| packs.get() != days.get())
        && prescription.form == Form::Decoction
    {
        findings.add(NoteCode::PacksDisagree, &format!("{place}/days"), "", "");
    }
    findings.texts
}

/// Checks a dispensing against its prescription.
pub(super) fn dispensed(context: &Context<'_>, prescription: &Prescription, dispensing: &Dispensing, place: &str) {
    let differs = |ours: Option<u32>, theirs: Option<u32>| ours.zip(theirs).is_some_and(|(ours, theirs)| ours > theirs);
    let packs = differs(dispensing.packs.map(|packs| packs.get()), prescription.packs.map(|packs| packs.get()));
    let days = differs(dispensing.days.map(|days| days.get()), prescription.days.map(|days| days.get()));
    if packs || days {
        context.note(NoteCode::PacksDisagree, place, "");
    }
}

struct Findings<'c, 'm> {
    context: &'c Context<'m>,
    texts: Vec<String>,
}

impl Findings<'_, '_> {
    fn add(&mut self, code: NoteCode, place: &str, table: &str, about: &str) {
        let named = if table.is_empty() { String::new() } else { format!("[{table}]") };
        self.context.note(code, place, &named);
        let parts = [code.text(), code.text_zh(), about, &named];
        self.texts.push(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "));
    }
}

/// One pack is taken in a day, unless packs and days say otherwise; by mouth only.
fn doses(findings: &mut Findings<'_, '_>, prescription: &Prescription, place: &str) {
    if prescription.form == Form::External {
        return;
    }
    let (packs, days) = match prescription.packs.zip(prescription.days) {
        Some((packs, days)) => (u64::from(packs.get()), u64::from(days.get())),
        None => (1, 1),
    };
    for (at, herb) in prescription.herbs.iter().enumerate() {
        let unit = match herb.unit {
            Unit::Gram => 1000,
            Unit::Milligram => 1,
            Unit::Millilitre | Unit::Piece => continue,
        };
        let Some([known, grams]) = table::rows::<2>(table::DOSE).find(|[known, _]| is_herb(herb.name.expose(), known))
        else {
            continue;
        };
        let Ok(limit) = causeway_core::chinese_medicine::Amount::parse(grams) else { continue };
        let daily = herb.dose.ten_thousandths().saturating_mul(unit).saturating_mul(packs);
        if daily > limit.ten_thousandths().saturating_mul(1000).saturating_mul(days) {
            let about = format!("{known} > {grams} g");
            findings.add(NoteCode::DoseAbove, &format!("{place}/herbs/{at}/dose"), PHARMACOPOEIA, &about);
        }
    }
}

fn pairs(findings: &mut Findings<'_, '_>, prescription: &Prescription, place: &str) {
    let names = || prescription.herbs.iter().map(|herb| herb.name.expose()).enumerate();
    for [rule, left, right] in table::rows::<3>(table::INCOMPATIBLE) {
        let on = |side: &'static str| names().find(|(_, name)| side.split('|').any(|known| is_herb(name, known)));
        if let (Some((_, one)), Some((at, other))) = (on(left), on(right)) {
            let about = format!("{one} × {other}");
            findings.add(NoteCode::Incompatible, &format!("{place}/herbs/{at}"), rule, &about);
        }
    }
}

fn pregnancy(findings: &mut Findings<'_, '_>, prescription: &Prescription, place: &str) {
    if findings.context.record.visit.pregnant != Some(true) {
        return;
    }
    for (at, herb) in prescription.herbs.iter().enumerate() {
        if table::rows::<1>(table::PREGNANCY).any(|[known]| is_herb(herb.name.expose(), known)) {
            findings.add(NoteCode::Pregnancy, &format!("{place}/herbs/{at}"), PHARMACOPOEIA, herb.name.expose());
        }
    }
}

fn duplicates(findings: &mut Findings<'_, '_>, prescription: &Prescription, place: &str) {
    for (at, herb) in prescription.herbs.iter().enumerate() {
        let same = |other: &&causeway_core::chinese_medicine::record::Herb| {
            other.name == herb.name && other.processing == herb.processing
        };
        if prescription.herbs.iter().take(at).any(|other| same(&other)) {
            findings.add(NoteCode::DuplicateHerb, &format!("{place}/herbs/{at}"), "", herb.name.expose());
        }
    }
}
