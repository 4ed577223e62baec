//! Bad DICOM on the running binary: rows of the catalogue that a door alone cannot show. DCMTK's clients come with the
//! package `dcmtk`, which `tests/run` installs.

use std::net::TcpStream;
use std::process::Command as Process;

use causeway_core::dicom::tag::{self, Tag};
use causeway_core::dicom::uid::Uid;
use causeway_dicom::client::{Client, ClientError, ClientSettings};
use causeway_dicom::dimse::CommandWriter;
use causeway_dicom::pdu::{Proposal, Rejection};
use causeway_dicom::syntax::{Coding, EXPLICIT_LITTLE};
use causeway_dicom::write::ElementWriter;

use super::hub::{Hub, PATIENCE, until};
use super::images::{self, folder, send};
use super::reading::{Answer, read, sharing};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const STUDY: &str = "1.2.50";
const FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";

fn uid(text: &str) -> Uid {
    Uid::parse(text).expect("a uid")
}

/// The header of an image of the person, up to its pixels.
fn header(instance: usize) -> ElementWriter {
    ElementWriter::new(Coding::EXPLICIT)
        .text(tag::SOP_CLASS_UID, *b"UI", CT)
        .text(tag::SOP_INSTANCE_UID, *b"UI", &format!("{STUDY}.1.{instance}"))
        .text(tag::MODALITY, *b"CS", "CT")
        .text(tag::PATIENT_NAME, *b"PN", "YEUNG^SIU KEI")
        .text(tag::PATIENT_ID, *b"LO", "ZZ0000018")
        .text(tag::PATIENT_BIRTH_DATE, *b"DA", "19830114")
        .text(tag::PATIENT_SEX, *b"CS", "M")
        .text(tag::STUDY_INSTANCE_UID, *b"UI", STUDY)
        .text(tag::SERIES_INSTANCE_UID, *b"UI", &format!("{STUDY}.1"))
}

/// The description of pixels: samples, interpretation, frames, rows, columns, bits.
fn described(image: ElementWriter, kind: &str, frames: &str, rows: u16, columns: u16, bits: u16) -> ElementWriter {
    image
        .number(tag::SAMPLES_PER_PIXEL, 1)
        .text(tag::PHOTOMETRIC_INTERPRETATION, *b"CS", kind)
        .text(Tag(0x0028, 0x0008), *b"IS", frames)
        .number(tag::ROWS, rows)
        .number(tag::COLUMNS, columns)
        .number(tag::BITS_ALLOCATED, bits)
        .number(Tag(0x0028, 0x0101), bits)
        .number(Tag(0x0028, 0x0103), 0)
}

fn file(instance: usize, syntax: &str, data_set: &[u8]) -> Vec<u8> {
    let head = causeway_dicom::part10::head(&uid(CT), &uid(&format!("{STUDY}.1.{instance}")), &uid(syntax));
    [&head[..], data_set].concat()
}

fn address(instance: usize) -> String {
    format!("/dicomweb/studies/{STUDY}/series/{STUDY}.1/instances/{STUDY}.1.{instance}")
}

fn kept(hub: &Hub, instance: usize) -> Answer {
    read(hub, &address(instance), "application/dicom; transfer-syntax=*")
}

/// Sends images, and checks that each is kept as it came and that no picture of it is made, while the hub lives on.
fn kept_and_never_drawn(images: &[(&str, &str, Vec<u8>)]) {
    let (mut hub, port, _) = sharing();
    let files: Vec<(String, Vec<u8>)> = (0..)
        .zip(images)
        .map(|(instance, (_, syntax, data_set))| (instance.to_string(), file(instance, syntax, data_set)))
        .collect();
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let (code, sent) = send(&hub, &folder(&hub, "images", &files), port, &[]);
    assert_eq!((code, &sent["taken"]), (Some(0), &images.len().into()), "{sent}");
    for (instance, (what, _, data_set)) in (0..).zip(images) {
        let there = until(|| Some(kept(&hub, instance)).filter(|answer| answer.status == 200));
        assert!(there.unwrap_or_else(|| panic!("{what} is not kept")).body.ends_with(data_set), "{what}");
        let mut why = String::new();
        for path in ["/rendered", "/frames/1/rendered", "/thumbnail"] {
            let drawn = read(&hub, &format!("{}{path}", address(instance)), "image/png");
            assert!((400..500).contains(&drawn.status), "{what}{path}: {}", drawn.head);
            assert!(drawn.head.contains("application/problem+json"), "{what}{path}: {}", drawn.head);
            why = drawn.json()["fix"].as_str().expect("a way on").to_owned();
        }
        said_on_the_page(&hub, instance, &why);
        let ready = until(|| (hub.get("/readyz").0 == 200).then_some(()));
        assert!(ready.is_some(), "{what}: {:?}", hub.get("/readyz"));
    }
    assert_eq!(hub.stop(), Some(0), "it lived through all of them");
}

