//! The radiology department of a demo: small studies of invented bodies, sent by C-STORE to the hub's own DICOM door, and
//! their reports by HL7, so that both are joined by the accession number.

use std::net::SocketAddr;
use std::time::Duration;

use causeway_core::dicom::syntax::{Coding, EXPLICIT_LITTLE};
use causeway_core::dicom::tag::{self, Tag};
use causeway_core::dicom::uid::Uid;
use causeway_core::person::Sex;
use causeway_core::port::Clock as _;
use causeway_dicom::client::{Client, ClientError, ClientSettings};
use causeway_dicom::pdu::Proposal;
use causeway_dicom::write::ElementWriter;
use causeway_hl7::client::{Client as Mllp, ClientSettings as MllpSettings};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::world;
use crate::clock::SystemClock;
use crate::generate::person::{Attitude, HOSPITAL_AUTHORITY, Synthetic};

/// Our AE title, which the door's feed knows.
pub(super) const CALLING: &str = "DEMO-PACS";
/// Theirs.
pub(super) const CALLED: &str = "CAUSEWAY";
/// How often sending is tried again.
const TRIES: u32 = 20;
/// The pause before another try.
const RETRY: Duration = Duration::from_secs(1);
/// Persons with images.
const PERSONS: usize = 8;
/// How old the newest study is, and how far the others lie apart.
const APART: SignedDuration = SignedDuration::from_hours(20);

/// What a device sends.
struct Study {
    modality: &'static str,
    class: &'static str,
    description: &'static str,
    report: &'static str,
    rows: u16,
    columns: u16,
    images: u16,
    frames: u16,
}

/// One of each kind.
const STUDIES: [Study; 4] = [
    Study {
        modality: "CT",
        class: "1.2.840.10008.5.1.4.1.1.2",
        description: "CT thorax (phantom)",
        report: "No focal lesion in this invented chest.",
        rows: 192,
        columns: 192,
        images: 16,
        frames: 1,
    },
    Study {
        modality: "MR",
        class: "1.2.840.10008.5.1.4.1.1.4",
        description: "MR brain (phantom)",
        report: "Ventricles of ordinary size in this invented brain.",
        rows: 160,
        columns: 160,
        images: 12,
        frames: 1,
    },
    Study {
        modality: "CR",
        class: "1.2.840.10008.5.1.4.1.1.1",
        description: "Left hand (phantom)",
        report: "No fracture in this invented hand.",
        rows: 320,
        columns: 256,
        images: 1,
        frames: 1,
    },
    Study {
        modality: "US",
        class: "1.2.840.10008.5.1.4.1.1.3.1",
        description: "US abdomen (phantom)",
        report: "No stone in this invented gall bladder.",
        rows: 144,
        columns: 192,
        images: 1,
        frames: 12,
    },
];

/// Sends the studies of the department, once.
pub(super) async fn send(door: SocketAddr, mllp: SocketAddr) {
    let shares =
        |person: &Synthetic| matches!(person.attitude, Attitude::SharesAll | Attitude::OldAndShares | Attitude::Joined);
    let persons: Vec<Synthetic> = world::persons().into_iter().filter(shares).take(PERSONS).collect();
    let now = SystemClock.now();
    for (turn, person) in (0..).zip(&persons) {
        let Some(study) = STUDIES.get(turn % STUDIES.len()) else { return };
        let taken = now - APART * i32::try_from(turn + 1).unwrap_or(1);
        if !tried(door, person, study, taken).await {
            tracing::warn!("the synthetic radiology department could not send its images");
            return;
        }
        report(mllp, person, study, taken).await;
    }
}

/// Sends one study; again, when the door is not ready.
async fn tried(door: SocketAddr, person: &Synthetic, study: &Study, taken: Timestamp) -> bool {
    for _ in 0..TRIES {
        match images(door, person, study, taken).await {
            Ok(()) => return true,
            Err(error) => tracing::debug!(%error, "a synthetic study was not sent"),
        }
        tokio::time::sleep(RETRY).await;
    }
    false
}

