//! RXA, pharmacy/treatment administration: IG map `RXA[Immunization]`. A vaccine in VXU, any medicine in RAS.

use causeway_core::hl7v2::time::Hl7Time;

use crate::codes;
use crate::fhir::{Json, Object, identifier, logical};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::{cwe, pl, ts, xcn};
use crate::hl7v2::medication::drug;
use crate::hl7v2::medication::ordered;
use crate::hl7v2::profile::{SegmentUse, required, used};
use crate::hl7v2::reader::{Seg, Value};

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "RXA",
    title: "Pharmacy/treatment administration",
    ig: "RXA[Immunization]",
    fields: &[
        used(1, "Give sub-id counter", "Part of the key of a MedicationAdministration"),
        used(2, "Administration sub-id counter", "Part of the key of a MedicationAdministration"),
        required(
            3,
            "Date/time start of administration",
            "Immunization.occurrenceDateTime, MedicationAdministration.effective[x]",
        ),
        used(
            4,
            "Date/time end of administration",
            "MedicationAdministration.effectivePeriod.end; of a vaccine nothing",
        ),
        required(5, "Administered code", "Immunization.vaccineCode, MedicationAdministration.medication[x]")
            .but("CVX 998 (no vaccine) that was not refused makes no Immunization"),
        used(6, "Administered amount", "Immunization.doseQuantity, MedicationAdministration.dosage.dose; 999 is none"),
        used(7, "Administered units", "The unit of RXA-6"),
        used(8, "Administered dosage form", "Medication.form (MedicationAdministration)"),
        used(9, "Administration notes", "Immunization.primarySource and reportOrigin for NIP001; else note")
            .but("The IG leaves it to the US guide for immunisation"),
        used(10, "Administering provider", "Immunization.performer (AP), MedicationAdministration.performer")
            .but("A reference by identifier and name"),
        used(11, "Administered-at location", "Immunization.location by identifier, where RXA-27 is not sent")
            .but("The IG does not map what v2.5 has in place of RXA-27"),
        used(12, "Administered per (time unit)", "MedicationAdministration.dosage.rateRatio")
            .but("The IG does not map it"),
        used(13, "Administered strength", "Medication.ingredient.strength.numerator").but("The IG does not map it"),
        used(14, "Administered strength units", "The unit of RXA-13").but("The IG does not map it"),
        used(15, "Substance lot number", "Immunization.lotNumber, Medication.batch.lotNumber"),
        used(16, "Substance expiration date", "Immunization.expirationDate, Medication.batch.expirationDate"),
        used(17, "Substance manufacturer name", "Immunization.manufacturer, Medication.manufacturer"),
        used(
            18,
            "Substance/treatment refusal reason",
            "Immunization.statusReason, MedicationAdministration.statusReason",
        ),
        used(19, "Indication", "Immunization.reasonCode, MedicationAdministration.reasonCode"),
        used(
            20,
            "Completion status",
            "Immunization.status, MedicationAdministration.status; PA: Immunization.isSubpotent",
        )
        .but("R4's MedicationAdministration tells what was broken off apart (stopped)"),
        used(21, "Action code - RXA", "D: entered-in-error; the rank of the version"),
        used(22, "System entry date/time", "Immunization.recorded")
            .but("Without it ORC-9; the IG takes it of an added one only"),
        used(23, "Administered drug strength volume", "Medication.ingredient.strength.denominator")
            .but("The IG does not map it"),
        used(24, "Administered drug strength volume units", "The unit of RXA-23").but("The IG does not map it"),
        used(27, "Administer-at", "Immunization.location").but("A reference by identifier and name"),
    ],
};

