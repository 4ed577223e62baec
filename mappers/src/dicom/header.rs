//! The values of a claim's header, decoded, with a note for each that cannot be used.

use std::cell::RefCell;

use causeway_core::dicom::claim::Claim;
use causeway_core::dicom::tag::{self, Tag};
use causeway_core::dicom::text::{Kind, Repertoire, TextFault};
use causeway_core::feed::FeedSettings;
use causeway_core::mapped::Note;

/// A header under reading.
#[derive(Debug)]
pub(super) struct Header<'c> {
    pub(super) claim: &'c Claim,
    repertoire: Repertoire,
    notes: RefCell<Vec<Note>>,
}

impl<'c> Header<'c> {
    pub(super) fn new(claim: &'c Claim, feed: &FeedSettings) -> Self {
        let declared = claim.character_set();
        let repertoire = Repertoire::new(declared.as_deref(), &feed.charset);
        let header = Self { claim, repertoire, notes: RefCell::default() };
        if header.repertoire.is_unknown() {
            header.note("unknown-charset", tag::SPECIFIC_CHARACTER_SET, "the character set is none of DICOM's");
        }
        if claim.dropped > 0 {
            let text = "values of the header were too long to be kept in the claim; they are in the file";
            header.note("dropped-value", tag::SOP_INSTANCE_UID, text);
        }
        header
    }

    /// A value that is plain ASCII by its representation.
    pub(super) fn plain(&self, tag: Tag) -> String {
        self.claim.plain(tag)
    }

    /// Text: the first of several. What cannot be decoded is left out, with a note.
    pub(super) fn text(&self, tag: Tag) -> String {
        self.needed(tag).unwrap_or_else(|_fault| {
            self.note("undecodable", tag, "the text is not in the character set it claims: left out");
            String::new()
        })
    }

    /// Text without which nothing can be said of the patient.
    pub(super) fn needed(&self, tag: Tag) -> Result<String, TextFault> {
        let value = self.claim.value(tag).unwrap_or_default();
        let values = self.repertoire.values(Kind::Text, &value)?;
        Ok(values.into_iter().next().unwrap_or_default())
    }

    /// A person's name, all its component groups. What cannot be decoded behind the first is left out, with a note.
    pub(super) fn name(&self, tag: Tag) -> Result<String, TextFault> {
        let name = self.repertoire.name(&self.claim.value(tag).unwrap_or_default())?;
        if name.lacks_group {
            let text =
                "a part of the name is not in the character set it claims: left out; the image keeps it as it came";
            self.note("undecodable", tag, text);
        }
        Ok(name.text)
    }

    /// A number of VR IS.
    pub(super) fn number(&self, tag: Tag) -> Option<u32> {
        let text = self.plain(tag);
        let number = text.parse::<u32>().ok();
        if number.is_none() && !text.is_empty() {
            self.note("not-a-number", tag, "what should be a number without a sign is none: left out");
        }
        number
    }

    /// Takes note of something; never with a value.
    pub(super) fn note(&self, code: &str, tag: Tag, text: &str) {
        let note = Note { code: code.to_owned(), place: tag.to_string(), text: text.to_owned() };
        self.notes.borrow_mut().push(note);
    }

    pub(super) fn into_notes(self) -> Vec<Note> {
        self.notes.into_inner()
    }
}
