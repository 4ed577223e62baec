//! One patient's messages come to the same records whatever becomes of their order (P5), on a model of the repository
//! small enough to be read at a glance.

use std::collections::BTreeMap;

use causeway_core::port::Effects;
use causeway_core::record::{Effect, Record, RecordKey, Resource, VersionClock, effect};
use causeway_core::scope::Domain;
use proptest::prelude::*;

use super::golden::{known_by_document, now, of, record};
use super::*;

/// The current version of each record.
#[derive(Debug, Default, Clone, PartialEq)]
struct Model {
    current: BTreeMap<RecordKey, Record>,
    effects: Effects,
}

impl Model {
    /// Plans the message, as it stands at `offset` of the log, and stores what is permitted.
    fn take(&mut self, version: &Version, offset: u64) {
        let clock =
            VersionClock { rank: version.rank, at: now() + jiff::SignedDuration::from_secs(version.second), offset };
        let key = format!("F-{}", version.record);
        let record = record(Domain::Laboratory, &key, clock, version.content);
        let mut mapped = super::golden::mapped(vec![record]);
        mapped.control_id = format!("{offset}");
        let (provider, candidates) = known_by_document();
        let known = Known { provider: Some(&provider), candidates: &candidates };
        for record in plan(&of(mapped), known, now(), Rules::default()).records {
            self.store(record);
        }
    }

    fn store(&mut self, record: Record) {
        let current = self.current.get(&record.key);
        let same = current.is_some_and(|current| current.resource == record.resource);
        let effect = effect(current.map(|current| current.clock), record.clock, same);
        self.effects.count(effect);
        match effect {
            Effect::Created | Effect::Updated => drop(self.current.insert(record.key.clone(), record)),
            Effect::Unchanged => {
                let confirmed = self.current.get_mut(&record.key).into_iter();
                confirmed.for_each(|current| current.clock = current.clock.max(record.clock));
            }
            Effect::Late => {}
        }
    }

    /// What a reader sees.
    fn seen(&self) -> Vec<(&RecordKey, &Resource)> {
        self.current.iter().map(|(key, record)| (key, &record.resource)).collect()
    }
}

/// One version of one of three results, as its sender made it.
#[derive(Debug, Clone, Copy)]
struct Version {
    record: u8,
    rank: u8,
    second: i64,
    content: u64,
}

fn versions() -> impl Strategy<Value = Vec<Version>> {
    // Few contents, so that a sender says the same again after having said something else.
    let version = (0_u8..3, 0_u8..4, 0_i64..6, 0_u64..3);
    let version = version.prop_map(|(record, rank, second, content)| Version { record, rank, second, content });
    proptest::collection::vec(version, 1..24)
}

/// Of several versions with one clock, the last: an order of arrival cannot tell which of two messages of one second the
/// sender made first, unless they keep it.
fn distinct(versions: &[Version]) -> Vec<Version> {
    let clocks: BTreeMap<_, _> =
        versions.iter().map(|version| ((version.record, version.rank, version.second), *version)).collect();
    clocks.into_values().collect()
}

proptest! {
    #[test]
    fn any_order_of_arrival_with_any_resends_comes_to_the_same_records(
        (sent, arrived) in versions().prop_flat_map(|versions| {
            let sent = distinct(&versions);
            let twice: Vec<Version> = sent.iter().chain(&sent).copied().collect();
            (Just(sent), Just(twice).prop_shuffle())
        }),
    ) {
        let (mut in_order, mut as_arrived) = (Model::default(), Model::default());
        for (offset, version) in (0_u64..).zip(&sent) {
            in_order.take(version, offset);
        }
        for (offset, version) in (0_u64..).zip(&arrived) {
            as_arrived.take(version, offset);
        }
        prop_assert_eq!(in_order.seen(), as_arrived.seen());
    }

    #[test]
    fn replays_at_any_time_never_undo_what_came_later(
        (sent, replayed) in versions().prop_flat_map(|versions| {
            let replayed = proptest::collection::vec(0..versions.len(), 0..24);
            (Just(versions), replayed)
        }),
    ) {
        let (mut once, mut again) = (Model::default(), Model::default());
        for (offset, version) in (0_u64..).zip(&sent) {
            once.take(version, offset);
            again.take(version, offset);
        }
        let before = again.clone();
        for index in replayed {
            again.take(&sent[index], u64::try_from(index).expect("small"));
        }
        prop_assert_eq!(once.seen(), again.seen());
        prop_assert_eq!(before.effects.created, again.effects.created, "nothing is stored twice");
        prop_assert_eq!(before.effects.updated, again.effects.updated);
    }

    #[test]
    fn a_replay_of_everything_into_an_empty_repository_rebuilds_it(versions in versions()) {
        let (mut first, mut rebuilt) = (Model::default(), Model::default());
        for (offset, version) in (0_u64..).zip(&versions) {
            first.take(version, offset);
        }
        for (offset, version) in (0_u64..).zip(&versions).collect::<Vec<_>>().into_iter().rev() {
            rebuilt.take(version, offset);
        }
        prop_assert_eq!(first.seen(), rebuilt.seen());
    }
}
