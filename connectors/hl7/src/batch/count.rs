//! Whether a batch holds what its trailers say (HL7 v2.9.1, §2.14.2, §2.14.3).

use causeway_core::reason::Reason;

use super::split::Level;

/// What was seen of a batch and of the file around it.
#[derive(Debug, Default)]
pub(crate) struct Count {
    /// Messages of the batch, while one is open.
    batch: Option<u64>,
    /// Batches of the file, while its header is open.
    file: Option<u64>,
    /// Messages of it all.
    pub(crate) messages: u64,
}

impl Count {
    /// A message, whatever became of it.
    pub(crate) fn message(&mut self) {
        self.messages += 1;
        if let Some(count) = &mut self.batch {
            *count += 1;
        }
    }

    /// A header. Wrong when what it opens is open.
    pub(crate) fn open(&mut self, level: Level) -> Option<Reason> {
        let was_open = match level {
            Level::Batch => {
                if let Some(count) = &mut self.file {
                    *count += 1;
                }
                self.batch.replace(0).is_some()
            }
            Level::File => self.file.replace(0).is_some() || self.batch.is_some(),
        };
        was_open.then_some(Reason::BatchCut)
    }

    /// A trailer. Wrong when it closes nothing, or says another number than was seen; one that says none is right.
    pub(crate) fn close(&mut self, level: Level, trailer: &[u8]) -> Option<Reason> {
        let seen = match level {
            Level::Batch => self.batch.take(),
            Level::File if self.batch.is_some() => {
                (self.batch, self.file) = (None, None);
                None
            }
            Level::File => self.file.take(),
        };
        let Some(seen) = seen else { return Some(Reason::BatchCut) };
        let told = field(trailer, 1);
        let is_right = told.is_empty() || std::str::from_utf8(told).is_ok_and(|told| told.trim().parse() == Ok(seen));
        (!is_right).then_some(Reason::BatchCount)
    }

    /// The end of it all. Wrong when something is still open.
    pub(crate) const fn end(&self) -> Option<Reason> {
        if self.batch.is_some() || self.file.is_some() { Some(Reason::BatchCut) } else { None }
    }
}

/// A field of a segment, counted from 0, the name of the segment.
pub(crate) fn field(segment: &[u8], number: usize) -> &[u8] {
    let Some(separator) = segment.get(3) else { return b"" };
    segment.split(|byte| byte == separator).nth(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_and_what_is_missing_is_told() {
        let of = |messages: u64, trailer: &str| {
            let mut count = Count::default();
            assert_eq!(count.open(Level::Batch), None);
            (0..messages).for_each(|_| count.message());
            let told = count.close(Level::Batch, trailer.as_bytes());
            (told, count.end())
        };
        assert_eq!(of(2, "BTS|2|all"), (None, None));
        assert_eq!(of(2, "BTS|02"), (None, None));
        assert_eq!(of(2, "BTS"), (None, None), "a count is optional");
        assert_eq!(of(0, "BTS*0"), (None, None));
        assert_eq!(of(2, "BTS|3"), (Some(Reason::BatchCount), None));
        assert_eq!(of(2, "BTS|two"), (Some(Reason::BatchCount), None));
    }

    #[test]
    fn headers_and_trailers_go_in_pairs() {
        let mut count = Count::default();
        assert_eq!(count.close(Level::Batch, b"BTS|0"), Some(Reason::BatchCut));
        assert_eq!(count.open(Level::File), None);
        assert_eq!(count.open(Level::Batch), None);
        assert_eq!(count.open(Level::Batch), Some(Reason::BatchCut));
        assert_eq!(count.close(Level::Batch, b"BTS|0"), None);
        assert_eq!(count.end(), Some(Reason::BatchCut));
        assert_eq!(count.close(Level::File, b"FTS|2"), None);
        assert_eq!(count.end(), None);
        assert_eq!(count.open(Level::File), None);
        assert_eq!(count.open(Level::Batch), None);
        assert_eq!(count.close(Level::File, b"FTS|1"), Some(Reason::BatchCut), "the batch was not closed");
    }
}
