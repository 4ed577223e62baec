//! The tables of fields against what trying says: a field they call used decides something in some case, and one they do
//! not name decides nothing in any.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use causeway_mappers::hl7v2::SEGMENTS;
use causeway_mappers::hl7v2::explain::{Explanation, Story};
use causeway_mappers::hl7v2::profile::Usage;

use crate::case::{Case, cases};

/// Every message of every case, explained once for the tests here. Of one message in three encodings one is enough.
static EXPLAINED: LazyLock<Vec<(String, Explanation)>> = LazyLock::new(|| {
    let again = |case: &Case| case.name.ends_with("-big5") || case.name.ends_with("-gb18030");
    let explained = cases().into_iter().filter(|case| !again(case)).flat_map(|case| {
        let explanations = case.explain();
        explanations.into_iter().map(move |explanation| (case.name.clone(), explanation))
    });
    explained.collect()
});

#[test]
fn what_the_tables_call_used_decides_something_in_some_case_and_nothing_else_does() {
    let mut deciding: BTreeSet<(String, usize)> = BTreeSet::new();
    let mut unlisted: BTreeSet<String> = BTreeSet::new();
    // PID-19 is read in the dialects alone that say so (`profile-of-a-site`).
    let decides = |story: &&Story| !story.effects.is_empty() && story.place != "PID-19";
    for (case, explanation) in EXPLAINED.iter() {
        for story in explanation.values.iter().filter(decides) {
            match story.rule {
                Some(rule) => drop(deciding.insert((story.segment.clone(), rule.number))),
                None => drop(unlisted.insert(format!("{case}: {} {:?}", story.place, story.effects))),
            }
        }
    }
    assert_eq!(unlisted, BTreeSet::new(), "fields that decide something and are in no table");
    let used = SEGMENTS.iter().flat_map(|segment| {
        let fields = segment.fields.iter().filter(|field| field.usage != Usage::Kept);
        fields.map(|field| (segment.name.to_owned(), field.number))
    });
    let idle: Vec<_> = used.filter(|field| !deciding.contains(field)).collect();
    assert_eq!(idle, Vec::new(), "fields called used that decide nothing in any case");
}

#[test]
fn what_is_noted_as_unused_decides_nothing() {
    for (case, explanation) in EXPLAINED.iter() {
        let unused = |story: &&Story| {
            let mut notes = story.notes.iter().map(|number| &explanation.mapped.notes[*number]);
            notes.any(|note| matches!(note.code.as_str(), "unused-field" | "unused-component"))
        };
        for story in explanation.values.iter().filter(unused) {
            assert!(story.effects.is_empty(), "{case}: {} {:?}", story.place, story.effects);
        }
    }
}
