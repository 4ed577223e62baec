//! docs/messages.md, the conformance statement: an index of messages, what each is made of and how often, and what is done
//! with every field. How often a segment is read is found by sending it twice.

use std::fmt::Write as _;

use causeway_mappers::hl7v2::note::NoteCode;
use causeway_mappers::hl7v2::profile::{SegmentUse, Usage};
use causeway_mappers::hl7v2::{REFUSED, SEGMENTS, Trigger, triggers};

use crate::docs::{map, message_with, row};

/// The page.
pub(crate) fn statement() -> String {
    let structures = structures();
    let mut text = String::from(concat!(
        "# HL7 v2 messages: what is taken, and what is done with every field\n\n",
        "Written from `mappers/src/hl7v2.rs` and `mappers/src/hl7v2/segment/` by a test; do not edit.\n",
        "Where a used field goes, and how that compares with the HL7 v2-to-FHIR guide, is in [fhir.md](fhir.md).\n\n",
        "1. [Messages](#messages): which are taken, and which are refused by name\n",
        "2. [Structures](#structures): which segments a message has, how often, and what must be in them\n",
        "3. [Value types](#value-types) of OBX-5\n4. [Notes](#notes) on what was not used\n",
        "5. [Segments](#segments): what is done with every field\n\n",
        "| word | meaning |\n| --- | --- |\n",
        "| required | without a value the segment (of a required segment: the message) is not mapped, and a fault says so |\n",
        "| used | mapped into a record, into the identity of the patient, or into the order of versions |\n",
        "| kept | needed by no record; it stays in the log with the message's bytes and is not reported |\n",
        "| ignored | every other field: with a value it gives a note `unused-field` with its place, never its value |\n\n",
        "Components and repetitions of a used field that have no place give `unused-component` and `unused-repetition`. A\n",
        "segment the event does not use, a Z segment too, gives one note `unused-segment`. `\"\"` (delete) is never reported.\n",
        "An update (A08, A31) is taken as the whole statement: what it leaves out is left out of the new version.\n",
        "What a door asks of a message before it is mapped (MSH-3 to MSH-6, MSH-9 to MSH-16; no part of another, by MSH-14, DSC or ADD)\n",
        "is in [doors.md](doors.md), and its answers in [bad-input.md](bad-input.md).\n\n",
        "## Messages\n\nAny other type is refused as `UNSUPPORTED_TYPE`, any other event of these types as ",
        "`UNSUPPORTED_EVENT`. Before v2.3\nMSH-9 may name the type alone: then EVN-1 has the event, and ORU has only R01. ",
        "One message speaks of one patient.\n\n",
        "| message | what it says | structure | message map of the guide |\n",
        "| --- | --- | --- | --- |\n",
    ));
    for trigger in triggers() {
        let ig = if trigger.ig.is_empty() { "none" } else { trigger.ig };
        let structure = structures.iter().find(|structure| structure.has(trigger)).expect("its structure");
        let (name, link) = (format!("{}^{}", trigger.code, trigger.event), structure.link());
        row(&mut text, &[&name, trigger.title, &link, ig]);
    }
    refused(&mut text);
    structures_in_full(&mut text, &structures);
    text.push_str(&value_types());
    notes(&mut text);
    segments(&mut text);
    text
}

/// Events that are made of the same segments.
struct Structure {
    events: Vec<&'static Trigger>,
    /// Whether the segment must be there, and whether each one is read.
    parts: Vec<(&'static SegmentUse, bool, bool)>,
}

impl Structure {
    fn has(&self, trigger: &Trigger) -> bool {
        self.events.iter().any(|event| (event.code, event.event) == (trigger.code, trigger.event))
    }

    fn title(&self) -> String {
        let events: Vec<&str> = self.events.iter().map(|event| event.event).collect();
        format!("{} {}", self.events[0].code, events.join(" "))
    }

