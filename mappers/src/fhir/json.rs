//! JSON as the mappers build it: member names are ours and are not copied, members are found by looking, and there is
//! nothing to hash. Objects of FHIR are small; most of the time of a mapping would go into a general tree.

use std::borrow::Cow;

use std::rc::Rc;

use serde_json::Number;

use super::object::Object;

/// A JSON value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Json {
    /// Nothing: takes no place in an object or list.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// A number with the digits it was sent with.
    Number(Number),
    /// A text.
    String(String),
    /// A text of ours: a word of FHIR, the URI of a system.
    Fixed(&'static str),
    /// A list.
    Array(Vec<Json>),
    /// An object.
    Object(Object),
    /// One that stands in several places, and is not copied for each.
    Shared(Rc<Json>),
}

impl Json {
    /// A value that will stand in several places.
    pub(crate) fn shared(value: impl Into<Self>) -> Self {
        Self::Shared(Rc::new(value.into()))
    }

    /// A member of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(object) => object.find(name),
            Self::Shared(value) => value.get(name),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Fixed(_) | Self::Array(_) => None,
        }
    }

    /// The first item of a list.
    pub(crate) fn first(&self) -> Option<&Self> {
        match self {
            Self::Array(list) => list.first(),
            Self::Shared(value) => value.first(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Fixed(_) | Self::Object(_) => None,
        }
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::Array(list) => list,
            Self::Shared(value) => value.items(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Fixed(_) | Self::Object(_) => &[],
        }
    }

    /// The text.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Fixed(text) => Some(text),
            Self::Shared(value) => value.as_str(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// Whether it is null.
    pub(crate) const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Null, and what R4 forbids.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::String(text) => text.is_empty(),
            Self::Fixed(text) => text.is_empty(),
            Self::Array(list) => list.is_empty(),
            Self::Object(object) => object.is_empty(),
            Self::Shared(value) => value.is_empty(),
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
        Self::Number(value.into())
    }
}

impl From<u32> for Json {
    fn from(value: u32) -> Self {
        Self::Number(value.into())
    }
}

impl From<Number> for Json {
    fn from(value: Number) -> Self {
        Self::Number(value)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<Cow<'_, str>> for Json {
    fn from(text: Cow<'_, str>) -> Self {
        Self::String(text.into_owned())
    }
}

impl Json {
    /// A text that may be one of ours, which is not copied then.
    pub(crate) fn of_ours(text: Cow<'static, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Fixed(text),
            Cow::Owned(text) => Self::String(text),
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
