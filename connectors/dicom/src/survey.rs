//! What a file holds, as far as sending it needs to know: read in pieces, and no further than necessary.

use std::io::{self, Read};

use causeway_core::dicom::tag;
use causeway_core::dicom::uid::Uid;

use crate::scan::{ScanFault, ScanLimits, Scanner};
use crate::syntax::{Coding, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE};

/// Bytes read at once.
const PIECE: usize = 64 << 10;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// SOP Class UID.
    pub sop_class: Uid,
    /// SOP Instance UID.
    pub sop_instance: Uid,
    /// Transfer Syntax UID; of a bare data set, told from its first element.
    pub transfer_syntax: Uid,
    /// Bytes before the data set.
    pub data_set_at: u64,
}

/// Why a file cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum SurveyFault {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is no DICOM, or broken.
    #[error("it is no DICOM file: {0}")]
    Scan(#[from] ScanFault),
    /// It does not say what it is.
    #[error("it names no SOP class and instance")]
    Nameless,
}

/// Looks at a file, until it says what it is. What the data set says holds: File Meta Information is often left as it was when
/// an instance is changed.
///
/// # Errors
/// It cannot be sent: see [`SurveyFault`].
pub fn survey(source: &mut dyn Read) -> Result<Survey, SurveyFault> {
    let mut scanner = Scanner::file(ScanLimits::default());
    let mut piece = vec![0; PIECE];
    loop {
        let read = source.read(&mut piece)?;
        if read == 0 {
            break;
        }
        // A fault behind the names is for the receiver to judge.
        let fed = scanner.feed(piece.get(..read).unwrap_or_default());
        if let Some(found) = found(&scanner) {
            return Ok(found);
        }
        fed?;
    }
    let names = found(&scanner);
    scanner.finish()?;
    names.ok_or(SurveyFault::Nameless)
}

/// What is known so far, when it is enough.
pub(crate) fn found(scanner: &Scanner) -> Option<Survey> {
    let uid = |tag| scanner.value(tag).and_then(|value| Uid::of_value(value).ok());
    let coded = match scanner.syntax().coding {
        Coding::IMPLICIT => IMPLICIT_LITTLE,
        Coding { big_endian: true, .. } => EXPLICIT_BIG,
        Coding { .. } => EXPLICIT_LITTLE,
    };
    let data_set_at = scanner.data_set_at()?;
    let transfer_syntax = match scanner.meta() {
        Some(meta) => meta.transfer_syntax.clone(),
        None => Uid::parse(coded).ok()?,
    };
    let (sop_class, sop_instance) = (uid(tag::SOP_CLASS_UID)?, uid(tag::SOP_INSTANCE_UID)?);
    Some(Survey { sop_class, sop_instance, transfer_syntax, data_set_at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ct, file};

    #[test]
    fn a_file_tells_by_its_meta_information_and_a_bare_data_set_by_itself() {
        let data_set = ct(Coding::IMPLICIT, "1.2.9", 100_000);
        let of_file = survey(&mut &file(IMPLICIT_LITTLE, &data_set)[..]).expect("a file");
        assert_eq!((of_file.sop_instance.as_str(), of_file.transfer_syntax.as_str()), ("1.2.9", IMPLICIT_LITTLE));
        assert!(of_file.data_set_at > 132);
        let bare = survey(&mut &data_set[..]).expect("a data set");
        assert_eq!(
            (bare.sop_instance.as_str(), bare.transfer_syntax.as_str(), bare.data_set_at),
            ("1.2.9", IMPLICIT_LITTLE, 0)
        );
        assert!(matches!(survey(&mut &b"%PDF-1.7 and so on"[..]), Err(SurveyFault::Scan(_))));
        assert!(matches!(survey(&mut &b""[..]), Err(SurveyFault::Scan(_))));
    }
}
