//! The hub dies while it takes images, and the store has no room or is gone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use causeway_core::envelope::Digest;
use causeway_tests::hub::Hub;

use super::{Doors, answered, blobs, doors, folder, messages, send};
use crate::orphans::swept;
use crate::run::{Random, copy_folder, lanes, next, wait};
use crate::strace::{self, Fault};
use crate::world::{World, some_patients, tier};

/// Slices of one run.
const SLICES: u32 = 6;

/// Numbers and fillings of a run.
fn slices() -> Vec<(u32, u8)> {
    (1..=SLICES).map(|number| (number, 7)).collect()
}

fn uids() -> BTreeSet<String> {
    (1..=SLICES).map(|number| format!("{}.1.{number}", super::STUDY)).collect()
}

/// How many files the sender noted as acknowledged.
fn noted(journal: &Path) -> usize {
    std::fs::read_to_string(journal).unwrap_or_default().lines().count()
}

/// Everything is sent (what is noted as acknowledged, not again), processed, there, and there once.
fn finish(hub: &Hub, doors: &Doors, folder: &Path, journal: &Path) {
    let journal = journal.display().to_string();
    let said = send(hub, doors.dicom, folder, &["--journal", &journal]).expect("answered");
    assert_eq!(said["refused"].as_array().map(Vec::len), Some(0), "{said}");
    wait("all is processed", || lanes(hub).iter().all(|(next, end)| next == end));
    let kept = messages(hub);
    assert_eq!((kept.iter().cloned().collect(), kept.len()), (uids(), uids().len()), "each once");
}

/// The hub of a run, in a folder of its own.
fn made(world: &World, made: &Path, name: &str) -> (Hub, Doors, PathBuf) {
    let folder = world.folder.path().join(name);
    copy_folder(made, &folder);
    let hub = world.process_in(&folder);
    let doors = doors(&folder, "");
    (hub, doors, folder)
}

/// The address of one of the slices: the same instances have the same addresses everywhere.
fn a_blob(world: &World, template: &Path) -> Digest {
    let (mut other, doors, _) = made(world, template, "other");
    other.start().expect("starts");
    send(&other, doors.dicom, &folder(&other, "images", &slices()), &[]).expect("answered");
    let victim = *blobs(&other).first().expect("a blob");
    other.kill().expect("reaped");
    victim
}

/// Where a blob is.
fn address(hub: &Hub, blob: &Digest) -> PathBuf {
    let name = blob.to_string();
    hub.data().join("blobs").join(name.split_at(2).0).join(name)
}

/// Killed at each step of what makes an instance safe, in turn: when its file is written, has its address, is synced, its
/// folder is synced, its claim is written, is synced, and when it is answered. What the sender was told is safe, is; the rest it
/// sends again, and nothing is there twice.
#[test]
fn a_hub_killed_anywhere_between_store_log_and_answer_loses_no_acknowledged_image() {
    let world = World::embedded();
    world.prepare(&world.process("made"), &some_patients(1));
    let template = world.folder.path().join("made");
    let (mut killed, mut acknowledged, seed) = (0, 0, tier().seed(31));
    let mut random = Random(seed);
    for call in ["renameat2", "fdatasync", "fsync", "pwrite64", "sendto"] {
        let mut at = 1;
        loop {
            let (mut hub, doors, home) = made(&world, &template, &format!("{call}-{at}"));
            let (files, journal) = (folder(&hub, "images", &slices()), home.join("sent"));
            let noted_as = journal.display().to_string();
            let fault = Fault { call, what: strace::KILL, at, path: None };
            let before = if strace::start(&mut hub, &fault).is_ok() {
                send(&hub, doors.dicom, &files, &["--journal", &noted_as]);
                noted(&journal)
            } else {
                0
            };
            // What happens when nobody sends any more is no matter of this test; the sender may know before its parent does.
            let hit = before < slices().len() || !hub.runs();
            hub.kill().expect("reaped");
            acknowledged += before;
            let safe: BTreeSet<String> = uids().into_iter().take(before).collect();
            hub.start().expect("it recovers");
            wait("all is processed", || lanes(&hub).iter().all(|(next, end)| next == end));
            let there: BTreeSet<String> = messages(&hub).into_iter().collect();
            assert!(safe.is_subset(&there), "{call} {at}: {before} were acknowledged, and there are {there:?}");
            assert!(blobs(&hub).len() >= there.len(), "{call} {at}: a claim has its instance");
            finish(&hub, &doors, &files, &journal);
            assert_eq!(blobs(&hub).len(), uids().len(), "{call} {at}: sent again, it is the same blob");
            assert_eq!(hub.stop().expect("stops"), Some(0));
            if !hit {
                assert!(at > 1, "{call} is never called");
                break;
            }
            killed += 1;
            at = next(at, &mut random);
        }
    }
    eprintln!("seed {seed}: killed {killed} times, with {acknowledged} acknowledged");
    assert!(acknowledged > 0, "killed {killed} times before anything was acknowledged");
}

