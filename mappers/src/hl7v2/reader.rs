//! Reading a message so that nothing is passed over in silence: a segment knows which of its fields were asked for,
//! a value which of its components, and what was sent and never asked for becomes a note.

use std::borrow::Cow;
use std::cell::Cell;

use causeway_core::hl7v2::{Field, Repetition, Segment, escape};

use super::context::Context;
use crate::hl7v2::note::NoteCode;

/// A segment, and which of its fields were asked for.
#[derive(Debug)]
pub(crate) struct Seg<'m> {
    segment: Segment<'m>,
    /// Whether it is the only one of its name: then its place is told without a number.
    single: bool,
    /// Bit n: field n was asked for. No segment we read has more than 63 fields that we know.
    asked: Cell<u64>,
}

impl<'m> Seg<'m> {
    /// Wraps a segment. `kept` has the bits of the fields that need no asking: they are kept with the envelope.
    pub(crate) const fn new(segment: Segment<'m>, single: bool, kept: u64) -> Self {
        Self { segment, single, asked: Cell::new(kept) }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &'m str {
        self.segment.name()
    }

    /// Its place: `PID`, or `OBX[3]` when there are several.
    pub(crate) fn place(&self) -> String {
        if self.single {
            return self.name().to_owned();
        }
        format!("{}[{}]", self.name(), self.segment.occurrence())
    }

    /// The place of a field: `PID-3`, `OBX[3]-5`.
    pub(crate) fn field_place(&self, number: usize) -> String {
        format!("{}-{number}", self.place())
    }

    /// Where a field begins in the decoded text; where the segment begins when it has no such field.
    pub(crate) fn offset(&self, number: usize) -> usize {
        self.segment.field(number).offset().unwrap_or_else(|| self.segment.offset())
    }

    /// A field; it counts as asked for.
    pub(crate) fn field(&self, number: usize) -> Field<'m> {
        self.ask(number);
        self.segment.field(number)
    }

    /// All fields as they were sent, by their numbers; none counts as asked for.
    pub(crate) fn raw_fields(&self) -> impl Iterator<Item = (usize, &'m str)> {
        self.segment.fields().zip(1..).map(|(field, number)| (number, field.raw()))
    }

    /// Counts a field as asked for.
    pub(crate) fn ask(&self, number: usize) {
        if let Some(bit) = bit(number) {
            self.asked.set(self.asked.get() | bit);
        }
    }

    /// Whether a field holds a value. Does not count as asking.
    pub(crate) fn has(&self, number: usize) -> bool {
        let field = self.segment.field(number);
        field.is_present() && is_more_than_blank(field.raw())
    }

    /// Counts every field as asked for: the segment is reported as a whole.
    pub(crate) fn keep(&self) {
        self.asked.set(u64::MAX);
    }

    /// The value of a field that does not repeat, if it has one. Further repetitions are noted.
    pub(crate) fn first<'c>(&'c self, context: &'c Context<'m>, number: usize) -> Option<Value<'c, 'm>> {
        let field = self.field(number);
        if !field.is_present() {
            return None;
        }
        let whole = field.rep(1);
        if whole.raw().len() == field.raw().len() {
            return is_more_than_blank(whole.raw()).then(|| Value::new(self, context, [number, 0], whole));
        }
        let mut first = None;
        for value in self.values(context, number, field) {
            if first.is_none() {
                first = Some(value);
            } else {
                context.note(
                    NoteCode::UnusedRepetition,
                    value.place(),
                    "only the first repetition of this field is used",
                );
                value.keep();
            }
        }
        first
    }

    /// The repetitions of a field that hold a value.
    pub(crate) fn all<'c>(&'c self, context: &'c Context<'m>, number: usize) -> impl Iterator<Item = Value<'c, 'm>> {
        let field = self.field(number);
        self.values(context, number, field)
    }

    /// The text of a field that is text, without the blanks around it; empty when it has no value.
    pub(crate) fn text(&self, context: &Context<'m>, number: usize) -> Cow<'m, str> {
        self.first(context, number).map(|value| value.text(1)).unwrap_or_default()
    }

    fn values<'c>(
        &'c self,
        context: &'c Context<'m>,
        field: usize,
        from: Field<'m>,
    ) -> impl Iterator<Item = Value<'c, 'm>> {
        let several = from.raw().len() > from.rep(1).raw().len();
        let present = from
            .repetitions()
            .enumerate()
            .filter(|(_, repetition)| repetition.is_present() && is_more_than_blank(repetition.raw()));
        present.map(move |(at, repetition)| {
            let number = if several { at.saturating_add(1) } else { 0 };
            Value::new(self, context, [field, number], repetition)
        })
    }

    fn is_asked(&self, number: usize) -> bool {
        let asked = self.asked.get();
        asked == u64::MAX || bit(number).is_some_and(|bit| asked & bit != 0)
    }

    /// Notes every field that holds a value nobody asked for.
    pub(crate) fn report(&self, context: &Context<'m>) {
        for (at, field) in self.segment.fields().enumerate() {
            let number = at.saturating_add(1);
            if !self.is_asked(number) && field.is_present() && is_more_than_blank(field.raw()) {
                context.note(NoteCode::UnusedField, self.field_place(number), "no record has a place for this field");
            }
        }
    }
}

