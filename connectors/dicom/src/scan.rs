//! Reads a data set as it streams by: what its header says, where its frames stand, and whether it is whole.
//!
//! Every bound is in [`ScanLimits`]. Nothing is allocated by a length that was declared, nesting is kept on a stack of our
//! own, and what is skipped is only counted, so that memory does not depend on the instance (DICOM PS3.5 sections 7 and
//! annex A; PS3.10 section 7 for files). Pixels are never decoded.

mod deflate;
mod extract;
mod fault;
mod file;
mod walk;

use causeway_core::dicom::tag::Tag;
use causeway_core::dicom::uid::Uid;

pub use fault::ScanFault;
pub use file::Meta;

use crate::syntax::{Coding, Syntax};
use deflate::Inflater;
use file::Opening;
use walk::Walk;

/// Bounds of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanLimits {
    /// Bytes of the data set. Default: 4 GiB.
    pub bytes_max: u64,
    /// Elements and items in all. Default: 1,000,000.
    pub elements_max: u32,
    /// Sequences within sequences. Default: 64.
    pub depth_max: usize,
    /// The longest value that is kept, in bytes. Longer ones are counted, not kept. Default: 16 KiB.
    pub value_bytes_max: u32,
    /// All values kept together, in bytes. Default: 64 KiB.
    pub header_bytes_max: usize,
    /// The extract of the data set, in bytes: elements up to the pixels, without long values. A longer one is not kept.
    /// Default: 256 KiB.
    pub extract_bytes_max: usize,
    /// Fragments of compressed pixels whose place is kept; with more, none is. Default: 4096.
    pub fragments_max: usize,
    /// Bytes that a deflated data set may come to. Default: 256 MiB.
    pub inflated_bytes_max: u64,
    /// How many times longer it may become, once it is longer than 1 MiB. Default: 100.
    pub inflate_ratio_max: u64,
}

impl Default for ScanLimits {
    fn default() -> Self {
        Self {
            bytes_max: 4 << 30,
            elements_max: 1_000_000,
            depth_max: 64,
            value_bytes_max: 16 << 10,
            header_bytes_max: 64 << 10,
            extract_bytes_max: 256 << 10,
            fragments_max: 4096,
            inflated_bytes_max: 256 << 20,
            inflate_ratio_max: 100,
        }
    }
}

/// Some bytes, counted from the first one of the data set; of a deflated one, after it was inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where they begin.
    pub at: u64,
    /// How many there are.
    pub bytes: u64,
}

/// Where the pixels stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Which of the three elements for pixels it is.
    pub tag: Tag,
    /// How they are kept.
    pub layout: Layout,
}

/// How pixels are kept (PS3.5 annex A.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// One after the other.
    Native(Span),
    /// In fragments, each of them a compressed frame or a part of one.
    Encapsulated {
        /// The Basic Offset Table; empty when the sender left it so.
        table: Span,
        /// The fragments; none when there are more than the limit.
        fragments: Vec<Span>,
        /// How many fragments there are.
        count: u32,
    },
}

/// The values kept of a header: those of [`causeway_core::dicom::tag::KEPT`] that stand at the top level, as they came.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Header {
    values: Vec<(Tag, Vec<u8>)>,
}

impl Header {
    /// The bytes of a value, padding and all.
    pub fn get(&self, tag: Tag) -> Option<&[u8]> {
        self.values.iter().find(|(known, _)| *known == tag).map(|(_, value)| value.as_slice())
    }

    /// All values, in the order of the data set.
    pub fn values(&self) -> impl Iterator<Item = (Tag, &[u8])> {
        self.values.iter().map(|(tag, value)| (*tag, value.as_slice()))
    }
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Header({} values)", self.values.len())
    }
}

