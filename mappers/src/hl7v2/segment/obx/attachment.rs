//! OBX of type ED (encapsulated data) to an Attachment: IG map `ED[Attachment]`. The bytes of a file go beside the
//! records, to the blob store; short text stays in the Attachment.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_core::envelope::Digest;
use causeway_core::fetch::Document;
use causeway_core::mapped::Attachment;
use causeway_core::phi::Phi;
use causeway_core::reason::Reason;
use sha1::{Digest as _, Sha1};

use crate::codes;
use crate::fhir::Object;
use crate::hl7v2::context::Context;
use crate::hl7v2::media::{self, Media};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::{Seg, Value};

/// The largest document taken, in bytes. A message is shorter (`frame_bytes_max`); this bounds what a larger frame brings.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 64 << 20;
/// The longest text that stays in the resource, in bytes.
const INLINE_BYTES_MAX: usize = 64 << 10;

/// What is said about a document beside its bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Label<'a> {
    /// What to call it.
    pub(crate) title: &'a str,
    /// When it was made, as `dateTime`.
    pub(crate) created: Option<String>,
}

/// Reads the document in OBX-5 of one segment, or of several that are its parts. `None`, with a fault, when it cannot be
/// decoded or is of a type that is not taken. The bytes of a file are added to `attachments`.
pub(crate) fn embedded<'m>(
    context: &Context<'m>,
    lines: &[&Seg<'m>],
    label: Label<'_>,
    attachments: &mut Vec<Attachment>,
) -> Option<Object> {
    let (first, further) = lines.split_first()?;
    let parts = Parts::read(context, lines);
    further.iter().for_each(|line| line.keep());
    let fault = |reason: Reason, text: &str| {
        context.fault(reason, first.field_place(5), first.offset(5), text);
        None
    };
    let bytes = match parts.decode() {
        Ok(bytes) => bytes,
        Err(text) => return fault(Reason::BadValue, text),
    };
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return fault(Reason::TooLong, "the document is larger than a document may be");
    }
    let Some(media) = media::sniff(&bytes, context.charset()) else {
        return fault(Reason::DocumentType, Reason::DocumentType.text());
    };
    let is = match media {
        Media::File(media_type) => media_type,
        Media::Text(_) => "text/plain",
    };
    if parts.named.is_some_and(|named| named != is && !(named == "application/xml" && is == "text/xml")) {
        let text = "the document is of another type than it says; its bytes count";
        context.note(NoteCode::DocumentType, first.field_place(5), text);
    }
    Some(match media {
        Media::Text(text) => self::text(&text, label, attachments),
        Media::File(media_type) => stored(media_type, bytes, label, attachments),
    })
}

/// An Attachment of what a pointer led to: always in the blob store, byte for byte, so that it is there when the message
/// is mapped again. `None`, with a fault, when it is of a type that is not taken.
pub(super) fn fetched<'m>(
    context: &Context<'m>,
    obx: &Seg<'m>,
    document: &Document,
    title: &str,
    attachments: &mut Vec<Attachment>,
) -> Option<Object> {
    let bytes = document.bytes.expose();
    let media_type = match media::sniff(bytes, context.charset()) {
        Some(Media::File(media_type)) => media_type,
        Some(Media::Text(_)) if std::str::from_utf8(bytes).is_ok() => "text/plain; charset=utf-8",
        Some(Media::Text(_)) => "text/plain",
        None => {
            let reason = Reason::DocumentType;
            context.fault(reason, obx.field_place(5), obx.offset(5), reason.text());
            return None;
        }
    };
    Some(stored(media_type, bytes.to_vec(), Label { title, created: None }, attachments))
}

/// An Attachment of text: in the resource when it is short.
pub(crate) fn text(text: &str, label: Label<'_>, attachments: &mut Vec<Attachment>) -> Object {
    let media_type = "text/plain; charset=utf-8";
    if text.len() > INLINE_BYTES_MAX {
        return stored(media_type, text.as_bytes().to_vec(), label, attachments);
    }
    let data = STANDARD.encode(text);
    describe(Object::sized(6).text("contentType", media_type).text("data", &data), text.as_bytes(), label)
}

/// Whether a segment is a further part of the document that begins in `first` and came as far as `last`: of one code and,
/// it is asked, one sub-id. It does not begin as a file begins. Parts that are numbered by their sub-ids are taken for
/// parts only of a PDF whose end has not come.
pub(crate) fn goes_on(first: &Seg<'_>, last: &Seg<'_>, obx: &Seg<'_>, same_sub_id: bool) -> bool {
    let part = |segment: &Seg<'_>, component: usize| segment.field(5).component(component).raw().to_owned();
    let begins = media::begins_in_base64(&part(obx, 5));
    let numbered = || {
        let alike = (1..=4).all(|component| part(first, component) == part(obx, component));
        alike && media::is_pdf_in_base64(&part(first, 5)) && !media::ends_pdf_in_base64(&part(last, 5))
    };
    !begins && (same_sub_id || numbered())
}

/// How many of the segments behind one are further parts of its document.
pub(crate) fn further(first: &Seg<'_>, behind: &[&Seg<'_>]) -> usize {
    let mut last = first;
    for (count, obx) in behind.iter().enumerate() {
        let same = |field: usize| last.field(field).raw() == obx.field(field).raw();
        if ![2, 3, 11].into_iter().all(same) || !goes_on(first, last, obx, same(4)) {
            return count;
        }
        last = obx;
    }
    behind.len()
}

