//! The walk of images through the real binary: from a folder to the study of a person.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use causeway_core::dicom::tag;
use causeway_dicom::syntax::Coding;
use causeway_dicom::write::ElementWriter;
use serde_json::Value;

use super::hub::{Hub, until};
use crate::ports::reserve;

pub(super) const PERSON: &str = "document_kind,document_number,family,given,chinese,birth,sex\n\
                      HKID,ZZ000001(8),YEUNG,Siu Kei,楊小琪,1983-01-14,M\n";

/// A hub with a DICOM door on this port for the provider of the catch-all feed.
pub(super) fn hub() -> (Hub, u16) {
    let hub = Hub::new();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written by init");
    let provider =
        text.lines().find_map(|line| line.trim().strip_prefix("provider = ")).expect("a provider").to_owned();
    let port = reserve().expect("a port").port();
    let door = format!(
        "\n[[dicom_door]]\nlisten = \"127.0.0.1:{port}\"\n\n[[dicom_door.feed]]\nname = \"pacs\"\nprovider = {provider}\n\
         ae_titles = [\"CAUSEWAY-SCU\"]\nprofile = \"hk-public-hospital\"\ncharset = \"default:big5-hkscs\"\n"
    );
    std::fs::write(&file, text + &door).expect("written");
    let checked = hub.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    (hub, port)
}

/// A CT slice of the person, as a bare data set.
pub(super) fn slice(study: &str, series: u16, instance: u16) -> Vec<u8> {
    ElementWriter::new(Coding::EXPLICIT)
        .text(tag::SPECIFIC_CHARACTER_SET, *b"CS", "ISO_IR 100")
        .text(tag::SOP_CLASS_UID, *b"UI", "1.2.840.10008.5.1.4.1.1.2")
        .text(tag::SOP_INSTANCE_UID, *b"UI", &format!("{study}.{series}.{instance}"))
        .text(tag::STUDY_DATE, *b"DA", "20260301")
        .text(tag::ACCESSION_NUMBER, *b"SH", "RAD-1")
        .text(tag::MODALITY, *b"CS", "CT")
        .raw(tag::PATIENT_NAME, *b"PN", b"YEUNG^SIU KEI=\xb7\xa8^\xa4p\xb5\x5e")
        .text(tag::PATIENT_ID, *b"LO", "ZZ0000018")
        .text(tag::PATIENT_BIRTH_DATE, *b"DA", "19830114")
        .text(tag::PATIENT_SEX, *b"CS", "M")
        .text(tag::STUDY_INSTANCE_UID, *b"UI", study)
        .text(tag::SERIES_INSTANCE_UID, *b"UI", &format!("{study}.{series}"))
        .text(tag::SERIES_NUMBER, *b"IS", &series.to_string())
        .text(tag::INSTANCE_NUMBER, *b"IS", &instance.to_string())
        .number(tag::ROWS, 16)
        .raw(tag::PIXEL_DATA, *b"OW", &[7; 512])
        .bytes()
}

pub(super) fn folder(hub: &Hub, name: &str, files: &[(&str, Vec<u8>)]) -> PathBuf {
    let folder = hub.path().join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    files.iter().for_each(|(name, bytes)| std::fs::write(folder.join(name), bytes).expect("written"));
    folder
}

pub(super) fn send(hub: &Hub, path: &Path, port: u16, more: &[&str]) -> (Option<i32>, Value) {
    let to = format!("CAUSEWAY@127.0.0.1:{port}");
    let arguments = ["--json", "send", "dicom", path.to_str().expect("UTF-8"), "--to", &to];
    let ran = hub.run(&[&arguments[..], more].concat());
    (
        ran.code,
        serde_json::from_str(ran.out.lines().next().unwrap_or_default()).unwrap_or_else(|e| panic!("{e} {ran:?}")),
    )
}

/// Waits until the study has so many instances, and gives it.
pub(super) fn study(hub: &Hub, instances: u64) -> Value {
    let found = until(|| {
        let listed = hub.run(&["--json", "record", "list", "--person", "1", "--domain", "RADI", "--reveal"]).lines();
        let resource = listed.first().map(|record| record["resource"].clone())?;
        (resource["numberOfInstances"] == instances).then_some(resource)
    });
    found.unwrap_or_else(|| panic!("never: {:?}", hub.run(&["message", "list"])))
}

