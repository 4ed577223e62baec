//! Element by element, with a stack of our own for sequences and items.

use causeway_core::dicom::tag::{
    DOUBLE_PIXEL_DATA, EXTENDED_OFFSET_TABLE, FLOAT_PIXEL_DATA, ITEM, ITEM_END, KEPT, PIXEL_DATA, SEQUENCE_END, Tag,
};

use super::extract::Extract;
use super::{Layout, Pixels, ScanFault, ScanLimits, Span};
use crate::syntax::{Coding, is_long_form};

/// The length that says: until its delimiter comes.
const UNDEFINED: u32 = u32::MAX;
/// Group, element, and a length or what stands before one.
const SHORT_HEAD: usize = 8;
/// The same with a length of four bytes behind the value representation.
const LONG_HEAD: usize = 12;

/// What is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A sequence: items follow.
    Sequence,
    /// An item of a sequence: elements follow.
    Item,
    /// Encapsulated pixels: fragments follow. Whether they are those of the instance itself, not of an icon in it.
    Fragments { own: bool },
}

/// Something open.
#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: Kind,
    /// Where it ends; `None` when a delimiter says so.
    end: Option<u64>,
    /// Beyond which nothing inside may reach.
    bound: u64,
    coding: Coding,
}

/// What comes next.
#[derive(Debug)]
enum State {
    /// The head of an element or item.
    Head,
    /// So many bytes that nobody needs.
    Skip { left: u64, extracted: bool },
    /// A value that is kept.
    Keep { tag: Tag, left: usize, value: Vec<u8>, extracted: bool },
    /// The head of something that is not of group 0002, in File Meta Information: its end.
    Over,
}

/// The walk over plain bytes.
#[derive(Debug)]
pub(super) struct Walk {
    limits: ScanLimits,
    coding: Coding,
    /// Only File Meta Information: stops at the first element of another group.
    meta: bool,
    at: u64,
    state: State,
    head: [u8; LONG_HEAD],
    head_len: usize,
    stack: Vec<Frame>,
    walked: Walked,
    kept_bytes: usize,
    extract: Extract,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) kept: Vec<(Tag, Vec<u8>)>,
    pub(super) pixels: Option<Pixels>,
    pub(super) extended_offsets: Option<Span>,
    pub(super) elements: u32,
    pub(super) dropped: u32,
    pub(super) extract: Option<Vec<u8>>,
}

/// An element as its head tells it.
struct Element {
    tag: Tag,
    vr: Option<[u8; 2]>,
    length: u32,
    /// Where its head stands.
    head_at: u64,
}

impl Walk {
    pub(super) fn new(coding: Coding, limits: ScanLimits, meta: bool) -> Self {
        Self {
            limits,
            coding,
            meta,
            at: 0,
            state: State::Head,
            head: [0; LONG_HEAD],
            head_len: 0,
            stack: Vec::new(),
            walked: Walked::default(),
            kept_bytes: 0,
            extract: Extract::new(if meta { 0 } else { limits.extract_bytes_max }),
        }
    }

