//! A parsed message and its segments.

use std::fmt;

use super::Limits;
use super::charset::Charset;
use super::delimiters::Delimiters;
use super::fault::{ParseFault, Warning};
use super::index::{self, Depth, Index, SegmentMark};
use super::view::{Extent, Field};
use crate::feed::LineEnds;

/// One message (or a batch header with its trailer): the text, and an index into it.
pub struct Message<'t> {
    text: &'t str,
    charset: Charset,
    delimiters: Delimiters,
    index: Index,
}

impl<'t> Message<'t> {
    /// Indexes `text`, which is decoded already and has no byte order mark, in one pass.
    ///
    /// A line that is no segment, delimiters that cannot be told apart, a second MSH and more parts than `limits`
    /// allows are faults; nothing is ever skipped without a [`Warning`].
    pub fn parse(text: &'t str, line_ends: LineEnds, limits: &Limits) -> Result<Self, ParseFault> {
        let (delimiters, index) = index::build(text, line_ends, limits, Depth::Whole)?;
        Ok(Self { text, charset: Charset::UTF_8, delimiters, index })
    }

    /// The same with the same faults, but only the header segments and those named in `fields_of` have fields; all
    /// others look as if they had none. For who has to know quickly whether a message can be read and whom it is about.
    pub fn outline(
        text: &'t str,
        line_ends: LineEnds,
        limits: &Limits,
        fields_of: &[&str],
    ) -> Result<Self, ParseFault> {
        let (delimiters, index) = index::build(text, line_ends, limits, Depth::Fields(fields_of))?;
        Ok(Self { text, charset: Charset::UTF_8, delimiters, index })
    }

    /// The same message, whose `\X…\` escapes are bytes of `charset`. Without this they are read as UTF-8.
    #[must_use]
    pub fn in_charset(self, charset: Charset) -> Self {
        Self { charset, ..self }
    }

    /// The delimiters it declares.
    #[inline]
    pub const fn delimiters(&self) -> &Delimiters {
        &self.delimiters
    }

    /// The character set of its `\X…\` escapes.
    #[inline]
    pub const fn charset(&self) -> Charset {
        self.charset
    }

    /// The text it was parsed from.
    #[inline]
    pub const fn text(&self) -> &'t str {
        self.text
    }

    /// What was not as the standard has it, in the order of the text; at most two a segment.
    pub fn warnings(&self) -> &[Warning] {
        &self.index.warnings
    }

    /// How many segments it has, the header included.
    pub fn segment_count(&self) -> usize {
        self.index.segments.len()
    }

    /// All segments, in order.
    #[inline]
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = Segment<'_>> + ExactSizeIterator + Clone {
        (0..self.index.segments.len()).map(|at| self.segment_at(at))
    }

    /// The first segment of a name.
    pub fn segment(&self, name: &str) -> Option<Segment<'_>> {
        self.segments().find(|segment| segment.name() == name)
    }

    /// All segments of a name, in order.
    pub fn named<'m>(&'m self, name: &'m str) -> impl Iterator<Item = Segment<'m>> {
        self.segments().filter(move |segment| segment.name() == name)
    }

    /// The MSH segment. In a text of batch headers alone there is none: then a segment without name and fields.
    pub fn msh(&self) -> Segment<'_> {
        self.segment("MSH").unwrap_or_else(|| self.segment_at(usize::MAX))
    }

    /// The segment at a place counted from 0; past the end one without name and fields.
    #[inline]
    fn segment_at(&self, at: usize) -> Segment<'_> {
        let none = SegmentMark { start: 0, end: 0, first_field: 0, occurrence: 0 };
        let mark = self.index.segments.get(at).copied();
        let next = self.index.segments.get(at.saturating_add(1));
        let last_field = next.map_or(self.index.fields.len(), |segment| segment.first_field as usize);
        let field_count = mark.map_or(0, |mark| last_field.saturating_sub(mark.first_field as usize));
        Segment { message: self, mark: mark.unwrap_or(none), field_count }
    }

    #[inline]
    pub(super) const fn index(&self) -> &Index {
        &self.index
    }
}

/// Counts only: the text is a patient's.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let segments = self.index.segments.len();
        f.debug_struct("Message").field("bytes", &self.text.len()).field("segments", &segments).finish_non_exhaustive()
    }
}

/// One segment of a message.
#[derive(Clone, Copy)]
pub struct Segment<'m> {
    message: &'m Message<'m>,
    mark: SegmentMark,
    field_count: usize,
}

impl<'m> Segment<'m> {
    /// Its three characters.
    #[inline]
    pub fn name(&self) -> &'m str {
        self.raw().get(..3).unwrap_or_default()
    }

    /// The how-manieth of its name it is in the message, from 1.
    #[inline]
    pub const fn occurrence(&self) -> usize {
        self.mark.occurrence as usize
    }

    /// Its byte offset in the text.
    #[inline]
    pub const fn offset(&self) -> usize {
        self.mark.start as usize
    }

    /// Its text as sent, without the line end.
    #[inline]
    pub fn raw(&self) -> &'m str {
        self.message.text.get(self.mark.start as usize..self.mark.end as usize).unwrap_or_default()
    }

    /// A field, counted from 1 as the standard does: in MSH, FHS and BHS field 1 is the field separator and field 2
    /// the encoding characters. Past the last one (and for 0) the field is absent.
    #[inline]
    pub fn field(&self, number: usize) -> Field<'m> {
        if number == 0 || number > self.field_count {
            return Field::absent(self.message);
        }
        let index = self.message.index();
        let at = self.mark.first_field as usize + number - 1;
        let Some(mark) = index.fields.get(at) else { return Field::absent(self.message) };
        let last = index.fields.get(at + 1).map_or(index.part_count(), |next| next.first_part);
        let extent = Extent { start: mark.start, end: mark.end, first: mark.first_part, last };
        Field::present(self.message, extent)
    }

    /// The number of the last field there is: trailing empty ones count.
    #[inline]
    pub const fn field_count(&self) -> usize {
        self.field_count
    }

    /// All fields, from 1.
    #[inline]
    pub fn fields(&self) -> impl Iterator<Item = Field<'m>> + use<'m> {
        let segment = *self;
        (1..=self.field_count).map(move |number| segment.field(number))
    }
}

/// Name and place only: the text is a patient's.
impl fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}] with {} fields", self.name(), self.occurrence(), self.field_count)
    }
}
