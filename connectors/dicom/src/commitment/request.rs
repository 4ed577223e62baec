//! The data set of a request (PS3.4 table J.3-1): a Transaction UID and the instances asked for. Lengths are checked against
//! what is there, nothing is allocated by one, and nesting is bounded.

use causeway_core::dicom::tag::{ITEM, ITEM_END, SEQUENCE_END, Tag};
use causeway_core::dicom::uid::Uid;

use crate::syntax::{Coding, is_long_form};

/// Transaction UID.
pub(crate) const TRANSACTION_UID: Tag = Tag(0x0008, 0x1195);
/// Referenced SOP Sequence.
pub(crate) const REFERENCED_SOP_SEQUENCE: Tag = Tag(0x0008, 0x1199);
/// Referenced SOP Class UID.
pub(crate) const REFERENCED_CLASS: Tag = Tag(0x0008, 0x1150);
/// Referenced SOP Instance UID.
pub(crate) const REFERENCED_INSTANCE: Tag = Tag(0x0008, 0x1155);

/// Bytes of a request for each instance it may name: two UIDs of 64 characters, four heads, and room for what some add.
const INSTANCE_BYTES: usize = 512;
/// Sequences within sequences, of which a request has one.
const DEPTH_MAX: usize = 8;
/// The length that says: until its delimiter comes.
const UNDEFINED: u32 = u32::MAX;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Transaction UID.
    pub(crate) transaction: Uid,
    /// SOP class and instance of each.
    pub(crate) instances: Vec<(Uid, Uid)>,
}

/// Why a request is none. It tells no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestFault {
    /// It cannot be read.
    #[error("the data set does not hold")]
    Broken,
    /// What must be there is not.
    #[error("{0} is missing")]
    Missing(Tag),
    /// A UID is none.
    #[error("{0} is no unique identifier")]
    NoUid(Tag),
    /// It names more instances than one request may.
    #[error("more instances than one request may name")]
    TooMany,
}

/// The longest data set of a request for so many instances.
pub(crate) const fn bytes_max(instances_max: usize) -> usize {
    instances_max.saturating_add(8).saturating_mul(INSTANCE_BYTES)
}

/// Reads a request.
pub(crate) fn read(bytes: &[u8], coding: Coding, instances_max: usize) -> Result<Asked, RequestFault> {
    let mut reader = Reader { bytes, coding };
    let (mut transaction, mut instances) = (None, Vec::new());
    while let Some(head) = reader.next()? {
        match head.tag {
            TRANSACTION_UID => transaction = Some(reader.uid(head)?),
            REFERENCED_SOP_SEQUENCE => instances = reader.references(head, instances_max)?,
            _ => reader.skip(head, DEPTH_MAX)?,
        }
    }
    let transaction = transaction.ok_or(RequestFault::Missing(TRANSACTION_UID))?;
    if instances.is_empty() {
        return Err(RequestFault::Missing(REFERENCED_SOP_SEQUENCE));
    }
    Ok(Asked { transaction, instances })
}

struct Reader<'b> {
    bytes: &'b [u8],
    coding: Coding,
}

#[derive(Clone, Copy)]
struct Head {
    tag: Tag,
    length: u32,
}

