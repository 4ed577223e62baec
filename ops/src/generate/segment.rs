//! Writes segments field by field: made-up messages need no more than that, and a wrong field number is seen at once.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One segment under way.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    name: &'static str,
    fields: BTreeMap<usize, String>,
}

impl Segment {
    /// A segment without fields.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, fields: BTreeMap::new() }
    }

    /// With this field; `text` may hold component and repetition separators.
    #[must_use]
    pub(crate) fn set(mut self, field: usize, text: impl Into<String>) -> Self {
        self.fields.insert(field, text.into());
        self
    }

    /// As sent, without its line end.
    pub(crate) fn text(&self) -> String {
        let mut text = self.name.to_owned();
        // MSH-1 is the separator itself, so the second piece of an MSH segment is MSH-2.
        let first = if self.name == "MSH" { 2 } else { 1 };
        let last = self.fields.keys().next_back().copied().unwrap_or(0);
        for number in first..=last {
            let field = self.fields.get(&number).map_or("", String::as_str);
            if write!(text, "|{field}").is_err() {
                return text;
            }
        }
        text
    }
}

/// A message of these segments, each ended by a carriage return.
pub(crate) fn message(segments: &[Segment]) -> String {
    let mut text = String::new();
    for segment in segments {
        text.push_str(&segment.text());
        text.push('\r');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_their_number_says() {
        let segment = Segment::new("PID").set(3, "1").set(5, "A^B");
        assert_eq!(segment.text(), "PID|||1||A^B");
        let header = Segment::new("MSH").set(2, "^~\\&").set(3, "PAS").set(7, "2026");
        assert_eq!(header.text(), "MSH|^~\\&|PAS||||2026");
        assert_eq!(message(&[Segment::new("EVN")]), "EVN\r");
    }
}