/// The page says that there is no picture of this instance, and why, and leads to the file; no browser is led to a picture.
fn said_on_the_page(hub: &Hub, instance: usize, why: &str) {
    for (language, kind, broken) in
        [("en", "is not decoded here", "are damaged"), ("zh-hant", "這裏不能解碼", "已損壞")]
    {
        let page = |query: &str| {
            let page = read(hub, &format!("/{language}/studies/{STUDY}{query}"), "text/html");
            assert_eq!(page.status, 200, "{instance}: {}", page.head);
            String::from_utf8(page.body).expect("text")
        };
        let listed = format!("data-address=\"{}\" data-frame=\"1\"", address(instance));
        let first = page("");
        let Some(place) =
            first.split("<li>").filter(|one| one.contains("data-look")).position(|one| one.contains(&listed))
        else {
            assert!(why.contains("no pixels"), "{instance} is not on the page, and {why}");
            continue;
        };
        let html = page(&format!("?series={STUDY}.1&frame={}", place + 1));
        let shown: Vec<_> = html.split("<p data-why=").skip(1).filter(|one| !one.contains("hidden>")).collect();
        let said = if why.contains("not shown here") { kind } else { broken };
        assert!(shown.len() == 1 && shown[0].contains(said), "{instance}: {why}: {shown:?}");
        assert!(html.contains(&format!("<a class=\"button\" href=\"{}?accept=application/dicom\"", address(instance))));
        let picture =
            html.split("<img data-picture").nth(1).and_then(|rest| rest.split('>').next()).expect("a picture");
        assert!(picture.contains("hidden") && !picture.contains("src="), "{instance}: {picture}");
    }
}

#[test]
fn r132_dimensions_that_overflow_or_do_not_fit_are_kept_as_they_are_and_never_drawn() {
    let pixels = |image: ElementWriter| image.raw(tag::PIXEL_DATA, *b"OW", &[7; 512]).bytes();
    let huge = described(header(0), "MONOCHROME2", "2147483647", 65_535, 65_535, 16);
    let long = header(1)
        .number(tag::SAMPLES_PER_PIXEL, 1)
        .text(tag::PHOTOMETRIC_INTERPRETATION, *b"CS", "MONOCHROME2")
        .raw(tag::ROWS, *b"UL", &[0xFF; 4])
        .raw(tag::COLUMNS, *b"UL", &[0xFF; 4])
        .number(tag::BITS_ALLOCATED, 16);
    let short = described(header(2), "MONOCHROME2", "1", 512, 512, 16);
    let nothing = described(header(3), "MONOCHROME2", "0", 0, 0, 0);
    let syntax = EXPLICIT_LITTLE;
    kept_and_never_drawn(&[
        ("rows by columns by frames beyond 64 bits", syntax, pixels(huge)),
        ("rows and columns of VR UL", syntax, pixels(long)),
        ("fewer pixels than rows by columns", syntax, pixels(short)),
        ("no rows, no columns, no bits", syntax, pixels(nothing)),
    ]);
}