async fn images(door: SocketAddr, person: &Synthetic, study: &Study, taken: Timestamp) -> Result<(), ClientError> {
    let settings = ClientSettings {
        calling: CALLING.to_owned(),
        called: CALLED.to_owned(),
        timeout: Duration::from_secs(30),
        tls: None,
    };
    let uid = |text: &str| Uid::parse(text).map_err(|_fault| ClientError::Protocol("an invented UID is none"));
    let (class, syntax) = (uid(study.class)?, uid(EXPLICIT_LITTLE)?);
    let proposal = Proposal { id: 1, abstract_syntax: class.clone(), transfer_syntaxes: vec![syntax.clone()] };
    let mut client = Client::open(&door.to_string(), &settings, vec![proposal], Vec::new()).await?;
    for image in 1..=study.images {
        let instance = uid(&format!("{}.1.{image}", study_uid(person, study)))?;
        let bytes = data_set(person, study, taken, image);
        client.store(&class, &instance, &syntax, &mut bytes.as_slice()).await?;
    }
    client.release().await
}

/// Under the root for numbers anyone may make (PS3.5 section B.2); no other study of a demo has it.
fn study_uid(person: &Synthetic, study: &Study) -> String {
    let kind = study.modality.bytes().fold(0_u32, |sum, byte| sum * 100 + u32::from(byte));
    format!("2.25.2026{:06}{kind}", person.number)
}

fn accession(person: &Synthetic, study: &Study) -> String {
    format!("{}{:06}", study.modality, person.number)
}

fn hong_kong() -> TimeZone {
    TimeZone::fixed(Offset::constant(8))
}

/// One image, elements in the order of their tags.
fn data_set(person: &Synthetic, study: &Study, taken: Timestamp, image: u16) -> Vec<u8> {
    let when = taken.to_zoned(hong_kong());
    let (date, time) = (when.strftime("%Y%m%d").to_string(), when.strftime("%H%M%S").to_string());
    let uid = study_uid(person, study);
    let name = &person.name;
    let chinese = |text: &str| {
        text.chars()
            .next()
            .map_or_else(String::new, |first| format!("{first}^{}", text.chars().skip(1).collect::<String>()))
    };
    let sex = if person.sex == Sex::Female { "F" } else { "M" };
    let place = f64::from(image) * 5.0;
    let grey16 = study.modality != "US";
    let mut set = ElementWriter::new(Coding::EXPLICIT)
        .text(tag::SPECIFIC_CHARACTER_SET, *b"CS", "ISO_IR 192")
        .text(tag::IMAGE_TYPE, *b"CS", "DERIVED\\SECONDARY")
        .text(tag::SOP_CLASS_UID, *b"UI", study.class)
        .text(tag::SOP_INSTANCE_UID, *b"UI", &format!("{uid}.1.{image}"))
        .text(tag::STUDY_DATE, *b"DA", &date)
        .text(tag::SERIES_DATE, *b"DA", &date)
        .text(tag::STUDY_TIME, *b"TM", &time)
        .text(tag::ACCESSION_NUMBER, *b"SH", &accession(person, study))
        .text(tag::MODALITY, *b"CS", study.modality)
        .text(tag::MANUFACTURER, *b"LO", "Causeway phantom")
        .text(tag::STUDY_DESCRIPTION, *b"LO", study.description)
        .text(tag::SERIES_DESCRIPTION, *b"LO", "Phantom")
        .text(tag::PATIENT_NAME, *b"PN", &format!("{}^{}={}", name.family, name.given, chinese(&name.chinese)))
        .text(tag::PATIENT_ID, *b"LO", &person.hospital_number())
        .text(tag::ISSUER_OF_PATIENT_ID, *b"LO", HOSPITAL_AUTHORITY)
        .text(tag::PATIENT_BIRTH_DATE, *b"DA", &person.birth.strftime("%Y%m%d").to_string())
        .text(tag::PATIENT_SEX, *b"CS", sex);
    if study.modality == "CR" {
        set = set.text(Tag(0x0018, 0x1164), *b"DS", "0.6\\0.6");
    }
    set = set
        .text(tag::STUDY_INSTANCE_UID, *b"UI", &uid)
        .text(tag::SERIES_INSTANCE_UID, *b"UI", &format!("{uid}.1"))
        .text(tag::STUDY_ID, *b"SH", &person.number.to_string())
        .text(tag::SERIES_NUMBER, *b"IS", "1")
        .text(tag::INSTANCE_NUMBER, *b"IS", &image.to_string());
    set = match study.modality {
        "CT" | "MR" => set.text(Tag(0x0020, 0x0032), *b"DS", &format!("-120\\-120\\{place}")).text(
            Tag(0x0020, 0x0037),
            *b"DS",
            "1\\0\\0\\0\\1\\0",
        ),
        "CR" => set.text(Tag(0x0020, 0x0020), *b"CS", "A\\F").text(tag::LATERALITY, *b"CS", "L"),
        _ => set,
    };
    set = set.number(tag::SAMPLES_PER_PIXEL, 1).text(tag::PHOTOMETRIC_INTERPRETATION, *b"CS", "MONOCHROME2");
    if study.frames > 1 {
        set = set.text(tag::NUMBER_OF_FRAMES, *b"IS", &study.frames.to_string());
    }
    set = set.number(tag::ROWS, study.rows).number(tag::COLUMNS, study.columns);
    if matches!(study.modality, "CT" | "MR") {
        set = set.text(Tag(0x0028, 0x0030), *b"DS", "1.25\\1.25");
    }
    let (allocated, stored) = if grey16 { (16, 12) } else { (8, 8) };
    set = set
        .number(tag::BITS_ALLOCATED, allocated)
        .number(Tag(0x0028, 0x0101), stored)
        .number(Tag(0x0028, 0x0102), stored - 1)
        .number(Tag(0x0028, 0x0103), 0);
    set = match study.modality {
        "CT" => set
            .text(Tag(0x0028, 0x1050), *b"DS", "40")
            .text(Tag(0x0028, 0x1051), *b"DS", "400")
            .text(Tag(0x0028, 0x1052), *b"DS", "-1024")
            .text(Tag(0x0028, 0x1053), *b"DS", "1"),
        "MR" => set.text(Tag(0x0028, 0x1050), *b"DS", "500").text(Tag(0x0028, 0x1051), *b"DS", "1000"),
        "CR" => set.text(Tag(0x0028, 0x1050), *b"DS", "2048").text(Tag(0x0028, 0x1051), *b"DS", "4096"),
        _ => set,
    };
    let pixels: Vec<u8> = (0..study.frames).flat_map(|frame| phantom(study, image.max(frame + 1), grey16)).collect();
    set.raw(tag::PIXEL_DATA, if grey16 { *b"OW" } else { *b"OB" }, &pixels).bytes()
}

