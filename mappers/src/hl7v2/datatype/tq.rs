//! TQ, quantity/timing (§4.3 of v2.3 to v2.5: ORC-7, RXE-1), which TQ1 replaces.

use causeway_core::hl7v2::time::Hl7Time;

use super::{cwe, quantity, repeat, ts};
use crate::codes;
use crate::hl7v2::medication::timing::{self, Timing};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Value;

/// Reads one repetition of the field.
pub(crate) fn read(value: &Value<'_, '_>) -> Timing {
    let mut timing = Timing::default();
    // TQ.1 → the quantity of each dose
    if value.has(1) {
        timing.quantity = quantity::in_subcomponents(value, 1);
    }
    // TQ.2 → repeat: RI.1 a pattern, RI.2 times of the day
    let pattern = value.sub(2, 1);
    timing.pattern(value, &pattern);
    timing.times_of_day = timing::times_of_day(value, &value.sub(2, 2));
    // TQ.3 → length, or how many times
    let length = value.text(3);
    match repeat::old_duration(&length) {
        Some((length, count)) => (timing.length, timing.count) = (length, count),
        None if matches!(&*length, "" | "INDEF") => {}
        None => value.note(NoteCode::UnmappedCode, "the duration is none of table 4.3.3: left out"),
    }
    // TQ.4, TQ.5 → bounds
    let time =
        |component: usize| -> Option<Hl7Time> { if value.has(component) { ts::read(value, component) } else { None } };
    (timing.start, timing.end) = (time(4), time(5));
    // TQ.6 → priority, or as needed
    priority(value, &value.text(6), &mut timing);
    // TQ.7, TQ.8 → condition and text
    timing.condition = value.text(7).into_owned();
    timing.text = value.text(8).into_owned();
    // TQ.9: S, the next one follows this one; A, beside it
    timing.is_followed = value.text(9) == "S";
    // TQ.12 → count
    if value.has(12) {
        timing.count = value.text(12).parse().ok().filter(|count| *count > 0).or(timing.count);
    }
    timing
}

/// TQ.6 and TQ1-9: the priority, or PRN.
pub(crate) fn priority(value: &Value<'_, '_>, sent: &str, timing: &mut Timing) {
    match codes::ORDER_PRIORITY.code(sent) {
        Some(priority) => timing.priority = priority,
        None if sent == "PRN" => timing.repeat.as_needed = true,
        None if sent.is_empty() => {}
        None => cwe::unmapped(value),
    }
}
