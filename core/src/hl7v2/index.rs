//! The one linear pass over the text of a message: where each segment and field begins and ends, and where the
//! separators inside fields stand.

use std::collections::BTreeMap;

use memchr::{memchr, memchr_iter, memchr2};

use super::Limits;
use super::delimiters::Delimiters;
use super::fault::{ParseFault, Warning, WarningKind};
use crate::feed::LineEnds;
use crate::reason::Reason;

/// Which segments have their fields indexed; header segments always have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Depth<'n> {
    /// All.
    Whole,
    /// Those of these names.
    Fields(&'n [&'n str]),
}

/// Builds the index of `text`.
pub(super) fn build(
    text: &str,
    line_ends: LineEnds,
    limits: &Limits,
    depth: Depth<'_>,
) -> Result<(Delimiters, Index), ParseFault> {
    let bytes = text.as_bytes();
    if u32::try_from(bytes.len()).is_err() {
        return Err(whole(Reason::TooLong, 0, "a message of 4 GiB or more cannot be indexed"));
    }
    let start = bytes.iter().position(|b| !is_line_end(*b)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|b| !is_line_end(*b)).map_or(start, |last| last + 1);
    let content = bytes.get(..end).unwrap_or_default();
    let header = content.get(start..).unwrap_or_default();
    let delimiters = read_delimiters(header, start)?;
    let style = Style::of(header, line_ends);
    let mut builder = Builder {
        bytes: content,
        classes: classes(&delimiters, style),
        style,
        lenient: line_ends == LineEnds::Lenient,
        delimiters,
        limits,
        // Where the fields of a segment could exceed a limit, they have to be looked at.
        depth: if bytes.len() < limits.parts_max.min(limits.separators_max) { depth } else { Depth::Whole },
        names: BTreeMap::new(),
        latest: None,
        index: Index::with_room_for(content.len(), depth),
    };
    if start > 0 {
        builder.warn(WarningKind::BlankLine, 0);
    }
    builder.lines(start)?;
    let tail = bytes.get(end..).unwrap_or_default();
    let ends_plainly = match style {
        Style::Cr => matches!(tail, [] | [b'\r']),
        Style::Any => matches!(tail, [] | [b'\r'] | [b'\n'] | [b'\r', b'\n']),
    };
    if !ends_plainly {
        builder.warn(WarningKind::TrailingLineEnds, end);
    }
    Ok((delimiters, builder.index))
}

/// Offsets into the text, in its order.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) segments: Vec<SegmentMark>,
    pub(super) fields: Vec<FieldMark>,
    /// Where repetition, component and sub-component separators stand.
    pub(super) parts: Vec<u32>,
    pub(super) warnings: Vec<Warning>,
    /// Whether an escape character stands anywhere behind MSH-2: without one no value needs a second look.
    pub(super) has_escapes: bool,
}

/// One segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct SegmentMark {
    pub(super) start: u32,
    pub(super) end: u32,
    /// Its first field in `Index::fields`; they end where those of the next segment begin.
    pub(super) first_field: u32,
    /// Counts segments of this name, from 1.
    pub(super) occurrence: u32,
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub(super) struct FieldMark {
    pub(super) start: u32,
    pub(super) end: u32,
    /// Its first separator in `Index::parts`; they end where those of the next field begin.
    pub(super) first_part: u32,
}

impl Index {
    /// Room for a usual message of this size, so that the vectors rarely grow; a hostile one cannot ask for more.
    fn with_room_for(bytes: usize, depth: Depth<'_>) -> Self {
        const FIELDS_GUESSED_MAX: usize = 4096;
        let fields = match depth {
            Depth::Whole => (bytes / 4).min(FIELDS_GUESSED_MAX),
            // A header and a few more.
            Depth::Fields(_) => (bytes / 4).min(96),
        };
        Self {
            segments: Vec::with_capacity(fields / 16 + 4),
            fields: Vec::with_capacity(fields + 16),
            parts: Vec::with_capacity(fields / 2 + 16),
            warnings: Vec::new(),
            has_escapes: false,
        }
    }
}

impl Index {
    /// The end of the last field's separators.
    #[inline]
    pub(super) fn part_count(&self) -> u32 {
        narrow(self.parts.len())
    }

    fn start_field(&mut self, start: usize) {
        let start = narrow(start);
        self.fields.push(FieldMark { start, end: start, first_part: narrow(self.parts.len()) });
    }