#[test]
fn r133_pixels_that_a_decoder_could_choke_on_are_kept_as_they_are_and_never_drawn() {
    let grey = |instance| described(header(instance), "MONOCHROME2", "1", 64, 64, 8);
    let broken = |instance, start: &[u8]| {
        let frame = [start, &[0xFF, 0x4F, 0xFF, 0x51, 0xFF, 0xC3, 0, 2, 0xFF, 0xFF], &[0xA5; 300]].concat();
        grey(instance).encapsulated(tag::PIXEL_DATA, &[&frame]).bytes()
    };
    let table = described(header(5), "PALETTE COLOR", "1", 16, 16, 8)
        .raw(Tag(0x0028, 0x1101), *b"US", &[0xFF, 0xFF, 0xFF, 0xFF, 16, 0])
        .raw(Tag(0x0028, 0x1201), *b"OW", &[1, 2])
        .raw(tag::PIXEL_DATA, *b"OW", &[0xFF; 256])
        .bytes();
    let private = grey(6).raw(Tag(0x07A1, 0x100A), *b"OB", &[0x5A; 64]).raw(tag::PIXEL_DATA, *b"OB", &[0x5A; 80]);
    kept_and_never_drawn(&[
        ("JPEG", "1.2.840.10008.1.2.4.50", broken(0, &[0xFF, 0xD8])),
        ("JPEG lossless", "1.2.840.10008.1.2.4.70", broken(1, &[0xFF, 0xD8])),
        ("JPEG-LS", "1.2.840.10008.1.2.4.80", broken(2, &[0xFF, 0xD8])),
        ("JPEG 2000", "1.2.840.10008.1.2.4.90", broken(3, &[])),
        ("RLE", "1.2.840.10008.1.2.5", broken(4, &[0xFF, 0xFF, 0xFF, 0x7F])),
        ("a palette shorter than it says", EXPLICIT_LITTLE, table),
        ("a private compression", "1.3.46.670589.33.1.4.1", private.bytes()),
    ]);
}

#[test]
fn r135_the_references_of_a_dicomdir_are_never_followed() {
    let (mut hub, port, _) = sharing();
    let secret = described(header(1), "MONOCHROME2", "1", 4, 4, 16).raw(tag::PIXEL_DATA, *b"OW", &[7; 32]).bytes();
    hub.file("secret.dcm", &file(1, EXPLICIT_LITTLE, &secret));
    let record = ElementWriter::new(Coding::EXPLICIT)
        .text(Tag(0x0004, 0x1430), *b"CS", "IMAGE")
        .text(Tag(0x0004, 0x1500), *b"CS", "..\\secret.dcm")
        .text(Tag(0x0004, 0x1510), *b"UI", CT)
        .text(Tag(0x0004, 0x1511), *b"UI", &format!("{STUDY}.1.1"))
        .bytes();
    let directory = "1.2.840.10008.1.3.10";
    let index = ElementWriter::new(Coding::EXPLICIT)
        .text(Tag(0x0004, 0x1130), *b"CS", "DISC")
        .sequence(Tag(0x0004, 0x1220), &[&record], false)
        .bytes();
    let head = causeway_dicom::part10::head(&uid(directory), &uid("1.2.50.9"), &uid(EXPLICIT_LITTLE));
    let disc = folder(&hub, "disc", &[("DICOMDIR", [&head[..], &index].concat())]);
    let (code, sent) = send(&hub, &disc, port, &[]);
    assert!(code != Some(0) && sent["taken"] == 0, "{sent}");
    let named = ElementWriter::new(Coding::EXPLICIT)
        .text(Tag(0x0004, 0x1130), *b"CS", "DISC")
        .sequence(Tag(0x0004, 0x1220), &[&record], false)
        .text(tag::SOP_CLASS_UID, *b"UI", directory)
        .text(tag::SOP_INSTANCE_UID, *b"UI", "1.2.50.9")
        .bytes();
    let named = folder(&hub, "named", &[("DICOMDIR", [&head[..], &named].concat())]);
    let (code, sent) = send(&hub, &named, port, &[]);
    assert!(code != Some(0) && sent["taken"] == 0, "its class is none of storage: {sent}");
    assert!(hub.run(&["--json", "message", "list"]).lines().is_empty());
    assert_eq!(images::blobs(&hub), 0);
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn r140_a_preamble_that_is_a_program_is_not_kept_and_files_are_given_as_attachments() {
    let (mut hub, port, _) = sharing();
    let data_set = described(header(0), "MONOCHROME2", "1", 4, 4, 16).raw(tag::PIXEL_DATA, *b"OW", &[7; 32]).bytes();
    for start in [&b"MZ\x90\0\x03"[..], b"\x7fELF\x02\x01", b"#!/bin/sh\n"] {
        let mut sent = file(0, EXPLICIT_LITTLE, &data_set);
        sent[..start.len()].copy_from_slice(start);
        assert_eq!(send(&hub, &folder(&hub, "images", &[("a", sent)]), port, &[]).0, Some(0));
    }
    let there = until(|| Some(kept(&hub, 0)).filter(|answer| answer.status == 200)).expect("kept");
    assert_eq!((&there.body[..128], &there.body[128..132]), (&[0; 128][..], &b"DICM"[..]));
    assert!(there.body.ends_with(&data_set));
    let head = there.head.to_ascii_lowercase();
    for line in ["content-type: application/dicom", "content-disposition: attachment", "nosniff"] {
        assert!(head.contains(line), "{line}: {head}");
    }
    assert_eq!(images::blobs(&hub), 1, "three preambles, one instance");
    assert_eq!(hub.stop(), Some(0));
}

fn associate(port: u16, class: &str) -> Result<Client, ClientError> {
    let settings = ClientSettings {
        calling: "CAUSEWAY-SCU".to_owned(),
        called: "CAUSEWAY".to_owned(),
        timeout: PATIENCE,
        tls: None,
    };
    let proposal = Proposal { id: 1, abstract_syntax: uid(class), transfer_syntaxes: vec![uid(EXPLICIT_LITTLE)] };
    runtime().block_on(Client::open(&format!("127.0.0.1:{port}"), &settings, vec![proposal], Vec::new()))
}

fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: std::sync::LazyLock<tokio::runtime::Runtime> = std::sync::LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
    });
    &RUNTIME
}

