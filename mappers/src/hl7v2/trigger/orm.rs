//! ORM^O01, the general order of v2.3 to v2.5: each ORC says by what stands behind it which kind of order it is. IG
//! message map ORM_O01.

use super::pharmacy::{self, Head, Orders};
use super::{Output, Segments};
use crate::hl7v2::Trigger;
use crate::hl7v2::context::Context;
use crate::hl7v2::medication::group::{self, Group};
use causeway_core::reason::Reason;

/// The event.
pub(crate) const TRIGGERS: &[Trigger] = &[Trigger {
    code: "ORM",
    event: "O01",
    title: "General order",
    ig: "ORM_O01",
    required: &["PID", "ORC"],
    optional: &[
        "PD1", "NK1", "PV1", "PV2", "AL1", "IAM", "TQ1", "TQ2", "RXO", "RXE", "RXR", "RXC", "OBR", "NTE", "OBX", "DG1",
    ],
    map: orders,
}];

/// The segments that begin a section of a group.
const HEADS: &[&str] = &["RXO", "RXE", "OBR"];

/// What an ORC orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// RXO or RXE: a medicine.
    Medicine,
    /// OBR: an investigation.
    Service,
    /// Nothing behind it tells.
    Untold,
}

fn kind(group: &Group<'_, '_>) -> Kind {
    if group.section("RXO").is_some() || group.section("RXE").is_some() {
        Kind::Medicine
    } else if group.section("OBR").is_some() {
        Kind::Service
    } else {
        Kind::Untold
    }
}

/// Maps each order by its kind.
fn orders<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    let Some(head) = pharmacy::head(context, segments, output) else { return };
    let groups = group::groups(segments, HEADS, |segment| group::stray(context, segment));
    let mut medicines = Orders::default();
    for group in &groups {
        match kind(group) {
            Kind::Medicine => medicines.map(context, group, head.patient(), output),
            Kind::Service => service(context, group, &head, output),
            Kind::Untold => untold(context, group),
        }
    }
}

/// The order of an investigation.
fn service<'m>(context: &Context<'m>, group: &Group<'_, 'm>, _head: &Head, _output: &mut Output) {
    for section in &group.sections {
        section.has_no_place(context, "the request of an investigation is no record: its report is");
    }
}

/// An order that says neither a medicine nor an investigation: what it changes cannot be found.
fn untold<'m>(context: &Context<'m>, group: &Group<'_, 'm>) {
    for section in &group.sections {
        let text = "nothing behind ORC tells which kind of order it is";
        context.fault(Reason::Unmappable, section.head.place(), section.head.offset(1), text);
        section.pass_over();
    }
}
