//! Writing messages: from values, and again what was parsed.

use super::delimiters::Delimiters;
use super::escape;
use super::message::Message;
use crate::disposition::Disposition;

/// The text of a parsed message with the line ends of the standard: each segment as sent, ended by CR. What was parsed
/// from such a text is written back byte for byte.
pub fn message(message: &Message<'_>) -> String {
    let mut text = String::with_capacity(message.text().len() + 1);
    for segment in message.segments() {
        text.push_str(segment.raw());
        text.push('\r');
    }
    text
}

/// Builds a message from values, in the order of its text. Values are escaped; a fault is kept and told by
/// [`Writer::finish`].
///
/// ```
/// use causeway_core::hl7v2::Delimiters;
/// use causeway_core::hl7v2::write::Writer;
///
/// let mut writer = Writer::new(Delimiters::default());
/// writer.segment("MSH").components(9, &["ACK", "A01", "ACK"]).value(10, "A1");
/// writer.segment("MSA").value(1, "AA").value(2, "X|1");
/// assert_eq!(writer.finish()?, "MSH|^~\\&|||||||ACK^A01^ACK|A1\rMSA|AA|X\\F\\1\r");
/// # Ok::<(), causeway_core::hl7v2::write::WriteFault>(())
/// ```
#[derive(Clone)]
pub struct Writer {
    delimiters: Delimiters,
    text: String,
    segments: usize,
    field: usize,
    component: usize,
    subcomponent: usize,
    fault: Option<WriteFault>,
}

/// Why a message cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriteFault {
    /// The first segment is not MSH, FHS or BHS.
    #[error("the first segment is not a header")]
    NoHeader,
    /// Not three characters `[A-Z][A-Z0-9][A-Z0-9]`.
    #[error("segment {segment} has no valid name")]
    SegmentName {
        /// Counted from 1.
        segment: usize,
    },
    /// A field, component or sub-component before the one written last, or numbered 0; or MSH-1 or MSH-2.
    #[error("a part of segment {segment} was written out of order, in field {field}")]
    Order {
        /// Counted from 1.
        segment: usize,
        /// The field being written.
        field: usize,
    },
    /// A delimiter inside a value, and MSH-2 declares no escape character (or no sub-component separator is declared
    /// where one is needed).
    #[error("a value of segment {segment}, field {field} cannot be written with the delimiters given")]
    Delimiter {
        /// Counted from 1.
        segment: usize,
        /// The field being written.
        field: usize,
    },
    /// Text given as raw holds a line end.
    #[error("raw text for segment {segment}, field {field} holds a line end or a field separator")]
    Raw {
        /// Counted from 1.
        segment: usize,
        /// The field being written.
        field: usize,
    },
}

impl WriteFault {
    /// A fault of ours: the message waits for a person.
    pub const fn disposition(&self) -> Disposition {
        Disposition::Hold
    }
}

impl Writer {
    /// An empty message.
    pub const fn new(delimiters: Delimiters) -> Self {
        let text = String::new();
        Self { delimiters, text, segments: 0, field: 0, component: 1, subcomponent: 1, fault: None }
    }

    /// Begins a segment. MSH, FHS and BHS get their first two fields.
    pub fn segment(&mut self, name: &str) -> &mut Self {
        let is_header = matches!(name, "MSH" | "FHS" | "BHS");
        if self.segments == 0 && !is_header {
            self.fail(WriteFault::NoHeader);
        }
        self.end_segment();
        self.segments += 1;
        if !is_name(name) {
            self.fail(WriteFault::SegmentName { segment: self.segments });
        }
        self.text.push_str(name);
        (self.field, self.component, self.subcomponent) = (0, 1, 1);
        if is_header {
            self.text.push_str(&self.delimiters.to_string());
            self.field = 2;
        }
        self
    }

