//! CX (§2A.2.14) to Identifier: IG map `CX[Identifier]`.

use std::borrow::Cow;

use super::ts;
use crate::fhir::{Object, period, text_concept, typed};
use crate::hl7v2::reader::Value;

/// An identifier with a check digit.
#[derive(Debug)]
pub(crate) struct Cx<'m> {
    /// CX.1.
    pub(crate) number: Cow<'m, str>,
    /// CX.2.
    pub(crate) check_digit: Cow<'m, str>,
    /// CX.4: its namespace, or its universal id where there is no namespace.
    pub(crate) authority: Cow<'m, str>,
    /// CX.5.
    pub(crate) kind: Cow<'m, str>,
    /// CX.9: the country or region.
    pub(crate) jurisdiction: Cow<'m, str>,
    /// CX.7 and CX.8.
    pub(crate) period: Object,
}

/// Reads one; `None` without a number.
pub(crate) fn read<'m>(value: &Value<'_, 'm>) -> Option<Cx<'m>> {
    let number = value.text(1);
    if number.is_empty() {
        return None;
    }
    let namespace = value.sub(4, 1);
    let authority = if namespace.is_empty() { value.sub(4, 2) } else { namespace };
    // The scheme says how a check digit was made; the only one we verify is that of the HKID, whose scheme is its own.
    value.ask(3);
    Some(Cx {
        number,
        check_digit: value.text(2),
        authority,
        kind: value.text(5),
        jurisdiction: value.text(9),
        period: period(ts::component(value, 7), ts::component(value, 8)),
    })
}

impl Cx<'_> {
    /// The Identifier, in a system of ours.
    pub(crate) fn identifier(&self, system: &str, type_code: &str) -> Object {
        let kind = if type_code.is_empty() { text_concept(&self.kind) } else { typed(type_code) };
        // CX.4 → assigner, besides the system.
        let assigner = Object::sized(1).text("display", &self.authority);
        Object::sized(5)
            .put("type", kind)
            .text("system", system)
            .text("value", &self.number)
            .put("period", self.period.clone())
            .put("assigner", assigner)
    }

    /// What it is keyed by.
    pub(crate) fn key(&self) -> String {
        if self.authority.is_empty() { self.number.to_string() } else { format!("{}:{}", self.authority, self.number) }
    }
}