    /// Takes the next bytes; all of them, unless it walks File Meta Information and that is over.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), ScanFault> {
        self.take(bytes).map(|_used| ())
    }

    /// As [`Self::feed`]; gives the number of bytes it took.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, ScanFault> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match &mut self.state {
                State::Over => break,
                State::Skip { left, extracted } => {
                    let step = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    if *extracted {
                        self.extract.take(rest.get(..step).unwrap_or_default());
                    }
                    *left = left.saturating_sub(long(step));
                    if *left == 0 {
                        self.state = State::Head;
                    }
                    self.pass(rest, step)
                }
                State::Keep { left, value, extracted, .. } => {
                    let step = rest.len().min(*left);
                    let came = rest.get(..step).unwrap_or_default();
                    value.extend_from_slice(came);
                    if *extracted {
                        self.extract.take(came);
                    }
                    *left = left.saturating_sub(step);
                    if *left == 0 {
                        self.keep();
                    }
                    self.pass(rest, step)
                }
                State::Head => self.head(rest)?,
            };
        }
        Ok(bytes.len().saturating_sub(rest.len()))
    }

    /// What was found, if nothing is missing.
    pub(super) fn finish(mut self) -> Result<Walked, ScanFault> {
        self.close();
        let whole = matches!(self.state, State::Head) && self.head_len == 0 && self.stack.is_empty() && self.at > 0;
        self.walked.extract = self.extract.finish();
        if whole { Ok(self.walked) } else { Err(ScanFault::Truncated { at: self.at }) }
    }

    /// Of File Meta Information that is over: what was found, and the head of the data set that follows it.
    pub(super) fn over(&mut self) -> Option<(Walked, Vec<u8>)> {
        let State::Over = self.state else { return None };
        let head = self.head.get(..self.head_len).unwrap_or_default().to_vec();
        Some((std::mem::take(&mut self.walked), head))
    }

    /// A value kept so far.
    pub(super) fn kept(&self, tag: Tag) -> Option<&[u8]> {
        self.walked.kept.iter().find(|(known, _)| *known == tag).map(|(_, value)| value.as_slice())
    }

    /// Bytes walked so far.
    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    fn pass<'b>(&mut self, bytes: &'b [u8], step: usize) -> &'b [u8] {
        self.at = self.at.saturating_add(long(step));
        bytes.get(step..).unwrap_or_default()
    }

    /// Collects the head of an element, and acts when it is whole.
    fn head<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], ScanFault> {
        if self.head_len == 0 {
            self.close();
        }
        let needed = self.head_needed();
        let step = bytes.len().min(needed.saturating_sub(self.head_len));
        let came = bytes.get(..step).unwrap_or_default();
        for (place, byte) in self.head.iter_mut().skip(self.head_len).zip(came) {
            *place = *byte;
        }
        self.head_len = self.head_len.saturating_add(step);
        let rest = self.pass(bytes, step);
        if self.head_len < SHORT_HEAD {
            return Ok(rest);
        }
        if self.meta && self.tag().0 != 0x0002 {
            self.state = State::Over;
            return Ok(rest);
        }
        if self.head_len == self.head_needed() {
            let element = self.element()?;
            let head = self.head.get(..self.head_len).unwrap_or_default();
            self.extract.head(element.tag, self.stack.is_empty(), head);
            self.head_len = 0;
            self.open(&element)?;
        }
        Ok(rest)
    }

    /// Ends what ends here.
    fn close(&mut self) {
        while self.stack.last().is_some_and(|frame| frame.end == Some(self.at)) {
            self.stack.pop();
        }
    }

    fn coding(&self) -> Coding {
        self.stack.last().map_or(self.coding, |frame| frame.coding)
    }

    /// How many bytes the head has, as far as can be told.
    fn head_needed(&self) -> usize {
        let [_, _, _, _, first, second, ..] = self.head;
        let long_form = self.head_len >= SHORT_HEAD
            && self.coding().explicit
            && self.tag().0 != ITEM.0
            && is_long_form([first, second]);
        if long_form { LONG_HEAD } else { SHORT_HEAD }
    }

    fn tag(&self) -> Tag {
        let [a, b, c, d, ..] = self.head;
        let number = if self.coding().big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
        Tag(number([a, b]), number([c, d]))
    }

    fn element(&self) -> Result<Element, ScanFault> {
        let (coding, tag) = (self.coding(), self.tag());
        let head_at = self.at.saturating_sub(long(self.head_len));
        let [_, _, _, _, e, f, g, h, i, j, k, l] = self.head;
        let number = if coding.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        if !coding.explicit || tag.0 == ITEM.0 {
            return Ok(Element { tag, vr: None, length: number([e, f, g, h]), head_at });
        }
        if !(e.is_ascii_uppercase() && f.is_ascii_uppercase()) {
            return Err(ScanFault::BadVr { tag, at: head_at });
        }
        let short = if coding.big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
        let length = if is_long_form([e, f]) { number([i, j, k, l]) } else { short([g, h]).into() };
        Ok(Element { tag, vr: Some([e, f]), length, head_at })
    }

    fn open(&mut self, element: &Element) -> Result<(), ScanFault> {
        self.walked.elements = self.walked.elements.saturating_add(1);
        if self.walked.elements > self.limits.elements_max {
            return Err(ScanFault::TooManyElements { elements_max: self.limits.elements_max });
        }
        let misplaced = ScanFault::Misplaced { tag: element.tag, at: element.head_at };
        let top = self.stack.last().map(|frame| (frame.kind, frame.end));
        match (element.tag, top) {
            (ITEM, Some((Kind::Sequence, _))) => self.push(Kind::Item, element, self.coding()),
            (ITEM, Some((Kind::Fragments { own }, _))) => self.fragment(element, own),
            (ITEM_END, Some((Kind::Item, None)))
            | (SEQUENCE_END, Some((Kind::Sequence | Kind::Fragments { .. }, None)))
                if element.length == 0 =>
            {
                self.stack.pop();
                Ok(())
            }
            (Tag(0xFFFE, _), _) | (_, Some((Kind::Sequence | Kind::Fragments { .. }, _))) => Err(misplaced),
            (Tag(0x0000, _), _) => Err(misplaced),
            (Tag(0x0002, _), _) if !self.meta => Err(misplaced),
            (_, Some((Kind::Item, _)) | None) => self.value(element),
        }
    }

    /// A data element.
    fn value(&mut self, element: &Element) -> Result<(), ScanFault> {
        let Element { tag, vr, length, head_at } = *element;
        let own = self.stack.is_empty();
        let is_sequence = vr == Some(*b"SQ");
        if length == UNDEFINED {
            if tag == PIXEL_DATA && !is_sequence {
                if own {
                    self.note_pixels(tag, head_at, None)?;
                }
                return self.push(Kind::Fragments { own }, element, self.coding());
            }
            return match vr {
                Some([b'S', b'Q']) | None => self.push(Kind::Sequence, element, self.coding()),
                // What had no representation in the sender's dictionary is written as implicit (PS3.5 section 6.2.2).
                Some([b'U', b'N']) => self.push(Kind::Sequence, element, Coding::IMPLICIT),
                Some(_) => Err(ScanFault::NoLength { tag, at: head_at }),
            };
        }
        if is_sequence {
            return self.push(Kind::Sequence, element, self.coding());
        }
        let bytes = u64::from(length);
        self.check_bound(element)?;
        if own {
            let span = Span { at: self.at, bytes };
            if tag == EXTENDED_OFFSET_TABLE {
                self.walked.extended_offsets = Some(span);
            }
            if [PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_PIXEL_DATA].contains(&tag) {
                self.note_pixels(tag, head_at, Some(span))?;
            }
            if KEPT.contains(&tag) || self.meta {
                return self.begin_value(element);
            }
        }
        self.skip(element);
        Ok(())
    }

    /// A value of the header that is kept, if it is not too long.
    fn begin_value(&mut self, element: &Element) -> Result<(), ScanFault> {
        let Element { tag, vr, length, head_at } = *element;
        if self.walked.kept.iter().any(|(known, _)| *known == tag) {
            return Err(ScanFault::Twice { tag, at: head_at });
        }
        let bytes = usize::try_from(length).unwrap_or(usize::MAX);
        let together = self.kept_bytes.saturating_add(bytes);
        if length > self.limits.value_bytes_max || together > self.limits.header_bytes_max {
            self.walked.dropped = self.walked.dropped.saturating_add(1);
            self.skip(element);
            return Ok(());
        }
        self.kept_bytes = together;
        let extracted = self.extract.wants(tag, vr, length);
        self.state = State::Keep { tag, left: bytes, value: Vec::new(), extracted };
        if bytes == 0 {
            self.keep();
        }
        Ok(())
    }

    fn keep(&mut self) {
        if let State::Keep { tag, value, .. } = std::mem::replace(&mut self.state, State::Head) {
            self.walked.kept.push((tag, value));
        }
    }

    fn skip(&mut self, element: &Element) {
        let (left, extracted) = (element.length.into(), self.extract.wants(element.tag, element.vr, element.length));
        self.state = if left == 0 { State::Head } else { State::Skip { left, extracted } };
    }

    /// Opens a sequence, an item or encapsulated pixels.
    fn push(&mut self, kind: Kind, element: &Element, coding: Coding) -> Result<(), ScanFault> {
        let end = if element.length == UNDEFINED {
            None
        } else {
            self.check_bound(element)?;
            Some(self.at.saturating_add(element.length.into()))
        };
        // Each level is a sequence and an item.
        if self.stack.len() >= self.limits.depth_max.saturating_mul(2) {
            return Err(ScanFault::TooDeep { depth_max: self.limits.depth_max, at: element.head_at });
        }
        let bound = end.unwrap_or_else(|| self.bound());
        self.stack.push(Frame { kind, end, bound, coding });
        Ok(())
    }

    fn bound(&self) -> u64 {
        self.stack.last().map_or(self.limits.bytes_max.max(self.limits.inflated_bytes_max), |frame| frame.bound)
    }

    /// What an element declares must fit into what holds it.
    fn check_bound(&self, element: &Element) -> Result<(), ScanFault> {
        if self.at.saturating_add(element.length.into()) > self.bound() {
            return Err(ScanFault::Overrun { tag: element.tag, at: element.head_at });
        }
        Ok(())
    }

    fn note_pixels(&mut self, tag: Tag, at: u64, native: Option<Span>) -> Result<(), ScanFault> {
        if self.walked.pixels.is_some() {
            return Err(ScanFault::Twice { tag, at });
        }
        let layout = native.map_or_else(
            || Layout::Encapsulated { table: Span { at: 0, bytes: 0 }, fragments: Vec::new(), count: 0 },
            Layout::Native,
        );
        self.walked.pixels = Some(Pixels { tag, layout });
        Ok(())
    }

    /// A fragment of encapsulated pixels; the first one is the Basic Offset Table.
    fn fragment(&mut self, element: &Element, own: bool) -> Result<(), ScanFault> {
        if element.length == UNDEFINED {
            return Err(ScanFault::NoLength { tag: element.tag, at: element.head_at });
        }
        self.check_bound(element)?;
        let span = Span { at: self.at, bytes: element.length.into() };
        self.skip(element);
        let Some(Pixels { layout: Layout::Encapsulated { table, fragments, count }, .. }) =
            self.walked.pixels.as_mut().filter(|_| own)
        else {
            return Ok(());
        };
        if table.at == 0 {
            *table = span;
            return Ok(());
        }
        *count = count.saturating_add(1);
        if usize::try_from(*count).unwrap_or(usize::MAX) <= self.limits.fragments_max {
            fragments.push(span);
        } else {
            *fragments = Vec::new();
        }
        Ok(())
    }
}

fn long(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
