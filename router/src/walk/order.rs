//! Order, on the real engines: one patient's messages come to the same records however they arrive (P5), and a
//! repository built anew from the log is the same (P14).

use causeway_core::port::RedoMode;
use proptest::prelude::*;
use serde_json::Value;

use super::hub::{Hub, actor, lab};
use crate::Selection;

/// Record, rank, second and value of one version.
type Version = (u8, u8, i64, u8);

fn versions() -> impl Strategy<Value = (Vec<Version>, Vec<Version>)> {
    let version = (0_u8..2, 0_u8..4, 0_i64..4, 0_u8..3);
    proptest::collection::vec(version, 1..12).prop_flat_map(|versions| {
        let mut distinct = versions;
        distinct.sort_by_key(|(record, rank, second, _)| (*record, *rank, *second));
        distinct.dedup_by_key(|(record, rank, second, _)| (*record, *rank, *second));
        let twice: Vec<Version> = distinct.iter().chain(&distinct).copied().collect();
        (Just(distinct), Just(twice).prop_shuffle())
    })
}

fn message((record, rank, second, value): &Version) -> Value {
    lab("A1234563", &format!("F-{record}"), *rank, *second, &value.to_string())
}

fn run(versions: &[Version], batch: usize, replayed: bool) -> Vec<(String, String)> {
    let mut hub = Hub::new();
    hub.router.settings.batch.count_max = batch;
    let person = hub.participant("A1234563");
    let positions = hub.receive_all(versions.iter().map(message));
    hub.process();
    if replayed {
        let before = hub.values(person);
        let report = hub.router.replay(Selection::Positions(positions), RedoMode::Commit, &actor()).expect("done");
        assert_eq!((report.new, report.updated), (0, 0), "a replay changes nothing");
        assert_eq!(hub.values(person), before);
    }
    hub.values(person)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_order_any_resend_and_any_batching_come_to_the_same_records(
        (sent, arrived) in versions(),
        batch in 1_usize..8,
    ) {
        prop_assert_eq!(run(&sent, 500, false), run(&arrived, batch, true));
    }

    #[test]
    fn a_repository_built_anew_from_the_log_is_the_same((_, arrived) in versions(), batch in 1_usize..8) {
        let mut hub = Hub::new();
        hub.participant("A1234563");
        hub.receive_all(arrived.iter().map(message));
        hub.process();
        let before = hub.store.canonical_dump_hash().expect("readable");
        hub.with_an_empty_repository();
        hub.participant("A1234563");
        hub.router.settings.batch.count_max = batch;
        hub.process();
        prop_assert_eq!(hub.store.canonical_dump_hash().expect("readable"), before);
    }
}
