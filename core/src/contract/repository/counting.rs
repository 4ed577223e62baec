//! Local codes no table knows are counted once a message, and cannot fill the disk.

use super::New;
use super::world::{accepted, add, by_document, clock, commit, feed, fresh, redo, result, withheld};
use crate::mapped::UnmappedCode;
use crate::outcome::Outcome;
use crate::port::{RedoMode, UNMAPPED_BATCH_MAX, UNMAPPED_FEED_MAX};
use crate::scope::Domain;

fn code(code: &str) -> UnmappedCode {
    let (field, system, display) = ("OBX-3".to_owned(), "L".to_owned(), format!("{code} in words"));
    UnmappedCode { domain: Domain::Laboratory, field, system, code: code.to_owned(), display }
}

fn with(outcome: Outcome, codes: &[&str]) -> Outcome {
    Outcome { unmapped: codes.iter().map(|text| code(text)).collect(), ..outcome }
}

/// The most frequent first; what was not accepted is not among them, and a replay adds nothing.
pub fn local_codes_are_counted_once_a_message_that_is_accepted(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let one = |offset: u64, name: &str| accepted(offset, person, vec![result(name, clock(2, 0, offset), "1")]);
    let first = with(one(0, "A"), &["GLU", "NA"]);
    let second = with(one(1, "B"), &["NA"]);
    let third = with(withheld(2, &by_document(2)), &["K"]);
    commit(&store, vec![first.clone(), second.clone(), third]);
    let listed = || {
        let counts = store.repository.unmapped_codes(None, 10).expect("counts");
        counts.into_iter().map(|row| (row.code, row.count, row.last_seen)).collect::<Vec<_>>()
    };
    let received = |outcome: &Outcome| outcome.facts.received_at;
    let expected = vec![(code("NA"), 2, received(&second)), (code("GLU"), 1, received(&first))];
    assert_eq!(listed(), expected);
    redo(&store, RedoMode::Commit, 9, vec![first, second]);
    assert_eq!(listed(), expected, "a replay counts nothing again");
    redo(&store, RedoMode::Commit, 10, vec![with(one(2, "C"), &["K"])]);
    assert_eq!(listed().len(), 3, "what is taken up is accepted for the first time");
    let other = feed("another");
    assert_eq!(store.repository.unmapped_codes(Some(&other), 10).expect("counts"), Vec::new());
    assert_eq!(store.repository.unmapped_codes(None, 1).expect("counts").len(), 1);
}

/// A sender that invents codes reaches the bound, and those known before go on being counted.
pub fn a_sender_that_invents_codes_reaches_a_bound(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let bound = usize::try_from(UNMAPPED_FEED_MAX).expect("small");
    let batches = bound / UNMAPPED_BATCH_MAX + 3;
    for batch in 0..batches {
        let names: Vec<String> = (0..UNMAPPED_BATCH_MAX).map(|number| format!("{batch}-{number}")).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names[0] = "known";
        let offset = u64::try_from(batch).expect("small");
        let outcome = accepted(offset, person, vec![result("A", clock(2, 0, offset), &batch.to_string())]);
        commit(&store, vec![with(outcome, &names)]);
    }
    let all = store.repository.unmapped_codes(None, u32::MAX).expect("counts");
    assert!(all.len() <= bound + UNMAPPED_BATCH_MAX, "{} codes", all.len());
    let known = all.iter().find(|row| row.code.code == "known").expect("it is listed");
    assert_eq!(known.count, u64::try_from(batches).expect("small"));
}