    /// As GitHub makes anchors of headings.
    fn link(&self) -> String {
        let first = self.events[0];
        format!("[{} {}](#{})", first.code, first.event, self.title().to_lowercase().replace(' ', "-"))
    }
}

fn structures() -> Vec<Structure> {
    let mut structures: Vec<Structure> = Vec::new();
    for trigger in triggers() {
        let same = |part: &&(&SegmentUse, bool, bool)| (part.0.name, part.1, part.2);
        let parts = parts(trigger);
        let alike = structures.iter_mut().find(|known| {
            known.events[0].code == trigger.code
                && known.parts.len() == parts.len()
                && known.parts.iter().zip(&parts).all(|(a, b)| same(&a) == same(&b))
        });
        match alike {
            Some(known) => known.events.push(trigger),
            None => structures.push(Structure { events: vec![trigger], parts }),
        }
    }
    structures
}

/// The segments of an event in the order of the segment list, MSH first.
fn parts(trigger: &'static Trigger) -> Vec<(&'static SegmentUse, bool, bool)> {
    let of = |segment: &'static SegmentUse| {
        let required = segment.name == "MSH" || trigger.required.contains(&segment.name);
        let taken = required || trigger.optional.contains(&segment.name);
        taken.then(|| (segment, required, repeats(trigger, segment)))
    };
    SEGMENTS.iter().copied().filter_map(of).collect()
}

/// Whether a second segment of the name is read as the first one is: none of its used fields is noted as unused.
fn repeats(trigger: &Trigger, segment: &SegmentUse) -> bool {
    // PV2 belongs to PV1, which the probe does not have.
    if matches!(segment.name, "MSH" | "EVN" | "PV2") {
        return false;
    }
    // Where specimens go first, the probe has no order behind them.
    if segment.name == "SPM" && matches!(trigger.event, "R22" | "R23" | "O33" | "O35") {
        return true;
    }
    if segment.name == "PID" {
        return matches!(trigger.event, "A24" | "A37");
    }
    let value = |number: usize| match (segment.name, number) {
        ("OBX", 2) => "NM".to_owned(),
        ("OBX", 5) => "1".to_owned(),
        ("PRD", 1) => "RT".to_owned(),
        ("RXA", 3) => "20260101".to_owned(),
        ("RXA", 20) => "CP".to_owned(),
        _ => "X".to_owned(),
    };
    let values: Vec<String> = (1..=56).map(value).collect();
    let one = format!("{}|{}", segment.name, values.join("|"));
    // Another one: the same again would be the same record.
    let other = one.replace("|X", "|Y");
    let both = format!("{one}\r{other}");
    let header = SEGMENTS.iter().find(|segment| segment.name == "MSH").expect("MSH");
    let behind = format!("{}\r{both}", message_with(trigger, header, ""));
    // In its place, and else behind all that the event needs.
    let found =
        [message_with(trigger, segment, &both), behind].into_iter().find_map(|message| twice(&message, segment));
    // Of two that are both left out, one alone is read: each event that takes a segment reads it (`docs.rs` holds that).
    found.unwrap_or(false)
}

/// Whether of two segments in a message the second is read as the first; `None` when neither is read.
fn twice(message: &str, segment: &SegmentUse) -> Option<bool> {
    let mapped = map(message);
    let noted = |which: usize, number: usize| {
        let place = format!("{}[{which}]-{number}", segment.name);
        mapped.notes.iter().any(|note| note.code == "unused-field" && note.place == place)
    };
    let is_left_out = |which: usize| {
        let place = format!("{}[{which}]", segment.name);
        mapped.notes.iter().any(|note| note.code == "unused-segment" && note.place == place)
    };
    let used = segment.fields.iter().filter(|field| field.usage != Usage::Kept).map(|field| field.number);
    let used: Vec<usize> = used.collect();
    let read = |which: usize| {
        let left_out = is_left_out(which);
        used.iter().copied().filter(|number| !left_out && !noted(which, *number)).collect::<Vec<_>>()
    };
    let (first, other) = (read(1), read(2));
    // Where the second alone is read, it begins another group: ORC in front of OBR.
    (!first.is_empty() || !other.is_empty()).then(|| !other.is_empty() && first.iter().all(|n| other.contains(n)))
}

fn refused(text: &mut String) {
    text.push_str(
        "\nMessages that are known and not taken:\n\n| message | what it says | why not, and what to send instead |\n",
    );
    text.push_str("| --- | --- | --- |\n");
    for refused in REFUSED {
        row(text, &[&format!("{}^{}", refused.code, refused.event), refused.title, refused.advice]);
    }
}