    fn end_field(&mut self, end: usize) {
        if let Some(field) = self.fields.last_mut() {
            field.end = narrow(end);
        }
    }
}

/// Which bytes end a segment in this message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// CR. A line feed is data.
    Cr,
    /// CR LF or LF: there is no lone CR between segments.
    Any,
}

impl Style {
    /// `content` has no line ends at its end, so a lone CR in it stands between two segments.
    fn of(content: &[u8], line_ends: LineEnds) -> Self {
        let is_lone = |at: usize| content.get(at + 1).is_some_and(|next| *next != b'\n');
        match line_ends {
            LineEnds::Strict => Self::Cr,
            LineEnds::Lenient if memchr_iter(b'\r', content).any(is_lone) => Self::Cr,
            LineEnds::Lenient => Self::Any,
        }
    }
}

/// What a byte means to the pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Text,
    Field,
    Part,
    Escape,
    LineEnd,
}

/// One look-up a byte is all the pass costs for text.
fn classes(delimiters: &Delimiters, style: Style) -> [Class; 256] {
    let (repetition, component, subcomponent) = delimiters.levels();
    let mut table = [Class::Text; 256];
    let mut set = |byte: u8, class: Class| {
        if let Some(slot) = table.get_mut(usize::from(byte)) {
            *slot = class;
        }
    };
    set(delimiters.field_byte(), Class::Field);
    [Some(repetition), Some(component), subcomponent].into_iter().flatten().for_each(|byte| set(byte, Class::Part));
    delimiters.escape_byte().into_iter().for_each(|byte| set(byte, Class::Escape));
    set(b'\r', Class::LineEnd);
    if style == Style::Any {
        set(b'\n', Class::LineEnd);
    }
    table
}

/// The state of the pass.
struct Builder<'t> {
    bytes: &'t [u8],
    classes: [Class; 256],
    style: Style,
    lenient: bool,
    delimiters: Delimiters,
    limits: &'t Limits,
    depth: Depth<'t>,
    /// How often each name came, but for the latest.
    names: BTreeMap<[u8; 3], u32>,
    /// The name of the latest segment, and how often it came: segments of a name follow one another.
    latest: Option<([u8; 3], u32)>,
    index: Index,
}

