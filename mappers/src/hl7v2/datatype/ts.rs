//! TS, DTM and DT (§2A.2.21) to `date`, `dateTime`, `instant` and `time`. A bad one is noted and left out.

use causeway_core::hl7v2::time::{Hl7Time, Precision, TimeFault};
use jiff::civil;

use crate::hl7v2::context::Context;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::{Seg, Value};

/// Reads the time in a component. In the old TS a degree of precision follows as the second component: kept with the
/// envelope.
pub(crate) fn read(value: &Value<'_, '_>, component: usize) -> Option<Hl7Time> {
    match Hl7Time::parse(&value.text(component)) {
        Ok(time) => Some(time),
        Err(TimeFault::Empty) => None,
        Err(fault @ (TimeFault::Form | TimeFault::Calendar | TimeFault::Year | TimeFault::Offset)) => {
            value.note(NoteCode::BadDate, &fault.to_string());
            None
        }
    }
}

/// The time in a field.
pub(crate) fn field<'m>(segment: &Seg<'m>, context: &Context<'m>, number: usize) -> Option<Hl7Time> {
    let value = segment.first(context, number)?;
    value.ask(2);
    read(&value, 1)
}

/// The `dateTime` in a field.
pub(crate) fn date_time<'m>(segment: &Seg<'m>, context: &Context<'m>, number: usize) -> Option<String> {
    field(segment, context, number).map(|time| context.written(time))
}

/// The `dateTime` in a component.
pub(crate) fn component(value: &Value<'_, '_>, component: usize) -> Option<String> {
    if !value.has(component) {
        return None;
    }
    read(value, component).map(|time| value.context().written(time))
}

/// A time as `instant`, which R4 wants to the second: a date alone is none.
pub(crate) fn instant(time: Hl7Time, context: &Context<'_>) -> Option<String> {
    (time.precision() >= Precision::Hour).then(|| context.written(time))
}

/// The day of a time.
pub(crate) fn day(time: Option<Hl7Time>) -> Option<civil::Date> {
    time.and_then(|time| time.date())
}

/// TM (§2A.2.75), `HH[MM[`SS[.S…]`]][+/-ZZZZ]`, as FHIR `time`, which has seconds and no offset.
pub(crate) fn time_of_day(text: &str) -> Option<String> {
    let text = text.split(['+', '-']).next().unwrap_or_default();
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    let two = |from: usize| digits.get(from..from + 2).unwrap_or("00");
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let good = matches!(digits.len(), 2 | 4 | 6) && all_digits(digits) && all_digits(fraction);
    let (hour, minute, second) = (two(0), two(2), two(4));
    if !good || hour > "23" || minute > "59" || second > "59" || fraction.len() > 9 {
        return None;
    }
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{hour}:{minute}:{second}{point}{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_to_the_second() {
        for (sent, written) in
            [("0930", "09:30:00"), ("09", "09:00:00"), ("093015", "09:30:15"), ("093015.25+0800", "09:30:15.25")]
        {
            assert_eq!(time_of_day(sent).as_deref(), Some(written), "{sent}");
        }
        for bad in ["", "9", "2400", "0960", "093060", "noon", "093", "0930.x"] {
            assert_eq!(time_of_day(bad), None, "{bad}");
        }
    }
}