#[test]
fn r141_nobody_is_found_or_moved_by_a_query_over_an_association() {
    let (mut hub, port) = images::hub();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written");
    std::fs::write(&file, text + "unknown_sop_classes = true\n").expect("written");
    hub.start();
    let port_text = port.to_string();
    let base = ["-S", "-aet", "CAUSEWAY-SCU", "-aec", "CAUSEWAY", "-k", "0008,0052=STUDY", "-k", "0010,0010=*"];
    for (tool, more) in [("findscu", &[][..]), ("movescu", &["-aem", "ELSEWHERE", "-k", "0020,000D=*"])] {
        let ran = Process::new(tool).args(base).args(more).args(["-v", "127.0.0.1", &port_text]).output();
        let ran = ran.unwrap_or_else(|error| panic!("{tool}: {error}: install it with `apt-get install dcmtk`"));
        let told = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(!told.contains("Pending") && !told.contains("YEUNG"), "{tool}: {told}");
        assert!(!ran.status.success() || told.contains("0x211"), "{tool}: {told}");
    }
    let mut client = associate(port, FIND).expect("an association");
    let mut command = CommandWriter::request(0x0020, client.next_id(), true);
    command.uid(0x0002, &uid(FIND)).number(0x0700, 0);
    let asked = ElementWriter::new(Coding::EXPLICIT).text(tag::PATIENT_NAME, *b"PN", "*").bytes();
    let (answer, found) = runtime().block_on(client.request(1, &command, Some(&asked))).expect("an answer");
    assert_eq!((answer.status, found.len()), (Some(0x0211), 0), "also where its class is taken");
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn r143_an_archive_is_no_image_and_is_not_opened() {
    let (mut hub, port) = images::hub();
    hub.start();
    // An empty archive, and the head of an entry whose name leads out of the folder.
    let empty = [&b"PK\x05\x06"[..], &[0; 18]].concat();
    let entry = [&b"PK\x03\x04\x14\0\0\0\x08\0"[..], &[0; 16], b"\x0b\0\0\0../../evil", &[0; 64]].concat();
    let archives = folder(&hub, "archives", &[("empty.zip", empty), ("entry.zip", entry)]);
    let (code, sent) = send(&hub, &archives, port, &[]);
    assert!(code != Some(0) && sent["taken"] == 0, "{sent}");
    assert_eq!(images::blobs(&hub), 0);
    assert!(!hub.path().join("evil").exists());
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn r124_a_flood_of_connections_that_say_nothing_passes_and_the_door_is_open_again() {
    let (mut hub, port) = images::hub();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written");
    std::fs::write(&file, text + "\n[dicom_door.limits]\nassociation_timeout = \"2s\"\n").expect("written");
    hub.start();
    let silent: Vec<TcpStream> =
        (0..60).map(|_| TcpStream::connect(("127.0.0.1", port)).expect("a connection")).collect();
    let crowded = until(|| match associate(port, "1.2.840.10008.1.1") {
        Err(ClientError::Rejected(rejection)) => Some(rejection),
        _ => None,
    });
    assert_eq!(crowded, Some(Rejection::LIMIT), "sixteen of one address are enough");
    let open = until(|| associate(port, "1.2.840.10008.1.1").ok());
    let mut client = open.expect("the silent ones were closed in time");
    assert_eq!(runtime().block_on(client.echo()).expect("an answer"), 0);
    drop(silent);
    assert_eq!(hub.stop(), Some(0));
}