/// What an RXA says whatever it gives.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// RXA-3.
    pub(crate) start: Option<Hl7Time>,
    /// RXA-3 as sent, where it is no time.
    pub(crate) start_text: String,
    /// RXA-6 with RXA-7.
    pub(crate) amount: Option<Object>,
    /// RXA-10.
    pub(crate) performers: Vec<Object>,
    /// RXA-15.
    pub(crate) lot: String,
    /// RXA-16.
    pub(crate) expires: Option<Hl7Time>,
    /// RXA-17.
    pub(crate) manufacturer: Option<Object>,
    /// RXA-18.
    pub(crate) refusals: Vec<Json>,
    /// RXA-19.
    pub(crate) reasons: Vec<Json>,
    /// RXA-20: status of an immunisation, status of an administration; `None` when not sent or not known.
    pub(crate) completion: Option<[&'static str; 2]>,
    /// Whether RXA-20 was sent.
    pub(crate) has_completion: bool,
    /// Whether it was given in part.
    pub(crate) is_partial: bool,
    /// RXA-21.
    pub(crate) action: Action,
    /// RXA-27 or RXA-11.
    pub(crate) location: Object,
}

/// What is done with what was said before of the same dose. The ladder of versions: added (1), updated (2), deleted (3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Action {
    /// A, or nothing.
    #[default]
    Add,
    /// U.
    Update,
    /// D.
    Delete,
}

impl Action {
    /// The rung on the ladder of versions: an update outranks the original that arrives after it.
    pub(crate) const fn rank(self) -> u8 {
        match self {
            Self::Add => 1,
            Self::Update => 2,
            Self::Delete => 3,
        }
    }
}

/// Reads it.
pub(crate) fn read<'m>(context: &Context<'m>, rxa: &Seg<'m>) -> Given {
    let start = ts::field(rxa, context, 3);
    let sent = rxa.first(context, 20).map(|value| {
        let row = codes::COMPLETION_STATUS.row(&value.text(1));
        if row.is_none() {
            cwe::unmapped(&value);
        }
        row.map(|[_, immunization, administered]| [*immunization, *administered])
    });
    // 999 is an amount that is not known (CDC); there is no dose of it.
    let is_unknown = matches!(&*rxa.text(context, 6), "999" | "0");
    let amount = if is_unknown {
        rxa.first(context, 7).iter().for_each(Value::keep);
        None
    } else {
        ordered::amount(context, rxa, [6, 7])
    };
    Given {
        start,
        start_text: if start.is_none() { rxa.text(context, 3).into_owned() } else { String::new() },
        amount,
        performers: rxa.all(context, 10).map(|value| xcn::read(&value)).filter(|actor| !actor.is_empty()).collect(),
        lot: rxa.text(context, 15).into_owned(),
        expires: ts::field(rxa, context, 16),
        manufacturer: rxa.first(context, 17).map(|value| drug::organisation(&value, "manufacturer")),
        refusals: cwe::fields(rxa, context, 18),
        reasons: cwe::fields(rxa, context, 19),
        has_completion: sent.is_some(),
        completion: sent.flatten(),
        is_partial: &*rxa.text(context, 20) == "PA",
        action: action(context, rxa),
        location: location(context, rxa),
    }
}

/// RXA-21.
fn action<'m>(context: &Context<'m>, rxa: &Seg<'m>) -> Action {
    let Some(value) = rxa.first(context, 21) else { return Action::Add };
    match &*value.text(1) {
        "A" => Action::Add,
        "U" => Action::Update,
        "D" => Action::Delete,
        _ => {
            cwe::unmapped(&value);
            Action::Add
        }
    }
}

/// RXA-27, or else RXA-11: LA2, which names the place as PL does and goes on with an address.
fn location<'m>(context: &Context<'m>, rxa: &Seg<'m>) -> Object {
    let older = rxa.first(context, 11).map(|value| {
        let levels = [1, 2, 3, 8, 7, 4].map(|component| value.text(component).into_owned());
        let named: Vec<&str> = levels.iter().map(AsRef::as_ref).filter(|level: &&str| !level.is_empty()).collect();
        let joined = named.join("/");
        logical("Location", identifier(&context.urn("location", ""), &joined), &named.join(", "))
    });
    let newer = rxa.first(context, 27).map(|value| pl::read(&value).reference);
    newer.filter(|place| !place.is_empty()).or(older).unwrap_or_default()
}
