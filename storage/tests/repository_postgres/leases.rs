//! Processes share the partitions; one that falls silent loses them.

use std::time::{Duration, Instant};

use causeway_core::contract::repository::world::{accepted, add, clock, result};
use causeway_core::contract::repository::{Store, Subject as _};
use causeway_core::envelope::{Offset, PartitionId};
use causeway_core::port::{Fence, Lookup, Repository as _, RepositoryError};
use uuid::Uuid;

use super::support::{PostgresRepository, fresh, settings};

const PARTITIONS: u16 = 5;
/// Long enough that nothing expires by itself within a test.
const LONG: Duration = Duration::from_secs(600);

fn worker(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn hold(repository: &PostgresRepository, number: u128, ttl: Duration) -> Vec<u16> {
    let held = repository.hold(worker(number), PARTITIONS, ttl).expect("leases");
    held.into_iter().map(|partition| partition.0).collect()
}

#[test]
fn one_alone_holds_all_and_two_share_evenly() {
    let fresh = fresh(settings());
    let (one, two) = (fresh.repository(), fresh.repository());
    assert_eq!(hold(&one, 1, LONG), vec![0, 1, 2, 3, 4]);
    assert_eq!(hold(&two, 2, LONG), Vec::<u16>::new(), "none is free yet");
    assert_eq!(hold(&one, 1, LONG), vec![0, 1, 2], "what is beyond the fair share is given back");
    assert_eq!(hold(&two, 2, LONG), vec![3, 4]);
    assert_eq!((hold(&one, 1, LONG), hold(&two, 2, LONG)), (vec![0, 1, 2], vec![3, 4]), "and nothing moves any more");
    two.release(worker(2)).expect("released");
    assert_eq!(hold(&one, 1, LONG), vec![0, 1, 2, 3, 4]);
}

#[test]
fn no_partition_is_ever_held_by_two() {
    let fresh = fresh(settings());
    let workers: Vec<PostgresRepository> = (0..4).map(|_| fresh.repository()).collect();
    std::thread::scope(|scope| {
        for (number, repository) in (1_u128..).zip(&workers) {
            scope.spawn(move || (0..10).for_each(|_| drop(hold(repository, number, LONG))));
        }
    });
    let mut held: Vec<u16> = (1_u128..).zip(&workers).flat_map(|(number, one)| hold(one, number, LONG)).collect();
    held.sort_unstable();
    assert_eq!(held, vec![0, 1, 2, 3, 4]);
}

/// P8: the one that comes back finds its partitions taken, and its commit on the old fence writes nothing.
#[test]
fn one_that_falls_silent_loses_its_partitions_and_cannot_commit_on_the_old_fence() {
    let fresh = fresh(settings());
    let store: Store = fresh.open();
    let (silent, other) = (fresh.repository(), fresh.repository());
    let person = add(&store, 1).person.id;
    let ttl = Duration::from_millis(300);
    assert_eq!(hold(&silent, 1, ttl).len(), 5);
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut held = Vec::new();
    while held.len() < 5 {
        assert!(Instant::now() < deadline, "the leases never expired");
        held = hold(&other, 2, ttl);
    }
    let outcome = |text: &str| accepted(0, person, vec![result("LAB1", clock(2, 0, 0), text)]);
    let commit = |repository: &PostgresRepository, text: &str| {
        let provider = causeway_core::contract::repository::world::hospital();
        let lookups = [Lookup { provider: &provider, identity: None, message: None }];
        let fence = Fence { partition: PartitionId(0), expect: Offset(0), next: Offset(1) };
        let at = causeway_core::contract::repository::world::at(1);
        repository.commit(fence, &lookups, at, &mut |_| Ok(vec![outcome(text)]))
    };
    commit(&other, "new holder").expect("committed");
    let error = commit(&silent, "zombie").expect_err("fenced");
    assert!(matches!(error, RepositoryError::Fenced { found: Offset(1), .. }), "{error}");
    assert!(hold(&silent, 1, LONG).len() < 5, "it takes part again with a share");
}