impl<'b> Reader<'b> {
    /// The head of the next element or item; `None` at the end.
    fn next(&mut self) -> Result<Option<Head>, RequestFault> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let tag = Tag(self.short()?, self.short()?);
        if !self.coding.explicit || tag.0 == ITEM.0 {
            return Ok(Some(Head { tag, length: self.long()? }));
        }
        let vr = self.array::<2>()?;
        let length = if is_long_form(vr) {
            self.short()?;
            self.long()?
        } else {
            self.short()?.into()
        };
        Ok(Some(Head { tag, length }))
    }

    fn uid(&mut self, head: Head) -> Result<Uid, RequestFault> {
        Uid::of_value(self.take(head.length)?).map_err(|_fault| RequestFault::NoUid(head.tag))
    }

    /// The items of the Referenced SOP Sequence.
    fn references(&mut self, head: Head, instances_max: usize) -> Result<Vec<(Uid, Uid)>, RequestFault> {
        let mut found = Vec::new();
        let mut items = self.within(head.length)?;
        while let Some(item) = items.next()? {
            match item.tag {
                ITEM => {}
                SEQUENCE_END if head.length == UNDEFINED => break,
                _ => return Err(RequestFault::Broken),
            }
            if found.len() >= instances_max {
                return Err(RequestFault::TooMany);
            }
            let mut elements = items.within(item.length)?;
            found.push(elements.reference(item.length == UNDEFINED)?);
            items.after(item.length, elements.bytes);
        }
        self.after(head.length, items.bytes);
        Ok(found)
    }

    /// One item of it.
    fn reference(&mut self, is_open: bool) -> Result<(Uid, Uid), RequestFault> {
        let (mut class, mut instance) = (None, None);
        while let Some(head) = self.next()? {
            match head.tag {
                ITEM_END if is_open => break,
                REFERENCED_CLASS => class = Some(self.uid(head)?),
                REFERENCED_INSTANCE => instance = Some(self.uid(head)?),
                _ => self.skip(head, DEPTH_MAX)?,
            }
        }
        let missing = RequestFault::Missing;
        Ok((class.ok_or(missing(REFERENCED_CLASS))?, instance.ok_or(missing(REFERENCED_INSTANCE))?))
    }

    /// Passes over a value that is not asked for.
    fn skip(&mut self, head: Head, depth: usize) -> Result<(), RequestFault> {
        if head.length != UNDEFINED {
            return self.take(head.length).map(|_| ());
        }
        let depth = depth.checked_sub(1).ok_or(RequestFault::Broken)?;
        while let Some(inner) = self.next()? {
            match inner.tag {
                SEQUENCE_END | ITEM_END => return Ok(()),
                _ => self.skip(inner, depth)?,
            }
        }
        Err(RequestFault::Broken)
    }

    /// A reader of a value: of its bytes, or of all that follows where its end is marked.
    fn within(&mut self, length: u32) -> Result<Self, RequestFault> {
        let bytes = if length == UNDEFINED { self.bytes } else { self.take(length)? };
        Ok(Self { bytes, coding: self.coding })
    }

    /// Goes on behind a value whose end was marked, where its reader has left off.
    const fn after(&mut self, length: u32, rest: &'b [u8]) {
        if length == UNDEFINED {
            self.bytes = rest;
        }
    }

    fn take(&mut self, length: u32) -> Result<&'b [u8], RequestFault> {
        let length = usize::try_from(length).map_err(|_too_long| RequestFault::Broken)?;
        let (value, rest) = self.bytes.split_at_checked(length).ok_or(RequestFault::Broken)?;
        self.bytes = rest;
        Ok(value)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RequestFault> {
        let (value, rest) = self.bytes.split_first_chunk::<N>().ok_or(RequestFault::Broken)?;
        self.bytes = rest;
        Ok(*value)
    }

    fn short(&mut self) -> Result<u16, RequestFault> {
        let bytes = self.array()?;
        Ok(if self.coding.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn long(&mut self) -> Result<u32, RequestFault> {
        let bytes = self.array()?;
        Ok(if self.coding.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::ElementWriter;

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

    fn item(coding: Coding, instance: &str) -> Vec<u8> {
        ElementWriter::new(coding)
            .text(REFERENCED_CLASS, *b"UI", CT)
            .text(REFERENCED_INSTANCE, *b"UI", instance)
            .sequence(Tag(0x0040, 0xA170), &[&ElementWriter::new(coding).number(Tag(0x0028, 0x0010), 1).bytes()], false)
            .bytes()
    }

    fn request(coding: Coding, defined: bool, instances: &[&str]) -> Vec<u8> {
        let items: Vec<Vec<u8>> = instances.iter().map(|instance| item(coding, instance)).collect();
        let items: Vec<&[u8]> = items.iter().map(Vec::as_slice).collect();
        ElementWriter::new(coding)
            .text(Tag(0x0008, 0x0005), *b"CS", "ISO_IR 100")
            .text(TRANSACTION_UID, *b"UI", "1.2.3")
            .sequence(REFERENCED_SOP_SEQUENCE, &items, defined)
            .text(Tag(0x0010, 0x0020), *b"LO", "H1")
            .bytes()
    }

    #[test]
    fn a_request_is_read_in_every_coding_with_lengths_and_with_delimiters() {
        for coding in [Coding::IMPLICIT, Coding::EXPLICIT, Coding::BIG] {
            for defined in [true, false] {
                let asked = read(&request(coding, defined, &["1.2.1", "1.2.2"]), coding, 2).expect("a request");
                assert_eq!(asked.transaction.as_str(), "1.2.3");
                let named: Vec<_> = asked.instances.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
                assert_eq!(named, [(CT, "1.2.1"), (CT, "1.2.2")], "{coding:?} {defined}");
            }
        }
    }

    #[test]
    fn requests_that_lie_are_none() {
        let coding = Coding::IMPLICIT;
        let told = |bytes: &[u8]| read(bytes, coding, 2).expect_err("no request");
        assert_eq!(told(&request(coding, true, &["1.1", "1.2", "1.3"])), RequestFault::TooMany);
        assert_eq!(told(&request(coding, true, &[])), RequestFault::Missing(REFERENCED_SOP_SEQUENCE));
        assert_eq!(told(&[]), RequestFault::Missing(TRANSACTION_UID));
        assert_eq!(told(&request(coding, false, &["../../etc"])), RequestFault::NoUid(REFERENCED_INSTANCE));
        let good = request(coding, false, &["1.2.1"]);
        for end in 1..good.len() {
            // Cut between two elements it may be a request, or lack what it needs; it never reads beyond its end.
            drop(read(&good[..end], coding, 2));
        }
        let deep: Vec<u8> = std::iter::repeat_n([0x08, 0, 0x40, 0x11, 255, 255, 255, 255], 5000).flatten().collect();
        assert_eq!(told(&deep), RequestFault::Broken);
        let long = [0x08, 0, 0x95, 0x11, 0xF0, 255, 255, 255];
        assert_eq!(told(&long), RequestFault::Broken);
    }
}