/// Killed when an instance is stored and its claim is not logged, and the sender gives it up: it is swept, and no other is.
#[test]
fn an_image_whose_claim_was_never_logged_is_swept_and_no_other() {
    let world = World::embedded_with("[blobs]\nsweep_age = \"10s\"\n");
    world.prepare(&world.process("made"), &some_patients(1));
    let template = world.folder.path().join("made");
    let victim = a_blob(&world, &template);
    let (mut hub, doors, home) = made(&world, &template, "hub");
    let address = address(&hub, &victim);
    let shard = address.parent().expect("a shard");
    let files = folder(&hub, "images", &slices());
    let journal = home.join("sent");
    let noted_as = journal.display().to_string();
    let fault = Fault { call: "fsync", what: strace::KILL, at: 1, path: Some(shard) };
    strace::start(&mut hub, &fault).expect("starts");
    send(&hub, doors.dicom, &files, &["--journal", &noted_as]);
    assert_eq!(hub.ended().expect("it ended"), None, "by a signal");
    let logged: u64 = lanes(&hub).iter().map(|(_, end)| end).sum();
    assert_eq!(
        (blobs(&hub).len() as u64, noted(&journal) as u64),
        (logged + 1, logged),
        "the last was not acknowledged"
    );
    assert!(blobs(&hub).contains(&victim));
    hub.start().expect("it recovers");
    wait("the orphan is removed", || swept(&hub, &[], "documents")["blobs"] == logged);
    assert!(!blobs(&hub).contains(&victim));
    finish(&hub, &doors, &files, &journal);
    assert!(blobs(&hub).contains(&victim), "sent again, it is there");
    assert_eq!(hub.stop().expect("stops"), Some(0));
}

/// P12: the sync of an image's file fails, or that of its folder. The sender is not told that the image is safe, nothing of it
/// is in the log, and the hub ends with code 74.
#[test]
fn a_hub_whose_store_fails_a_sync_acknowledges_no_such_image_and_stops_with_code_74() {
    let world = World::embedded();
    world.prepare(&world.process("made"), &some_patients(1));
    let template = world.folder.path().join("made");
    let victim = a_blob(&world, &template);
    for (call, of_file) in [("fdatasync", true), ("fsync", false)] {
        let (mut hub, doors, home) = made(&world, &template, call);
        let address = address(&hub, &victim);
        let path = if of_file { address.as_path() } else { address.parent().expect("a shard") };
        let (files, journal) = (folder(&hub, "images", &slices()), home.join("sent"));
        let noted_as = journal.display().to_string();
        strace::start(&mut hub, &Fault { call, what: strace::EIO, at: 1, path: Some(path) }).expect("starts");
        send(&hub, doors.dicom, &files, &["--journal", &noted_as]);
        assert_eq!(hub.ended().expect("it ended"), Some(74), "{call}: {}", hub.log());
        let logged: u64 = lanes(&hub).iter().map(|(_, end)| end).sum();
        let (kept, noted) = (blobs(&hub), noted(&journal) as u64);
        assert!(noted < u64::from(SLICES) && !kept.contains(&victim), "{call}: {noted} were acknowledged");
        assert_eq!((kept.len() as u64, logged), (noted, noted), "{call}: what is not safe is nowhere");
        hub.start().expect("it recovers");
        finish(&hub, &doors, &files, &journal);
        assert!(blobs(&hub).contains(&victim), "{call}: sent again, it is there");
        assert_eq!(hub.stop().expect("stops"), Some(0));
    }
}

