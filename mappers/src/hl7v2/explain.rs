//! What becomes of every field of one message, found by trying: the message is mapped again with each value changed, and
//! again with it left out, and what then differs in the records is what the value decides. So the explanation holds for
//! every mapper, cannot grow stale, and costs nothing where messages are mapped.
//!
//! The rule beside it is the row of the segment's table that docs/fhir.md is written from, and the code tables that
//! lead from the value to a code at one of the places it decides.

mod compare;
mod leaf;

use causeway_core::feed::{CharsetRule, FeedSettings};
use causeway_core::hl7v2::charset::Charset;
use causeway_core::hl7v2::header::Header;
use causeway_core::hl7v2::{Limits, Message};
use causeway_core::mapped::Mapped;
use causeway_core::phi::Phi;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use self::compare::Baseline;
use self::leaf::Leaf;
use super::profile::FieldUse;
use super::segment;
use crate::codes;

/// How much text is mapped for one explanation, in bytes: about two seconds of work. What is beyond is told by its rule alone.
const TRIED_BYTES_MAX: usize = 64 << 20;

/// One message, field by field.
#[derive(Debug)]
pub struct Explanation {
    /// What the message becomes.
    pub mapped: Mapped,
    /// Its values in the order of the message; none when it cannot be read as one.
    pub values: Vec<Story>,
    /// How many of them were not tried, since the message is very large.
    pub untried: usize,
}

/// One value: a component, or a field without components.
#[derive(Debug)]
pub struct Story {
    /// Where it stands: `PID-3[2].4`, `OBX[3]-5`.
    pub place: String,
    /// The segment's name.
    pub segment: String,
    /// The value as sent, without escapes.
    pub value: Phi<String>,
    /// What the code says of its field; `None` for a field no mapper reads.
    pub rule: Option<&'static FieldUse>,
    /// The map of the guide its segment follows; empty when there is none.
    pub guide: &'static str,
    /// The code tables that may have been used, by file.
    pub tables: Vec<&'static str>,
    /// What it decides; empty for what is not used.
    pub effects: Vec<Effect>,
    /// The notes on it, by their place in the list of the message.
    pub notes: Vec<usize>,
    /// The faults on it, by their place in the list of the message.
    pub faults: Vec<usize>,
}

/// Something a value decides. Records are told by their place in the list of the message, from 0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// What stands there in a resource.
    Path {
        /// The record.
        record: usize,
        /// As `Patient.name[0].family`.
        path: String,
    },
    /// What a record is found by, and so its id.
    Key {
        /// The record.
        record: usize,
    },
    /// That there is such a record at all.
    Made {
        /// The record.
        record: usize,
    },
    /// Which version of a record counts, when it took place, or how it is filed.
    Version {
        /// The record.
        record: usize,
        /// As `clinical date`.
        part: &'static str,
    },
    /// Whom the message is about: as `documents`.
    Identity(&'static str),
    /// How the message itself is known: as `control id`.
    Message(&'static str),
    /// References between records, so many of them.
    References(usize),
}

/// Explains one message. `received_at` stands in for a message without a time, as in [`super::map`].
///
/// Never fails: a message that cannot be read has faults and no values.
pub fn explain(body: &[u8], feed: &FeedSettings, received_at: Timestamp) -> Explanation {
    let alone = |mapped| Explanation { mapped, values: Vec::new(), untried: 0 };
    let whole = || super::map(body, feed, 0, received_at);
    let Ok(zone) = super::zone_of(feed) else { return alone(whole()) };
    let Ok(header) = Header::peek(body, &feed.charset) else { return alone(whole()) };
    let Ok(text) = header.charset().decode(body) else { return alone(whole()) };
    let (text, replaced) = super::unusual::standardised(text, header.charset(), feed.line_ends);
    let Ok(message) = Message::parse(&text, feed.line_ends, &Limits::default()) else { return alone(whole()) };
    let leaves = leaf::of(&message.in_charset(header.charset()));
    let trial = Trial { feed, zone: &zone, charset: header.charset(), received_at };
    let baseline = Baseline::new(trial.map(&text));
    let tried = TRIED_BYTES_MAX / text.len().max(1) / 2;
    let mut values: Vec<Story> = leaves
        .iter()
        .zip(0..)
        .map(|(leaf, at)| {
            story(leaf, if at < tried { trial.effects(&baseline, &text, leaf) } else { Vec::new() }, &baseline)
        })
        .collect();
    let mut mapped = baseline.into_mapped();
    mapped.notes.extend(replaced);
    place_reports(&mapped, &mut values);
    Explanation { mapped, untried: leaves.len().saturating_sub(tried), values }
}

/// Everything but the text a message is mapped with.
struct Trial<'t> {
    feed: &'t FeedSettings,
    zone: &'t TimeZone,
    charset: Charset,
    received_at: Timestamp,
}

