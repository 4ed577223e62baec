//! What operators ruled about images, beside commits of other processes and after a rebuild.

use causeway_core::contract::repository::world::{ALL, add, at, commit, image, operator};
use causeway_core::contract::repository::{Store, Subject as _};
use causeway_core::dicom::instance::InstanceQuery;
use causeway_core::dicom::ruling::{Ruling, RulingQuery, Verdict};
use causeway_core::dicom::uid::Uid;
use causeway_core::port::{Images as _, RedoMode};

use super::support::{PostgresRepository, fresh, settings, wait_for_locks};

fn uid(text: &str) -> Uid {
    Uid::parse(text).expect("a uid")
}

fn rejected(text: &str) -> Ruling {
    Ruling { uid: uid(text), verdict: Verdict::Rejected, by: operator(), at: at(9), reason: "blurred".to_owned() }
}

fn shown(store: &Store) -> usize {
    store.images.instances(&InstanceQuery::of(uid("1.2"), ALL)).expect("instances").len()
}

/// A commit that did not see the ruling, and whose images the ruling would not see, is waited for.
#[test]
fn a_ruling_hides_the_images_of_a_commit_that_is_under_way() {
    let fresh = fresh(settings());
    let store: Store = fresh.open();
    let person = add(&store, 1).person.id;
    commit(&store, vec![image(0, person, 1)]);
    let (committing, ruling) = (fresh.open(), fresh.repository());
    let (mut holder, mut watch) = (fresh.client(), fresh.client());
    std::thread::scope(|scope| {
        let mut held = holder.transaction().expect("a transaction");
        // The end of every commit that writes audit lines.
        held.execute("SELECT 1 FROM audit_head FOR UPDATE", &[]).expect("locked");
        let commit = scope.spawn(move || drop(commit(&committing, vec![image(1, person, 2)])));
        wait_for_locks(&mut watch, &fresh, 1);
        let ruled = scope.spawn(move || ruling.rule(&rejected("1.2"), RedoMode::Commit).expect("ruled"));
        wait_for_locks(&mut watch, &fresh, 2);
        held.rollback().expect("released");
        commit.join().expect("committed");
        assert_eq!(ruled.join().expect("no panic").hidden, 2);
    });
    assert_eq!(shown(&store), 0);
}

#[test]
fn a_schema_that_is_made_anew_obeys_the_rulings() {
    let fresh = fresh(settings());
    let store: Store = fresh.open();
    let person = add(&store, 1).person.id;
    let came = || vec![image(0, person, 1), image(1, person, 2)];
    commit(&store, came());
    store.images.rule(&rejected("1.2.1.1"), RedoMode::Commit).expect("ruled");
    let aside = format!("{}_aside", fresh.settings.schema);
    let made = PostgresRepository::without_records(fresh.settings.clone(), &aside, &operator(), at(99));
    let _aside = super::support::Schema(aside);
    let made = made.expect("made anew");
    assert_eq!(made.rulings(&RulingQuery { limit: ALL, ..RulingQuery::default() }).expect("listed").len(), 1);
    let again = fresh.open();
    commit(&again, came());
    assert_eq!(shown(&again), 1);
    // Numbers go on.
    again.images.rule(&rejected("1.2"), RedoMode::Commit).expect("ruled");
    assert_eq!(shown(&again), 0);
}
