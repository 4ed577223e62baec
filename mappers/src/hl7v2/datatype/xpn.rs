//! XPN (§2A.2.88) to HumanName: IG map `XPN[HumanName]`, with the representation of XPN.8, which the IG leaves out.

use super::{cwe, ts};
use crate::codes;
use crate::fhir::{Json, Object, period, string};
use crate::hl7v2::reader::Value;

/// Which letters a name is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    /// Latin letters: the English name.
    Alphabetic,
    /// Han characters: the Chinese name.
    Ideographic,
    /// A reading, in letters or in bopomofo.
    Phonetic,
}

/// A name, read.
#[derive(Debug)]
pub(crate) struct Name {
    /// Family name.
    pub(crate) family: String,
    /// Given names, in order, joined by blanks.
    pub(crate) given: String,
    /// Which letters.
    pub(crate) script: Script,
    /// Whether it is the legal name (XPN.7 L).
    pub(crate) is_legal: bool,
    /// The HumanName.
    pub(crate) human_name: Object,
}

/// Reads one; `None` when it says no name.
pub(crate) fn read(value: &Value<'_, '_>) -> Option<Name> {
    // XPN.1 → family; FN.2 to .5 repeat parts of it.
    let (mut family, mut given) = (value.text(1).into_owned(), value.text(2).into_owned());
    let further = if value.has(3) { value.text(3).into_owned() } else { String::new() };
    if family.is_empty() && given.is_empty() {
        return None;
    }
    let kind = value.text(7);
    let script = script(&value.text(8), &family, &given);
    // "SURNAME, GIVEN" in one component, as identity cards print it.
    if given.is_empty()
        && script == Script::Alphabetic
        && let Some((before, after)) = family.split_once(',')
    {
        (family, given) = (before.trim().to_owned(), after.trim().to_owned());
    }
    let usage = codes::NAME_TYPE.code(&kind);
    if usage.is_none() && !is_without_use(&kind) {
        cwe::unmapped(value);
    }
    let from_to = (ts::component(value, 12), ts::component(value, 13));
    let mut human_name = Object::sized(8);
    human_name.maybe_extension(representation(value, script));
    let names: Vec<Json> = [&given, &further].into_iter().filter(|name| !name.is_empty()).map(|n| string(n)).collect();
    let suffixes = [4, 6, 14].into_iter().filter(|c| value.has(*c)).map(|c| string(&value.text(c))).collect();
    let human_name = human_name
        .maybe("use", usage)
        .text("text", &if script == Script::Ideographic { format!("{family}{given}{further}") } else { String::new() })
        .text("family", &family)
        .list("given", names)
        .one("prefix", string(&value.text(5)))
        .list("suffix", suffixes)
        .put("period", period(from_to.0, from_to.1));
    if !further.is_empty() {
        given = if script == Script::Ideographic { given + &further } else { format!("{given} {further}") };
    }
    Some(Name { family, given, script, is_legal: kind == "L", human_name })
}

/// A name to show: family name first, as in the references to staff.
pub(crate) fn display(value: &Value<'_, '_>) -> String {
    let Some(Name { family, given, script, .. }) = read(value) else { return String::new() };
    let blank = if script == Script::Ideographic || given.is_empty() || family.is_empty() { "" } else { " " };
    format!("{family}{blank}{given}")
}

/// The letters of a name: XPN.8 says it, or the name itself.
fn script(representation: &str, family: &str, given: &str) -> Script {
    match representation {
        "A" => Script::Alphabetic,
        "I" => Script::Ideographic,
        "P" => Script::Phonetic,
        _ if family.chars().chain(given.chars()).any(is_han) => Script::Ideographic,
        _ => Script::Alphabetic,
    }
}

/// Han characters: the unified ideographs with their extensions, and those for compatibility.
fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '\u{3007}')
}

/// XPN.8, or what the characters say where XPN.8 is silent and the name is Chinese.
fn representation(value: &Value<'_, '_>, script: Script) -> Option<&'static str> {
    let sent = value.text(8);
    if !sent.is_empty() {
        let found = codes::NAME_REPRESENTATION.code(&sent);
        if found.is_none() {
            cwe::unmapped(value);
        }
        return found;
    }
    match script {
        Script::Ideographic => Some("IDE"),
        Script::Phonetic => Some("SYL"),
        Script::Alphabetic => None,
    }
}

/// Name types of table 0200 that say nothing FHIR has a use for.
fn is_without_use(kind: &str) -> bool {
    matches!(kind, "" | "A" | "B" | "C" | "F" | "I" | "K" | "NB" | "NOUSE" | "P" | "REL" | "S" | "T" | "U")
}

impl Object {
    /// The extension that says in which letters a name is written.
    fn maybe_extension(&mut self, representation: Option<&'static str>) {
        let Some(code) = representation else { return };
        let url = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation";
        self.push("extension", Object::sized(2).text("url", url).text("valueCode", code));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_characters_decide_when_nothing_is_said() {
        assert_eq!(script("", "陳", "大文"), Script::Ideographic);
        assert_eq!(script("", "CHAN", "TAI MAN"), Script::Alphabetic);
        assert_eq!(script("A", "陳", ""), Script::Alphabetic);
        assert_eq!(script("", "𨋢", ""), Script::Ideographic, "outside the basic plane");
    }
}