/// What a whole data set was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Of a file: what its File Meta Information says.
    pub meta: Option<Meta>,
    /// How its elements are written.
    pub syntax: Syntax,
    /// The values kept.
    pub header: Header,
    /// Where its pixels stand, if it has any.
    pub pixels: Option<Pixels>,
    /// The Extended Offset Table, if there is one.
    pub extended_offsets: Option<Span>,
    /// Bytes of the data set as it came.
    pub bytes: u64,
    /// Elements and items.
    pub elements: u32,
    /// Kept values that were too long to keep.
    pub dropped: u32,
    /// The elements up to the pixels as they came, without values longer than
    /// [`causeway_core::dicom::element::VALUE_BYTES_MAX`]; of a deflated data set, inflated. `None` when it was too long.
    pub extract: Option<Vec<u8>>,
}

/// Reads one data set, or one file, piece by piece.
#[derive(Debug)]
pub struct Scanner {
    limits: ScanLimits,
    opening: Option<Box<Opening>>,
    meta: Option<Meta>,
    syntax: Syntax,
    inflater: Option<Inflater>,
    walk: Walk,
    bytes: u64,
}

impl Scanner {
    /// For the data set of an association's presentation context, in its transfer syntax.
    pub fn data_set(transfer_syntax: &Uid, limits: ScanLimits) -> Self {
        let mut scanner = Self::file(limits);
        scanner.opening = None;
        scanner.begin(Syntax::of(transfer_syntax));
        scanner
    }

    /// For a file: with preamble and File Meta Information (PS3.10 section 7.1), or a bare data set whose syntax is told
    /// from its first element.
    pub fn file(limits: ScanLimits) -> Self {
        let syntax = Syntax { coding: Coding::EXPLICIT, deflated: false };
        let walk = Walk::new(syntax.coding, limits, false);
        let opening = Some(Box::new(Opening::new(limits)));
        Self { limits, opening, meta: None, syntax, inflater: None, walk, bytes: 0 }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// The data set is broken or beyond a limit. Nothing more can be fed then.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), ScanFault> {
        let Some(opening) = &mut self.opening else { return self.elements(bytes) };
        let Some(opened) = opening.feed(bytes)? else { return Ok(()) };
        self.opening = None;
        self.meta = opened.meta;
        self.begin(opened.syntax);
        self.elements(&opened.rest)?;
        self.elements(bytes.get(opened.used..).unwrap_or_default())
    }

    /// Whether the data set itself has begun; of a file, how many bytes stand before it.
    pub fn data_set_at(&self) -> Option<u64> {
        match (&self.opening, &self.meta) {
            (Some(_), _) => None,
            (None, Some(meta)) => Some(meta.bytes),
            (None, None) => Some(0),
        }
    }

    /// How its elements are written, as far as is known.
    pub const fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// What the File Meta Information says, once it was read.
    pub const fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    /// A value kept so far.
    pub fn value(&self, tag: Tag) -> Option<&[u8]> {
        self.walk.kept(tag)
    }

    /// Says what was found, if all of it was there: the last byte ends the last element, and nothing is left open.
    ///
    /// # Errors
    /// Something is missing at the end.
    pub fn finish(mut self) -> Result<Scan, ScanFault> {
        if let Some(opening) = self.opening.take() {
            let opened = opening.finish()?;
            self.meta = opened.meta;
            self.begin(opened.syntax);
            self.elements(&opened.rest)?;
        }
        if let Some(inflater) = &self.inflater {
            inflater.check_end()?;
        }
        let walked = self.walk.finish()?;
        Ok(Scan {
            meta: self.meta,
            syntax: self.syntax,
            header: Header { values: walked.kept },
            pixels: walked.pixels,
            extended_offsets: walked.extended_offsets,
            bytes: self.bytes,
            elements: walked.elements,
            dropped: walked.dropped,
            extract: walked.extract,
        })
    }

    fn begin(&mut self, syntax: Syntax) {
        self.syntax = syntax;
        self.walk = Walk::new(syntax.coding, self.limits, false);
        self.inflater = syntax.deflated.then(|| Inflater::new(self.limits));
    }

    fn elements(&mut self, bytes: &[u8]) -> Result<(), ScanFault> {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.bytes > self.limits.bytes_max {
            return Err(ScanFault::TooLong { bytes_max: self.limits.bytes_max });
        }
        match &mut self.inflater {
            Some(inflater) => inflater.feed(bytes, &mut self.walk),
            None => self.walk.feed(bytes),
        }
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
