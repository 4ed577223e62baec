//! A deflated data set (DICOM PS3.5 annex A.5), inflated within a budget and walked as it comes out.

use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush, MZStatus};

use super::walk::Walk;
use super::{ScanFault, ScanLimits};

/// Bytes inflated at once.
const PIECE: usize = 16 << 10;
/// Below this the ratio says nothing: a header of blanks shrinks well.
const RATIO_FROM: u64 = 1 << 20;
/// Bytes that may follow the end of the stream.
const TRAILER: u32 = 9;

/// The state of inflating.
pub(super) struct Inflater {
    state: Box<InflateState>,
    piece: Vec<u8>,
    limits: ScanLimits,
    taken: u64,
    given: u64,
    ended: bool,
    padding: u32,
}

impl Inflater {
    pub(super) fn new(limits: ScanLimits) -> Self {
        let state = InflateState::new_boxed(DataFormat::Raw);
        Self { state, piece: vec![0; PIECE], limits, taken: 0, given: 0, ended: false, padding: 0 }
    }

    /// Inflates and walks.
    pub(super) fn feed(&mut self, mut bytes: &[u8], walk: &mut Walk) -> Result<(), ScanFault> {
        loop {
            if self.ended {
                return self.pad(bytes);
            }
            let step = inflate(&mut self.state, bytes, &mut self.piece, MZFlush::None);
            self.taken = self.taken.saturating_add(u64::try_from(step.bytes_consumed).unwrap_or(u64::MAX));
            self.given = self.given.saturating_add(u64::try_from(step.bytes_written).unwrap_or(u64::MAX));
            self.check_budget()?;
            walk.feed(self.piece.get(..step.bytes_written).unwrap_or_default())?;
            bytes = bytes.get(step.bytes_consumed..).unwrap_or_default();
            match step.status {
                Ok(MZStatus::StreamEnd) => self.ended = true,
                Ok(MZStatus::Ok) => {}
                // No progress can be made: for want of input, which comes, or else it is broken.
                Err(miniz_oxide::MZError::Buf) if bytes.is_empty() => return Ok(()),
                Ok(MZStatus::NeedDict) | Err(_) => return Err(ScanFault::BadDeflate),
            }
            if bytes.is_empty() && step.bytes_written < PIECE && !self.ended {
                return Ok(());
            }
        }
    }

    /// The stream has ended.
    pub(super) const fn check_end(&self) -> Result<(), ScanFault> {
        if self.ended { Ok(()) } else { Err(ScanFault::Truncated { at: self.given }) }
    }

    fn check_budget(&self) -> Result<(), ScanFault> {
        let ratio_bound = self.taken.saturating_mul(self.limits.inflate_ratio_max).max(RATIO_FROM);
        if self.given > self.limits.inflated_bytes_max || self.given > ratio_bound {
            return Err(ScanFault::InflatesTooLong);
        }
        Ok(())
    }

    /// A null byte may follow, to make the length even; some writers put the check sum and length of a gzip file before it.
    fn pad(&mut self, bytes: &[u8]) -> Result<(), ScanFault> {
        self.padding = self.padding.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        if self.padding > TRAILER {
            return Err(ScanFault::BadDeflate);
        }
        Ok(())
    }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflater").field("taken", &self.taken).field("given", &self.given).finish_non_exhaustive()
    }
}
