//! What a document is, told from its bytes: what the sender calls it decides nothing. A type that is not in the list is not
//! taken, so that no program and no web page reaches a reader as a patient's document.

use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use causeway_core::hl7v2::charset::{self, Charset};

/// The types that are taken, with the bytes they begin with.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"%PDF-", "application/pdf"),
    (b"{\\rtf", "application/rtf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
];
/// The same in base64, as far as whole characters go; and the beginnings of XML, with and without a byte order mark.
const SIGNATURES_BASE64: &[&str] =
    &["JVBERi", "e1xydG", "/9j/", "iVBORw0KGg", "SUkqA", "TU0AK", "PD94bW", "PENsaW5pY2Fs", "77u/PD94"];

/// What a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Media {
    /// A file, by its media type: kept byte for byte.
    File(&'static str),
    /// Text, decoded.
    Text(String),
}

/// Tells what bytes are; `None` when they are nothing that is taken. `charset` is that of the message: text that is not
/// UTF-8 may be in it.
pub(crate) fn sniff(bytes: &[u8], charset: Charset) -> Option<Media> {
    let content = charset::strip_byte_order_mark(bytes);
    let named = SIGNATURES.iter().find(|(signature, _)| content.starts_with(signature));
    if let Some((_, media_type)) = named {
        return Some(Media::File(media_type));
    }
    if is_markup(content) {
        return is_clinical_document(content).then_some(Media::File("text/xml"));
    }
    let text = Charset::UTF_8.decode(content).or_else(|_| charset.decode(content)).ok()?;
    let plain = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{c}');
    let good = !text.trim().is_empty() && text.chars().all(plain) && !content.starts_with(b"#!");
    good.then(|| Media::Text(text.into_owned()))
}

/// Whether text in base64 begins as a file that is taken begins.
pub(crate) fn begins_in_base64(data: &str) -> bool {
    let data = data.trim_start();
    SIGNATURES_BASE64.iter().any(|signature| data.starts_with(signature))
}

/// Whether text in base64 begins as a PDF.
pub(crate) fn is_pdf_in_base64(data: &str) -> bool {
    data.trim_start().starts_with("JVBERi")
}

/// Whether the end of a PDF stands within the last kilobyte of text in base64, which may begin anywhere within a group.
pub(crate) fn ends_pdf_in_base64(data: &str) -> bool {
    const TAIL: usize = 1400;
    let bare: Vec<u8> = data.bytes().filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')).collect();
    let from = bare.len().saturating_sub(TAIL);
    (0..4).any(|shift| {
        let tail = bare.get(from + shift..).unwrap_or_default();
        let whole = tail.get(..tail.len() / 4 * 4 + if tail.len() % 4 > 1 { tail.len() % 4 } else { 0 });
        let decoded = STANDARD_NO_PAD_LENIENT.decode(whole.unwrap_or_default()).unwrap_or_default();
        decoded.windows(5).any(|window| window == b"%%EOF")
    })
}

/// Base64 cut off anywhere: no padding, and bits left over.
const STANDARD_NO_PAD_LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Whether it begins with a tag; `<5` does not.
fn is_markup(content: &[u8]) -> bool {
    let mut rest = content.trim_ascii_start().iter();
    rest.next() == Some(&b'<')
        && rest.next().is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'!' | b'?' | b'/' | b'_'))
}

