//! TQ1, timing/quantity: IG map `TQ1[MedicationRequest]`.

use crate::fhir::Object;
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::{quantity, repeat, tq, ts};
use crate::hl7v2::medication::timing::{self, Timing};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::profile::{SegmentUse, kept, used};
use crate::hl7v2::reader::{Seg, Value};

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "TQ1",
    title: "Timing/quantity",
    ig: "TQ1[MedicationRequest]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Quantity", "Dosage.doseAndRate.doseQuantity, where the order itself says no amount"),
        used(3, "Repeat pattern", "Dosage.timing.repeat and code; Dosage.asNeededBoolean for PRN")
            .but("The pattern is read, not only copied: BID is 2 times in 1 day"),
        used(4, "Explicit time", "Dosage.timing.repeat.timeOfDay")
            .but("The IG has timing.event, which wants a date: these are times of every day"),
        used(6, "Service duration", "Dosage.timing.repeat.boundsDuration; dispenseRequest.expectedSupplyDuration"),
        used(7, "Start date/time", "Dosage.timing.repeat.boundsPeriod.start; of an appointment Appointment.start"),
        used(8, "End date/time", "Dosage.timing.repeat.boundsPeriod.end; of an appointment Appointment.end"),
        used(9, "Priority", "MedicationRequest.priority; PRN: Dosage.asNeededBoolean"),
        used(
            10,
            "Condition text",
            "Dosage.asNeededCodeableConcept.text when as needed, else Dosage.additionalInstruction",
        ),
        used(11, "Text instruction", "Dosage.text"),
        used(12, "Conjunction", "Dosage.sequence: S counts on, A stays").but("The IG names no R4 element"),
        used(13, "Occurrence duration", "Dosage.timing.repeat.duration and durationUnit"),
        used(14, "Total occurrences", "Dosage.timing.repeat.count")
            .but("The IG has countMax, which R4 allows beside count only"),
    ],
};

/// Reads one.
pub(crate) fn read<'m>(context: &Context<'m>, tq1: &Seg<'m>) -> Timing {
    let mut timing = Timing {
        quantity: tq1.first(context, 2).and_then(|value| quantity::composite(&value)), // TQ1-2
        start: ts::field(tq1, context, 7),
        end: ts::field(tq1, context, 8),
        ..Timing::default()
    };
    // TQ1-3 → repeat
    if let Some(value) = tq1.first(context, 3) {
        repeat_pattern(&value, &mut timing);
    }
    // TQ1-4 → timeOfDay
    for value in tq1.all(context, 4) {
        timing.times_of_day.extend(timing::times_of_day(&value, &value.text(1)));
    }
    timing.length = length(context, tq1, 6); // TQ1-6
    timing.each = length(context, tq1, 13); // TQ1-13
    // TQ1-9 → priority, or PRN
    for value in tq1.all(context, 9) {
        [2, 3].into_iter().for_each(|component| value.ask(component));
        tq::priority(&value, &value.text(1), &mut timing);
    }
    let whole = |number: usize| tq1.first(context, number).map(|value| value.whole().into_owned()).unwrap_or_default();
    (timing.condition, timing.text) = (whole(10), whole(11)); // TQ1-10, TQ1-11
    timing.is_followed = matches!(&*tq1.text(context, 12), "S" | "C"); // TQ1-12
    timing.count = count(context, tq1); // TQ1-14
    timing
}

/// RPT: a pattern, or period and unit where there is none.
fn repeat_pattern(value: &Value<'_, '_>, timing: &mut Timing) {
    let (code, text) = (value.sub(1, 1), value.sub(1, 2));
    timing.pattern(value, if code.is_empty() { &text } else { &code });
    if !value.has(5) {
        return;
    }
    let (number, unit) = (value.text(5), value.text(6));
    match (number.parse::<u32>(), crate::codes::DURATION_UNIT.code(&unit.to_uppercase())) {
        (Ok(period), Some(unit)) if period > 0 && timing.repeat.period.is_none() => {
            timing.repeat.frequency = timing.repeat.frequency.or(Some(1));
            (timing.repeat.period, timing.repeat.unit) = (Some(period), unit);
        }
        (Ok(_), Some(_)) => {}
        (_, _) => value.note(NoteCode::NotANumber, "the period is no number of a unit of time: left out"),
    }
}

/// CQ: a length of time.
fn length<'m>(context: &Context<'m>, tq1: &Seg<'m>, number: usize) -> Option<Object> {
    let value = tq1.first(context, number)?;
    let found = repeat::duration(&value.text(1), &value.sub(2, 1));
    if found.is_none() {
        value.note(NoteCode::NotANumber, "the length is no number of a unit of time: left out");
    }
    found
}

fn count<'m>(context: &Context<'m>, tq1: &Seg<'m>) -> Option<u32> {
    let value = tq1.first(context, 14)?;
    let count = value.text(1).parse::<u32>().ok().filter(|count| *count > 0);
    if count.is_none() {
        value.note(NoteCode::NotANumber, "the number of times is none: left out");
    }
    count
}