/// One repetition of a field. When it is dropped, the components that hold something nobody asked for are noted.
#[derive(Debug)]
pub(crate) struct Value<'c, 'm> {
    segment: &'c Seg<'m>,
    context: &'c Context<'m>,
    field: usize,
    /// Which repetition; 0 when there is but one.
    number: usize,
    repetition: Repetition<'m>,
    /// Bit n: component n was asked for.
    asked: Cell<u64>,
}

impl<'c, 'm> Value<'c, 'm> {
    const fn new(
        segment: &'c Seg<'m>,
        context: &'c Context<'m>,
        [field, number]: [usize; 2],
        repetition: Repetition<'m>,
    ) -> Self {
        Self { segment, context, field, number, repetition, asked: Cell::new(0) }
    }

    /// What is being mapped.
    pub(crate) const fn context(&self) -> &'c Context<'m> {
        self.context
    }

    /// Its place: `PID-3`, or `PID-3[2]` when the field repeats.
    pub(crate) fn place(&self) -> String {
        match self.number {
            0 => self.segment.field_place(self.field),
            number => format!("{}[{number}]", self.segment.field_place(self.field)),
        }
    }

    /// Its field without counts: `PID-3`, `OBX-5`.
    pub(crate) fn field_name(&self) -> String {
        format!("{}-{}", self.segment.name(), self.field)
    }

    /// Takes note of something at its place.
    pub(crate) fn note(&self, code: NoteCode, text: &str) {
        self.context.note(code, self.place(), text);
    }

    /// A component as text, its first sub-component, without the blanks around it; empty when it has no value.
    pub(crate) fn text(&self, component: usize) -> Cow<'m, str> {
        self.ask(component);
        trimmed(self.repetition.component(component).text())
    }

    /// A sub-component as text.
    pub(crate) fn sub(&self, component: usize, part: usize) -> Cow<'m, str> {
        self.ask(component);
        trimmed(self.repetition.component(component).sub(part).text())
    }

    /// A component as text, with what looks like its sub-components.
    pub(crate) fn unsplit(&self, component: usize) -> Cow<'m, str> {
        self.ask(component);
        self.plain(self.repetition.component(component).raw())
    }

    /// The whole repetition as text, with what looks like its components: senders forget to escape `^` in text.
    pub(crate) fn whole(&self) -> Cow<'m, str> {
        self.keep();
        self.plain(self.repetition.raw())
    }

    /// Whether it is text without components.
    pub(crate) fn is_plain(&self) -> bool {
        self.repetition.component(1).raw().len() == self.repetition.raw().len()
    }

    /// How many components it has, empty ones too.
    pub(crate) fn count(&self) -> usize {
        self.repetition.components().count()
    }

    /// Whether a component holds a value. Does not count as asking.
    pub(crate) fn has(&self, component: usize) -> bool {
        let component = self.repetition.component(component);
        component.is_present() && is_more_than_blank(component.raw())
    }

    /// Counts every component as asked for: the value is kept or reported as a whole.
    pub(crate) fn keep(&self) {
        self.asked.set(u64::MAX);
    }

    /// Counts a component as asked for.
    pub(crate) fn ask(&self, component: usize) {
        if let Some(bit) = bit(component) {
            self.asked.set(self.asked.get() | bit);
        }
    }

    fn plain(&self, raw: &'m str) -> Cow<'m, str> {
        if raw == "\"\"" {
            return Cow::Borrowed("");
        }
        trimmed(escape::unescape_in(raw, self.context.delimiters(), self.context.charset()))
    }
}

impl Drop for Value<'_, '_> {
    fn drop(&mut self) {
        if self.asked.get() == u64::MAX || (self.asked.get() & 0b10 != 0 && self.is_plain()) {
            return;
        }
        for (at, component) in self.repetition.components().enumerate() {
            let number = at.saturating_add(1);
            let asked = bit(number).is_some_and(|bit| self.asked.get() & bit != 0);
            if !asked && component.is_present() && is_more_than_blank(component.raw()) {
                let place = format!("{}.{number}", self.place());
                self.context.note(NoteCode::UnusedComponent, place, "no record has a place for this component");
            }
        }
    }
}

/// Whether what holds a value holds more than blanks.
fn is_more_than_blank(raw: &str) -> bool {
    raw.as_bytes().first().is_some_and(u8::is_ascii_graphic)
        || raw.chars().any(|c| !c.is_whitespace() && !c.is_control())
}

/// The bit of a number from 1 to 63.
const fn bit(number: usize) -> Option<u64> {
    if number < 64 { Some(1 << number) } else { None }
}

/// Without the blanks around it.
fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_trim = |text: &str| match text.as_bytes() {
        [] => true,
        [only] => only.is_ascii_graphic(),
        [first, .., last] => first.is_ascii_graphic() && last.is_ascii_graphic(),
    };
    match text {
        text if is_trim(&text) => text,
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}