impl Trial<'_> {
    fn map(&self, text: &str) -> Mapped {
        let as_sent = CharsetRule::Force(Charset::UTF_8.name().to_owned());
        match Header::peek(text.as_bytes(), &as_sent) {
            Ok(header) => {
                let (body, received_at) = (text.as_bytes(), self.received_at);
                let sent = super::Sent { body, offset: 0, received_at, documents: &[] };
                super::map_text(&header, text, self.charset, self.feed, self.zone, sent)
            }
            Err(fault) => super::unreadable(fault),
        }
    }

    /// What differs when the value is another one, and whether anything is made without it. A value whose like makes
    /// no difference (a word of free text that is only there or not) is left out instead, and one that makes none either
    /// way (a status that agrees with those below it) is tried as another code of its table.
    fn effects(&self, baseline: &Baseline, text: &str, leaf: &Leaf) -> Vec<Effect> {
        if leaf.is_delimiters() {
            return vec![Effect::Message("delimiters")];
        }
        let with = |value: &str| baseline.effects(&self.map(&leaf.replaced(text, value)));
        let (other, without) = (with(&leaf.another()), with(""));
        let mut effects = if !other.is_empty() {
            let made = without.into_iter().filter(|effect| matches!(effect, Effect::Made { .. }));
            other.into_iter().chain(made).collect()
        } else if !without.is_empty() {
            without
        } else {
            let codes = codes::beside(leaf.value.trim());
            codes.into_iter().map(with).find(|effects| !effects.is_empty()).unwrap_or_default()
        };
        if leaf.is_character_set() && !matches!(self.feed.charset, CharsetRule::Force(_)) {
            effects.push(Effect::Message("character set"));
        }
        effects.sort();
        effects.dedup();
        effects
    }
}

fn story(leaf: &Leaf, effects: Vec<Effect>, baseline: &Baseline) -> Story {
    let of_segment = segment::find(&leaf.segment);
    let rule = of_segment.and_then(|found| found.fields.iter().find(|field| field.number == leaf.field));
    Story {
        place: leaf.place.clone(),
        segment: leaf.segment.clone(),
        value: Phi::new(leaf.value.clone()),
        rule,
        guide: of_segment.map_or("", |found| found.ig),
        tables: codes::between(leaf.value.trim(), &baseline.words_at(&effects)),
        effects,
        notes: Vec::new(),
        faults: Vec::new(),
    }
}

/// Gives each note and fault to the first value at its place. Those of other places stay with the message.
fn place_reports(mapped: &Mapped, values: &mut [Story]) {
    let mut give = |place: &str, to: fn(&mut Story) -> &mut Vec<usize>, number: usize| {
        if let Some(value) = values.iter_mut().find(|value| stands_in(&value.place, place)) {
            to(value).push(number);
        }
    };
    for (note, number) in mapped.notes.iter().zip(0..) {
        give(&note.place, |story| &mut story.notes, number);
    }
    for (fault, number) in mapped.faults.iter().zip(0..) {
        give(&fault.place, |story| &mut story.faults, number);
    }
}

/// Whether a value's place is a place that was reported, or inside it: `OBX[3]-5.2` is in `OBX[3]-5` and in `OBX[3]`.
fn stands_in(value: &str, place: &str) -> bool {
    !place.is_empty()
        && value.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '[']))
}

#[cfg(test)]
mod tests {
    use causeway_core::envelope::{FeedName, Format};
    use causeway_core::provider::ProviderId;

    use super::*;

    const ADMISSION: &str = "MSH|^~\\&|A|B|||20260301||ADT^A28|1|P|2.5\rPID|1||H1^^^QMH^MR||CHAN^TAI MAN||19830114|M|||||||||||||||||||||||||||||||LAST\r";

    fn explained(text: &str) -> Explanation {
        let name = FeedName::parse("explain").expect("a name");
        explain(
            text.as_bytes(),
            &FeedSettings::new(name, Format::Hl7v2, ProviderId("HA".to_owned())),
            Timestamp::UNIX_EPOCH,
        )
    }

    fn at<'e>(explanation: &'e Explanation, place: &str) -> &'e Story {
        explanation.values.iter().find(|story| story.place == place).expect(place)
    }

    #[test]
    fn a_value_is_led_to_the_place_it_decides_by_the_row_and_the_table() {
        let explanation = explained(ADMISSION);
        let sex = at(&explanation, "PID-8");
        assert_eq!(
            sex.effects,
            [Effect::Path { record: 0, path: "Patient.gender".to_owned() }, Effect::Identity("sex")]
        );
        assert_eq!(sex.tables, ["administrative_sex.csv"]);
        assert!(sex.rule.is_some_and(|rule| rule.name == "Administrative sex"));
        let family = at(&explanation, "PID-5.1");
        assert!(family.effects.contains(&Effect::Path { record: 0, path: "Patient.name[0].family".to_owned() }));
        assert!(
            !family.effects.iter().any(|effect| matches!(effect, Effect::Path { path, .. } if path.contains("given")))
        );
    }

    #[test]
    fn a_number_that_keys_a_record_decides_its_key_and_that_there_is_one() {
        let explanation = explained(ADMISSION);
        let number = at(&explanation, "PID-3.1");
        for effect in [Effect::Key { record: 0 }, Effect::Made { record: 0 }, Effect::Identity("local numbers")] {
            assert!(number.effects.contains(&effect), "{effect:?} {:?}", number.effects);
        }
    }

    #[test]
    fn what_nobody_uses_decides_nothing_and_has_its_note() {
        let explanation = explained(ADMISSION);
        let last = at(&explanation, "PID-39");
        assert!(last.effects.is_empty() && last.rule.is_none());
        let note = last.notes.first().and_then(|number| explanation.mapped.notes.get(*number)).expect("a note");
        assert_eq!(note.code, "unused-field");
    }

    #[test]
    fn what_cannot_be_read_has_faults_and_no_values() {
        let explanation = explained("not HL7");
        assert!(explanation.values.is_empty() && !explanation.mapped.faults.is_empty());
    }

    #[test]
    fn a_place_is_inside_another_only_at_a_boundary() {
        assert!(stands_in("PID-3[2].4", "PID-3") && stands_in("PID-3", "PID-3") && stands_in("OBX[3]-5", "OBX[3]"));
        assert!(!stands_in("PID-31", "PID-3") && !stands_in("PID-3", "") && !stands_in("PID-3", "PID-3.1"));
    }
}
