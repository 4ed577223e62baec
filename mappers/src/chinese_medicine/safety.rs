//! The safety checks of prescriptions. They mark and never block: each finding is a note for operators, which names the
//! table and no herb, and an annotation of the prescription in both languages for those who may read it.

use std::collections::BTreeSet;

use causeway_core::chinese_medicine::record::{Dispensing, Form, Herb, Prescription, Unit};
use jiff::civil::{Date, date};

use super::context::Context;
use super::note::NoteCode;
use super::table::{DOSE, INCOMPATIBLE, PREGNANCY, Pair, TOXIC, names};

/// The last day of transitional registrations of proprietary Chinese medicines.
const TRANSITION_ENDS: Date = date(2025, 6, 30);
/// How the pharmacopoeia is named in findings.
const PHARMACOPOEIA: &str = "《中華人民共和國藥典》 Pharmacopoeia of the PRC";

/// How tables of a site are called: the register of proprietary medicines, and lists of herbs by their names.
const REGISTER: &str = "HKPCM";
const TOXIC_LIST: &str = "herb-toxic";
const PREGNANCY_LIST: &str = "herb-pregnancy";
/// How the bundled list of toxic medicines is named in findings.
const CONTROLLED: &str = "《醫療用毒性藥品管理辦法》 Measures for the Control of Toxic Drugs for Medical Use, PRC 1988";

/// Checks a prescription that stands at `place`; what is found, for those who read it.
pub(super) fn check(context: &Context<'_>, prescription: &Prescription, place: &str) -> Vec<String> {
    let mut findings = Findings { context, texts: Vec::new() };
    doses(&mut findings, prescription, place);
    pairs(&mut findings, prescription, place);
    pregnancy(&mut findings, prescription, place);
    toxic(&mut findings, prescription, place);
    duplicates(&mut findings, prescription, place);
    for (at, product) in prescription.products.iter().enumerate() {
        let number = product.registration.as_ref().map(|number| number.expose()).unwrap_or_default();
        let tables = &context.feed.code_tables;
        if !number.is_empty() && tables.has(REGISTER) && tables.find(REGISTER, number, context.day).is_none() {
            let place = format!("{place}/products/{at}/registration");
            findings.add(NoteCode::UnknownRegistration, &place, REGISTER, number);
        }
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
    /// The list of a site on which a herb stands on the day of the visit: who says so, and its version.
    fn listed(&self, list: &str, herb: &Herb) -> Option<String> {
        let (tables, day) = (&self.context.feed.code_tables, self.context.day);
        let found = tables.find(list, herb.name.expose(), day).or_else(|| tables.find(list, &processed(herb), day))?;
        Some(format!("{} {}", found.source, found.version).trim_end().to_owned())
    }

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
        let known = |name| DOSE.get_key_value(name);
        let Some((known, limit)) = names(herb.name.expose()).find_map(known) else { continue };
        let daily = herb.dose.ten_thousandths().saturating_mul(unit).saturating_mul(packs);
        if daily > limit.ten_thousandths.saturating_mul(1000).saturating_mul(days) {
            let about = format!("{known} > {} g", limit.grams);
            findings.add(NoteCode::DoseAbove, &format!("{place}/herbs/{at}/dose"), PHARMACOPOEIA, &about);
        }
    }
}

fn pairs(findings: &mut Findings<'_, '_>, prescription: &Prescription, place: &str) {
    let herbs = || prescription.herbs.iter().map(|herb| herb.name.expose()).enumerate();
    for Pair { rule, left, right } in INCOMPATIBLE.iter() {
        let on = |side: &BTreeSet<&str>| herbs().find(|(_, name)| names(name).any(|name| side.contains(name)));
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
        let (name, place) = (herb.name.expose(), format!("{place}/herbs/{at}"));
        if names(name).any(|name| PREGNANCY.contains(name)) {
            findings.add(NoteCode::Pregnancy, &place, PHARMACOPOEIA, name);
        } else if let Some(list) = findings.listed(PREGNANCY_LIST, herb) {
            findings.add(NoteCode::Pregnancy, &place, &list, name);
        }
    }
}

/// Herbs of the lists of toxic medicines: raw ones are listed as 生…, which a record may say by the processing.
fn toxic(findings: &mut Findings<'_, '_>, prescription: &Prescription, place: &str) {
    for (at, herb) in prescription.herbs.iter().enumerate() {
        let (name, place) = (herb.name.expose(), format!("{place}/herbs/{at}"));
        let full = processed(herb);
        if TOXIC.contains(name) || TOXIC.contains(full.as_str()) {
            findings.add(NoteCode::ToxicHerb, &place, CONTROLLED, name);
        }
        if let Some(list) = findings.listed(TOXIC_LIST, herb) {
            findings.add(NoteCode::ToxicHerb, &place, &list, name);
        }
    }
}

/// The name with its processing in front.
fn processed(herb: &Herb) -> String {
    format!("{}{}", herb.processing.as_ref().map(|how| how.expose()).unwrap_or_default(), herb.name.expose())
}

fn duplicates(findings: &mut Findings<'_, '_>, prescription: &Prescription, place: &str) {
    for (at, herb) in prescription.herbs.iter().enumerate() {
        let same = |other: &&Herb| other.name == herb.name && other.processing == herb.processing;
        if prescription.herbs.iter().take(at).any(|other| same(&other)) {
            findings.add(NoteCode::DuplicateHerb, &format!("{place}/herbs/{at}"), "", herb.name.expose());
        }
    }
}
