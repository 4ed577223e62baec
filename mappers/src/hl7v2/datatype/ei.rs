//! EI (§2A.2.27) to Identifier: IG map `EI[Identifier-Extension]`.

use crate::fhir::{Object, typed};
use crate::hl7v2::context::Context;
use crate::hl7v2::reader::{Seg, Value};

/// An entity identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entity {
    /// EI.1.
    pub(crate) number: String,
    /// EI.2, or EI.3 where there is no EI.2.
    pub(crate) namespace: String,
}

impl Entity {
    /// As an Identifier of a kind, with the type it has in table 0203.
    pub(crate) fn identifier(&self, context: &Context<'_>, kind: &str, type_code: &str) -> Object {
        let kind_of_number = if type_code.is_empty() { Object::new() } else { typed(type_code) };
        let system = context.urn(kind, &self.namespace);
        Object::sized(3).put("type", kind_of_number).text("system", &system).text("value", &self.number)
    }

    /// What it is keyed by.
    pub(crate) fn key(&self) -> String {
        if self.namespace.is_empty() { self.number.clone() } else { format!("{}:{}", self.namespace, self.number) }
    }
}

/// Reads a field.
pub(crate) fn field<'m>(segment: &Seg<'m>, context: &Context<'m>, number: usize) -> Option<Entity> {
    segment.first(context, number).and_then(|value| read(&value))
}

/// Reads EI.1 to EI.4.
pub(crate) fn read(value: &Value<'_, '_>) -> Option<Entity> {
    let (number, namespace, universal) = (value.text(1), value.text(2), value.text(3));
    value.ask(4);
    entity(&number, &namespace, &universal)
}

/// Reads a component whose sub-components are those of an EI, as EIP has two.
pub(crate) fn component(value: &Value<'_, '_>, component: usize) -> Option<Entity> {
    entity(&value.sub(component, 1), &value.sub(component, 2), &value.sub(component, 3))
}

fn entity(number: &str, namespace: &str, universal: &str) -> Option<Entity> {
    if number.is_empty() {
        return None;
    }
    let namespace = if namespace.is_empty() { universal } else { namespace };
    Some(Entity { number: number.to_owned(), namespace: namespace.to_owned() })
}
