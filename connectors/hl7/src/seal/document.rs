//! Documents inside a message: whether they can be what they say.

use causeway_core::hl7v2::{Message, Segment};
use memchr::memmem;

/// Whether an OBX may hold a document at all: OBX-2 `ED`, with the field separator at either side, is somewhere in the text.
pub(super) fn may_be_in(text: &str, separator: u8) -> bool {
    memmem::find(text.as_bytes(), &[separator, b'E', b'D', separator]).is_some()
}

/// The first OBX whose document says that it is in Base64 (table 0299) and is not: half a document is no document, and
/// only its sender has the whole. A document may be cut anywhere over OBX of one code that follow one another.
pub(super) fn broken_base64<'m>(message: &'m Message<'m>) -> Option<Segment<'m>> {
    let mut open: Option<Document<'m>> = None;
    for obx in message.named("OBX") {
        if let Some(document) = open.take_if(|document| !document.goes_on_in(&obx))
            && document.is_broken
        {
            return Some(document.first);
        }
        if let Some(document) = &mut open {
            document.take(&obx);
        } else if obx.field(2).raw() == "ED" && obx.field(5).component(4).raw().eq_ignore_ascii_case("base64") {
            let mut document = Document { first: obx, quads: Quads::default(), is_broken: false };
            document.take(&obx);
            open = Some(document);
        }
    }
    open.filter(|document| document.is_broken).map(|document| document.first)
}

/// A document in Base64, as far as it was read.
struct Document<'m> {
    first: Segment<'m>,
    quads: Quads,
    is_broken: bool,
}

impl<'m> Document<'m> {
    /// Whether an OBX may be a further part of it.
    fn goes_on_in(&self, obx: &Segment<'m>) -> bool {
        let same = |field: usize| self.first.field(field).raw() == obx.field(field).raw();
        [2, 3, 11].into_iter().all(same)
    }

    /// Reads OBX-5. A further repetition may be data alone.
    fn take(&mut self, obx: &Segment<'m>) {
        for value in obx.field(5).repetitions() {
            let is_plain = value.component(1).raw().len() == value.raw().len();
            let data = if is_plain { value.component(1).text() } else { value.component(5).text() };
            self.quads.take(&data);
        }
        self.is_broken = !self.quads.are_whole();
    }
}

/// Base64 is four characters for three bytes (RFC 4648, section 4); the last four may end in one or two `=`. Whole fours
/// may follow one with `=`: then each part was encoded for itself.
#[derive(Default)]
struct Quads {
    /// Characters of the current four.
    filled: u8,
    /// The current four has a `=`.
    padded: bool,
    /// Something stands where it must not.
    foreign: bool,
}

impl Quads {
    fn take(&mut self, data: &str) {
        for byte in data.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
            let is_pad = byte == b'=';
            let is_fit = if is_pad { self.filled >= 2 } else { is_digit(byte) && !self.padded };
            self.foreign |= !is_fit;
            self.padded |= is_pad;
            self.filled += 1;
            if self.filled == 4 {
                (self.filled, self.padded) = (0, false);
            }
        }
    }

    const fn are_whole(&self) -> bool {
        self.filled == 0 && !self.foreign
    }
}

const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

#[cfg(test)]
mod tests {
    use causeway_core::feed::LineEnds;
    use causeway_core::hl7v2::Limits;

    use super::*;

    /// The how-manieth OBX is broken, of several with this type and value.
    fn broken(values: &[(&str, &str)]) -> Option<usize> {
        let lines = values.iter().map(|(kind, value)| format!("OBX|1|{kind}|1||{value}||||||F\r"));
        let text = format!("MSH|^~\\&|LIS\r{}", lines.collect::<String>());
        let message = Message::parse(&text, LineEnds::Strict, &Limits::default()).expect("a message");
        broken_base64(&message).map(|obx| obx.occurrence())
    }

    #[test]
    fn a_document_with_a_foreign_character_or_without_its_end_is_broken() {
        for data in ["JVBERi!!", "JVBE\u{fffd}AAA", "JVBERi0", "JVBERi0xL", "JV=ERi0x", "JVBERi0=x", "A===", "="] {
            assert_eq!(broken(&[("ED", &format!("^application^PDF^BASE64^{data}"))]), Some(1), "{data}");
        }
        let (text, good) = (("TX", "note"), ("ED", "^application^PDF^Base64^JVBE"));
        assert_eq!(broken(&[text, good, text, ("ED", "^application^PDF^Base64^JVB")]), Some(4));
    }

    #[test]
    fn whole_documents_however_they_are_cut_are_well() {
        assert_eq!(broken(&[("ED", r"^application^PDF^Base64^JVBERi0x\X0D0A\LjQK+/==")]), None);
        let first = ("ED", "^application^PDF^Base64^JVBERi0");
        assert_eq!(broken(&[first, ("ED", "^application^PDF^Base64^xLg==")]), None, "cut between any two characters");
        assert_eq!(broken(&[("ED", "^application^PDF^Base64^JVBERi0=~xLg"), ("ED", "==")]), Some(1));
        assert_eq!(broken(&[("ED", "^application^PDF^Base64^JVBERi0=~xLg"), ("ED", "^^^^=")]), None, "by repetitions");
        let each = ("ED", "^application^PDF^Base64^JQ==");
        assert_eq!(broken(&[each, each]), None, "each encoded for itself");
        assert_eq!(broken(&[("ED", "^text^plain^A^hello!"), ("ST", "^a^b^Base64^!!")]), None, "not in Base64");
    }
}
