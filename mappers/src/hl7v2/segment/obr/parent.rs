//! OBR-26 and OBR-29: the result and the order for which this one was placed, as a susceptibility test is for an organism.

use crate::fhir::Object;
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::ei::{self, Entity};
use crate::hl7v2::reader::Seg;

/// The numbers of an order.
#[derive(Debug, Default, Clone)]
pub(crate) struct Numbers {
    /// The placer's.
    pub(crate) placer: Option<Entity>,
    /// The filler's.
    pub(crate) filler: Option<Entity>,
}

/// Where an order comes from.
#[derive(Debug, Default)]
pub(crate) struct Parent {
    /// OBR-29.
    pub(crate) order: Numbers,
    /// OBR-26.
    pub(crate) result: Option<ParentResult>,
}

/// The result that gave rise to an order.
#[derive(Debug)]
pub(crate) struct ParentResult {
    /// Its OBX-3, as in its key.
    pub(crate) code: String,
    /// Its OBX-4; empty when not sent.
    pub(crate) sub_id: String,
    /// Its value, or else its name.
    pub(crate) shown: String,
}

impl Parent {
    /// The order as reference; empty without one.
    pub(super) fn based_on(&self, context: &Context<'_>) -> Object {
        let Numbers { placer, filler } = &self.order;
        let placed = placer.as_ref().map(|entity| entity.identifier(context, "placer", "PLAC"));
        let number = placed.or_else(|| filler.as_ref().map(|entity| entity.identifier(context, "filler", "FILL")));
        number.map_or_else(Object::new, |number| {
            Object::sized(2).text("type", "ServiceRequest").put("identifier", number)
        })
    }
}

/// Reads both.
pub(super) fn read<'m>(context: &Context<'m>, obr: &Seg<'m>) -> Parent {
    let order = obr.first(context, 29).map(|value| Numbers {
        placer: ei::component(&value, 1),
        filler: if value.has(2) { ei::component(&value, 2) } else { None },
    });
    let result = obr.first(context, 26).and_then(|value| {
        let (code, name) = (value.sub(1, 1), value.sub(1, 2));
        let part =
            |component: usize| if value.has(component) { value.text(component).into_owned() } else { String::new() };
        let (sub_id, said) = (part(2), part(3));
        let shown = [said.as_str(), &name, &code].into_iter().find(|text| !text.is_empty()).unwrap_or("").to_owned();
        let code = if code.is_empty() { name } else { code }.into_owned();
        (!shown.is_empty()).then_some(ParentResult { code, sub_id, shown })
    });
    Parent { order: order.unwrap_or_default(), result }
}