pub(super) fn blobs(hub: &Hub) -> usize {
    // A blob has its digest for a name; what a killed writer left unfinished is none, and is swept later.
    fn is_blob(path: &Path) -> bool {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
    fn count(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).map(|entries| entries.map(|entry| entry.expect("an entry").path()));
        let one = |path: PathBuf| if path.is_dir() { count(&path) } else { usize::from(is_blob(&path)) };
        entries.map_or(0, |paths| paths.map(one).sum())
    }
    count(&hub.path().join("data").join("blobs"))
}

#[test]
fn a_folder_of_slices_becomes_one_study_and_goes_on_growing() {
    let (mut hub, port) = hub();
    hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
    hub.start();
    let first = folder(
        &hub,
        "first",
        &[
            ("c", slice("1.2.3", 1, 3)),
            ("a", slice("1.2.3", 1, 1)),
            ("b", slice("1.2.3", 2, 1)),
            ("readme.txt", b"no image".to_vec()),
        ],
    );
    let journal = hub.path().join("journal");
    let journal = ["--journal", journal.to_str().expect("UTF-8")];
    let (code, sent) = send(&hub, &first, port, &journal);
    assert_eq!(
        (code, &sent["taken"], sent["refused"].as_array().map(Vec::len)),
        (Some(5), &3.into(), Some(1)),
        "{sent}"
    );
    let grown = study(&hub, 3);
    assert_eq!((&grown["resourceType"], &grown["numberOfSeries"]), (&"ImagingStudy".into(), &2.into()));
    let numbers: Vec<_> =
        grown["series"][0]["instance"].as_array().expect("a list").iter().map(|i| i["number"].clone()).collect();
    assert_eq!(numbers, [1, 3]);

    // The journal leaves out what was taken; without it the resend has no second effect.
    let (_, again) = send(&hub, &first, port, &journal);
    assert_eq!((&again["taken"], &again["skipped"]), (&0.into(), &3.into()), "{again}");
    let (_, resent) = send(&hub, &first, port, &[]);
    assert_eq!(resent["taken"], 3, "{resent}");
    let second = folder(&hub, "second", &[("d", slice("1.2.3", 1, 2))]);
    assert_eq!(send(&hub, &second, port, &[]).0, Some(0));
    let grown = study(&hub, 4);
    let numbers: Vec<_> =
        grown["series"][0]["instance"].as_array().expect("a list").iter().map(|i| i["number"].clone()).collect();
    assert_eq!(numbers, [1, 2, 3], "a late slice has its place");
    assert_eq!(hub.run(&["--json", "message", "list"]).lines().len(), 4, "resends are no messages");
    assert_eq!(blobs(&hub), 4);

    let listed = until(|| {
        let feeds = hub.run(&["--json", "feed", "list"]).lines();
        feeds.into_iter().find(|feed| feed["name"] == "pacs" && feed["accepted"] == 4)
    });
    assert_eq!(listed.expect("listed")["protocol"], "dicom");
    let metrics = hub.get("/metrics").1;
    assert!(metrics.contains("causeway_dicom_instances_total{feed=\"pacs\",outcome=\"stored\"} 7"), "{metrics}");
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn a_study_is_available_when_nothing_of_it_came_for_a_while_also_after_a_restart() {
    let (mut hub, port) = hub();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written");
    let quiet = |period: &str| {
        std::fs::write(&file, format!("{text}\n[images]\nstudy_quiet_period = \"{period}\"\n")).expect("written");
    };
    quiet("1h");
    hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
    hub.start();
    let images = folder(&hub, "images", &[("a", slice("1.2.3", 1, 1)), ("b", slice("1.2.3", 1, 2))]);
    assert_eq!(send(&hub, &images, port, &[]).0, Some(0));
    assert_eq!(study(&hub, 2)["status"], "registered");
    let counted = |hub: &Hub, open: u64, completed: u64| {
        let wanted = [
            format!("causeway_dicom_studies_open {open}\n"),
            format!("causeway_dicom_studies_completed_total {completed}\n"),
        ];
        until(|| {
            let told = hub.get("/metrics").1;
            wanted.iter().all(|line| told.contains(line)).then_some(())
        })
        .unwrap_or_else(|| panic!("never {wanted:?}: {}", study(hub, 2)));
    };
    // Whoever completes studies has looked at this one, and left it open.
    counted(&hub, 1, 0);
    assert_eq!(study(&hub, 2)["status"], "registered");
    let line = "Studies: 1 may still grow, 0 became complete.";
    assert!(until(|| hub.get("/en/ops").1.contains(line).then_some(())).is_some(), "the page says so");
    assert_eq!(hub.stop(), Some(0));
    quiet("1s");
    let began = Instant::now();
    hub.start();
    let complete = || (study(&hub, 2)["status"] == "available").then_some(());
    until(complete).unwrap_or_else(|| panic!("{}", study(&hub, 2)));
    // Without the setting it would be a minute.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    counted(&hub, 0, 1);
    let traced = hub.run(&["--json", "message", "trace", "1.2.3.1.2"]);
    assert!(traced.out.contains("completion"), "{traced:?}");
    assert_eq!(hub.stop(), Some(0));
    let rebuilt = hub.run(&["--json", "db", "rebuild", "--yes"]);
    assert_eq!((rebuilt.code, &rebuilt.json()["same"]), (Some(0), &true.into()), "{rebuilt:?}");
}

#[test]
fn images_of_someone_who_takes_no_part_are_withheld_and_taken_up_when_they_join() {
    let (mut hub, port) = hub();
    hub.start();
    let images = folder(&hub, "images", &[("a", slice("1.2.4", 1, 1)), ("b", slice("1.2.4", 1, 2))]);
    assert_eq!(send(&hub, &images, port, &[]).0, Some(0), "what becomes of it is not the sender's business");
    let withheld = until(|| {
        let listed = hub.run(&["--json", "message", "list", "--state", "withheld"]).lines();
        (listed.len() == 2).then_some(listed)
    });
    assert_eq!(withheld.expect("withheld")[0]["reason"], "NOT_REGISTERED");
    hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
    assert_eq!(study(&hub, 2)["series"][0]["numberOfInstances"], 2);
    assert_eq!(hub.stop(), Some(0));
}

/// The same with the number of a participant and a birth date that is not theirs.
fn of_another_birth_date(mut bytes: Vec<u8>) -> Vec<u8> {
    let at = bytes.windows(8).position(|window| window == b"19830114").expect("the date");
    bytes[at..at + 8].copy_from_slice(b"19921130");
    bytes
}

/// The same for somebody nobody knows.
fn stranger(mut bytes: Vec<u8>) -> Vec<u8> {
    let at = bytes.windows(9).position(|window| window == b"ZZ0000018").expect("the number");
    bytes[at..at + 9].copy_from_slice(b"ZZ0000026");
    bytes
}

#[test]
fn no_image_of_a_uid_that_came_too_often_to_be_listed_is_taken_for_an_orphan() {
    const CAME: u8 = 55;
    let (mut hub, port) = hub();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written");
    std::fs::write(&file, text + "\n[blobs]\nsweep_age = \"10s\"\n").expect("written");
    hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
    hub.start();
    let withheld = folder(&hub, "withheld", &[("first", stranger(slice("1.2.8", 1, 1)))]);
    assert_eq!(send(&hub, &withheld, port, &[]).0, Some(0));
    let other = |pixel: u8| {
        let mut bytes = slice("1.2.8", 1, 1);
        *bytes.last_mut().expect("pixels") = pixel;
        (format!("{pixel:03}"), bytes)
    };
    let others: Vec<(String, Vec<u8>)> = (100..100 + CAME).map(other).collect();
    let others: Vec<(&str, Vec<u8>)> = others.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    assert_eq!(send(&hub, &folder(&hub, "others", &others), port, &[]).0, Some(0));
    let all = usize::from(CAME) + 1;
    let settled = || hub.run(&["--json", "message", "list", "--limit", "100"]).lines().len();
    until(|| (settled() == all).then_some(())).unwrap_or_else(|| panic!("{} of {all}", settled()));
    let walked = || {
        let metrics = hub.get("/metrics").1;
        let line =
            metrics.lines().find(|line| line.starts_with("causeway_blob_sweep_timestamp_seconds{store=\"documents\"}"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).unwrap_or_default()
    };
    let before = walked();
    let next = until(|| Some(walked()).filter(|at| *at > before)).expect("the store is walked again");
    until(|| (walked() > next + 11.0).then_some(())).expect("the store is walked when all are old enough");
    assert_eq!(blobs(&hub), all, "each is kept: shown, superseded, or withheld and in the log");
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn withheld_images_go_when_the_log_gives_their_claims_up_and_those_of_participants_stay() {
    let (mut hub, port) = hub();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written");
    assert!(text.contains("retention_age = \"30d\""), "{text}");
    let text = text.replace("retention_age = \"30d\"", "retention_age = \"3s\"");
    std::fs::write(&file, text + "\n[log]\nprune_interval = \"1s\"\n[blobs]\nsweep_age = \"10s\"\n").expect("written");
    hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
    // Orphans: their process died before anything pointed to them.
    let blobs_dir = hub.path().join("data").join("blobs");
    let store = causeway_storage::blob::folder::FolderBlobs::open(&blobs_dir, Default::default()).expect("a store");
    let uid = |text: &str| causeway_core::dicom::uid::Uid::parse(text).expect("a uid");
    let head =
        causeway_dicom::part10::head(&uid("1.2.840.10008.5.1.4.1.1.2"), &uid("1.2.9.1.1"), &uid("1.2.840.10008.1.2.1"));
    let orphan = [head, slice("1.2.9", 1, 1)].concat();
    causeway_core::port::BlobStore::put(&store, &orphan).expect("stored");
    causeway_core::port::BlobStore::put(&store, b"%PDF-1.7 a document of no record").expect("stored");
    hub.start();
    let images = folder(
        &hub,
        "images",
        &[
            ("mine", slice("1.2.5", 1, 1)),
            ("theirs", stranger(slice("1.2.6", 1, 1))),
            ("theirs too", stranger(slice("1.2.6", 1, 2))),
            ("doubtful", of_another_birth_date(slice("1.2.61", 1, 1))),
        ],
    );
    assert_eq!(send(&hub, &images, port, &[]).0, Some(0));
    assert_eq!(blobs(&hub), 6, "also what is withheld stays, while the log has its claim");
    study(&hub, 1);
    let held = || hub.run(&["--json", "message", "list", "--state", "held"]).lines().len();
    until(|| (held() == 1).then_some(())).expect("an image of a person in doubt is held");
    until(|| (blobs(&hub) == 2).then_some(())).unwrap_or_else(|| panic!("{} blobs stayed", blobs(&hub)));
    // What stays: the participant's image, and the one that waits for somebody to decide.
    let kept = study(&hub, 1)["series"][0]["instance"][0]["extension"][0]["valueString"]
        .as_str()
        .expect("a digest")
        .to_owned();
    let path = blobs_dir.join(kept.get(..2).expect("digits")).join(&kept);
    assert!(path.is_file());
    assert_eq!(hub.stop(), Some(0));
    assert!(path.is_file());
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_after_it_and_nothing_is_there_twice() {
    let (mut hub, port) = hub();
    hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
    hub.start();
    let slices: Vec<(String, Vec<u8>)> =
        (1..=200).map(|instance| (format!("{instance:03}"), slice("1.2.7", 1, instance))).collect();
    let slices: Vec<(&str, Vec<u8>)> = slices.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let images = folder(&hub, "images", &slices);
    let journal = hub.path().join("journal");
    let taken = || std::fs::read_to_string(&journal).map(|text| text.lines().count()).unwrap_or_default();
    let more = ["--journal", journal.to_str().expect("UTF-8")];
    let (path, to) = (hub.path().to_owned(), format!("CAUSEWAY@127.0.0.1:{port}"));
    let arguments = ["--json", "send", "dicom", images.to_str().expect("UTF-8"), "--to", &to];
    let arguments = [&arguments[..], &more].concat();
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| super::hub::run(&path, &arguments));
        until(|| (taken() >= 40).then_some(())).expect("some were taken");
        hub.kill();
        assert_eq!(sending.join().expect("no panic").code, Some(4), "the break is told");
    });
    let before = taken();
    assert!((40..200).contains(&before), "{before} were taken before the kill");

    hub.start();
    let acknowledged = std::fs::read_to_string(&journal).expect("a journal");
    for line in acknowledged.lines() {
        let uid = line.split(' ').next().expect("a uid");
        let found = until(|| Some(hub.run(&["--json", "message", "trace", uid])).filter(|ran| ran.code == Some(0)));
        assert_eq!(found.unwrap_or_else(|| panic!("{uid} is lost")).json()["state"], "accepted", "{uid}");
    }
    let (code, rest) = send(&hub, &images, port, &more);
    assert_eq!((code, &rest["skipped"]), (Some(0), &before.into()), "{rest}");
    let grown = study(&hub, 200);
    assert_eq!(grown["series"][0]["instance"].as_array().map(Vec::len), Some(200));
    assert_eq!(blobs(&hub), 200, "and none is there that nobody claims");
    assert_eq!(hub.run(&["--json", "message", "list", "--limit", "1000"]).lines().len(), 200);
    assert_eq!(hub.stop(), Some(0));
}
