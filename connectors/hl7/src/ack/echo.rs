//! What an acknowledgement takes over from the message it answers.

use causeway_core::hl7v2::Delimiters;
use causeway_core::hl7v2::header::Header;

/// The parts of a message's header that its acknowledgement repeats, byte for byte, and its delimiters. Small, so that
/// it can be kept until the outcome is known while the message itself is let go.
#[derive(Clone, PartialEq, Eq)]
pub struct Echo {
    marks: Marks,
    bytes: Box<[u8]>,
    /// Where each [`Part`] ends in `bytes`.
    ends: [u16; PARTS],
    /// The x of version 2.x.
    minor: Option<u8>,
}

/// A part of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// MSH-3.
    SendingApplication,
    /// MSH-4.
    SendingFacility,
    /// MSH-5.
    ReceivingApplication,
    /// MSH-6.
    ReceivingFacility,
    /// MSH-9.2.
    Event,
    /// MSH-10.
    ControlId,
    /// MSH-11.
    ProcessingId,
    /// MSH-12.
    Version,
    /// MSH-18.
    Charset,
}

const PARTS: usize = 9;

/// The longest part that is repeated, in bytes: four times what the widest of them (HD, 227) may have. A longer one is
/// left empty.
const PART_MAX: usize = 908;

/// The delimiters of a message as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) field: u8,
    pub(super) component: u8,
    repetition: u8,
    pub(super) escape: Option<u8>,
    pub(super) subcomponent: Option<u8>,
    truncation: Option<u8>,
    encoding: [u8; 5],
    encoding_length: u8,
}

impl Echo {
    /// What the answer to a message with this header repeats. A control id that must not be repeated (too long, or
    /// with control characters) is left out by `with_control_id`.
    pub fn of(header: &Header<'_>, with_control_id: bool) -> Self {
        let mut bytes = Vec::with_capacity(96);
        let mut ends = [0; PARTS];
        let control_id = if with_control_id { header.raw(10) } else { "" };
        let parts = [
            header.raw(3),
            header.raw(4),
            header.raw(5),
            header.raw(6),
            header.raw_component(9, 2),
            control_id,
            header.raw(11),
            header.raw(12),
            header.raw(18),
        ];
        for (part, end) in parts.into_iter().zip(&mut ends) {
            append(&mut bytes, part, header);
            *end = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        }
        let minor = header.version().strip_prefix("2.").and_then(|rest| rest.split('.').next()?.parse().ok());
        Self { marks: Marks::of(header.delimiters()), bytes: bytes.into_boxed_slice(), ends, minor }
    }

    /// What the answer to a message without a readable header repeats: nothing.
    pub fn unreadable() -> Self {
        Self { marks: Marks::of(&Delimiters::default()), bytes: Box::default(), ends: [0; PARTS], minor: None }
    }

    /// The memory it takes, in bytes.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.bytes.len()
    }

    pub(super) const fn marks(&self) -> &Marks {
        &self.marks
    }

    pub(super) fn part(&self, part: Part) -> &[u8] {
        let end = |at: usize| self.ends.get(at).copied().map_or(0, usize::from);
        let at = part as usize;
        let start = at.checked_sub(1).map_or(0, end);
        self.bytes.get(start..end(at)).unwrap_or_default()
    }

    /// MSH-9 of an answer has the event and the structure since 2.4.
    pub(super) fn has_message_structures(&self) -> bool {
        self.minor.is_none_or(|minor| minor >= 4)
    }

    /// MSA-3 was withdrawn in 2.7; before that many receivers read nothing else.
    pub(super) fn has_msa_text(&self) -> bool {
        self.minor.is_none_or(|minor| minor <= 6)
    }

    /// ERR has location, code and severity in fields of their own since 2.5.
    pub(super) fn has_err_location(&self) -> bool {
        self.minor.is_none_or(|minor| minor >= 5)
    }

    /// ERR has them in its one field from 2.2 to 2.4.
    pub(super) fn has_err_code_and_location(&self) -> bool {
        self.minor.is_some_and(|minor| (2..5).contains(&minor))
    }
}

/// Names and numbers of the message stay out of logs.
impl std::fmt::Debug for Echo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Echo").field("minor", &self.minor).finish_non_exhaustive()
    }
}

/// Appends a part in the message's own character set.
fn append(bytes: &mut Vec<u8>, part: &str, header: &Header<'_>) {
    if part.is_ascii() {
        if part.len() <= PART_MAX {
            bytes.extend_from_slice(part.as_bytes());
        }
    } else if let Some(encoded) = header.charset().encode(part).ok().filter(|encoded| encoded.len() <= PART_MAX) {
        bytes.extend_from_slice(&encoded);
    }
}

impl Marks {
    fn of(delimiters: &Delimiters) -> Self {
        let byte = |mark: char| u8::try_from(mark).unwrap_or(b'?');
        let mut encoding = [0; 5];
        let characters = delimiters.encoding_characters();
        for (slot, mark) in encoding.iter_mut().zip(characters.bytes()) {
            *slot = mark;
        }
        Self {
            field: byte(delimiters.field()),
            component: byte(delimiters.component()),
            repetition: byte(delimiters.repetition()),
            escape: delimiters.escape().map(byte),
            subcomponent: delimiters.subcomponent().map(byte),
            truncation: delimiters.truncation().map(byte),
            encoding,
            encoding_length: u8::try_from(characters.len().min(5)).unwrap_or(5),
        }
    }

    /// MSH-2 as it was sent.
    pub(super) fn encoding(&self) -> &[u8] {
        self.encoding.get(..usize::from(self.encoding_length)).unwrap_or_default()
    }

    /// The letter that stands for a delimiter in an escape sequence (§2.7.1).
    pub(super) fn letter(&self, byte: u8) -> Option<u8> {
        match byte {
            b if b == self.field => Some(b'F'),
            b if b == self.component => Some(b'S'),
            b if b == self.repetition => Some(b'R'),
            b if Some(b) == self.escape => Some(b'E'),
            b if Some(b) == self.subcomponent => Some(b'T'),
            b if Some(b) == self.truncation => Some(b'P'),
            _ => None,
        }
    }
}