impl Builder<'_> {
    /// Every line from `at` to the end.
    fn lines(&mut self, mut at: usize) -> Result<(), ParseFault> {
        while at < self.bytes.len() {
            let end = self.segment(at)?;
            at = self.next_line(end);
        }
        Ok(())
    }

    /// Indexes the segment at `start`; gives where it ends.
    fn segment(&mut self, start: usize) -> Result<usize, ParseFault> {
        let Some(name) = self.name_at(start) else {
            let text = "a line does not begin with three characters [A-Z][A-Z0-9][A-Z0-9] and the field separator";
            return Err(self.fault(Reason::BadSegment, None, start, text));
        };
        if self.index.segments.len() >= self.limits.segments_max {
            return Err(self.fault(Reason::TooManyParts, None, start, "more segments than `segments_max` allows"));
        }
        let is_header = matches!(&name, b"MSH" | b"FHS" | b"BHS");
        if is_header {
            self.check_header(&name, start)?;
        }
        let occurrence = self.count(name);
        let mark = SegmentMark {
            start: narrow(start),
            end: narrow(self.bytes.len()),
            first_field: narrow(self.index.fields.len()),
            occurrence,
        };
        self.index.segments.push(mark);
        let end = match self.depth {
            _ if is_header => {
                let fields_at = self.header_fields(start);
                self.fields(fields_at)?
            }
            Depth::Fields(names) if !names.iter().any(|wanted| wanted.as_bytes() == name) => self.line_end(start + 3),
            Depth::Fields(_) | Depth::Whole => self.fields(start + 3)?,
        };
        if let Some(mark) = self.index.segments.last_mut() {
            mark.end = narrow(end);
        }
        if is_header {
            self.refuse_line_feed(start, end)?;
        }
        Ok(end)
    }

    /// Counts a segment of a name; gives how many there are.
    fn count(&mut self, name: [u8; 3]) -> u32 {
        let before = match self.latest.take() {
            Some((latest, count)) if latest == name => count,
            latest => {
                self.names.extend(latest);
                self.names.get(&name).copied().unwrap_or(0)
            }
        };
        let count = before + 1;
        self.latest = Some((name, count));
        count
    }

    /// Where the line ends in which `from` stands.
    fn line_end(&self, from: usize) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        let length = match self.style {
            Style::Cr => memchr(b'\r', rest),
            Style::Any => memchr2(b'\r', b'\n', rest),
        };
        from + length.unwrap_or(rest.len())
    }

    /// A message with line feeds only, or with one stray CR among them, would pass as one endless MSH.
    fn refuse_line_feed(&self, start: usize, end: usize) -> Result<(), ParseFault> {
        let header = self.bytes.get(start..end).unwrap_or_default();
        let Some(at) = memchr(b'\n', header) else { return Ok(()) };
        let text = "a line feed inside the header segment; this feed's segments end with a carriage return";
        Err(self.fault(Reason::BadSegment, None, start + at, text))
    }

    /// The segment name at `start`, if the field separator or the end of the line follows.
    fn name_at(&self, start: usize) -> Option<[u8; 3]> {
        let (name, after) = self.bytes.get(start..)?.split_first_chunk::<3>()?;
        let [first, others @ ..] = name;
        let good = first.is_ascii_uppercase() && others.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let closed = after.first().is_none_or(|b| matches!(self.class(*b), Class::Field | Class::LineEnd));
        (good && closed).then_some(*name)
    }

    /// A second MSH, or batch headers with other delimiters, would let one patient's segments pass as another's.
    fn check_header(&self, name: &[u8; 3], start: usize) -> Result<(), ParseFault> {
        if name == b"MSH" && (self.names.contains_key(name) || self.latest.is_some_and(|(latest, _)| latest == *name)) {
            let text = "a second MSH: several messages must be split before they are parsed";
            return Err(self.fault(Reason::BadSegment, None, start, text));
        }
        // The delimiters are those of the first.
        if self.index.segments.is_empty() {
            return Ok(());
        }
        let line = self.bytes.get(start..).unwrap_or_default();
        match read_delimiters(line, start) {
            Ok(delimiters) if delimiters == self.delimiters => Ok(()),
            Ok(_) | Err(_) => {
                Err(self.fault(Reason::BadSegment, None, start, "a header segment with other delimiters"))
            }
        }
    }

    /// MSH-1 is the separator itself and MSH-2 holds delimiters that separate nothing.
    fn header_fields(&mut self, start: usize) -> usize {
        let encoding = start + 4;
        let end = encoding + self.delimiters.encoding_length();
        let first_part = narrow(self.index.parts.len());
        self.index.fields.push(FieldMark { start: narrow(start + 3), end: narrow(encoding), first_part });
        self.index.fields.push(FieldMark { start: narrow(encoding), end: narrow(end), first_part });
        end
    }

    /// Indexes fields from the separator at `from` to the end of the line, which it gives.
    fn fields(&mut self, from: usize) -> Result<usize, ParseFault> {
        let Self { bytes, classes, index, limits, .. } = self;
        let bytes = *bytes;
        let mut end = bytes.len();
        let mut open = false;
        // How many entries `index.parts` may have before the field, or the message, has too many.
        let mut parts_limit = index.parts.len().saturating_add(limits.parts_max);
        let class_of = |byte: u8| classes.get(usize::from(byte)).copied().unwrap_or(Class::Text);
        let mut rest = bytes.get(from..).unwrap_or_default().iter();
        while let Some(byte) = rest.find(|byte| class_of(**byte) != Class::Text) {
            let at = bytes.len() - rest.len() - 1;
            match class_of(*byte) {
                Class::Text => {}
                Class::Escape => index.has_escapes = true,
                Class::Part => {
                    if index.parts.len() >= parts_limit {
                        return Err(self.too_many(at));
                    }
                    index.parts.push(narrow(at));
                }
                Class::Field => {
                    if open {
                        index.end_field(at);
                    }
                    let left = limits.separators_max.saturating_sub(index.fields.len());
                    if index.parts.len() >= left {
                        return Err(self.too_many(at));
                    }
                    parts_limit = index.parts.len().saturating_add(limits.parts_max).min(left - 1);
                    index.start_field(at + 1);
                    open = true;
                }
                Class::LineEnd => {
                    end = at;
                    break;
                }
            }
        }
        if open {
            index.end_field(end);
        }
        Ok(end)
    }

    /// Too many parts in the field, or separators in the message.
    #[cold]
    fn too_many(&self, at: usize) -> ParseFault {
        let total = self.index.fields.len() + self.index.parts.len();
        let text = if total >= self.limits.separators_max {
            "more separators in the message than `separators_max` allows"
        } else {
            "more repetitions, components and sub-components in a field than `parts_max` allows"
        };
        self.fault(Reason::TooManyParts, Some(self.fields_here()), at, text)
    }

    /// Fields of the current segment so far.
    fn fields_here(&self) -> usize {
        let first = self.index.segments.last().map_or(0, |mark| mark.first_field as usize);
        self.index.fields.len().saturating_sub(first)
    }

    /// Steps over the line end at `end`, and over blank lines.
    fn next_line(&mut self, end: usize) -> usize {
        let after = match (self.bytes.get(end..).unwrap_or_default(), self.style) {
            ([b'\r', b'\n', ..], Style::Any) => end + 2,
            ([_, ..], Style::Any | Style::Cr) => end + 1,
            ([], _) => return end,
        };
        let rest = self.bytes.get(after..).unwrap_or_default();
        match rest {
            [b'\n', next, ..] if self.style == Style::Cr && self.lenient && !is_line_end(*next) => {
                self.warn(WarningKind::MixedLineEnds, after);
                after + 1
            }
            [b'\r' | b'\n', ..] if self.style == Style::Any || self.lenient => self.blank_lines(after, is_line_end),
            [b'\r', ..] => self.blank_lines(after, |b| b == b'\r'),
            _ => after,
        }
    }

    fn blank_lines(&mut self, from: usize, is_blank: impl Fn(u8) -> bool) -> usize {
        self.warn(WarningKind::BlankLine, from);
        let rest = self.bytes.get(from..).unwrap_or_default();
        from + rest.iter().position(|b| !is_blank(*b)).unwrap_or(rest.len())
    }

    fn warn(&mut self, kind: WarningKind, offset: usize) {
        self.index.warnings.push(Warning { kind, offset });
    }

    fn class(&self, byte: u8) -> Class {
        self.classes.get(usize::from(byte)).copied().unwrap_or(Class::Text)
    }

    fn fault(&self, reason: Reason, field: Option<usize>, offset: usize, text: &str) -> ParseFault {
        let name = |mark: &SegmentMark| self.bytes.get(mark.start as usize..).and_then(|b| b.get(..3));
        let segment = self.index.segments.last().and_then(name).unwrap_or_default();
        let segment = String::from_utf8_lossy(segment).into_owned();
        ParseFault { reason, segment, field, offset, text: text.to_owned() }
    }
}

