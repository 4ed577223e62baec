//! ORC of a pharmacy order: its numbers, its status, who ordered it and when.

use causeway_core::hl7v2::time::{Hl7Time, Precision};
use jiff::Timestamp;

use crate::codes::{self, Status};
use crate::fhir::Object;
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::ei::{self, Entity};
use crate::hl7v2::datatype::{cwe, tq, ts, xcn};
use crate::hl7v2::medication::timing::Timing;
use crate::hl7v2::reader::Seg;

/// ORC, read.
#[derive(Debug)]
pub(crate) struct Placed {
    /// ORC-1.
    pub(crate) control: String,
    /// ORC-2.
    pub(crate) placer: Option<Entity>,
    /// ORC-3.
    pub(crate) filler: Option<Entity>,
    /// ORC-4.
    pub(crate) group: Option<Entity>,
    /// What ORC-1 and ORC-5 say together, as the status of a prescription.
    pub(crate) status: Status,
    /// ORC-7.
    pub(crate) timings: Vec<Timing>,
    /// ORC-8: the placer's number of the order it comes from.
    pub(crate) parent: Option<Entity>,
    /// ORC-9.
    pub(crate) event: Option<Hl7Time>,
    /// When this version was made.
    pub(crate) at: Timestamp,
    /// ORC-10.
    pub(crate) entered_by: Option<Object>,
    /// ORC-12.
    pub(crate) requester: Option<Object>,
    /// ORC-15.
    pub(crate) effective: Option<Hl7Time>,
    /// ORC-16.
    pub(crate) reason: Option<Object>,
}

/// No status at all: never above any other.
const UNKNOWN: Status = Status { code: "unknown", rank: 0, retracted: false };

/// Reads ORC.
pub(crate) fn read<'m>(context: &Context<'m>, orc: &Seg<'m>) -> Placed {
    let control = orc.text(context, 1).into_owned();
    let event = ts::field(orc, context, 9);
    Placed {
        status: status(context, orc, &control),
        control,
        placer: ei::field(orc, context, 2),
        filler: ei::field(orc, context, 3),
        group: orc.first(context, 4).and_then(|value| ei::read(&value)),
        timings: orc.all(context, 7).map(|value| tq::read(&value)).collect(),
        parent: orc.first(context, 8).and_then(|value| ei::component(&value, 1)),
        event,
        at: made_at(context, event),
        entered_by: orc.first(context, 10).map(|value| xcn::read(&value)),
        requester: orc.first(context, 12).map(|value| xcn::read(&value)),
        effective: ts::field(orc, context, 15),
        reason: cwe::field(orc, context, 16),
    }
}

impl Placed {
    /// Of a message without ORC.
    pub(crate) fn none(context: &Context<'_>) -> Self {
        Self {
            control: String::new(),
            placer: None,
            filler: None,
            group: None,
            status: UNKNOWN,
            timings: Vec::new(),
            parent: None,
            event: None,
            at: context.header().at,
            entered_by: None,
            requester: None,
            effective: None,
            reason: None,
        }
    }
}

/// ORC-9 where it is told to the minute; else when the message was made.
fn made_at(context: &Context<'_>, event: Option<Hl7Time>) -> Timestamp {
    let exact = event.filter(|time| time.precision() >= Precision::Minute);
    exact.and_then(|time| time.start(context.zone())).unwrap_or(context.header().at)
}

/// The ladder of prescriptions: nothing is told (0), in force or on hold (1), completed (2), cancelled, stopped or in
/// error (3). Holding and releasing stand on one rung, so that the clock decides between them; a stop stands above
/// every copy of the order that arrives after it. The order control says what has happened, the order status what is:
/// where the control says no more than *in force*, or nothing, the status counts; else the higher of the two.
fn status<'m>(context: &Context<'m>, orc: &Seg<'m>, control: &str) -> Status {
    let of_control = if control.is_empty() { None } else { codes::status(&codes::MEDICATION_CONTROL, control) };
    if of_control.is_none() {
        orc.first(context, 1).iter().for_each(cwe::unmapped);
    }
    let of_status = orc.first(context, 5).and_then(|value| {
        let found = codes::status(&codes::MEDICATION_STATUS, &value.text(1));
        if found.is_none() {
            cwe::unmapped(&value);
        }
        found
    });
    match (of_control, of_status) {
        (Some(control), None) => control,
        (Some(control), Some(status)) if matches!(control.code, "active" | "unknown") || status.rank > control.rank => {
            status
        }
        (Some(control), Some(_)) => control,
        (None, Some(status)) => status,
        (None, None) => UNKNOWN,
    }
}
