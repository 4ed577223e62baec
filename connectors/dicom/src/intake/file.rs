//! One file on its way into the store: what it is stands in it. What the data set says holds, since File Meta Information is
//! often left as it was when an instance is changed; it is written anew, and the data set is kept as it came.

use std::sync::OnceLock;

use causeway_core::dicom::tag;
use causeway_core::dicom::uid::Uid;
use causeway_core::feed::CharsetRule;
use causeway_core::port::BlobStore;
use tokio::sync::mpsc::Receiver;

use super::{Intake, IntakeFault, Order, Piece, Sealed};
use crate::classes::{MEDIA_DIRECTORY, is_storage};
use crate::deposit::Names;
use crate::part10;
use crate::scan::{ScanLimits, Scanner};
use crate::status::{Refusal, Status};
use crate::survey;

/// A file must say what it is within so many bytes: SOP Class and Instance UID stand at the beginning of every data set.
const NAMES_BYTES_MAX: usize = 256 << 10;

/// What is known of a file before its first byte.
#[derive(Debug, Clone)]
pub(crate) struct FileOrder {
    pub(crate) limits: ScanLimits,
    pub(crate) charset: CharsetRule,
    /// Also SOP classes that are not of the Storage Service Class.
    pub(crate) any_class: bool,
    /// Also a data set without File Meta Information, whose syntax is told from its first element.
    pub(crate) bare: bool,
    /// The study it must belong to.
    pub(crate) study: Option<Uid>,
}

/// Takes one file in, and tells its names as soon as they are known. May block.
pub(crate) fn take_file(
    order: &FileOrder,
    names: &OnceLock<Names>,
    blobs: &dyn BlobStore,
    pieces: &mut Receiver<Piece>,
) -> Result<Sealed, IntakeFault> {
    let mut scanner = Scanner::file(order.limits);
    let mut start = Vec::new();
    // First what says its names, which the head we write needs.
    let (survey, ended) = loop {
        let piece = match pieces.blocking_recv() {
            Some(Piece::Bytes(bytes)) => Some(bytes),
            Some(Piece::End) => None,
            None => return Err(IntakeFault::Cut),
        };
        if let Some(bytes) = &piece {
            start.extend_from_slice(bytes);
            scanner.feed(bytes)?;
        }
        match survey::found(&scanner) {
            Some(found) => break (found, piece.is_none()),
            None if piece.is_some() && start.len() <= NAMES_BYTES_MAX => {}
            None => return Err(nameless(scanner)),
        }
    };
    let told = Names { sop_class: survey.sop_class.clone(), sop_instance: survey.sop_instance.clone() };
    // Nobody else sets them.
    drop(names.set(told));
    admit(order, &scanner, &survey.sop_class)?;
    let order = Order {
        sop_class: survey.sop_class,
        sop_instance: survey.sop_instance,
        transfer_syntax: survey.transfer_syntax,
        limits: order.limits,
        charset: order.charset.clone(),
        study: order.study.clone(),
    };
    let mut file = part10::head(&order.sop_class, &order.sop_instance, &order.transfer_syntax);
    let head = file.len();
    let data_set_at = usize::try_from(survey.data_set_at).unwrap_or(usize::MAX);
    file.extend_from_slice(start.get(data_set_at..).unwrap_or_default());
    drop(start);
    let mut intake = Intake::scanned(order, scanner, head, &file, blobs)?;
    drop(file);
    let mut ended = ended;
    while !ended {
        match pieces.blocking_recv() {
            Some(Piece::Bytes(bytes)) => intake.feed(&bytes)?,
            Some(Piece::End) => ended = true,
            None => return Err(IntakeFault::Cut),
        }
    }
    intake.finish()
}

/// Why a file says nothing: it is broken, it is a directory, or its names are not where they must be.
fn nameless(scanner: Scanner) -> IntakeFault {
    if is_directory(&scanner) {
        return directory();
    }
    if scanner.value(tag::SOP_INSTANCE_UID).is_some_and(|value| Uid::of_value(value).is_err()) {
        let what = "SOP Instance UID is no unique identifier";
        return IntakeFault::Refused(Refusal::new(Status::INVALID_INSTANCE, what).about(tag::SOP_INSTANCE_UID));
    }
    match scanner.finish() {
        Err(fault) => fault.into(),
        Ok(_) => {
            let what = "SOP Class and Instance UID are missing, or no identifiers";
            IntakeFault::Refused(Refusal::new(Status::CANNOT_UNDERSTAND, what))
        }
    }
}

/// Whether such a file is taken at all.
fn admit(order: &FileOrder, scanner: &Scanner, class: &Uid) -> Result<(), IntakeFault> {
    if is_directory(scanner) {
        return Err(directory());
    }
    if scanner.meta().is_none() && !order.bare {
        let what = "no File Meta Information: a bare data set does not say its transfer syntax";
        return Err(IntakeFault::Refused(Refusal::new(Status::CANNOT_UNDERSTAND, what)));
    }
    if !order.any_class && !is_storage(class.as_str()) {
        let what = "its SOP class is not of the Storage Service Class";
        return Err(IntakeFault::Refused(Refusal::new(Status::CLASS_NOT_SUPPORTED, what)));
    }
    Ok(())
}

fn is_directory(scanner: &Scanner) -> bool {
    scanner.meta().and_then(|meta| meta.sop_class.as_ref()).is_some_and(|class| class.as_str() == MEDIA_DIRECTORY)
}

fn directory() -> IntakeFault {
    let what = "a DICOMDIR: the files it lists are sent for themselves";
    IntakeFault::Refused(Refusal::new(Status::CLASS_NOT_SUPPORTED, what))
}
