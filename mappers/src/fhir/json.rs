//! JSON as the mappers build it: member names are ours and are not copied, members are found by looking, and there is
//! nothing to hash. Objects of FHIR are small; most of the time of a mapping would go into a general tree.

use std::borrow::Cow;

use std::rc::Rc;

use serde_json::Number;
use smol_str::SmolStr;

use super::grammar::Decimal;
use super::object::Object;
use super::text;

/// A JSON value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Json {
    /// Nothing: takes no place in an object or list.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// A number with the digits it was sent with.
    Number(SmolStr),
    /// A short text of printable ASCII without escapes.
    Short(SmolStr),
    /// A longer one.
    Simple(String),
    /// Any other text.
    Text(String),
    /// A text of ours: a word of FHIR, the URI of a system.
    Fixed(&'static str),
    /// A list.
    Array(Vec<Json>),
    /// An object.
    Object(Object),
    /// One that stands in several places, and is neither copied nor written anew for each.
    Shared(Rc<Shared>),
}

/// A value with its JSON text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shared {
    value: Json,
    text: String,
}

impl Shared {
    /// The JSON text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl Json {
    /// A value that will stand in several places.
    pub(crate) fn shared(value: impl Into<Self>) -> Self {
        let value = value.into();
        let text = value.written();
        Self::Shared(Rc::new(Shared { value, text }))
    }

    /// A member of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(object) => object.find(name),
            Self::Shared(shared) => shared.value.get(name),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Short(_)
            | Self::Simple(_)
            | Self::Text(_)
            | Self::Fixed(_)
            | Self::Array(_) => None,
        }
    }

    /// The first item of a list.
    pub(crate) fn first(&self) -> Option<&Self> {
        match self {
            Self::Array(list) => list.first(),
            Self::Shared(shared) => shared.value.first(),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Short(_)
            | Self::Simple(_)
            | Self::Text(_)
            | Self::Fixed(_)
            | Self::Object(_) => None,
        }
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::Array(list) => list,
            Self::Shared(shared) => shared.value.items(),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Short(_)
            | Self::Simple(_)
            | Self::Text(_)
            | Self::Fixed(_)
            | Self::Object(_) => &[],
        }
    }

    /// The text.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Short(text) => Some(text),
            Self::Simple(text) | Self::Text(text) => Some(text),
            Self::Fixed(text) => Some(text),
            Self::Shared(shared) => shared.value.as_str(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// Null, and what R4 forbids.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Short(text) => text.is_empty(),
            Self::Simple(text) | Self::Text(text) => text.is_empty(),
            Self::Fixed(text) => text.is_empty(),
            Self::Array(list) => list.is_empty(),
            Self::Object(object) => object.is_empty(),
            Self::Shared(shared) => shared.value.is_empty(),
            Self::Bool(_) | Self::Number(_) => false,
        }
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Json {
    fn from(value: u64) -> Self {
        Self::Number(SmolStr::from(value.to_string()))
    }
}

impl From<u32> for Json {
    fn from(value: u32) -> Self {
        u64::from(value).into()
    }
}

impl From<Number> for Json {
    fn from(value: Number) -> Self {
        Self::Number(value.as_str().into())
    }
}

impl From<Decimal> for Json {
    fn from(value: Decimal) -> Self {
        Self::Number(value.into_text())
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        text::of(text)
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        text::of_owned(text)
    }
}

impl From<Cow<'_, str>> for Json {
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl Json {
    /// A text that may be one of ours, which is not copied then.
    pub(crate) fn of_ours(text: Cow<'static, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Fixed(text),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<Vec<Self>> for Json {
    fn from(list: Vec<Self>) -> Self {
        Self::Array(list)
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_four_words() {
        assert_eq!(size_of::<Json>(), 32, "every value of every tree is moved several times");
    }
}
