//! The extract of a data set: its elements up to the pixels, byte by byte as they came, without the long values.
//!
//! It is what metadata are made from when someone reads, so that no file is opened for them. The one who reads it is
//! [`causeway_core::dicom::element`].

use causeway_core::dicom::element::is_extracted;
use causeway_core::dicom::tag::{DOUBLE_PIXEL_DATA, FLOAT_PIXEL_DATA, PIXEL_DATA, Tag};

/// An extract under way.
#[derive(Debug)]
pub(super) struct Extract {
    bytes: Vec<u8>,
    bytes_max: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Elements are taken.
    Open,
    /// The pixels have come: what follows is not taken.
    Done,
    /// There was more than may be kept.
    Over,
}

impl Extract {
    /// Empty; 0 for one that is not wanted.
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), bytes_max, state: State::Open }
    }

    /// The head of an element that stands at the top, or within another.
    pub(super) fn head(&mut self, tag: Tag, at_top: bool, head: &[u8]) {
        self.take(head);
        let pixels = at_top && [PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_PIXEL_DATA].contains(&tag);
        if pixels && self.state == State::Open {
            self.state = State::Done;
        }
    }

    /// Whether a value belongs to it.
    pub(super) fn wants(&self, tag: Tag, vr: Option<[u8; 2]>, length: u32) -> bool {
        self.state == State::Open && is_extracted(tag, vr, length)
    }

    /// Some bytes of a value that belongs to it.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        if self.state != State::Open {
            return;
        }
        if self.bytes.len().saturating_add(bytes.len()) > self.bytes_max {
            self.state = State::Over;
            self.bytes = Vec::new();
            return;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// All of it; `None` when it was too long.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        match self.state {
            State::Open | State::Done => Some(self.bytes),
            State::Over => None,
        }
    }
}
