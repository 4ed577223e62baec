//! When and how often: what TQ1 and the old TQ say, and FHIR's Timing.

use causeway_core::hl7v2::time::Hl7Time;

use crate::fhir::{Json, Object, period, text_concept};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::cwe;
use crate::hl7v2::datatype::repeat::{self, Repeat};
use crate::hl7v2::datatype::ts;
use crate::hl7v2::reader::Value;

/// One timing of an order.
#[derive(Debug, Default)]
pub(crate) struct Timing {
    /// How often.
    pub(crate) repeat: Repeat,
    /// The sender's own word for how often, where it is no known pattern; `code.text` otherwise.
    pub(crate) words: Option<Object>,
    /// At these times of the day.
    pub(crate) times_of_day: Vec<String>,
    /// For so long.
    pub(crate) length: Option<Object>,
    /// From when.
    pub(crate) start: Option<Hl7Time>,
    /// Until when.
    pub(crate) end: Option<Hl7Time>,
    /// How long once takes: a number and a unit of UCUM.
    pub(crate) each: Option<Object>,
    /// How many times in all.
    pub(crate) count: Option<u32>,
    /// How much each time, where the order itself does not say it.
    pub(crate) quantity: Option<Object>,
    /// `stat`, `asap`, `routine`; empty when not sent.
    pub(crate) priority: &'static str,
    /// Under which condition.
    pub(crate) condition: String,
    /// In words.
    pub(crate) text: String,
    /// Whether the next timing begins only when this one ends.
    pub(crate) is_followed: bool,
}

impl Timing {
    /// Takes a repeat pattern in: RPT.1 or RI.1, as text and as the value it stands in.
    pub(crate) fn pattern(&mut self, value: &Value<'_, '_>, sent: &str) {
        if sent.is_empty() {
            return;
        }
        match repeat::parse(sent) {
            Some(repeat) => self.repeat = repeat,
            None => cwe::unmapped(value),
        }
        self.words = Some(text_concept(sent));
    }

    /// FHIR's Timing; empty when nothing is said.
    pub(crate) fn resource(&self, context: &Context<'_>) -> Object {
        let mut repeat = Object::sized(8);
        let bounds = period(self.start.map(|time| context.written(time)), self.end.map(|time| context.written(time)));
        match &self.length {
            Some(length) if self.end.is_none() && self.start.is_none() => repeat.set("boundsDuration", length.clone()),
            Some(_) | None => repeat.set("boundsPeriod", bounds),
        }
        if let Some(each) = &self.each {
            repeat.set("duration", each.get("value").clone());
            repeat.set("durationUnit", each.get("code").clone());
        }
        let count = self.count.or(self.repeat.count);
        let mut rest = self.repeat.members();
        if let Some(count) = count {
            rest.set("count", count);
        }
        let mut repeat = repeat.merge(rest);
        // Times of the day are more exact than a part of it, and R4 has place for one of the two (tim-10).
        if !self.times_of_day.is_empty() {
            repeat = repeat.without("when");
            repeat.set("timeOfDay", Json::Array(self.times_of_day.iter().map(|time| Json::from(&**time)).collect()));
        }
        let code = Object::sized(2).one("coding", self.repeat.coding()).merge(self.words.clone().unwrap_or_default());
        Object::sized(2).put("repeat", repeat).put("code", code)
    }

    /// The days it lasts, as a Duration, where it is told in days, weeks or the like.
    pub(crate) fn supply(&self) -> Option<Object> {
        self.length.clone()
    }

    /// The first day of it.
    pub(crate) fn day(&self) -> Option<jiff::civil::Date> {
        ts::day(self.start)
    }

    /// Whether it is as needed.
    pub(crate) const fn as_needed(&self) -> bool {
        self.repeat.as_needed
    }
}

/// Times of the day, `HHMM`, several separated by commas; a bad one is noted and left out.
pub(crate) fn times_of_day(value: &Value<'_, '_>, text: &str) -> Vec<String> {
    let times = text.split(',').map(str::trim).filter(|time| !time.is_empty());
    let read = times.filter_map(|time| {
        let read = ts::time_of_day(time);
        if read.is_none() {
            value.note(crate::hl7v2::note::NoteCode::BadDate, "no time of day: left out");
        }
        read
    });
    read.collect()
}