/// The delimiters of the header segment at the start of `line`, which stands at `offset`.
pub(super) fn read_delimiters(line: &[u8], offset: usize) -> Result<Delimiters, ParseFault> {
    let Some((name @ (b"MSH" | b"FHS" | b"BHS"), after)) = line.split_first_chunk::<3>() else {
        return Err(whole(Reason::Unreadable, offset, "the text does not begin with MSH, FHS or BHS"));
    };
    let at = |field: usize, offset: usize, text: String| ParseFault {
        reason: Reason::Unreadable,
        segment: String::from_utf8_lossy(name).into_owned(),
        field: Some(field),
        offset,
        text,
    };
    let Some((separator, rest)) = after.split_first() else {
        return Err(at(1, offset + 3, "the header segment ends after its name".to_owned()));
    };
    if line.iter().take(HEADER_BYTES_MIN).take_while(|b| !is_line_end(**b)).count() < HEADER_BYTES_MIN {
        return Err(at(2, offset + 3, "the header segment is shorter than 8 bytes".to_owned()));
    }
    let length = rest.iter().position(|b| b == separator || is_line_end(*b)).unwrap_or(rest.len());
    let encoding = rest.get(..length).unwrap_or_default();
    match Delimiters::from_bytes(*separator, encoding) {
        Ok(delimiters) => Ok(delimiters),
        Err(fault @ super::DelimiterFault::FieldSeparator) => Err(at(1, offset + 3, fault.to_string())),
        Err(fault) => Err(at(2, offset + 4, fault.to_string())),
    }
}

/// `MSH|^~\&`: nothing shorter says what a message is.
const HEADER_BYTES_MIN: usize = 8;

/// A fault of the text as a whole.
fn whole(reason: Reason, offset: usize, text: &str) -> ParseFault {
    ParseFault { reason, segment: String::new(), field: None, offset, text: text.to_owned() }
}

const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Offsets fit: `build` refuses longer texts.
#[inline]
fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
