//! The segment a finding points into, with its values masked, and where in it the caret stands.

use causeway_core::feed::FeedSettings;
use causeway_core::hl7v2::header::Header;
use causeway_core::hl7v2::{Field, Limits, Message, Segment};
use causeway_core::phi::Phi;
use unicode_width::UnicodeWidthStr as _;

use crate::output::mask::Sight;

/// The widest line shown, in columns; of a wider one the part around the caret.
const COLUMNS_MAX: usize = 110;
/// How much of a line stands before the caret, when it is too wide to be shown whole.
const BEFORE_MAX: usize = 60;
/// The longest value shown, in characters.
const VALUE_MAX: usize = 40;

/// A segment, and the part of it that is meant.
#[derive(Debug)]
pub(super) struct Line {
    /// The how-manieth segment of the message it is, from 1.
    pub(super) number: usize,
    masked: Shown,
    revealed: Shown,
}

/// A line as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) text: String,
    /// How many columns stand before the caret.
    pub(super) column: usize,
    /// How many columns are meant.
    pub(super) width: usize,
}

impl Line {
    /// With its values, or masked.
    pub(super) fn shown(&self, sight: Sight) -> Shown {
        match sight {
            Sight::Masked => self.masked.clone(),
            Sight::Revealed => self.revealed.clone(),
        }
    }
}

/// A message to point into; nothing when it cannot be read as one.
#[derive(Debug)]
pub(super) struct Lines {
    text: String,
    settings: FeedSettings,
}

impl Lines {
    pub(super) fn new(bytes: &[u8], settings: &FeedSettings) -> Self {
        let header = Header::peek(bytes, &settings.charset).ok();
        let text = header.and_then(|header| header.charset().decode(bytes).ok().map(std::borrow::Cow::into_owned));
        Self { text: text.unwrap_or_default(), settings: settings.clone() }
    }

    /// The line of a place; `None` when the message has no such segment.
    pub(super) fn find(&self, place: &str) -> Option<Line> {
        let place = Place::parse(place)?;
        let message = Message::parse(&self.text, self.settings.line_ends, &Limits::default()).ok()?;
        let wanted =
            |segment: &Segment<'_>| segment.name() == place.segment && segment.occurrence() == place.occurrence;
        let (segment, number) = message.segments().zip(1..).find(|(segment, _)| wanted(segment))?;
        let shown = |sight| show(&message, &segment, &place, sight);
        Some(Line { number, masked: shown(Sight::Masked), revealed: shown(Sight::Revealed) })
    }
}

/// `OBX[3]-5[2].1`, taken apart. What is not said is 0, but for the segment's occurrence, which is 1.
#[derive(Debug, PartialEq, Eq)]
struct Place<'p> {
    segment: &'p str,
    occurrence: usize,
    field: usize,
    repetition: usize,
    component: usize,
}

impl<'p> Place<'p> {
    fn parse(place: &'p str) -> Option<Self> {
        let (segment, rest) = place.split_once('-').unwrap_or((place, ""));
        let (segment, occurrence) = counted(segment);
        let (field, component) = rest.split_once('.').unwrap_or((rest, ""));
        let (field, repetition) = counted(field);
        let number = |text: &str| text.parse().unwrap_or(0);
        (segment.len() == 3).then(|| Self {
            segment,
            occurrence: occurrence.max(1),
            field: number(field),
            repetition,
            component: number(component),
        })
    }
}

/// `OBX[3]` is `OBX` and 3; without a number it is 0.
fn counted(text: &str) -> (&str, usize) {
    match text.split_once('[') {
        Some((name, number)) => (name, number.trim_end_matches(']').parse().unwrap_or(0)),
        None => (text, 0),
    }
}

/// A line being written, and the columns that are meant.
#[derive(Debug, Default)]
struct Pen {
    text: String,
    meant: Option<(usize, usize)>,
}

impl Pen {
    fn write(&mut self, text: &str, is_meant: bool) {
        let before = self.text.width();
        self.text.push_str(text);
        if is_meant {
            let after = self.text.width();
            self.meant = Some(self.meant.map_or((before, after), |(first, _)| (first, after)));
        }
    }
}

fn show(message: &Message<'_>, segment: &Segment<'_>, place: &Place<'_>, sight: Sight) -> Shown {
    let header = matches!(segment.name(), "MSH" | "FHS" | "BHS");
    let sight = if header { Sight::Revealed } else { sight };
    let delimiters = Marks::of(message);
    let mut pen = Pen::default();
    pen.write(segment.name(), place.field == 0);
    // In a header the field separator is field 1 itself.
    let skip = usize::from(header);
    let last = segment.field_count().max(place.field);
    for number in (1 + skip)..=last {
        pen.write(&delimiters.field, false);
        let field = segment.field(number);
        let meant = number == place.field;
        if header && number == 2 {
            pen.write(field.raw(), meant);
        } else {
            write_field(&mut pen, &field, &delimiters, meant.then_some(place), sight);
        }
    }
    window(pen)
}

