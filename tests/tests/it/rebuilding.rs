//! P14 and P15: the log gives the repository again, and a backup made under load catches up.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use causeway_tests::hub::Hub;
use causeway_tests::load::drive;

use super::run::{lanes, wait};
use super::world::{World, some_patients, tier};

/// Runs a command that has to succeed, and gives what it says as JSON.
fn told(hub: &Hub, arguments: &[&str]) -> serde_json::Value {
    let output = hub.run(arguments).expect("runs");
    let (said, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {said}{why}");
    serde_json::from_str(said.trim()).unwrap_or_default()
}

fn digest(hub: &Hub) -> String {
    told(hub, &["db", "digest", "--json"])["digest"].as_str().expect("a digest").to_owned()
}

/// Takes backups while messages flow, then makes the repository anew from the log, then from each backup: the content is
/// the same every time.
fn from_log_and_backups(world: &World, put_away: impl Fn(&World, &Hub, usize)) {
    let patients = some_patients(20);
    let mut hub = world.process("hub");
    world.prepare(&hub, &patients);
    let (journal, progress) = (world.journal(), AtomicU64::new(0));
    let load = world.load(&[&hub], &patients, tier().pick(40, 400, 4_000), tier().seed(14));
    let all = 20 * u64::from(load.counters);
    let backup = |number: usize| world.folder.path().join(format!("backup-{number}"));
    hub.start().expect("starts");
    thread::scope(|scope| {
        let share = |number: usize| all * number as u64 / 5;
        load.allowed.store(share(2), Ordering::Relaxed);
        let sending = scope.spawn(|| drive(&load, &journal, &progress));
        for number in 1..=3 {
            let goes_on = || progress.load(Ordering::Relaxed) >= share(number) || sending.is_finished();
            wait("the load goes on", goes_on);
            load.allowed.store(share(number + 2), Ordering::Relaxed);
            told(&hub, &["db", "backup", path(&backup(number))]);
        }
        load.allowed.store(u64::MAX, Ordering::Relaxed);
        sending.join().expect("no panic").expect("all acknowledged");
    });
    wait("what is in the log is processed", || lanes(&hub).iter().all(|(next, end)| next == end));
    assert_eq!(hub.stop().expect("stops"), Some(0), "{}", hub.log());
    let whole = digest(&hub);

    let rebuilt = told(&hub, &["db", "rebuild", "--yes", "--json"]);
    assert_eq!((&rebuilt["same"], digest(&hub)), (&true.into(), whole.clone()), "{rebuilt}");
    // It fails when counts, chain or pages do not hold.
    told(&hub, &["db", "status"]);

    for number in 1..=3 {
        put_away(world, &hub, number);
        told(&hub, &["db", "restore", path(&backup(number)), "--yes"]);
        assert_ne!(digest(&hub), whole, "the backup was made in the middle");
        hub.start().expect("starts on a backup");
        wait("it catches up", || lanes(&hub).iter().all(|(next, end)| next == end));
        assert_eq!(hub.stop().expect("stops"), Some(0), "{}", hub.log());
        assert_eq!(digest(&hub), whole, "backup {number} caught up");
    }
    world.judge(&hub, &journal, &load);
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of letters")
}

#[test]
fn the_log_gives_the_repository_again_and_a_backup_under_load_catches_up() {
    from_log_and_backups(&World::embedded(), |_, _, _| {});
}

#[cfg(feature = "production")]
#[test]
fn kafka_gives_postgresql_again_and_a_backup_under_load_catches_up() {
    from_log_and_backups(&World::production(), |world, _, number| {
        let schema = world.schema();
        let sql = format!("ALTER SCHEMA \"{schema}\" RENAME TO \"{schema}_{number}\"");
        world.client().batch_execute(&sql).expect("renamed, as `db restore` asks for");
    });
}

/// A standby is promoted that lacks the last commits: the offsets of the lanes go back under a hub that runs.
#[cfg(feature = "production")]
#[test]
fn a_database_that_lost_its_last_commits_is_noticed_and_the_log_gives_them_again() {
    let world = World::production();
    let patients = some_patients(20);
    let mut hub = world.process("hub");
    world.prepare(&hub, &patients);
    let (journal, progress) = (world.journal(), AtomicU64::new(0));
    let load = world.load(&[&hub], &patients, tier().pick(30, 300, 3_000), tier().seed(9));
    let half = 10 * u64::from(load.counters);
    let backup = world.folder.path().join("backup");
    load.allowed.store(half, Ordering::Relaxed);
    hub.start().expect("starts");
    thread::scope(|scope| {
        let sending = scope.spawn(|| drive(&load, &journal, &progress));
        wait("half of it is taken", || progress.load(Ordering::Relaxed) >= half || sending.is_finished());
        told(&hub, &["db", "backup", path(&backup)]);
        load.allowed.store(u64::MAX, Ordering::Relaxed);
        sending.join().expect("no panic").expect("all acknowledged");
    });
    wait("what is in the log is processed", || lanes(&hub).iter().all(|(next, end)| next == end));
    let whole = digest(&hub);

    // All at once, as a promotion is; the hub's connections end with it.
    hub.pause().expect("paused");
    let lost = format!("ALTER SCHEMA \"{0}\" RENAME TO \"{0}_lost\"", world.schema());
    world.client().batch_execute(&lost).expect("renamed");
    told(&hub, &["db", "restore", path(&backup), "--yes"]);
    world.cut_connections();
    hub.wake().expect("goes on");
    // It may find out and end with code 74, or go on from where the database stands: both give everything again.
    wait("it catches up or ends", || !hub.runs() || lanes(&hub).iter().all(|(next, end)| next == end));
    if !hub.runs() {
        assert_eq!(hub.ended().expect("it ended"), Some(74), "{}", hub.log());
        hub.start().expect("starts again");
    }
    wait("what is in the log is processed", || lanes(&hub).iter().all(|(next, end)| next == end));
    assert_eq!(hub.stop().expect("stops"), Some(0), "{}", hub.log());
    assert_eq!(digest(&hub), whole, "everything is there again");
    world.judge(&hub, &journal, &load);
}