/// Images that are stored and claimed in the log, and not decided on, are as old as orphans: they are not swept.
#[test]
fn images_that_wait_to_be_processed_are_not_swept_however_old_they_are() {
    let world = World::embedded_with("[blobs]\nsweep_age = \"10s\"\n");
    world.prepare(&world.process("made"), &some_patients(1));
    let (mut hub, doors, home) = made(&world, &world.folder.path().join("made"), "hub");
    let (files, journal) = (folder(&hub, "images", &slices()), home.join("sent"));
    let noted_as = journal.display().to_string();
    hub.start_as(&[], &["--role", "ingest"]).expect("starts");
    let said = send(&hub, doors.dicom, &files, &["--journal", &noted_as]).expect("answered");
    assert_eq!(answered(&said, "0000"), u64::from(SLICES), "{said}");
    assert_eq!(hub.stop().expect("stops"), Some(0));
    let stored_at = |blob| std::fs::metadata(address(&hub, blob)).and_then(|about| about.modified()).expect("known");
    let last = blobs(&hub).iter().map(stored_at).max().expect("a blob");
    let age = || last.elapsed().unwrap_or_default();
    wait("all are old enough to be orphans", || age() > Duration::from_secs(11));
    let told = swept(&hub, &["--yes"], "documents");
    assert_eq!((&told["orphans"], &told["held_back"]), (&0.into(), &true.into()), "{told}");
    assert_eq!(blobs(&hub).len(), uids().len(), "each is there");
    hub.start().expect("starts with all roles");
    finish(&hub, &doors, &files, &journal);
    assert_eq!(hub.stop().expect("stops"), Some(0));
}

/// Set in the copy of the test that runs in a mount namespace of its own.
const INSIDE: &str = "CAUSEWAY_TEST_IN_NAMESPACE";

#[test]
fn a_full_store_refuses_images_for_now_loses_none_and_takes_them_once_there_is_room() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let own = std::env::current_exe().expect("own path");
    let name = "images::faults::a_full_store_refuses_images_for_now_loses_none_and_takes_them_once_there_is_room";
    let mut unshare = Command::new("unshare");
    let output = unshare.args(["-rm"]).arg(own).args([name, "--exact", "--nocapture"]).env(INSIDE, "1").output();
    let output = output.expect("unshare is there");
    let (said, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{why}");
}

fn inside() {
    let world = World::embedded_with("[blobs.folder]\nfree_bytes_min = \"0\"\n");
    let mut hub = world.process("hub");
    let home = hub.data().parent().expect("a folder").to_owned();
    let doors = doors(&home, "");
    let store = hub.data().join("blobs");
    std::fs::create_dir_all(&store).expect("made");
    // The store alone: the log has room, and what counts is that nothing is said of an instance that is half there.
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1200k", "store"]).arg(&store).status();
    assert!(mounted.expect("mount is there").success());
    world.prepare(&hub, &some_patients(1));
    hub.start().expect("starts");
    let (files, journal) = (folder(&hub, "images", &slices()), home.join("sent"));
    let noted_as = journal.display().to_string();
    let said = send(&hub, doors.dicom, &files, &["--journal", &noted_as]).expect("answered");
    let (taken, refused) = (answered(&said, "0000"), answered(&said, "A700"));
    assert!(taken > 0 && refused > 0 && taken + refused == u64::from(SLICES), "{said}");
    assert!(hub.runs(), "no crash: {}", hub.log());
    assert_eq!((blobs(&hub).len() as u64, noted(&journal) as u64), (taken, taken), "what was refused left nothing");
    let grown = Command::new("mount").args(["-o", "remount,size=16m"]).arg(&store).status();
    assert!(grown.expect("mount is there").success());
    finish(&hub, &doors, &files, &journal);
    assert_eq!(blobs(&hub).len(), uids().len());
    assert_eq!(hub.stop().expect("stops"), Some(0));
}

