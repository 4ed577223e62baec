//! Whom a message is about, as far as the door can tell.

use std::borrow::Cow;

use causeway_core::feed::LineEnds;
use causeway_core::hl7v2::{Limits, Message, Presence, Repetition, Segment};

use super::bounded;

const PATIENT_KEY_MAX: usize = 250; // CX.

/// Types of numbers that a provider gives (table 0203): medical record, patient internal, patient external.
const LOCAL_NUMBERS: [&str; 3] = ["MR", "PI", "PT"];

/// Events that merge two patients (ADT): MRG names the one that is no more.
const MERGES: [&str; 6] = ["A18", "A30", "A34", "A36", "A39", "A40"];

/// Whom the message is about: assigning authority and number of PID-3. The local number is preferred to a document,
/// because messages of a feed that name both and messages that name only the number must keep their order.
pub(super) fn patient(message: &Message<'_>) -> String {
    message.segment("PID").map(|pid| number(&pid, 3)).unwrap_or_default()
}

/// The same of text that cannot be decoded, where the number itself can: the message waits in the log between those of its patient,
/// and takes its place among them once it can be read.
pub(super) fn as_far_as_read(payload: &[u8], line_ends: LineEnds) -> String {
    let text = String::from_utf8_lossy(payload);
    let message = Message::outline(&text, line_ends, &Limits::default(), &["PID"]);
    let key = message.map(|message| patient(&message)).unwrap_or_default();
    if key.contains(char::REPLACEMENT_CHARACTER) { String::new() } else { key }
}

/// Whether a kind of message merges two patients.
pub(super) fn merges(code: &str, event: &str) -> bool {
    code == "ADT" && MERGES.contains(&event)
}

/// The first MRG of a merge that names the patient of the PID before it: nobody can replace himself.
pub(super) fn merged_with_itself<'m>(code: &str, event: &str, message: &'m Message<'m>) -> Option<Segment<'m>> {
    if !merges(code, event) {
        return None;
    }
    let mut survivor = String::new();
    for segment in message.segments() {
        match segment.name() {
            "PID" => survivor = number(&segment, 3),
            "MRG" if !survivor.is_empty() && number(&segment, 1) == survivor => return Some(segment),
            _ => {}
        }
    }
    None
}

/// The number that stands for the patient in a list of identifiers (CX).
fn number(segment: &Segment<'_>, field: usize) -> String {
    let field = segment.field(field);
    let numbered = || field.repetitions().filter(|one| one.component(1).presence() == Presence::Present);
    let is_local = |one: &Repetition<'_>| LOCAL_NUMBERS.contains(&one.component(5).text().as_ref());
    let Some(chosen) = numbered().find(is_local).or_else(|| numbered().next()) else { return String::new() };
    let authority = match chosen.component(4).text() {
        Cow::Borrowed("") => chosen.component(5).text(),
        authority => authority,
    };
    let number = chosen.component(1).text();
    if number.trim().is_empty() {
        String::new()
    } else {
        bounded([&*authority, "|", &*number].concat(), PATIENT_KEY_MAX).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use causeway_core::feed::LineEnds;
    use causeway_core::hl7v2::Limits;

    use super::*;

    fn place(event: &str, text: &str) -> Option<usize> {
        let text = format!("MSH|^~\\&|PAS\r{text}");
        let message = Message::parse(&text, LineEnds::Strict, &Limits::default()).expect("a message");
        merged_with_itself("ADT", event, &message).map(|mrg| mrg.occurrence())
    }

    #[test]
    fn a_number_that_replaces_itself_is_found_and_a_document_that_both_have_is_no_reason() {
        let (one, two) = ("H1^^^QMH^MR", "H2^^^QMH^MR");
        let of = |survivor: &str, other: &str| format!("PID|1||{survivor}\rMRG|{other}\r");
        assert_eq!(place("A40", &of(one, two)), None);
        assert_eq!(place("A40", &of(one, one)), Some(1));
        assert_eq!(place("A40", &format!("{}{}", of(one, two), of(two, two))), Some(2));
        let hkid = "~A1234563^^^HKSAR^HKID";
        assert_eq!(place("A40", &of(&format!("{one}{hkid}"), &format!("{two}{hkid}"))), None);
        assert_eq!(place("A42", &of(one, one)), None, "visits of one patient are merged");
        assert_eq!(place("A40", "PID|1||\rMRG|\r"), None, "nobody is not somebody");
    }
}
