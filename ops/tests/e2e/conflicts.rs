//! Images that contradict each other or are rejected, sent by DCMTK's storescu through the real binary: what the sender hears,
//! what readers find, what operators see, and that nothing is lost. Catalogue 137 and 138.

use std::process::Command;

use causeway_core::dicom::tag::{self, Tag};
use causeway_core::envelope::Digest;
use causeway_dicom::part10;
use causeway_dicom::syntax::{Coding, EXPLICIT_LITTLE};
use causeway_dicom::write::ElementWriter;
use serde_json::Value;

use super::hub::{Hub, until};
use super::images::{blobs, hub};
use super::reading::{TOKEN, ask};

pub(super) const STUDY: &str = "1.2.840.99999.7";
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const KEY_OBJECTS: &str = "1.2.840.10008.5.1.4.1.1.88.59";
const PERSONS: &str = "document_kind,document_number,family,given,chinese,birth,sex\n\
                       HKID,ZZ000001(8),YEUNG,Siu Kei,楊小琪,1983-01-14,M\n\
                       HKID,ZZ000002(6),LAU,Kar Wai,劉家慧,1990-02-02,F\n";

/// Patient ID, name, birth date and sex.
pub(super) type Patient = [&'static str; 4];
pub(super) const YEUNG: Patient = ["ZZ0000018", "YEUNG^SIU KEI", "19830114", "M"];
const LAU: Patient = ["ZZ0000026", "LAU^KAR WAI", "19900202", "F"];

/// A data set of this class, up to and with what comes after the numbers of series and instance.
fn data_set(
    class: &str,
    patient: Patient,
    study: &str,
    number: u16,
    rest: fn(ElementWriter) -> ElementWriter,
) -> Vec<u8> {
    let [id, name, birth, sex] = patient;
    let modality = if class == CT { "CT" } else { "KO" };
    let head = ElementWriter::new(Coding::EXPLICIT)
        .text(tag::SOP_CLASS_UID, *b"UI", class)
        .text(tag::SOP_INSTANCE_UID, *b"UI", &format!("{STUDY}.1.{number}"))
        .text(tag::STUDY_DATE, *b"DA", "20260301")
        .text(tag::MODALITY, *b"CS", modality)
        .text(tag::PATIENT_NAME, *b"PN", name)
        .text(tag::PATIENT_ID, *b"LO", id)
        .text(tag::PATIENT_BIRTH_DATE, *b"DA", birth)
        .text(tag::PATIENT_SEX, *b"CS", sex)
        .text(tag::STUDY_INSTANCE_UID, *b"UI", study)
        .text(tag::SERIES_INSTANCE_UID, *b"UI", &format!("{study}.1"))
        .text(tag::SERIES_NUMBER, *b"IS", "1")
        .text(tag::INSTANCE_NUMBER, *b"IS", &number.to_string());
    rest(head).bytes()
}

pub(super) fn slice(patient: Patient, number: u16) -> Vec<u8> {
    data_set(CT, patient, STUDY, number, |head| head.number(tag::ROWS, 16).raw(tag::PIXEL_DATA, *b"OW", &[7; 512]))
}

/// The same slice with other pixels.
pub(super) fn another(patient: Patient, number: u16) -> Vec<u8> {
    data_set(CT, patient, STUDY, number, |head| head.number(tag::ROWS, 16).raw(tag::PIXEL_DATA, *b"OW", &[9; 512]))
}

/// A note that rejects an instance of the series, for reasons of quality.
fn note(patient: Patient, number: u16, rejected: u16) -> Vec<u8> {
    let writer = || ElementWriter::new(Coding::EXPLICIT);
    let title = writer()
        .text(Tag(0x0008, 0x0100), *b"SH", "113001")
        .text(Tag(0x0008, 0x0102), *b"SH", "DCM")
        .text(Tag(0x0008, 0x0104), *b"LO", "Rejected for Quality Reasons")
        .bytes();
    let class = if rejected < 50 { CT } else { KEY_OBJECTS };
    let instance = writer()
        .text(Tag(0x0008, 0x1150), *b"UI", class)
        .text(Tag(0x0008, 0x1155), *b"UI", &format!("{STUDY}.1.{rejected}"))
        .bytes();
    let series = writer()
        .sequence(Tag(0x0008, 0x1199), &[&instance], true)
        .text(tag::SERIES_INSTANCE_UID, *b"UI", &format!("{STUDY}.1"))
        .bytes();
    let study =
        writer().sequence(Tag(0x0008, 0x1115), &[&series], true).text(tag::STUDY_INSTANCE_UID, *b"UI", STUDY).bytes();
    let bytes = data_set(KEY_OBJECTS, patient, STUDY, number, |head| head);
    let end = writer()
        .text(Tag(0x0040, 0xA040), *b"CS", "CONTAINER")
        .sequence(Tag(0x0040, 0xA043), &[&title], true)
        .sequence(Tag(0x0040, 0xA375), &[&study], true)
        .bytes();
    [bytes, end].concat()
}

/// A hub with both persons, who share with the reader; `settings` are of its DICOM feed.
pub(super) fn start(settings: &str) -> (Hub, u16) {
    let (mut hub, port) = hub();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written");
    let provider = text.lines().find_map(|line| line.trim().strip_prefix("provider = ")).expect("a provider");
    let provider = provider.trim_matches('"').to_owned();
    let digest = Digest::of(TOKEN.as_bytes());
    let reader =
        format!("{settings}\n[[reader]]\nname = \"ward\"\nprovider = \"{provider}\"\ntoken_sha256 = \"{digest}\"\n");
    std::fs::write(&file, text + &reader).expect("written");
    hub.file("persons.csv", PERSONS.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
    for person in ["1", "2"] {
        assert_eq!(hub.run(&["consent", "give", person, "--provider", &provider]).code, Some(0));
    }
    hub.start();
    (hub, port)
}

/// Sends a data set by storescu, and gives what it says.
fn store(hub: &Hub, port: u16, bytes: &[u8]) -> String {
    let uid = |text: &str| causeway_core::dicom::uid::Uid::parse(text).expect("a uid");
    let class = if bytes.windows(KEY_OBJECTS.len()).take(80).any(|window| window == KEY_OBJECTS.as_bytes()) {
        KEY_OBJECTS
    } else {
        CT
    };
    let head = part10::head(&uid(class), &uid("1.2.840.99999.7.0"), &uid(EXPLICIT_LITTLE));
    let file = hub.file("sent.dcm", &[head, bytes.to_vec()].concat());
    let output = Command::new("storescu")
        .args(["-v", "-aet", "CAUSEWAY-SCU", "-aec", "CAUSEWAY", "127.0.0.1", &port.to_string()])
        .arg(&file)
        .env("TCP_NODELAY", "1")
        .output()
        .unwrap_or_else(|error| panic!("storescu cannot be run ({error}): install it with `apt-get install dcmtk`"));
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(super) fn safe(hub: &Hub, port: u16, bytes: &[u8]) {
    let said = store(hub, port, bytes);
    assert!(said.contains("(Success)"), "{said}");
}

/// The numbers of the instances that a reader finds, with QIDO-RS.
pub(super) fn found(hub: &Hub) -> Vec<u64> {
    let path = format!("/dicomweb/studies/{STUDY}/instances");
    let answer = ask(hub, &path, "application/dicom+json", Some(TOKEN));
    if answer.status == 404 {
        return Vec::new();
    }
    let all = answer.json();
    all.as_array().expect("a list").iter().filter_map(|one| one["00200013"]["Value"][0].as_u64()).collect()
}

pub(super) fn finds(hub: &Hub, numbers: &[u64]) {
    let there = until(|| (found(hub) == numbers).then_some(()));
    assert!(there.is_some(), "{:?} {:?}", found(hub), hub.run(&["message", "list"]));
}

/// What the frame of an instance is filled with.
fn pixel(hub: &Hub, number: u16) -> u8 {
    let path = format!("/dicomweb/studies/{STUDY}/series/{STUDY}.1/instances/{STUDY}.1.{number}");
    let answer = ask(hub, &path, "application/dicom", Some(TOKEN));
    assert_eq!(answer.status, 200, "{answer:?}");
    *answer.body.last().expect("pixels")
}

pub(super) fn record(hub: &Hub, person: &str) -> Option<Value> {
    let listed = hub.run(&["--json", "record", "list", "--person", person, "--domain", "RADI", "--reveal"]).lines();
    listed.first().map(|record| record["resource"].clone())
}

fn conflicts(hub: &Hub, count: usize) -> Vec<(String, String)> {
    let listed = until(|| {
        let listed = hub.run(&["--json", "image", "conflicts"]).lines();
        (listed.len() == count).then_some(listed)
    });
    let listed = listed.unwrap_or_else(|| panic!("{:?}", hub.run(&["image", "conflicts"])));
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    listed.iter().map(|row| (text(&row["conflict"]), text(&row["readers"]))).collect()
}

#[test]
fn catalogue_137_another_image_under_a_uid_is_kept_beside_the_first_and_told_to_operators() {
    let (mut hub, port) = start("");
    safe(&hub, port, &slice(YEUNG, 1));
    finds(&hub, &[1]);
    safe(&hub, port, &another(YEUNG, 1));
    let told = conflicts(&hub, 2);
    assert_eq!(told.iter().filter(|(conflict, _)| conflict == "content").count(), 2, "{told:?}");
    assert_eq!(told.iter().map(|(_, readers)| readers.as_str()).collect::<Vec<_>>(), ["shown", "superseded"]);
    assert_eq!((pixel(&hub, 1), found(&hub), blobs(&hub)), (7, vec![1], 2), "the first is shown, and both are there");
    let (status, page) = hub.get("/en/ops/conflicts");
    assert!(status == 200 && page.contains(&format!("{STUDY}.1.1")) && page.contains("kept, not shown"), "{page}");
    assert!(!page.contains("YEUNG") && !page.contains("ZZ0000018"));
    let listed = hub.run(&["image", "conflicts", "--instance", &format!("{STUDY}.1.1")]);
    assert!(listed.out.contains("superseded"), "{listed:?}");
    assert_eq!(hub.run(&["image", "conflicts", "--instance", "../etc"]).code, Some(2));
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn catalogue_137_a_feed_that_corrects_shows_its_newest_image_and_its_sender_hears_0x0111_where_that_is_wanted() {
    let (mut hub, port) = start("corrections = true\non_conflict = \"duplicate\"\n");
    safe(&hub, port, &slice(YEUNG, 1));
    finds(&hub, &[1]);
    let said = store(&hub, port, &another(YEUNG, 1));
    assert!(said.contains("0x111"), "{said}");
    let told = conflicts(&hub, 2);
    assert!(told.iter().all(|(conflict, _)| conflict == "corrected"), "{told:?}");
    assert_eq!((pixel(&hub, 1), blobs(&hub)), (9, 2), "the newest is shown, and both are there");
    assert!(hub.get("/en/ops/conflicts").1.contains("No SOP Instance UID"), "a correction is no alarm");
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn catalogue_138_a_study_that_comes_for_a_second_person_waits_for_an_operator_and_shows_nothing_of_them() {
    let (mut hub, port) = start("");
    safe(&hub, port, &slice(YEUNG, 1));
    finds(&hub, &[1]);
    safe(&hub, port, &slice(LAU, 2));
    let held = until(|| {
        let held = hub.run(&["--json", "message", "list", "--state", "held"]).lines();
        (held.len() == 1).then_some(held)
    });
    let held = held.unwrap_or_else(|| panic!("{:?}", hub.run(&["message", "list"])));
    assert_eq!(held[0]["reason"], "IMAGE_OF_TWO_PERSONS");
    assert_eq!((found(&hub), record(&hub, "2")), (vec![1], None));
    assert_eq!(blobs(&hub), 2, "it is kept");
    let audited = hub.run(&["--json", "audit", "find", "--action", "image-conflict"]).lines();
    assert_eq!(audited.len(), 1, "{audited:?}");
    assert!(!audited[0].to_string().contains("ZZ0000026"), "{audited:?}");
    // The sender rejects the first, which was of the wrong person; then the second can be taken.
    safe(&hub, port, &note(YEUNG, 91, 1));
    finds(&hub, &[]);
    let replayed = hub.run(&["message", "replay", "--state", "held", "--yes"]);
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
    finds(&hub, &[2]);
    assert_eq!((record(&hub, "1"), record(&hub, "2").expect("a study")["numberOfInstances"].as_u64()), (None, Some(1)));
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn a_rejection_note_hides_what_it_names_before_or_after_it_comes_and_is_taken_back_by_another() {
    let (mut hub, port) = start("");
    // Before its image, and after another.
    for sent in [slice(YEUNG, 1), slice(YEUNG, 2), note(YEUNG, 92, 3), slice(YEUNG, 3), note(YEUNG, 91, 1)] {
        safe(&hub, port, &sent);
    }
    finds(&hub, &[2]);
    let gone = |path: &str| ask(&hub, path, "*/*", Some(TOKEN)).status;
    let series = format!("/dicomweb/studies/{STUDY}/series/{STUDY}.1/instances/{STUDY}.1");
    for rest in ["", "/metadata", "/frames/1", "/rendered"] {
        assert_eq!(gone(&format!("{series}.1{rest}")), 404, "{rest}");
    }
    assert_eq!(gone(&format!("{series}.91")), 404, "the note is hidden too");
    let study = record(&hub, "1").expect("a study");
    assert_eq!((&study["numberOfInstances"], &study["series"][0]["instance"][0]["number"]), (&1.into(), &2.into()));
    assert_eq!(blobs(&hub), 5, "everything is kept");
    let page = ask(&hub, &format!("/en/studies/{STUDY}"), "text/html", Some(TOKEN));
    let page = String::from_utf8_lossy(&page.body).into_owned();
    assert!(page.contains(&format!("{STUDY}.1.2")) && !page.contains(&format!("{STUDY}.1.1/")), "{page}");
    // The note about the first is rejected itself; the rest is rejected, and nothing is left of the study but the first.
    safe(&hub, port, &note(YEUNG, 93, 91));
    finds(&hub, &[1, 2]);
    safe(&hub, port, &note(YEUNG, 94, 2));
    finds(&hub, &[1]);
    let history = hub.run(&["--json", "record", "list", "--person", "1", "--domain", "RADI", "--history"]).lines();
    assert!(history.len() > 2, "what stood before is kept: {history:?}");
    // The log brings the same again.
    assert_eq!(hub.stop(), Some(0));
    let rebuilt = hub.run(&["db", "rebuild", "--yes"]);
    assert_eq!(rebuilt.code, Some(0), "{rebuilt:?}");
}