    /// Goes to a field, counted from 1; those left out between are empty.
    pub fn field(&mut self, number: usize) -> &mut Self {
        let separator = self.delimiters.field();
        self.advance(self.field, number, Some(separator));
        (self.field, self.component, self.subcomponent) = (number, 1, 1);
        self
    }

    /// Begins the next repetition of the field.
    pub fn repetition(&mut self) -> &mut Self {
        self.text.push(self.delimiters.repetition());
        (self.component, self.subcomponent) = (1, 1);
        self
    }

    /// Goes to a component of the repetition, counted from 1; each repetition begins in its first one.
    pub fn component(&mut self, number: usize) -> &mut Self {
        if number != self.component {
            self.advance(self.component, number, Some(self.delimiters.component()));
            (self.component, self.subcomponent) = (number, 1);
        }
        self
    }

    /// Goes to a sub-component of the component, counted from 1; each component begins in its first one.
    pub fn sub(&mut self, number: usize) -> &mut Self {
        if number != self.subcomponent {
            self.advance(self.subcomponent, number, self.delimiters.subcomponent());
            self.subcomponent = number;
        }
        self
    }

    /// Writes a value here, escaped.
    pub fn text(&mut self, value: &str) -> &mut Self {
        match escape::try_escape(value, &self.delimiters) {
            Some(escaped) => self.text.push_str(&escaped),
            None => self.fail(WriteFault::Delimiter { segment: self.segments, field: self.field }),
        }
        self
    }

    /// Writes `""` here: delete what you have.
    pub fn null(&mut self) -> &mut Self {
        self.text.push_str("\"\"");
        self
    }

    /// Writes text here as it is: a field of another message with the same delimiters. It may not hold a field
    /// separator or a line end.
    pub fn raw(&mut self, text: &str) -> &mut Self {
        if text.contains(['\r', '\n', self.delimiters.field()]) {
            self.fail(WriteFault::Raw { segment: self.segments, field: self.field });
        } else {
            self.text.push_str(text);
        }
        self
    }

    /// A field of one value.
    pub fn value(&mut self, field: usize, value: &str) -> &mut Self {
        self.field(field).text(value)
    }

    /// A field of several components; empty ones at the end are left out.
    pub fn components(&mut self, field: usize, values: &[&str]) -> &mut Self {
        self.field(field);
        for (number, value) in (1..).zip(values).filter(|(_, value)| !value.is_empty()) {
            self.component(number).text(value);
        }
        self
    }

    /// The message, every segment ended by CR, or the first fault.
    pub fn finish(mut self) -> Result<String, WriteFault> {
        self.end_segment();
        match (self.fault, self.segments) {
            (Some(fault), _) => Err(fault),
            (None, 0) => Err(WriteFault::NoHeader),
            (None, _) => Ok(self.text),
        }
    }

    /// Writes the separators from one part to a later one.
    fn advance(&mut self, from: usize, to: usize, separator: Option<char>) {
        let (segment, field) = (self.segments, self.field);
        match (to.checked_sub(from).filter(|steps| (1..=STEPS_MAX).contains(steps)), separator) {
            (Some(steps), Some(separator)) => self.text.extend(std::iter::repeat_n(separator, steps)),
            (Some(_), None) => self.fail(WriteFault::Delimiter { segment, field }),
            (None, _) => self.fail(WriteFault::Order { segment, field }),
        }
    }

    fn end_segment(&mut self) {
        if self.segments > 0 {
            self.text.push('\r');
        }
    }

    fn fail(&mut self, fault: WriteFault) {
        self.fault.get_or_insert(fault);
    }
}

/// Counts only: the text is a patient's.
impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("segments", &self.segments).field("fault", &self.fault).finish_non_exhaustive()
    }
}

/// No segment has more fields, no field more components, that a person would number.
const STEPS_MAX: usize = 1_000;

fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() == 3
        && bytes.first().is_some_and(u8::is_ascii_uppercase)
        && bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
