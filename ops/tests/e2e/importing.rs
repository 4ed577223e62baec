//! `causeway feed import` through the real binary: a folder of images into a feed, while no hub runs.

use std::path::Path;

use serde_json::Value;

use super::hub::{Hub, until};
use super::images::{self, PERSON, blobs, folder, slice, study};
use super::stow;

fn import(hub: &Hub, path: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let arguments = ["--json", "feed", "import", path.to_str().expect("UTF-8")];
    let ran = hub.run(&[&arguments[..], more].concat());
    (
        ran.code,
        serde_json::from_str(ran.out.lines().next().unwrap_or_default()).unwrap_or_else(|e| panic!("{e} {ran:?}")),
    )
}

fn counts(told: &Value) -> [u64; 5] {
    ["taken", "resent", "skipped", "ignored", "refused_count"].map(|key| told[key].as_u64().expect("a count"))
}

#[test]
fn a_folder_is_imported_while_no_hub_runs_and_its_study_is_there_when_one_does() {
    let (mut hub, _) = images::hub();
    hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
    let root = folder(
        &hub,
        "disc",
        &[
            ("DICOMDIR", stow::file(b"../../outside/1")),
            ("readme.txt", b"no image".to_vec()),
            ("short", slice("1.2.3", 1, 9).get(..300).expect("longer").to_vec()),
        ],
    );
    folder(&hub, "disc/IMAGES", &[("1", slice("1.2.3", 1, 1)), ("2", stow::file(&slice("1.2.3", 1, 2)))]);
    let outside = folder(&hub, "outside", &[("3", slice("1.2.3", 1, 3))]);
    std::os::unix::fs::symlink(&outside, root.join("IMAGES/out")).expect("linked");
    std::os::unix::fs::symlink("../outside/3", root.join("three")).expect("linked");

    let (code, told) = import(&hub, &root, &[]);
    assert_eq!((code, counts(&told)), (Some(5), [2, 0, 0, 1, 4]), "{told}");
    for refused in told["refused"].as_array().expect("a list") {
        let told = |key: &str| !refused[key].as_str().unwrap_or_default().is_empty();
        assert!(told("file") && told("why") && told("fix"), "{refused}");
    }
    let why = told.to_string();
    assert!(
        why.contains("a link") && why.contains("C000") && why.contains("before what has begun there is whole"),
        "{why}"
    );

    // Again: the journal knows; without it the log does; and a file that changed is looked at.
    assert_eq!(counts(&import(&hub, &root, &[]).1), [0, 0, 2, 1, 4]);
    assert_eq!(counts(&import(&hub, &root, &["--again", "--feed", "pacs"]).1), [0, 2, 0, 1, 4]);
    std::fs::write(root.join("short"), slice("1.2.3", 1, 9)).expect("mended");
    assert_eq!(counts(&import(&hub, &root.join("short"), &[]).1), [1, 0, 0, 0, 0]);
    let shown = hub.run(&["feed", "import", root.to_str().expect("UTF-8")]);
    assert!(shown.out.contains("readme.txt") && shown.err.contains("3 taken by an earlier import"), "{shown:?}");

    hub.start();
    let grown = study(&hub, 3);
    assert_eq!((&grown["numberOfSeries"], blobs(&hub)), (&1.into(), 3));
    assert_eq!(hub.run(&["--json", "message", "list"]).lines()[0]["type"], "IMPORT");
    let busy = hub.run(&["feed", "import", root.to_str().expect("UTF-8")]);
    assert!(
        busy.code == Some(1) && busy.err.contains("CW0301") && busy.err.contains("causeway send dicom"),
        "{busy:?}"
    );
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn an_import_that_was_killed_goes_on_where_it_was_and_loses_nothing() {
    let (mut hub, _) = images::hub();
    hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
    let slices: Vec<(String, Vec<u8>)> =
        (1..=400).map(|instance| (format!("{instance:03}"), slice("1.2.7", 1, instance))).collect();
    let slices: Vec<(&str, Vec<u8>)> = slices.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let root = folder(&hub, "disc", &slices);
    let journal = hub.path().join("data/imports/pacs.journal");
    let noted = || std::fs::read_to_string(&journal).map(|text| text.lines().count()).unwrap_or_default();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_causeway"))
        .args(["feed", "import", root.to_str().expect("UTF-8")])
        .current_dir(hub.path())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    assert!(until(|| (noted() >= 40).then_some(())).is_some(), "some were taken");
    child.kill().expect("killed");
    child.wait().expect("waited");
    let before = u64::try_from(noted()).expect("few");
    assert!((40..400).contains(&before), "{before} were taken before the kill");
    let (code, told) = import(&hub, &root, &[]);
    let [taken, resent, skipped, ..] = counts(&told);
    assert_eq!((code, skipped, taken + resent), (Some(0), before, 400 - before), "{told}");
    assert!(resent <= 8, "at most those that were on their way: {told}");
    hub.start();
    study(&hub, 400);
    assert_eq!(blobs(&hub), 400);
    assert_eq!(hub.run(&["--json", "message", "list", "--limit", "1000"]).lines().len(), 400);
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn an_import_without_a_feed_for_it_or_into_a_paused_one_says_what_to_do() {
    let (hub, _) = images::hub();
    let root = folder(&hub, "disc", &[("1", slice("1.2.3", 1, 1))]);
    let root = root.to_str().expect("UTF-8");
    let other = hub.run(&["feed", "import", root, "--feed", "catch-all"]);
    assert!(other.code == Some(2) && other.err.contains("causeway send hl7"), "{other:?}");
    let unknown = hub.run(&["feed", "import", root, "--feed", "pacz"]);
    assert!(unknown.code == Some(1) && unknown.err.contains("did you mean `pacs`?"), "{unknown:?}");
    let nothing = hub.run(&["feed", "import", "nowhere"]);
    assert!(nothing.code == Some(1) && nothing.err.contains("CW0101"), "{nothing:?}");
    assert_eq!(hub.run(&["feed", "pause", "pacs"]).code, Some(0));
    let paused = hub.run(&["feed", "import", root]);
    assert!(paused.code == Some(1) && paused.err.contains("causeway feed resume pacs"), "{paused:?}");
    assert_eq!(hub.run(&["feed", "resume", "pacs"]).code, Some(0));
    assert_eq!(hub.run(&["feed", "import", root]).code, Some(0));
}
