//! A JSON object that takes no empty member.

use super::json::Json;
use super::text::{string, trimmed};

/// An object under construction. Members keep the order in which they are put, so that the same input gives the same
/// bytes.
#[derive(Debug, Clone, Default, Eq)]
pub(crate) struct Object {
    members: Vec<(&'static str, Json)>,
    /// How many members to make room for when the first one comes: most objects that stay empty cost nothing.
    room: u32,
    /// The marks of the names of the members: a name whose mark is missing is not there.
    marks: u32,
}

impl Object {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An empty one that will make room for so many members.
    pub(crate) const fn sized(room: u32) -> Self {
        Self { members: Vec::new(), room, marks: 0 }
    }

    /// Puts text without the blanks around it; nothing when there is none.
    pub(crate) fn text(mut self, name: &'static str, text: &str) -> Self {
        match string(text) {
            Json::Null => {}
            text => self.insert(name, text),
        }
        self
    }

    /// Puts a text of ours, which is not copied; nothing when it is empty.
    pub(crate) fn fixed(self, name: &'static str, text: &'static str) -> Self {
        self.put(name, Json::Fixed(text))
    }

    /// Puts a value; nothing when it is null or empty.
    pub(crate) fn put(mut self, name: &'static str, value: impl Into<Json>) -> Self {
        self.set(name, value);
        self
    }

    /// Puts a value that there may be.
    pub(crate) fn maybe<V: Into<Json>>(self, name: &'static str, value: Option<V>) -> Self {
        match value {
            Some(value) => self.put(name, value),
            None => self,
        }
    }

    /// Puts a list with this one value; nothing when the value is null or empty.
    pub(crate) fn one(mut self, name: &'static str, value: impl Into<Json>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.insert(name, Json::Array(vec![value]));
        }
        self
    }

    /// Puts a list of the values that are not empty.
    pub(crate) fn list(self, name: &'static str, values: Vec<Json>) -> Self {
        self.put(name, Json::Array(values))
    }

    /// As [`Self::put`], in place.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Json>) {
        let mut value = value.into();
        match &mut value {
            Json::Array(list) => list.retain(|item| !item.is_empty()),
            Json::Short(_) | Json::Simple(_) | Json::Text(_) => value = trimmed(value),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) | Json::Fixed(_) | Json::Shared(_) => {}
        }
        if !value.is_empty() {
            self.insert(name, value);
        }
    }

    /// Adds a value to a list, which is made when it is not there yet.
    pub(crate) fn push(&mut self, name: &'static str, value: impl Into<Json>) {
        let value = value.into();
        if value.is_empty() {
            return;
        }
        if let Some(Json::Array(list)) = self.find_mut(name) {
            list.push(value);
        } else {
            self.insert(name, Json::Array(vec![value]));
        }
    }

    /// Puts the members of another behind those of this one.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        for (name, value) in other.members {
            self.insert(name, value);
        }
        self
    }

    /// Takes a member away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.members.retain(|(known, _)| *known != name);
        self
    }

    /// Whether nothing was put.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether a member is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// A member; null when it is not there.
    pub(crate) fn get(&self, name: &str) -> &Json {
        self.find(name).unwrap_or(&Json::Null)
    }

    /// How many members there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// A member, when it is there.
    pub(crate) fn find(&self, name: &str) -> Option<&Json> {
        if self.marks & mark(name) == 0 {
            return None;
        }
        self.members.iter().find(|(known, _)| is_same(known, name)).map(|(_, value)| value)
    }

    fn find_mut(&mut self, name: &str) -> Option<&mut Json> {
        self.members.iter_mut().find(|(known, _)| is_same(known, name)).map(|(_, value)| value)
    }

    /// Names and values in the order of the object.
    pub(super) fn members(&self) -> &[(&'static str, Json)] {
        &self.members
    }

    /// Puts a member, or replaces it where it stands.
    fn insert(&mut self, name: &'static str, value: Json) {
        let mark = mark(name);
        if self.marks & mark != 0
            && let Some(known) = self.find_mut(name)
        {
            *known = value;
            return;
        }
        if self.members.capacity() == 0 {
            self.members = Vec::with_capacity(self.room as usize);
        }
        self.marks |= mark;
        self.members.push((name, value));
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

/// One bit of 32 for a name. Names of one bit are told apart by looking.
fn mark(name: &str) -> u32 {
    let last = name.as_bytes().last().copied().map_or(0, usize::from);
    1 << ((name.len() + last * 25) % 32)
}

/// Whether two names are one. Told from the length and the last byte mostly: members of one object seldom share both.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.as_bytes().last() == b.as_bytes().last() && a == b
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
            .list("e", vec![Json::Null, Json::Object(Object::new())])
            .list("f", vec![Json::Null, Json::from(1_u32)])
            .put("g", false)
            .maybe("h", None::<Json>)
            .text("i", "\u{1}");
        assert_eq!(object.written().value(), json!({"b": "x", "f": [1], "g": false}));
    }

    #[test]
    fn a_list_grows() {
        let mut object = Object::new();
        object.push("a", Json::from(1_u32));
        object.push("a", Json::Object(Object::new()));
        object.push("a", Json::from(2_u32));
        assert_eq!(object.written().value(), json!({"a": [1, 2]}));
    }
}
