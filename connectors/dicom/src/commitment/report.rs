//! What is reported (PS3.4 table J.3-2): the instances that are kept, and those that are not with the reason.

use causeway_core::dicom::tag::Tag;
use causeway_core::dicom::uid::Uid;

use super::request::{REFERENCED_CLASS, REFERENCED_INSTANCE, REFERENCED_SOP_SEQUENCE, TRANSACTION_UID};
use crate::classes::{STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE};
use crate::dimse::{CommandWriter, field};
use crate::status::Status;
use crate::syntax::Coding;
use crate::write::ElementWriter;

const FAILURE_REASON: Tag = Tag(0x0008, 0x1197);
const FAILED_SOP_SEQUENCE: Tag = Tag(0x0008, 0x1198);

/// Event Type ID: everything is kept.
const ALL_KEPT: u16 = 1;
/// Event Type ID: something is not.
const FAILURES: u16 = 2;

/// SOP class, instance, and why it is not kept, if it is not.
pub(crate) type Verdict = (Uid, Uid, Option<Status>);

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// Transaction UID.
    pub(crate) transaction: Uid,
    /// What is said of each instance.
    pub(crate) instances: Vec<Verdict>,
}

impl Report {
    /// Whether anything is not kept.
    pub(crate) fn has_failures(&self) -> bool {
        self.instances.iter().any(|(_, _, failure)| failure.is_some())
    }

    /// The command of N-EVENT-REPORT-RQ.
    pub(crate) fn command(&self, message_id: u16) -> Option<CommandWriter> {
        let mut command = CommandWriter::request(field::EVENT_REPORT, message_id, true);
        command.uid(0x0002, &Uid::parse(STORAGE_COMMITMENT).ok()?);
        command.uid(0x1000, &Uid::parse(STORAGE_COMMITMENT_INSTANCE).ok()?);
        command.number(0x1002, if self.has_failures() { FAILURES } else { ALL_KEPT });
        Some(command)
    }

    /// Its data set.
    pub(crate) fn data_set(&self, coding: Coding) -> Vec<u8> {
        let item = |(class, instance, failure): &Verdict| {
            let item = ElementWriter::new(coding).text(REFERENCED_CLASS, *b"UI", class.as_str()).text(
                REFERENCED_INSTANCE,
                *b"UI",
                instance.as_str(),
            );
            match failure {
                Some(Status(reason)) => item.number(FAILURE_REASON, *reason).bytes(),
                None => item.bytes(),
            }
        };
        let of = |failed: bool| -> Vec<Vec<u8>> {
            self.instances.iter().filter(|(_, _, failure)| failure.is_some() == failed).map(item).collect()
        };
        let mut data_set = ElementWriter::new(coding).text(TRANSACTION_UID, *b"UI", self.transaction.as_str());
        for (sequence, items) in [(FAILED_SOP_SEQUENCE, of(true)), (REFERENCED_SOP_SEQUENCE, of(false))] {
            if !items.is_empty() {
                let items: Vec<&[u8]> = items.iter().map(Vec::as_slice).collect();
                data_set = data_set.sequence(sequence, &items, true);
            }
        }
        data_set.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dimse::Command;

    #[test]
    fn what_is_kept_and_what_is_not_stand_apart() {
        let uid = |text: &str| Uid::parse(text).expect("a uid");
        let kept = (uid("1.2.840.10008.5.1.4.1.1.2"), uid("1.1"), None);
        let lost = (kept.0.clone(), uid("1.2"), Some(Status::NO_INSTANCE));
        let all = Report { transaction: uid("1.9"), instances: vec![kept.clone()] };
        let some = Report { transaction: uid("1.9"), instances: vec![kept, lost] };
        let event =
            |report: &Report| Command::read(&report.command(7).expect("a command").bytes()).expect("whole").type_id;
        assert_eq!((event(&all), event(&some)), (Some(1), Some(2)));
        let asked = super::super::request::read(&all.data_set(Coding::IMPLICIT), Coding::IMPLICIT, 9).expect("read");
        assert_eq!(asked.instances.len(), 1);
        let bytes = some.data_set(Coding::EXPLICIT);
        let reason = bytes.windows(10).any(|part| part == b"\x08\0\x97\x11US\x02\0\x12\x01");
        assert!(reason && bytes.windows(4).any(|part| part == b"\x08\0\x98\x11"));
        let only = Report { instances: vec![some.instances[1].clone()], ..some };
        assert!(!only.data_set(Coding::EXPLICIT).windows(4).any(|part| part == b"\x08\0\x99\x11"));
    }
}
