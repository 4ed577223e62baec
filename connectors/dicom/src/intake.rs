//! One instance on its way into the store, on a thread that may block: written and scanned piece by piece, and made durable
//! when it is whole and what its command said it is.

mod file;

use std::collections::BTreeMap;

use causeway_core::dicom::claim::{self, Claim, to_hex};
use causeway_core::dicom::tag::{self, Tag};
use causeway_core::dicom::text::{Kind, Repertoire};
use causeway_core::dicom::uid::Uid;
use causeway_core::feed::CharsetRule;
use causeway_core::phi::Phi;
use causeway_core::port::{Blob, BlobError, BlobStore, BlobWriter};

pub(crate) use file::{FileOrder, take_file};

use crate::scan::{Layout, Scan, ScanLimits, Scanner, Span};
use crate::status::{Refusal, Status};

/// What a command said of the instance that follows.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) sop_class: Uid,
    pub(crate) sop_instance: Uid,
    pub(crate) transfer_syntax: Uid,
    pub(crate) limits: ScanLimits,
    pub(crate) charset: CharsetRule,
    /// The study it must belong to.
    pub(crate) study: Option<Uid>,
}

/// What comes in for a thread of the pool.
#[derive(Debug)]
pub(crate) enum Piece {
    /// The next bytes.
    Bytes(Vec<u8>),
    /// There are no more.
    End,
}

/// An instance that is durable in the store.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) claim: Claim,
    /// Issuer and number, as they choose the partition; empty without a number.
    pub(crate) patient_key: Phi<String>,
}

/// Why there is none.
#[derive(Debug)]
pub(crate) enum IntakeFault {
    /// The instance is at fault.
    Refused(Refusal),
    /// The store is.
    Store(BlobError),
    /// The association ended in the middle.
    Cut,
    /// It broke, as is told in the log.
    Broken,
}

impl From<BlobError> for IntakeFault {
    fn from(error: BlobError) -> Self {
        Self::Store(error)
    }
}

impl<E: Into<Refusal>> From<E> for IntakeFault {
    fn from(fault: E) -> Self {
        Self::Refused(fault.into())
    }
}

/// An instance that has begun to come.
pub(crate) struct Intake {
    order: Order,
    scanner: Scanner,
    writer: Box<dyn BlobWriter>,
    /// Bytes of its file before the data set.
    head: usize,
}

impl Intake {
    /// Takes the first bytes of a file: the head, and what has come of the data set. May block, as everything here.
    pub(crate) fn begin(order: Order, head: usize, start: &[u8], blobs: &dyn BlobStore) -> Result<Self, IntakeFault> {
        let mut scanner = Scanner::data_set(&order.transfer_syntax, order.limits);
        scanner.feed(start.get(head..).unwrap_or_default())?;
        Self::scanned(order, scanner, head, start, blobs)
    }

    /// The same of a data set that was scanned so far.
    fn scanned(
        order: Order,
        scanner: Scanner,
        head: usize,
        start: &[u8],
        blobs: &dyn BlobStore,
    ) -> Result<Self, IntakeFault> {
        let mut writer = blobs.create()?;
        writer.write(start)?;
        Ok(Self { order, scanner, writer, head })
    }

    /// Takes the next bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), IntakeFault> {
        self.scanner.feed(bytes)?;
        Ok(self.writer.write(bytes)?)
    }

    /// All of it has come: checks that it is what it should be, and makes it durable.
    pub(crate) fn finish(self) -> Result<Sealed, IntakeFault> {
        let Self { order, scanner, writer, head } = self;
        let scan = scanner.finish()?;
        let (study, series) = check(&order, &scan)?;
        let blob = writer.finish()?;
        let head = u64::try_from(head).unwrap_or(u64::MAX);
        Ok(Sealed {
            patient_key: patient_key(&order.charset, &scan),
            claim: claim(&order, &scan, blob, head, study, series),
        })
    }
}

/// The data set is that of the command, and says where it belongs.
fn check(order: &Order, scan: &Scan) -> Result<(Uid, Uid), Refusal> {
    for (tag, said) in [(tag::SOP_CLASS_UID, &order.sop_class), (tag::SOP_INSTANCE_UID, &order.sop_instance)] {
        if scan.header.get(tag).and_then(|value| Uid::of_value(value).ok()).as_ref() != Some(said) {
            return Err(Refusal::new(Status::MISMATCH, format!("{tag} is not what the command says")).about(tag));
        }
    }
    let uid = |tag: Tag| match scan.header.get(tag).map(Uid::of_value) {
        Some(Ok(uid)) => Ok(uid),
        Some(Err(fault)) => Err(Refusal::new(Status::CANNOT_UNDERSTAND, format!("{tag}: {fault}")).about(tag)),
        None => Err(Refusal::new(Status::CANNOT_UNDERSTAND, format!("{tag} is missing")).about(tag)),
    };
    let study = uid(tag::STUDY_INSTANCE_UID)?;
    if order.study.as_ref().is_some_and(|wanted| *wanted != study) {
        let what = format!("{} is not the study of the address", tag::STUDY_INSTANCE_UID);
        return Err(Refusal::new(Status::MISMATCH, what).about(tag::STUDY_INSTANCE_UID));
    }
    Ok((study, uid(tag::SERIES_INSTANCE_UID)?))
}

fn claim(order: &Order, scan: &Scan, blob: Blob, head: u64, study: Uid, series: Uid) -> Claim {
    let header: BTreeMap<Tag, Phi<String>> =
        scan.header.values().map(|(tag, value)| (tag, Phi::new(to_hex(value)))).collect();
    let place = |span: &Span| (span.at.saturating_add(head), span.bytes);
    // Of a deflated data set, places say nothing: they would be those of what it was before.
    let pixels = scan.pixels.as_ref().filter(|_| !scan.syntax.deflated).map(|pixels| match &pixels.layout {
        Layout::Native(span) => {
            let (at, bytes) = place(span);
            claim::Pixels::Native(at, bytes)
        }
        Layout::Encapsulated { table, fragments, count } => claim::Pixels::Encapsulated {
            table: place(table),
            fragments: fragments.iter().map(place).collect(),
            count: *count,
        },
    });
    Claim {
        v: Claim::VERSION,
        blob: blob.digest,
        bytes: blob.bytes,
        data_set_at: head,
        sop_class: order.sop_class.clone(),
        sop_instance: order.sop_instance.clone(),
        study,
        series,
        transfer_syntax: order.transfer_syntax.clone(),
        big_endian: scan.syntax.coding.big_endian,
        header,
        dropped: scan.dropped,
        extract: scan.extract.as_deref().map(claim::extract),
        pixels,
    }
}

/// As the mapper will read it; text that cannot be read gives no key, and so the partition of those without one.
fn patient_key(rule: &CharsetRule, scan: &Scan) -> Phi<String> {
    let repertoire = Repertoire::new(scan.header.get(tag::SPECIFIC_CHARACTER_SET), rule);
    let text = |tag: Tag| {
        let value = scan.header.get(tag).unwrap_or_default();
        repertoire.values(Kind::Text, value).ok().and_then(|values| values.into_iter().next()).unwrap_or_default()
    };
    let number = text(tag::PATIENT_ID);
    let key = if number.is_empty() { String::new() } else { format!("{}|{number}", text(tag::ISSUER_OF_PATIENT_ID)) };
    Phi::new(key)
}
