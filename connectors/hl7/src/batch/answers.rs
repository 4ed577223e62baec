//! The answer to a batch: the acknowledgements of its messages, in the headers and trailers of its own batches.

use causeway_core::reason::Reason;

use super::count::field;
use super::split::Level;
use crate::ack::MessageIds;
use crate::frame::CR;

/// The longest part of a header that is repeated, in bytes: what HD may have.
const PART_MAX: usize = 227;
/// MSH-2 and its like, when they cannot be repeated.
const MARKS: &[u8] = b"^~\\&";

/// An answer being written.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// The separator of the batch and of the file, while they are open.
    batch: Option<Open>,
    file: Option<Open>,
}

#[derive(Debug)]
struct Open {
    separator: u8,
    count: u64,
}

impl Answers {
    /// Answers a header that was read.
    pub(crate) fn header(
        &mut self,
        out: &mut Vec<u8>,
        level: Level,
        header: &[u8],
        fault: Option<Reason>,
        ids: &MessageIds,
        at: &str,
    ) {
        if fault.is_some() {
            self.close(out, level, fault);
        }
        self.open(out, level, header, ids, at);
    }

    /// Answers a trailer that was read. That of a file ends the batch that is open in it.
    pub(crate) fn trailer(&mut self, out: &mut Vec<u8>, level: Level, fault: Option<Reason>) {
        if level == Level::File {
            self.close(out, Level::Batch, fault);
        }
        self.close(out, level, fault);
    }

    /// Begins what answers a header: sender and receiver change places, and the control id is repeated as the reference
    /// (FHS-12, BHS-12).
    fn open(&mut self, out: &mut Vec<u8>, level: Level, header: &[u8], ids: &MessageIds, at: &str) {
        let separator = header.get(3).copied().filter(u8::is_ascii_graphic).unwrap_or(b'|');
        out.extend_from_slice(match level {
            Level::File => b"FHS",
            Level::Batch => b"BHS",
        });
        let part = |number| Some(field(header, number)).filter(|part| is_fit(part)).unwrap_or_default();
        let marks = Some(part(1)).filter(|marks| (1..=5).contains(&marks.len())).unwrap_or(MARKS);
        for value in [marks, part(4), part(5), part(2), part(3), at.as_bytes(), b"", b"", b""] {
            out.push(separator);
            out.extend_from_slice(value);
        }
        out.push(separator);
        ids.write_next(out);
        out.push(separator);
        out.extend_from_slice(part(10));
        out.push(CR);
        let open = Some(Open { separator, count: 0 });
        match level {
            Level::Batch => {
                if let Some(file) = &mut self.file {
                    file.count += 1;
                }
                self.batch = open;
            }
            Level::File => self.file = open,
        }
    }

    /// An acknowledgement.
    pub(crate) fn message(&mut self, out: &mut Vec<u8>, message: &[u8]) {
        if let Some(batch) = &mut self.batch {
            batch.count += 1;
        }
        out.extend_from_slice(message);
    }

    /// Ends what answers a batch or a file, if it was begun, and says what was wrong with it.
    fn close(&mut self, out: &mut Vec<u8>, level: Level, fault: Option<Reason>) {
        let (name, open) = match level {
            Level::Batch => (b"BTS", self.batch.take()),
            Level::File => (b"FTS", self.file.take()),
        };
        let Some(Open { separator, count }) = open else { return };
        out.extend_from_slice(name);
        out.push(separator);
        out.extend_from_slice(count.to_string().as_bytes());
        if let Some(reason) = fault {
            out.push(separator);
            out.extend_from_slice(told(reason).as_bytes());
        }
        out.push(CR);
    }

    /// Ends whatever is open.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>, fault: Option<Reason>) {
        self.close(out, Level::Batch, fault);
        self.close(out, Level::File, fault);
    }
}

/// A reason in one field, with what to do about it. Our words have no delimiters in them.
fn told(reason: Reason) -> String {
    format!("{}: {}. {}", reason.code(), reason.text(), reason.fix())
}

fn is_fit(part: &[u8]) -> bool {
    part.len() <= PART_MAX && !part.iter().any(u8::is_ascii_control)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_answer_is_a_batch_of_its_own_that_refers_to_the_one_it_answers() {
        let ids = MessageIds::new(Timestamp::UNIX_EPOCH, Uuid::nil());
        let (mut answers, mut out) = (Answers::default(), Vec::new());
        answers.open(&mut out, Level::File, b"FHS|^~\\&|LIS|QMH|EHR|HK|20260101||name||F1", &ids, "2026");
        answers.open(&mut out, Level::Batch, b"BHS|^~\\&|LIS|QMH|EHR|HK|20260101||||B1", &ids, "2026");
        answers.message(&mut out, b"MSH|1\rMSA|AA|1\r");
        answers.close(&mut out, Level::Batch, Some(Reason::BatchCount));
        answers.close(&mut out, Level::File, None);
        answers.end(&mut out, None);
        let text = String::from_utf8(out).expect("text");
        let lines: Vec<_> = text.split_terminator('\r').collect();
        assert_eq!(lines.len(), 6, "{lines:?}");
        assert!(lines[0].starts_with(r"FHS|^~\&|EHR|HK|LIS|QMH|2026||||") && lines[0].ends_with("|F1"), "{}", lines[0]);
        assert!(lines[1].starts_with(r"BHS|^~\&|EHR|HK|LIS|QMH|2026||||") && lines[1].ends_with("|B1"), "{}", lines[1]);
        assert!(lines[4].starts_with("BTS|1|BATCH_COUNT: "), "{}", lines[4]);
        assert_eq!(lines[5], "FTS|1");
    }

    #[test]
    fn a_wild_header_is_answered_in_usual_marks_and_its_control_characters_are_not_repeated() {
        let ids = MessageIds::new(Timestamp::UNIX_EPOCH, Uuid::nil());
        let (mut answers, mut out) = (Answers::default(), Vec::new());
        answers.open(&mut out, Level::Batch, b"BHS", &ids, "2026");
        answers.end(&mut out, None);
        answers.open(&mut out, Level::Batch, b"BHS|^~\\&|\x1bA|B", &ids, "2026");
        let text = String::from_utf8(out).expect("text");
        assert!(text.starts_with(r"BHS|^~\&|||||2026"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}