/// A body of ellipses. `step` moves what is inside, slice by slice or frame by frame.
fn phantom(study: &Study, step: u16, grey16: bool) -> Vec<u8> {
    let steps = f64::from(study.images.max(study.frames));
    let along = f64::from(step) / steps;
    let (half_x, half_y) = (f64::from(study.columns) / 2.0, f64::from(study.rows) / 2.0);
    let mut bytes = Vec::with_capacity(usize::from(study.rows) * usize::from(study.columns) * 2);
    for row in 0..study.rows {
        for column in 0..study.columns {
            let (x, y) = (f64::from(column) / half_x - 1.0, f64::from(row) / half_y - 1.0);
            let value = shade(study.modality, x, y, along);
            if grey16 {
                bytes.extend(value.to_le_bytes());
            } else {
                bytes.push(u8::try_from(value.min(255)).unwrap_or(u8::MAX));
            }
        }
    }
    bytes
}

/// What a device would measure at a place from -1 to 1.
fn shade(modality: &str, x: f64, y: f64, along: f64) -> u16 {
    let inside = |cx: f64, cy: f64, rx: f64, ry: f64| ((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2) < 1.0;
    let grows = 0.6 + 0.4 * (along * std::f64::consts::PI).sin();
    match modality {
        // Hounsfield units + 1024: bone, lung, a vessel, soft tissue, air.
        "CT" if inside(0.0, 0.55, 0.12, 0.14) => 1724,
        "CT" if inside(-0.4, 0.0, 0.28 * grows, 0.4 * grows) || inside(0.4, 0.0, 0.28 * grows, 0.4 * grows) => 224,
        "CT" if inside(0.05, 0.1, 0.08, 0.08) => 1224,
        "CT" if inside(0.0, 0.0, 0.85, 0.7) => 1074,
        "CT" => 24,
        "MR" if inside(-0.12, -0.05, 0.08 * grows, 0.3 * grows) || inside(0.12, -0.05, 0.08 * grows, 0.3 * grows) => {
            120
        }
        "MR" if inside(0.0, 0.0, 0.6 * grows, 0.75 * grows) => 620,
        "MR" if inside(0.0, 0.0, 0.7 * grows, 0.85 * grows) => 950,
        "MR" => 8,
        "CR" if (-4..=4).any(|finger: i32| inside(f64::from(finger) * 0.18, -0.35, 0.05, 0.5) && finger % 2 == 0) => {
            3300
        }
        "CR" if inside(0.0, 0.35, 0.45, 0.4) => 2900,
        "CR" if inside(0.0, 0.0, 0.9, 0.95) => 1300,
        "CR" => 90,
        // A fan of echoes, with something dark that breathes.
        _ if y < x.abs() * 1.2 - 1.0 => 0,
        _ if inside(0.1 * (along * 6.0).sin(), 0.1, 0.25, 0.18) => 12,
        _ => {
            let echo = ((x * 41.0).sin() * (y * 53.0 + along * 6.0).cos() + 1.0) * 70.0;
            if echo > 100.0 {
                140
            } else if echo > 60.0 {
                90
            } else {
                40
            }
        }
    }
}

/// The report, as the hospital's system sends it.
async fn report(mllp: SocketAddr, person: &Synthetic, study: &Study, taken: Timestamp) {
    let when = taken.to_zoned(hong_kong()).strftime("%Y%m%d%H%M%S+0800").to_string();
    let (name, number) = (&person.name, accession(person, study));
    let birth = person.birth.strftime("%Y%m%d").to_string();
    let sex = if person.sex == Sex::Female { "F" } else { "M" };
    let patient = format!("{}^^^{HOSPITAL_AUTHORITY}^MR~{}^^^HKSAR^HKID", person.hospital_number(), person.hkid);
    let message = format!(
        "MSH|^~\\&|PAS|{HOSPITAL_AUTHORITY}|CAUSEWAY|EHR|{when}||ORU^R01^ORU_R01|RIS-{number}|P|2.5.1|||AL|AL|HKG|UNICODE UTF-8\r\
         PID|1||{patient}||{}^{}||{birth}|{sex}\r\
         OBR|1||F-{number}^RIS|{}^{}^L|||{when}|||||||||||{number}||||{when}||RAD|F\r\
         OBX|1|TX|IMP^Impression^L||{}||||||F\r",
        name.family, name.given, study.modality, study.description, study.report
    );
    let sent = async {
        Mllp::connect(&mllp.to_string(), MllpSettings::default()).await?.send(message.as_bytes()).await.map(drop)
    };
    if let Err(error) = sent.await {
        tracing::warn!(%error, "a synthetic report was not sent");
    }
}

#[cfg(test)]
mod tests {
    use causeway_dicom::scan::{ScanLimits, Scanner};

    use super::*;

    #[test]
    fn every_invented_image_is_whole_and_has_the_pixels_it_tells() {
        let person = world::persons().remove(0);
        for study in &STUDIES {
            let set = data_set(&person, study, Timestamp::UNIX_EPOCH, 1);
            let syntax = Uid::parse(EXPLICIT_LITTLE).expect("a UID");
            let mut scanner = Scanner::data_set(&syntax, ScanLimits::default());
            scanner.feed(&set).expect("well formed");
            let scan = scanner.finish().expect("whole");
            let bytes = usize::from(study.rows) * usize::from(study.columns) * usize::from(study.frames);
            let expected = if study.modality == "US" { bytes } else { bytes * 2 };
            let Some(causeway_dicom::scan::Layout::Native(span)) = scan.pixels.map(|pixels| pixels.layout) else {
                panic!("{}: no pixels", study.modality);
            };
            assert_eq!(span.bytes, u64::try_from(expected).expect("small"), "{}", study.modality);
            let tags: Vec<Tag> = scan.header.values().map(|(tag, _)| tag).collect();
            assert!(tags.is_sorted(), "{}: {tags:?}", study.modality);
        }
    }
}
