//! CE, CNE, CWE, CF and IS (§2A.2.13 and others) to CodeableConcept and Coding: IG maps `CE, CNE, CWE[CodeableConcept]`.

use std::borrow::Cow;

use causeway_core::code_table::Target;
use causeway_core::scope::Level;

use crate::codes::{self, Concept};
use crate::fhir::{Json, Object, coding, concept_of};
use crate::hl7v2::context::Context;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::{Seg, Value};

/// A coded value, read.
#[derive(Debug)]
pub(crate) struct Coded {
    /// The CodeableConcept.
    pub(crate) concept: Object,
    /// Level 3 with a recognised terminology, 2 with any code, 1 with text alone.
    pub(crate) level: Level,
    /// What it is keyed by: the first code, or else the text.
    pub(crate) key: String,
}

/// Reads a coded value. A code without the name of a system is taken for a local one of the sender.
pub(crate) fn read(value: &Value<'_, '_>) -> Coded {
    with_default(value, "L")
}

/// As [`read`], with the name of the system to take when the value names none.
pub(crate) fn with_default(value: &Value<'_, '_>, default_system: &str) -> Coded {
    let context = value.context();
    let (mut concept, mut level) = (Object::sized(2), Level::Document);
    let (mut key, mut loose_text) = (String::new(), Cow::Borrowed(""));
    let (mut local, count) = (None, value.count());
    // CWE.1 to .3 with version .7, CWE.4 to .6 with .8, CWE.10 to .12 with .13 → coding[1], [2] and [3].
    for (first, version) in [(1, 7), (4, 8), (10, 13)] {
        if first > count || (!value.has(first) && !value.has(first + 1)) {
            continue;
        }
        let (code, text, system) = (value.text(first), value.text(first + 1), value.text(first + 2));
        if code.is_empty() {
            if loose_text.is_empty() {
                loose_text = text;
            } else {
                value.note(NoteCode::UnusedComponent, "a second text without a code has no place");
            }
            continue;
        }
        let name = if system.is_empty() { default_system } else { &system };
        let (uri, recognised) = system_uri(context, name);
        level = level.max(if recognised { Level::Coded } else { Level::Structured });
        key = if key.is_empty() { code.clone().into_owned() } else { key };
        let version = if version <= count && value.has(version) { value.text(version) } else { Cow::Borrowed("") };
        let made = coding(uri, &code, &text).text("version", &version);
        if !has(&concept, &made) {
            concept.push("coding", made);
        }
        if !recognised {
            match context.target(name, &code) {
                Some(target) => {
                    level = Level::Coded;
                    let Target { system, code, display, version, .. } = target;
                    concept.push("coding", coding(system.clone(), code, display).text("version", version));
                }
                None if local.is_none() => local = Some((name.to_owned(), code, text)),
                None => {}
            }
        }
    }
    if let Some((system, code, text)) = local.filter(|_| level < Level::Coded) {
        context.unmapped(value, &system, &code, &text);
    }
    // CWE.9 → text. A text beside no code has no coding to be the display of.
    let original = if count >= 9 && value.has(9) { value.text(9) } else { Cow::Borrowed("") };
    if !original.is_empty() && !loose_text.is_empty() {
        concept.push("coding", Object::sized(1).text("display", &loose_text));
    }
    let text = if original.is_empty() { loose_text } else { original };
    if key.is_empty() {
        key = text.clone().into_owned();
    }
    Coded { concept: concept.text("text", &text), level, key }
}

/// Whether a concept has the system and code of a coding already: a table may say what the sender says too.
fn has(concept: &Object, coding: &Object) -> bool {
    let same = |known: &Json, name: &str| known.get(name) == coding.find(name);
    concept.get("coding").items().iter().any(|known| same(known, "system") && same(known, "code"))
}

/// The CodeableConcept of a field that does not repeat.
pub(crate) fn field<'m>(segment: &Seg<'m>, context: &Context<'m>, number: usize) -> Option<Object> {
    segment.first(context, number).map(|value| read(&value).concept)
}

/// The CodeableConcepts of a field that repeats.
pub(crate) fn fields<'m>(segment: &Seg<'m>, context: &Context<'m>, number: usize) -> Vec<Json> {
    segment.all(context, number).map(|value| read(&value).concept.into()).collect()
}

/// A value of an HL7 table: the concept the table gives, or the sender's own with a note.
pub(crate) fn of_table(value: &Value<'_, '_>, find: impl Fn(&str) -> Option<Concept>) -> Object {
    match find(&value.text(1)) {
        Some(found) => {
            // The words and the name of the table that may follow say the same.
            [2, 3, 7].into_iter().for_each(|component| value.ask(component));
            concept_of(found)
        }
        None => {
            unmapped(value);
            read(value).concept
        }
    }
}

/// A value for which HL7 suggests a table, where senders may have codes of their own: a code of the table whose system is
/// not named, or is the table, is the table's, with what the feed's own tables say it stands for; anything else is read as
/// it stands.
pub(crate) fn of_suggested(value: &Value<'_, '_>, table: &str, find: impl Fn(&str) -> Option<Concept>) -> Object {
    let is_of_table = !value.has(4) && !value.has(5) && !value.has(9) && (!value.has(3) || value.text(3) == table);
    match find(&value.text(1)).filter(|_| is_of_table) {
        Some(found) => {
            [2, 3, 7].into_iter().for_each(|component| value.ask(component));
            let mut concept = concept_of(found);
            // The guide maps some of these codes to a terminology that a site loads, and this program does not ship.
            if let Some(Target { system, code, display, version, .. }) = value.context().target(table, &value.text(1)) {
                concept.push("coding", coding(system.clone(), code, display).text("version", version));
            }
            concept
        }
        None => read(value).concept,
    }
}

/// Notes that a code is in no table.
pub(crate) fn unmapped(value: &Value<'_, '_>) {
    value.note(NoteCode::UnmappedCode, "the code is in no table; it is kept as the sender's own, or left out");
}

/// The URI of a coding system, and whether it is a recognised terminology.
pub(crate) fn system_uri(context: &Context<'_>, name: &str) -> (Cow<'static, str>, bool) {
    if let Some([_, uri, recognised]) = codes::CODE_SYSTEM.row(name) {
        return (Cow::Borrowed(uri), *recognised == "y");
    }
    let is_uri = name.starts_with("http://") || name.starts_with("https://") || name.starts_with("urn:");
    if is_uri && name.bytes().all(|b| b.is_ascii_graphic()) {
        return (Cow::Owned(name.to_owned()), false);
    }
    (Cow::Owned(context.urn("code", name)), false)
}