fn write_field(pen: &mut Pen, field: &Field<'_>, marks: &Marks, place: Option<&Place<'_>>, sight: Sight) {
    let whole = place.is_some_and(|place| place.repetition == 0 && place.component == 0);
    for (repetition, at) in field.repetitions().zip(1_usize..) {
        if at > 1 {
            pen.write(&marks.repetition, whole);
        }
        let here = place.is_some_and(|place| place.repetition == at || place.repetition == 0);
        let all = here && place.is_some_and(|place| place.component == 0);
        for (component, number) in repetition.components().zip(1_usize..) {
            if number > 1 {
                pen.write(&marks.component, all);
            }
            let meant = all || (here && place.is_some_and(|place| place.component == number));
            pen.write(&value(component.raw(), sight), meant);
        }
    }
    if place.is_some() && pen.meant.is_none() {
        pen.write("", true);
    }
}

/// The delimiters of a message, as text.
struct Marks {
    field: String,
    component: String,
    repetition: String,
}

impl Marks {
    fn of(message: &Message<'_>) -> Self {
        let mut marks = message.text().chars().skip(3).map(String::from);
        let mut next = |otherwise: &str| marks.next().unwrap_or_else(|| otherwise.to_owned());
        Self { field: next("|"), component: next("^"), repetition: next("~") }
    }
}

/// A value, short and on one line.
fn value(raw: &str, sight: Sight) -> String {
    let plain: String = raw.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if raw == "\"\"" {
        return plain;
    }
    let shown = sight.show(&Phi::new(plain));
    if shown.chars().count() <= VALUE_MAX {
        return shown;
    }
    shown.chars().take(VALUE_MAX).chain(['…']).collect()
}

/// The whole line, or what stands around the caret.
fn window(pen: Pen) -> Shown {
    let (start, end) = pen.meant.unwrap_or((0, pen.text.width()));
    let width = end.saturating_sub(start).max(1);
    if pen.text.width() <= COLUMNS_MAX {
        return Shown { text: pen.text, column: start, width };
    }
    let from = start.saturating_sub(BEFORE_MAX);
    let mut column = 0;
    let mut text = String::new();
    let mut before = 0;
    for c in pen.text.chars() {
        let here = column;
        column += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if here >= from && here < from + COLUMNS_MAX {
            text.push(c);
        } else if here < from {
            before = column;
        }
    }
    if from > 0 {
        text.insert(0, '…');
    }
    if column > from + COLUMNS_MAX {
        text.push('…');
    }
    let column = start.saturating_sub(before) + usize::from(from > 0);
    Shown { text, column, width: width.min(COLUMNS_MAX) }
}

#[cfg(test)]
mod tests {
    use causeway_core::envelope::{FeedName, Format};
    use causeway_core::provider::ProviderId;

    use super::*;

    const MESSAGE: &str = "MSH|^~\\&|LIS|QMH\rPID|1||A1234563^^^HKSAR^HKID~H1^^^QMH||陳^大文\rOBX|1\rOBX|2|NM|x||5^y\r";

    fn shown(place: &str, sight: Sight) -> (usize, String, String) {
        let name = FeedName::parse("lab").expect("a name");
        let settings = FeedSettings::new(name, Format::Hl7v2, ProviderId("HA".to_owned()));
        let line = Lines::new(MESSAGE.as_bytes(), &settings).find(place).expect(place);
        let shown = line.shown(sight);
        (line.number, shown.text, format!("{}{}", " ".repeat(shown.column), "^".repeat(shown.width)))
    }

    #[test]
    fn the_caret_stands_below_what_is_meant() {
        let (number, text, caret) = shown("PID-3[2].4", Sight::Revealed);
        assert_eq!(number, 2);
        assert_eq!(text, "PID|1||A1234563^^^HKSAR^HKID~H1^^^QMH||陳^大文");
        assert_eq!(caret, format!("{}^^^", " ".repeat("PID|1||A1234563^^^HKSAR^HKID~H1^^^".len())));
        let (number, text, caret) = shown("OBX[2]-5", Sight::Revealed);
        assert_eq!((number, text.as_str(), caret.as_str()), (4, "OBX|2|NM|x||5^y", "            ^^^"));
    }

    #[test]
    fn chinese_is_as_wide_as_it_is_shown() {
        let (_, _, caret) = shown("PID-5.2", Sight::Revealed);
        assert!(caret.ends_with(" ^^^^") && !caret.ends_with("^^^^^"), "{caret}");
    }

    #[test]
    fn values_are_masked_and_their_places_are_not() {
        let (_, text, caret) = shown("PID-3", Sight::Masked);
        assert_eq!(text, "PID|1***||A***^^^H***^H***~H***^^^Q***||***^***");
        assert_eq!(caret.trim_start().len(), "A***^^^H***^H***~H***^^^Q***".len());
        assert_eq!(shown("MSH-3", Sight::Masked).1, "MSH|^~\\&|LIS|QMH");
    }

    #[test]
    fn a_field_that_is_not_there_is_pointed_at_where_it_would_be() {
        let (_, text, caret) = shown("OBX[1]-3", Sight::Revealed);
        assert_eq!((text.as_str(), caret.as_str()), ("OBX|1||", "       ^"));
    }
}
