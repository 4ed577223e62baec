//! The local codes of one message that no table knows, for the operators' list: bounded, each once, and with nothing in
//! it that might be words about a patient.

use std::cell::RefCell;

use causeway_core::mapped::UnmappedCode;
use causeway_core::scope::Domain;

/// The most codes one message can give; what is beyond will come again in another message.
const CODES_MAX: usize = 200;
/// The longest code, in bytes; a longer one is no code.
const CODE_MAX: usize = 40;
/// The longest name of a system, or display, in characters; what is beyond is cut.
const WORDS_MAX: usize = 80;

/// Codes, collected. Those read since the last record was made have no domain yet: they belong to the next one.
#[derive(Debug, Default)]
pub(crate) struct Unmapped {
    settled: RefCell<Vec<UnmappedCode>>,
    open: RefCell<Vec<UnmappedCode>>,
}

impl Unmapped {
    /// Takes a code as sent.
    pub(crate) fn take(&self, field: String, system: &str, code: &str, display: &str) {
        let mut open = self.open.borrow_mut();
        if open.len().saturating_add(self.settled.borrow().len()) >= CODES_MAX {
            return;
        }
        // A value of a result may be words about the patient, whatever its type says.
        let is_value = field == "OBX-5";
        let (code, display) = if is_code(code) && is_code(system) {
            (code.to_owned(), if is_value { String::new() } else { cut(display) })
        } else {
            ("(text)".to_owned(), String::new())
        };
        let system = if is_code(system) { cut(system) } else { "(text)".to_owned() };
        // The domain is put in when the record is made.
        let found = UnmappedCode { domain: Domain::Identification, field, system, code, display };
        if !open.contains(&found) {
            open.push(found);
        }
    }

    /// What was read belongs to a record of this domain.
    pub(crate) fn belong_to(&self, domain: Domain) {
        let mut open = self.open.borrow_mut();
        if open.is_empty() {
            return;
        }
        let mut settled = self.settled.borrow_mut();
        for found in open.drain(..) {
            let found = UnmappedCode { domain, ..found };
            if !settled.contains(&found) {
                settled.push(found);
            }
        }
    }

    /// All that belong to a record.
    pub(crate) fn all(&self) -> Vec<UnmappedCode> {
        self.settled.take()
    }
}

/// Whether it looks like a code and not like words.
fn is_code(text: &str) -> bool {
    let sign = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b':' | b'+' | b'%' | b'#');
    text.len() <= CODE_MAX && text.bytes().all(sign)
}

fn cut(text: &str) -> String {
    if text.len() <= WORDS_MAX && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    text.chars().filter(|c| !c.is_control()).take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_about_a_patient_are_not_kept() {
        let unmapped = Unmapped::default();
        unmapped.take("OBX-3".to_owned(), "L", "GLU", "Glucose");
        unmapped.take("OBX-3".to_owned(), "L", "GLU", "Glucose");
        unmapped.take("OBX-5".to_owned(), "L", "POS", "CHAN TAI MAN");
        unmapped.take("OBX-5".to_owned(), "L", "CHAN TAI MAN", "x");
        unmapped.take("OBX-3".to_owned(), "\u{9673}", "A", "x");
        assert!(unmapped.all().is_empty(), "they belong to no record yet");
        unmapped.belong_to(Domain::Laboratory);
        unmapped.belong_to(Domain::Encounter);
        let all = unmapped.all();
        let told: Vec<_> = all.iter().map(|c| [&*c.field, &c.system, &c.code, &c.display].join("|")).collect();
        assert_eq!(told, ["OBX-3|L|GLU|Glucose", "OBX-5|L|POS|", "OBX-5|L|(text)|", "OBX-3|(text)|(text)|"]);
        assert!(all.iter().all(|code| code.domain == Domain::Laboratory));
    }

    #[test]
    fn a_message_gives_no_more_than_so_many() {
        let unmapped = Unmapped::default();
        for number in 0..2 * CODES_MAX {
            unmapped.take("OBX-3".to_owned(), "L", &number.to_string(), "");
            unmapped.belong_to(Domain::Laboratory);
        }
        assert_eq!(unmapped.all().len(), CODES_MAX);
    }
}