/// The object store, behind something that can be cut.
#[cfg(feature = "production")]
mod on_objects {
    use causeway_tests::servers::{Objects, Servers};
    use causeway_tests::switch::Switch;
    use causeway_tests::tap::Tap;

    use super::*;
    use crate::claims::Stand;

    /// An instance is being stored under its address.
    fn puts_an_image(bytes: &[u8]) -> bool {
        let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        line.starts_with("PUT ") && !line.contains("/claims/") && !line.contains("/unfinished/")
    }

    /// The object store is gone. The sender is told to try again, the hub lives on, and takes images when it is back.
    #[test]
    fn while_the_object_store_is_gone_images_are_refused_for_now_and_none_is_lost() {
        let server = Objects::find().unwrap_or_else(|say| panic!("{say}"));
        let secret = tempfile::tempdir().expect("a folder");
        let switch = Switch::start(server.address).expect("a switch");
        let prefix = format!("images/{}-{}", std::process::id(), switch.address().port());
        let lines = server.lines(switch.address(), &prefix, secret.path()).expect("written");
        let lines = format!(
            "[blobs]\nengine = \"s3\"\n{lines}connect_timeout = \"1s\"\nrequest_timeout = \"5s\"\nretries_max = 0\n"
        );
        let servers = Servers { blobs_lines: lines, ..Servers::find().unwrap_or_else(|say| panic!("{say}")) };
        let world = World::on(servers);
        let mut hub = world.process("hub");
        let home = hub.data().parent().expect("a folder").to_owned();
        let doors = doors(&home, "");
        world.prepare(&hub, &some_patients(1));
        hub.start().expect("starts");
        let journal = home.join("sent");
        let noted_as = journal.display().to_string();
        let first = folder(&hub, "first", &slices()[..2]);
        let said = send(&hub, doors.dicom, &first, &["--journal", &noted_as]).expect("answered");
        assert_eq!(answered(&said, "0000"), 2, "{said}");
        switch.cut();
        let files = folder(&hub, "images", &slices());
        let said = send(&hub, doors.dicom, &files, &[]).expect("answered");
        assert_eq!((answered(&said, "0000"), answered(&said, "A700")), (0, u64::from(SLICES)), "{said}");
        assert!(hub.runs(), "no crash: {}", hub.log());
        switch.mend();
        finish(&hub, &doors, &files, &journal);
        assert_eq!(hub.stop().expect("stops"), Some(0));
    }

    /// Killed when an image is in the object store and its claim is not in the log, and when the claim is in the log and the sender
    /// has no answer.
    #[test]
    fn images_survive_a_kill_between_object_store_log_and_answer_and_leave_no_orphan() {
        let stand = Stand::new(puts_an_image);
        let mut hub = stand.world.process("hub");
        let home = hub.data().parent().expect("a folder").to_owned();
        let doors = doors(&home, "");
        stand.world.prepare(&hub, &some_patients(1));
        stand.start(&mut hub);
        let journal = home.join("sent");
        let noted_as = journal.display().to_string();
        // Between the store and the log, and given up by the sender.
        stand.objects.arm();
        let given_up = folder(&hub, "given-up", &[(90, 7)]);
        send(&hub, doors.dicom, &given_up, &[]);
        stand.strikes(&stand.objects, 0, &mut hub);
        assert_eq!(messages(&hub), Vec::<String>::new());
        stand.start(&mut hub);
        // Between the log and the answer to the first data set.
        let answers = |bytes: &[u8]| bytes.first() == Some(&4);
        let door = Tap::start(doors.dicom, answers, &stand.victim).expect("a tap");
        let files = folder(&hub, "images", &slices());
        door.arm();
        send(&hub, door.address(), &files, &["--journal", &noted_as]);
        stand.strikes(&door, 0, &mut hub);
        assert_eq!(noted(&journal), 0, "the sender has no answer");
        stand.start(&mut hub);
        finish(&hub, &doors, &files, &journal);
        let left = || swept(&hub, &[], "documents")["blobs"].as_u64();
        wait("what was given up is removed", || left() == Some(u64::from(SLICES)));
        assert_eq!(hub.stop().expect("stops"), Some(0));
    }
}
