//! What ORC says of an order itself: IG map `ORC[ServiceRequest]`.

use causeway_core::hl7v2::time::Hl7Time;

use crate::codes::{self, Status};
use crate::fhir::Object;
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::ei::{self, Entity};
use crate::hl7v2::datatype::{cwe, ts};
use crate::hl7v2::reader::Seg;

/// What is asked of the order, and when.
#[derive(Debug)]
pub(crate) struct Control {
    /// What ORC-1 and ORC-5 make of it.
    pub(crate) status: Status,
    /// ORC-4.
    pub(crate) group: Option<Entity>,
    /// ORC-7.4.
    pub(crate) start: Option<Hl7Time>,
    /// ORC-7.5.
    pub(crate) end: Option<Hl7Time>,
    /// ORC-7.6.
    pub(crate) priority: Option<&'static str>,
    /// ORC-9.
    pub(crate) transaction: Option<Hl7Time>,
    /// Whether the order is placed by this message: then ORC-9 is when.
    pub(crate) is_placed: bool,
    /// ORC-16.
    pub(crate) reason: Option<Object>,
}

impl Default for Control {
    fn default() -> Self {
        let status = Status { code: "unknown", rank: 0, retracted: false };
        let (group, start, end, priority, transaction, reason) = (None, None, None, None, None, None);
        Self { status, group, start, end, priority, transaction, is_placed: false, reason }
    }
}

/// Reads what [`super::read`] leaves out.
pub(crate) fn read<'m>(context: &Context<'m>, orc: &Seg<'m>) -> Control {
    let sent = orc.first(context, 1);
    let code = sent.as_ref().map(|value| value.text(1)).unwrap_or_default();
    let control = codes::status(&codes::ORDER_CONTROL, &code);
    if let Some(value) = sent.as_ref().filter(|_| control.is_none()) {
        cwe::unmapped(value);
    }
    let timing = orc.first(context, 7);
    if let Some(timing) = &timing {
        // How many and how often is told in text, if at all: a laboratory orders one.
        [1, 2, 3].into_iter().for_each(|component| timing.ask(component));
    }
    let time = |component: usize| timing.as_ref().filter(|t| t.has(component)).and_then(|t| ts::read(t, component));
    let priority = timing.as_ref().filter(|t| t.has(6)).and_then(|t| {
        let found = codes::ORDER_PRIORITY.code(&t.text(6));
        if found.is_none() {
            cwe::unmapped(t);
        }
        found
    });
    Control {
        status: status(control, orc.field(5).rep(1).component(1).raw()),
        group: ei::field(orc, context, 4),
        start: time(4),
        end: time(5),
        priority,
        transaction: ts::field(orc, context, 9),
        is_placed: matches!(&*code, "" | "NW" | "RO" | "CH" | "PA"),
        reason: cwe::field(orc, context, 16),
    }
}

/// What is asked for (ORC-1) counts as done where it ends or halts the order; else ORC-5 says how far it is.
fn status(control: Option<Status>, sent: &str) -> Status {
    let unknown = Status { code: "unknown", rank: 0, retracted: false };
    let control = control.unwrap_or(unknown);
    if matches!(control.code, "revoked" | "entered-in-error" | "on-hold") {
        return control;
    }
    match codes::ORDER_STATUS.code(sent) {
        Some(code @ "completed") => Status { code, rank: 2, retracted: false },
        Some(code @ "revoked") => Status { code, rank: 3, retracted: sent == "CA" },
        Some(code @ "entered-in-error") => Status { code, rank: 3, retracted: true },
        Some(code) => Status { code, rank: 1, retracted: false },
        None => control,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_an_order_is_stronger_than_how_far_it_is() {
        let of = |control: &str, sent: &str| {
            let status = status(codes::status(&codes::ORDER_CONTROL, control), sent);
            (status.code, status.rank, status.retracted)
        };
        assert_eq!(of("NW", ""), ("active", 1, false));
        assert_eq!(of("SC", "CM"), ("completed", 2, false));
        assert_eq!(of("SC", ""), ("unknown", 0, false));
        assert_eq!(of("CA", "IP"), ("revoked", 3, true));
        assert_eq!(of("DC", "IP"), ("revoked", 3, false));
        assert_eq!(of("HD", "SC"), ("on-hold", 1, false));
        assert_eq!(of("RL", "IP"), ("active", 1, false));
        assert_eq!(of("DE", "CM"), ("entered-in-error", 3, true));
        assert_eq!(of("SC", "DC"), ("revoked", 3, false));
        assert_eq!(of("??", "CA"), ("revoked", 3, true));
    }
}