/// Whether the first element is the `ClinicalDocument` of HL7 version 3 (CDA release 2 §4.2.1). A document type
/// declaration, by which entities come in, is refused.
fn is_clinical_document(content: &[u8]) -> bool {
    let mut rest = content.trim_ascii_start();
    loop {
        let end = match rest {
            [b'<', b'?', ..] => b"?>".as_slice(),
            [b'<', b'!', b'-', b'-', ..] => b"-->".as_slice(),
            _ => break,
        };
        let Some(at) = rest.windows(end.len()).position(|window| window == end) else { return false };
        rest = rest.get(at + end.len()..).unwrap_or_default().trim_ascii_start();
    }
    let tag_end = rest.iter().position(|b| *b == b'>').unwrap_or(rest.len());
    let tag = String::from_utf8_lossy(rest.get(..tag_end).unwrap_or_default());
    let name = tag.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
    let local = name.rsplit([':', '<']).next().unwrap_or_default();
    local == "ClinicalDocument" && tag.contains("urn:hl7-org:v3")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    fn told(bytes: &[u8]) -> Option<Media> {
        sniff(bytes, Charset::BIG5)
    }

    #[test]
    fn a_file_is_what_its_first_bytes_say() {
        for (bytes, media_type) in [
            (b"%PDF-1.7\n%\xe2\xe3".as_slice(), "application/pdf"),
            (b"{\\rtf1\\ansi", "application/rtf"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
            (b"II*\0\x08\0\0\0", "image/tiff"),
            (b"MM\0*\0\0\0\x08", "image/tiff"),
            (b"<?xml version=\"1.0\"?>\n<!-- a -->\n<ClinicalDocument xmlns=\"urn:hl7-org:v3\">", "text/xml"),
            (b"\xef\xbb\xbf<cda:ClinicalDocument xmlns:cda='urn:hl7-org:v3' >", "text/xml"),
        ] {
            assert_eq!(told(bytes), Some(Media::File(media_type)), "{media_type}");
        }
    }

    #[test]
    fn text_is_read_as_utf_8_or_else_in_the_character_set_of_the_message() {
        let text = "肺部清晰 <5 mm";
        assert_eq!(told(text.as_bytes()), Some(Media::Text(text.to_owned())));
        assert_eq!(told(&Charset::BIG5.encode(text).expect("Big5")), Some(Media::Text(text.to_owned())));
        assert_eq!(told(b"MZ twins, <5 mm apart"), Some(Media::Text("MZ twins, <5 mm apart".to_owned())));
    }

    #[test]
    fn programs_pages_and_what_is_not_known_are_not_taken() {
        for bytes in [
            b"MZ\x90\0\x03\0\0\0".as_slice(),
            b"\x7fELF\x02\x01\x01\0",
            b"#!/bin/sh\nrm -r /",
            b"PK\x03\x04\x14\0\0\0",
            b"<!DOCTYPE html><html>",
            b"  <html><script>alert(1)</script>",
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            b"<script>alert(1)</script>",
            b"<?xml version='1.0'?><x:html xmlns:x='http://www.w3.org/1999/xhtml'/>",
            b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><ClinicalDocument xmlns='urn:hl7-org:v3'>",
            b"<?xml version='1.0'",
            b"<ClinicalDocument>",
            b"",
            b" \n ",
            b"\0\0\0\0",
            b"bell \x07",
        ] {
            assert_eq!(told(bytes), None, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn the_end_of_a_pdf_is_found_wherever_its_text_was_cut() {
        let encoded = STANDARD.encode("1 0 obj\n%%EOF\n");
        assert!((0..6).all(|from| ends_pdf_in_base64(encoded.get(from..).expect("ASCII"))));
        assert!(!ends_pdf_in_base64(&STANDARD.encode("1 0 obj\n%%EO")) && !ends_pdf_in_base64(""));
    }

    #[test]
    fn the_beginnings_in_base64_are_those_of_the_files() {
        for (signature, media_type) in SIGNATURES {
            let encoded = STANDARD.encode([signature, b"\0\0\0\0\0\0".as_slice()].concat());
            assert!(begins_in_base64(&encoded), "{media_type}: {encoded}");
        }
        let xml = [b"<?xml version".as_slice(), b"<ClinicalDocument", b"\xef\xbb\xbf<?xml version"];
        assert!(xml.iter().all(|xml| begins_in_base64(&STANDARD.encode(xml))));
        assert!(!begins_in_base64("AAAA") && !begins_in_base64(""));
    }
}
