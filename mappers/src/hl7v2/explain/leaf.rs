//! The values of a message, each with its place in the text, so that it can be changed and the rest left as it is.

use causeway_core::hl7v2::{Message, Repetition, Segment, escape};

/// A component that holds something, or a field without components.
#[derive(Debug)]
pub(super) struct Leaf {
    /// As notes name it: `PID-3[2].4`.
    pub(super) place: String,
    /// The segment's name.
    pub(super) segment: String,
    /// The field's number.
    pub(super) field: usize,
    /// Without escapes.
    pub(super) value: String,
    /// Where it stands in the text, in bytes.
    start: usize,
    end: usize,
}

/// Every value of a message, in its order.
pub(super) fn of(message: &Message<'_>) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for segment in message.segments() {
        let single = message.named(segment.name()).nth(1).is_none();
        let occurrence = segment.occurrence();
        let name = if single { segment.name().to_owned() } else { format!("{}[{occurrence}]", segment.name()) };
        of_segment(message, &segment, &name, &mut leaves);
    }
    leaves
}

fn of_segment(message: &Message<'_>, segment: &Segment<'_>, name: &str, leaves: &mut Vec<Leaf>) {
    let is_header = segment.name() == "MSH";
    for (field, number) in segment.fields().zip(1_usize..) {
        if is_header && number == 1 {
            continue;
        }
        let several = field.raw().len() > field.rep(1).raw().len();
        let place = format!("{name}-{number}");
        if is_header && number == 2 {
            leaves.extend(leaf(segment, number, place, field.raw().to_owned(), field.offset(), field.raw().len()));
            continue;
        }
        for (repetition, at) in field.repetitions().zip(1_usize..) {
            let place = if several { format!("{place}[{at}]") } else { place.clone() };
            of_repetition(message, segment, number, &repetition, &place, leaves);
        }
    }
}

fn of_repetition(
    message: &Message<'_>,
    segment: &Segment<'_>,
    number: usize,
    repetition: &Repetition<'_>,
    place: &str,
    leaves: &mut Vec<Leaf>,
) {
    let plain = repetition.component(1).raw().len() == repetition.raw().len();
    for (component, at) in repetition.components().zip(1_usize..) {
        let raw = component.raw();
        if raw.trim().is_empty() || !component.is_present() {
            continue;
        }
        let place = if plain { place.to_owned() } else { format!("{place}.{at}") };
        let value = escape::unescape_in(raw, message.delimiters(), message.charset()).into_owned();
        leaves.extend(leaf(segment, number, place, value, component.offset(), raw.len()));
    }
}

fn leaf(
    segment: &Segment<'_>,
    field: usize,
    place: String,
    value: String,
    start: Option<usize>,
    length: usize,
) -> Option<Leaf> {
    let start = start?;
    Some(Leaf { place, segment: segment.name().to_owned(), field, value, start, end: start.saturating_add(length) })
}

impl Leaf {
    /// The encoding characters: with others there is no message.
    pub(super) fn is_delimiters(&self) -> bool {
        self.segment == "MSH" && self.field == 2
    }

    /// MSH-18, which decides before there is a text.
    pub(super) fn is_character_set(&self) -> bool {
        self.segment == "MSH" && self.field == 18
    }

    /// The text with something else in its place.
    pub(super) fn replaced(&self, text: &str, value: &str) -> String {
        let before = text.get(..self.start).unwrap_or_default();
        let after = text.get(self.end..).unwrap_or_default();
        [before, value, after].concat()
    }

    /// A value like it: the last letter or digit is another one, so that a date mostly stays a date. It is no code a
    /// sender would use, and needs no escape.
    pub(super) fn another(&self) -> String {
        let plain: String =
            self.value.chars().map(|c| if c.is_control() || "|^~\\&".contains(c) { ' ' } else { c }).collect();
        let mut chars: Vec<char> = plain.trim().chars().collect();
        let before = chars.iter().rev().nth(1).copied();
        match chars.last_mut() {
            Some(last @ ('0'..='9' | 'A'..='Z' | 'a'..='z')) => *last = next(before, *last),
            Some(_) | None => chars.push('X'),
        }
        chars.into_iter().collect()
    }
}

/// Another digit, or another letter. `31` becomes `30` and `01` becomes `02`: a day, a month and a minute still.
const fn next(before: Option<char>, c: char) -> char {
    match (before, c) {
        (Some('0'), '1') => '2',
        (_, '1') => '0',
        (_, '0') => '1',
        (_, '2') => '1',
        (_, '3') => '2',
        (_, '4') => '3',
        (_, '5') => '4',
        (_, '6') => '5',
        (_, '7') => '6',
        (_, '8') => '7',
        (_, '9') => '8',
        (_, 'Z') => 'Q',
        (_, 'z') => 'q',
        (_, upper @ 'A'..='Y') => {
            if matches!(upper, 'Q') {
                'Z'
            } else {
                'Q'
            }
        }
        (_, other) => {
            if other == 'q' {
                'z'
            } else {
                'q'
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use causeway_core::feed::LineEnds;
    use causeway_core::hl7v2::Limits;

    use super::*;

    const TEXT: &str = "MSH|^~\\&|A\rPID|1||H1^^^QMH~H2||\"\"\rOBX|1||a\\T\\b\rOBX|2||c\r";

    #[test]
    fn values_are_found_by_the_places_notes_use_and_can_be_replaced() {
        let message = Message::parse(TEXT, LineEnds::Strict, &Limits::default()).expect("a message");
        let leaves = of(&message);
        let places: Vec<&str> = leaves.iter().map(|leaf| leaf.place.as_str()).collect();
        let expected = [
            "MSH-2",
            "MSH-3",
            "PID-1",
            "PID-3[1].1",
            "PID-3[1].4",
            "PID-3[2]",
            "OBX[1]-1",
            "OBX[1]-3",
            "OBX[2]-1",
            "OBX[2]-3",
        ];
        assert_eq!(places, expected);
        let value = |place: &str| leaves.iter().find(|leaf| leaf.place == place).expect(place);
        assert_eq!(value("OBX[1]-3").value, "a&b");
        assert!(value("PID-3[1].4").replaced(TEXT, "X").contains("|H1^^^X~H2|"));
    }

    #[test]
    fn another_value_differs_and_a_date_stays_one() {
        let another = |value: &str| {
            Leaf { place: String::new(), segment: String::new(), field: 1, value: value.to_owned(), start: 0, end: 0 }
                .another()
        };
        let values = ["20260301", "20261231", "20260228", "M", "Q", "8.5", "陳", "a|b^c"];
        assert_eq!(values.map(another), ["20260302", "20261230", "20260227", "Q", "Z", "8.4", "陳X", "a b q"]);
    }
}