fn structures_in_full(text: &mut String, structures: &[Structure]) {
    text.push_str(concat!(
        "\n## Structures\n\nHow often a segment is read: `1` it must be there, and the first one counts; `1…n` it must be there, and each counts;\n",
        "`0…1` and `0…n` it may be left out. What belongs to an order or a dose (RXO, RXE, RXR) is counted for each of them.\n"
    ));
    for structure in structures {
        write!(
            text,
            "\n### {}\n\n| segment | how often | must have a value | is used when there |\n",
            structure.title()
        )
        .expect("text");
        text.push_str("| --- | --- | --- | --- |\n");
        for (segment, required, repeats) in &structure.parts {
            let often = match (required, repeats) {
                (true, true) => "1…n",
                (true, false) => "1",
                (false, true) => "0…n",
                (false, false) => "0…1",
            };
            let anchor = format!("{}-{}", segment.name, segment.title.replace(['/', ',', '(', ')'], ""));
            let anchor = anchor.to_lowercase().replace(' ', "-");
            let name = format!("[{}](#{anchor}) {}", segment.name, segment.title);
            let of = |usage: Usage| {
                let fields = segment.fields.iter().filter(|field| field.usage == usage);
                fields.map(|field| field.number.to_string()).collect::<Vec<_>>().join(" ")
            };
            row(text, &[&name, often, &of(Usage::Required), &of(Usage::Used)]);
        }
    }
}

fn notes(text: &mut String) {
    text.push_str("\n## Notes\n\n| code | what it says |\n| --- | --- |\n");
    for code in NoteCode::ALL {
        row(text, &[&format!("`{}`", code.as_str()), code.text()]);
    }
    let lines = "Line ends are not as the standard has them; no value is touched.";
    row(text, &["`blank-line`, `mixed-line-ends`, `trailing-line-ends`", lines]);
}

fn segments(text: &mut String) {
    text.push_str("\n## Segments\n");
    for segment in SEGMENTS {
        write!(text, "\n### {}, {}\n\n| field | name | use |\n| --- | --- | --- |\n", segment.name, segment.title)
            .expect("text");
        for field in segment.fields {
            row(text, &[&format!("{}-{}", segment.name, field.number), field.name, field.usage.as_str()]);
        }
        text.push_str("| all others | | ignored |\n");
    }
}

/// What becomes of OBX-5, by the type in OBX-2.
fn value_types() -> String {
    let mut text = String::from(concat!(
        "\n## Value types\n\nWhat becomes of OBX-5, by the type in OBX-2. Text is kept with a note `unmapped-type`; a type in no table too. Documents\n",
        "beside an order, a dose or a problem are refused: there they belong to nothing.\n\n",
        "| OBX-2 | type | becomes |\n| --- | --- | --- |\n"
    ));
    for [code, title, becomes, _] in crate::value_types::rows() {
        let told = match &*becomes {
            "text" => "text".to_owned(),
            "document" => "`DocumentReference`, or a part of the report".to_owned(),
            member => format!("`Observation.{member}`"),
        };
        row(&mut text, &[&code, &title, &told]);
    }
    row(&mut text, &["(none)", "", "a number with a unit as `NM`, the rest as `ST`, with a note `no-value-type`"]);
    text
}

#[test]
fn what_is_said_of_how_often_a_segment_is_read_holds_where_it_is_known() {
    let often = |code: &str, event: &str, name: &str| {
        let trigger = triggers().find(|trigger| (trigger.code, trigger.event) == (code, event)).expect("an event");
        parts(trigger).into_iter().find(|part| part.0.name == name).map(|(_, required, repeats)| (required, repeats))
    };
    assert_eq!(often("ORU", "R01", "OBX"), Some((false, true)));
    assert_eq!(often("ORU", "R01", "OBR"), Some((true, true)));
    assert_eq!(often("ORU", "R01", "PV1"), Some((false, false)));
    assert_eq!(often("ADT", "A28", "NK1"), Some((false, true)));
    assert_eq!(often("ADT", "A28", "PD1"), Some((false, false)));
    assert_eq!(often("ADT", "A24", "PID"), Some((true, true)));
    assert_eq!(often("REF", "I12", "RF1"), Some((true, false)));
    assert_eq!(often("ADT", "A28", "OBR"), None);
}

#[test]
fn every_link_of_the_statement_leads_to_a_heading() {
    let text = statement();
    let slug = |heading: &str| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    let headings: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| slug(line.trim_start_matches(['#', ' '])))
        .collect();
    for link in text.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap_or_default()) {
        assert!(headings.iter().any(|heading| heading == link), "#{link} leads nowhere");
    }
}
