//! A JSON object that takes no empty member.

use serde_json::{Map, Value};

/// An object under construction. Members keep the order in which they are put, so that the same input gives the same
/// bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Object {
    members: Map<String, Value>,
    /// How many members to make room for when the first one comes: most objects that stay empty cost nothing.
    room: usize,
}

impl Object {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An empty one that will make room for so many members.
    pub(crate) fn sized(room: usize) -> Self {
        Self { members: Map::new(), room }
    }

    /// Puts text without the blanks around it; nothing when there is none.
    pub(crate) fn text(mut self, name: &str, text: &str) -> Self {
        let text = string(text);
        if !text.is_null() {
            self.insert(name, text);
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
            self.insert(name, value);
        }
    }

    /// Adds a value to a list, which is made when it is not there yet.
    pub(crate) fn push(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        if is_empty(&value) {
            return;
        }
        match self.members.get_mut(name) {
            Some(Value::Array(list)) => list.push(value),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) | None => {
                self.insert(name, Value::Array(vec![value]));
            }
        }
    }

    /// Puts the members of another behind those of this one.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.members.extend(other.members);
        self
    }

    /// Whether nothing was put.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether a member is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// A member; null when it is not there.
    pub(crate) fn get(&self, name: &str) -> &Value {
        self.members.get(name).unwrap_or(&Value::Null)
    }

    /// How many members there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    fn insert(&mut self, name: &str, value: Value) {
        if self.members.is_empty() && self.room > 0 {
            self.members = Map::with_capacity(self.room);
        }
        self.members.insert(name.to_owned(), value);
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object.members)
    }
}

/// Text as a value, without the blanks around it; null when there is none.
pub(crate) fn string(text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    if is_clean(text) {
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
    is_plain(text.as_bytes()) || (text.trim().len() == text.len() && !text.contains(is_forbidden))
}

/// Whether a text is ASCII without controls, and without blanks at its ends: most are, and this can be told fast.
fn is_plain(bytes: &[u8]) -> bool {
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return true };
    let strange = bytes.iter().fold(false, |strange, byte| strange | !matches!(byte, b' '..=b'~'));
    !strange && *first != b' ' && *last != b' '
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
