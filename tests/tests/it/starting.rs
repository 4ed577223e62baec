//! P30: a hub with a long log, none of it processed, answers soon after its start, and in bounded memory.

use std::time::{Duration, Instant};

use causeway_tests::fill::fill;
use causeway_tests::patient::Patient;

use super::run::{dial, exchange, lanes};
use super::stuck::resident;
use super::world::{World, some_patients, tier};

/// The first answer comes no later.
const SOON: Duration = Duration::from_secs(10);
/// What the process may have kept in memory by then, in KiB.
const RESIDENT_KIB_MAX: u64 = 256 * 1024;

#[test]
fn a_hub_with_a_long_log_answers_soon_after_its_start_and_after_a_kill() {
    let (world, seed) = (World::embedded(), tier().seed(30));
    let patients = some_patients(2);
    let mut hub = world.process("hub");
    world.prepare(&hub, &patients);
    let entries = tier().pick(50_000, 1_000_000, 10_000_000);
    fill(&hub.data().join("log"), entries, seed).expect("filled");
    assert_eq!(lanes(&hub).iter().map(|(_, end)| end).sum::<u64>(), entries);
    for (counter, patient) in (1..).zip(&patients) {
        let begun = Instant::now();
        hub.start().expect("starts");
        let answer = exchange(&mut dial(hub.mllp()), Patient::message(*patient, counter, seed).as_bytes());
        assert!(answer.starts_with("CA|"), "{answer}");
        let (took, resident) = (begun.elapsed(), resident(&hub));
        eprintln!("seed {seed}: {entries} entries: first answer after {took:?}, {resident} KiB");
        assert!(took <= SOON && resident <= RESIDENT_KIB_MAX, "{took:?}, {resident} KiB");
        hub.kill().expect("killed");
    }
}
