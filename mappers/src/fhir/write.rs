//! JSON text of what the mappers build, byte for byte what `serde_json` writes. Names of members are ours and need no escapes,
//! texts seldom do, and both are told in one look.

use causeway_core::record::Resource;

use super::json::Json;
use super::object::Object;
use super::scan::asks_for_escapes;

/// What most resources take, in bytes.
const ROOM: usize = 2048;

impl Object {
    /// As the JSON text of a resource.
    pub(crate) fn written(&self) -> Resource {
        self.written_in(&mut String::new())
    }

    /// As [`Self::written`], with a buffer that was used before: the resources of a message share one.
    pub(crate) fn written_in(&self, buffer: &mut String) -> Resource {
        buffer.clear();
        buffer.reserve(ROOM);
        object(self, buffer);
        Resource::from_json(buffer)
    }
}

impl Json {
    /// As JSON text.
    pub(super) fn written(&self) -> String {
        let mut out = String::new();
        value(self, &mut out);
        out
    }
}

fn object(object: &Object, out: &mut String) {
    let mut is_first = true;
    for (name, member) in object.members() {
        out.push(if is_first { '{' } else { ',' });
        is_first = false;
        out.push('"');
        out.push_str(name);
        out.push_str("\":");
        value(member, out);
    }
    out.push_str(if is_first { "{}" } else { "}" });
}

fn value(json: &Json, out: &mut String) {
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(digits) => out.push_str(digits),
        Json::Short(string) => simple(string, out),
        Json::Simple(string) => simple(string, out),
        Json::Text(string) => text(string, out),
        Json::Fixed(string) => ours(string, out),
        Json::Array(list) => {
            let mut before = '[';
            for item in list {
                out.push(before);
                before = ',';
                value(item, out);
            }
            out.push_str(if before == '[' { "[]" } else { "]" });
        }
        Json::Object(inner) => object(inner, out),
        Json::Shared(shared) => out.push_str(shared.text()),
    }
}

/// A text of ours: a word of FHIR or a cell of a code table, none of which asks for an escape.
fn ours(string: &'static str, out: &mut String) {
    debug_assert!(!asks_for_escapes(string), "{string} is written as it is");
    simple(string, out);
}

fn simple(string: &str, out: &mut String) {
    out.push('"');
    out.push_str(string);
    out.push('"');
}

fn text(string: &str, out: &mut String) {
    out.push('"');
    if asks_for_escapes(string) {
        for run in string.split_inclusive(|c: char| c < ' ' || matches!(c, '"' | '\\')) {
            let last = run.chars().next_back().filter(|c| *c < ' ' || matches!(c, '"' | '\\'));
            out.push_str(run.strip_suffix(|c| Some(c) == last).unwrap_or(run));
            last.into_iter().for_each(|c| escaped(c, out));
        }
    } else {
        out.push_str(string);
    }
    out.push('"');
}

fn escaped(c: char, out: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        ' '.. => out.push(c),
        control => {
            out.push_str("\\u00");
            let digits = [u32::from(control) >> 4, u32::from(control) & 15];
            let digits = digits.into_iter().filter_map(|digit| usize::try_from(digit).ok());
            out.extend(digits.filter_map(|digit| HEX.get(digit)));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_kind_of_value_is_written() {
        let shared = Json::shared(Object::new().text("d", "e"));
        let list = Json::Array(vec![1_u32.into(), Json::Null, true.into(), Json::Array(Vec::new()), shared]);
        let object = Object::new().text("a", "b\n\"陳").put("c", list);
        assert_eq!(object.written().text(), "{\"a\":\"b\\n\\\"陳\",\"c\":[1,true,{\"d\":\"e\"}]}");
        assert_eq!(Object::new().written().text(), "{}");
    }

    proptest! {
        #[test]
        fn a_text_is_written_as_serde_writes_it(string in any::<String>(), controls in "[\\x00-\\x7f]{0,20}") {
            for string in [&string, &controls] {
                let mut out = String::new();
                text(string, &mut out);
                prop_assert_eq!(&out, &serde_json::to_string(string).expect("JSON"));
            }
        }
    }
}