/// A word for a type of data as a media type.
pub(super) fn media_type(word: &str) -> Option<&'static str> {
    codes::ATTACHMENT_TYPE.code(&word.to_ascii_uppercase())
}

/// The bytes go to the blob store, once.
fn stored(media_type: &str, bytes: Vec<u8>, label: Label<'_>, attachments: &mut Vec<Attachment>) -> Object {
    let digest = Digest::of(&bytes);
    let object = Object::sized(6).text("contentType", media_type).text("url", &format!("Binary/{digest}"));
    let object = describe(object, &bytes, label);
    if attachments.iter().all(|known| known.digest != digest) {
        let bytes = Phi::new(Arc::from(bytes));
        attachments.push(Attachment { digest, content_type: media_type.to_owned(), bytes });
    }
    object
}

/// Size, hash (SHA-1, as R4 has it), title and time.
fn describe(object: Object, bytes: &[u8], label: Label<'_>) -> Object {
    object
        .maybe("size", u32::try_from(bytes.len()).ok())
        .text("hash", &STANDARD.encode(Sha1::digest(bytes)))
        .text("title", label.title)
        .maybe("creation", label.created)
}

/// The parts of an encoded document, in their order.
struct Parts {
    /// What the sender says it is.
    named: Option<&'static str>,
    encoding: String,
    data: Vec<String>,
}

impl Parts {
    /// ED.2 and ED.3, the type; ED.4, the encoding; ED.5, the data. A repetition without components is data alone.
    fn read<'m>(context: &Context<'m>, lines: &[&Seg<'m>]) -> Self {
        let mut parts = Self { named: None, encoding: String::new(), data: Vec::new() };
        for value in lines.iter().flat_map(|line| line.all(context, 5)) {
            if value.is_plain() && !parts.data.is_empty() {
                parts.data.push(value.whole().into_owned());
                continue;
            }
            let (kind, subtype, encoding) = (value.text(2), value.text(3), value.text(4));
            // Which application made it is no matter of the document.
            value.ask(1);
            if parts.data.is_empty() {
                let both = format!("{kind}/{subtype}");
                parts.named = [&*both, &*subtype, &*kind].into_iter().find_map(media_type);
                parts.encoding = encoding.to_ascii_uppercase();
            }
            let data = Self::data(&value);
            parts.data.push(data);
        }
        parts
    }

    /// ED.5. In plain text the sender may forget to escape `^`.
    fn data(value: &Value<'_, '_>) -> String {
        value.unsplit(5).into_owned()
    }

    /// The bytes.
    fn decode(&self) -> Result<Vec<u8>, &'static str> {
        match &*self.encoding {
            "BASE64" => self.joined(|data| STANDARD.decode(data).ok()).ok_or("the document is not encoded in base64"),
            "HEX" => self.joined(from_hex).ok_or("the document is not encoded in hexadecimal digits"),
            "A" => Ok(self.data.join("\n").into_bytes()),
            _ => Err("the encoding of the document is none of HL7 table 0299"),
        }
    }

    /// Decodes the parts as one, or, when each was encoded for itself, one by one.
    fn joined(&self, decode: impl Fn(&str) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        let bare = |data: &String| data.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let parts: Vec<String> = self.data.iter().map(bare).collect();
        let whole = decode(&parts.concat());
        let bytes =
            whole.or_else(|| parts.iter().map(|part| decode(part)).collect::<Option<Vec<_>>>().map(|p| p.concat()));
        bytes.filter(|bytes| !bytes.is_empty())
    }
}

/// Two digits a byte.
fn from_hex(data: &str) -> Option<Vec<u8>> {
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    data.as_bytes().chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoding: &str, data: &[&str]) -> Result<Vec<u8>, &'static str> {
        let data = data.iter().map(|part| (*part).to_owned()).collect();
        Parts { named: None, encoding: encoding.to_owned(), data }.decode()
    }

    #[test]
    fn parts_are_joined_however_they_were_cut() {
        assert_eq!(decoded("BASE64", &["aGVsbG8g", "d29ybGQ="]).as_deref(), Ok(b"hello world".as_slice()));
        // Cut between any two characters.
        assert_eq!(decoded("BASE64", &["aGVsb", "G8gd29ybGQ="]).as_deref(), Ok(b"hello world".as_slice()));
        // Each encoded for itself.
        assert_eq!(decoded("BASE64", &["aGVsbG8=", "IHdvcmxk"]).as_deref(), Ok(b"hello world".as_slice()));
        assert_eq!(decoded("BASE64", &["aGVs\nbG8="]).as_deref(), Ok(b"hello".as_slice()));
        assert_eq!(decoded("HEX", &["6865 6C", "6c6F"]).as_deref(), Ok(b"hello".as_slice()));
        assert_eq!(decoded("A", &["one", "two"]).as_deref(), Ok(b"one\ntwo".as_slice()));
    }

    #[test]
    fn what_is_not_encoded_as_it_says_is_not_decoded() {
        for (encoding, data) in [
            ("BASE64", "not base64!"),
            ("BASE64", "aGVsbG8"),
            ("BASE64", ""),
            ("HEX", "6"),
            ("HEX", "6G"),
            ("", "aGVs"),
        ] {
            assert!(decoded(encoding, &[data]).is_err(), "{encoding} {data}");
        }
    }
}
