//! A JSON object that takes no empty member.

use serde_json::{Map, Value};

/// An object under construction. Members keep the order in which they are put, so that the same input gives the same
/// bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Object(Map<String, Value>);

impl Object {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An empty one with room for `members`.
    pub(crate) fn sized(members: usize) -> Self {
        Self(Map::with_capacity(members))
    }

    /// Puts text without the blanks around it; nothing when there is none.
    pub(crate) fn text(mut self, name: &str, text: &str) -> Self {
        let text = string(text);
        if !text.is_null() {
            self.0.insert(name.to_owned(), text);
        }
        self
    }

    /// Puts a value; nothing when it is null or empty.
    pub(crate) fn put(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Puts a value that there may be.
    pub(crate) fn maybe<V: Into<Value>>(self, name: &str, value: Option<V>) -> Self {
        match value {
            Some(value) => self.put(name, value),
            None => self,
        }
    }

    /// Puts a list with this one value; nothing when the value is null or empty.
    pub(crate) fn one(self, name: &str, value: impl Into<Value>) -> Self {
        self.put(name, Value::Array(vec![value.into()]))
    }

    /// Puts a list of the values that are not empty.
    pub(crate) fn list(self, name: &str, values: Vec<Value>) -> Self {
        self.put(name, Value::Array(values))
    }

    /// As [`Self::put`], in place.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        let mut value = value.into();
        match &mut value {
            Value::Array(list) => list.retain(|item| !is_empty(item)),
            Value::String(text) if !is_clean(text) => value = string(text),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
        }
        if !is_empty(&value) {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// Adds a value to a list, which is made when it is not there yet.
    pub(crate) fn push(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        if is_empty(&value) {
            return;
        }
        match self.0.get_mut(name) {
            Some(Value::Array(list)) => list.push(value),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) | None => {
                self.0.insert(name.to_owned(), Value::Array(vec![value]));
            }
        }
    }

    /// Puts the members of another behind those of this one.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether nothing was put.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a member is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object.0)
    }
}

/// Text as a value, without the blanks around it; null when there is none.
pub(crate) fn string(text: &str) -> Value {
    let text = text.trim();
    if text.is_empty() {
        return Value::Null;
    }
    if !text.contains(is_forbidden) {
        return Value::String(text.to_owned());
    }
    match text.replace(is_forbidden, " ").trim() {
        "" => Value::Null,
        text => Value::String(text.to_owned()),
    }
}

/// Null, and what R4 forbids.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A control character, other than the three that R4 allows in text.
fn is_forbidden(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// Whether a text can stand as it is.
fn is_clean(text: &str) -> bool {
    text.trim().len() == text.len() && !text.contains(is_forbidden)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_empty_gets_in() {
        let object = Object::new()
            .text("a", " \t ")
            .text("b", " x ")
            .put("c", Object::new())
            .one("d", Object::new())
            .list("e", vec![Value::Null, json!({})])
            .list("f", vec![Value::Null, json!(1)])
            .put("g", false)
            .maybe("h", None::<Value>)
            .text("i", "\u{1}");
        assert_eq!(Value::from(object), json!({"b": "x", "f": [1], "g": false}));
    }

    #[test]
    fn a_list_grows() {
        let mut object = Object::new();
        object.push("a", json!(1));
        object.push("a", json!({}));
        object.push("a", json!(2));
        assert_eq!(Value::from(object), json!({"a": [1, 2]}));
    }
}
