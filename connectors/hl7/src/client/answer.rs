//! Reading an acknowledgement.

use causeway_core::feed::{CharsetRule, LineEnds};
use causeway_core::hl7v2::charset::Charset;
use causeway_core::hl7v2::header::Header;
use causeway_core::hl7v2::{Limits, Message};

use crate::ack::Code;

/// An acknowledgement, as far as a sender needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// MSA-1.
    pub code: Code,
    /// MSA-2 as it stands there: the control id of the message that is answered.
    pub control_id: String,
    /// ERR-3.1 (table 0357) of the first error, or ERR-1.4.1 before 2.5.
    pub error: Option<String>,
    /// The place of the first error: the segment and field of ERR-2, or of ERR-1, as `PID-3`.
    pub place: Option<String>,
    /// What the receiver says about it: ERR-8, else MSA-3.
    pub text: Option<String>,
    /// What to do about it, where the receiver says it: ERR-7.
    pub fix: Option<String>,
}

/// Why a frame is no acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// It is no frame.
    #[error("its bytes are not framed")]
    Framing,
    /// It is no HL7 message.
    #[error("it is no HL7 message")]
    NoMessage,
    /// It has no MSA segment with a code of table 0008.
    #[error("it has no MSA segment with a known code")]
    NoCode,
}

impl Answer {
    /// Reads the payload of a frame.
    pub fn read(payload: &[u8]) -> Result<Self, AnswerFault> {
        // An answer in an unknown set is still an answer: what matters in it is ASCII.
        let charset = Header::peek(payload, &CharsetRule::Auto).map_or(Charset::LATIN_1, |header| header.charset());
        let text = charset.decode(payload).or_else(|_fault| Charset::LATIN_1.decode(payload));
        let text = text.map_err(|_fault| AnswerFault::NoMessage)?;
        let message = Message::parse(&text, LineEnds::Lenient, &Limits::default());
        let message = message.map_err(|_fault| AnswerFault::NoMessage)?;
        let msa = message.segment("MSA").ok_or(AnswerFault::NoCode)?;
        let code = Code::parse(&msa.field(1).text()).ok_or(AnswerFault::NoCode)?;
        let mut answer = Self {
            code,
            control_id: msa.field(2).raw().to_owned(),
            error: None,
            place: None,
            text: some(&msa.field(3).text()),
            fix: None,
        };
        if let Some(err) = message.segment("ERR") {
            let (location, old) = (err.field(2), err.field(1));
            answer.error = some(&err.field(3).text()).or_else(|| some(&old.component(4).text()));
            answer.place = place(&location.text(), &location.component(3).text())
                .or_else(|| place(&old.text(), &old.component(3).text()));
            answer.text = some(&err.field(8).text()).or(answer.text);
            answer.fix = some(&err.field(7).text());
        }
        Ok(answer)
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn place(segment: &str, field: &str) -> Option<String> {
    match (segment, field) {
        ("", _) => None,
        (segment, "") => Some(segment.to_owned()),
        (segment, field) => Some(format!("{segment}-{field}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_in_every_version_s_way_of_saying_it() {
        let modern =
            b"MSH|^~\\&|A|B|C|D|2026||ACK^A01^ACK|9|P|2.5\rMSA|AE|7\rERR||PID^1^3|101^x^HL70357|E|||Fill it|Field missing\r";
        let answer = Answer::read(modern).expect("answer");
        assert_eq!((answer.code, answer.control_id.as_str()), (Code::AE, "7"));
        assert_eq!(answer.error.as_deref(), Some("101"));
        assert_eq!(answer.place.as_deref(), Some("PID-3"));
        assert_eq!(answer.text.as_deref(), Some("Field missing"));
        assert_eq!(answer.fix.as_deref(), Some("Fill it"));
        let old = b"MSH|^~\\&|A|B|C|D|2026||ACK|9|P|2.3\nMSA|AR|a&b |No\nERR|PID^1^3^101&x&HL70357\n";
        let answer = Answer::read(old).expect("answer");
        assert_eq!((answer.code, answer.control_id.as_str()), (Code::AR, "a&b "));
        assert_eq!((answer.error.as_deref(), answer.place.as_deref()), (Some("101"), Some("PID-3")));
        assert_eq!(answer.text.as_deref(), Some("No"));
    }

    #[test]
    fn what_is_no_acknowledgement_is_not_taken_for_one() {
        for (bytes, fault) in [
            (b"".as_slice(), AnswerFault::NoMessage),
            (b"hello", AnswerFault::NoMessage),
            (b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|9|P|2.5\rPID|1\r", AnswerFault::NoCode),
            (b"MSH|^~\\&|A|B|C|D|2026||ACK|9|P|2.5\rMSA|OK|7\r", AnswerFault::NoCode),
        ] {
            assert_eq!(Answer::read(bytes), Err(fault));
        }
    }

    #[test]
    fn an_answer_in_an_unknown_character_set_is_still_an_answer() {
        let bytes = b"MSH|^~\\&|A|B|C|D|2026||ACK|9|P|2.5||||||KLINGON\rMSA|AA|7|\xff\xfe\r";
        assert_eq!(Answer::read(bytes).expect("answer").code, Code::AA);
    }
}
