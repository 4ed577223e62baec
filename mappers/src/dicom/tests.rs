//! Claims to studies: whose, which, when; and what is said of a header that cannot be read.

mod rejections;

use causeway_core::dicom::claim::{extract, to_hex};
use causeway_core::dicom::syntax::Coding;
use causeway_core::dicom::tag::{self, Tag};
use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::{Digest, FeedName, Format, TraceId};
use causeway_core::feed::{CharsetRule, Profile};
use causeway_core::person::Sex;
use causeway_core::phi::Phi;
use causeway_core::port::Map as _;
use causeway_core::provider::ProviderId;
use causeway_core::scope::Domain;
use jiff::Timestamp;
use serde_json::Value;

use super::*;
use crate::Mappers;

fn feed() -> FeedSettings {
    let name = FeedName::parse("pacs").expect("a name");
    FeedSettings::new(name, Format::Dicom, ProviderId("1000000001".to_owned()))
}

fn claim(values: &[(Tag, &[u8])]) -> Claim {
    let uid = |text: &str| Uid::parse(text).expect("a uid");
    let usual: &[(Tag, &[u8])] = &[
        (tag::SPECIFIC_CHARACTER_SET, b"ISO_IR 192"),
        (tag::STUDY_DATE, b"20261101"),
        (tag::STUDY_TIME, b"093000.5"),
        (tag::ACCESSION_NUMBER, b"RAD-77 "),
        (tag::MODALITY, b"CT"),
        (tag::STUDY_DESCRIPTION, "胸部電腦掃描".as_bytes()),
        (tag::PATIENT_NAME, "CHAN^TAI MAN=陳^大文".as_bytes()),
        (tag::PATIENT_ID, b"H2001"),
        (tag::PATIENT_BIRTH_DATE, b"19830114"),
        (tag::PATIENT_SEX, b"M "),
        (tag::SERIES_NUMBER, b"2"),
        (tag::INSTANCE_NUMBER, b"17"),
        (tag::BODY_PART_EXAMINED, b"CHEST"),
        (tag::LATERALITY, b"L"),
    ];
    let header = usual.iter().chain(values).map(|(tag, value)| (*tag, Phi::new(to_hex(value)))).collect();
    Claim {
        v: 1,
        blob: Digest::of(b"file"),
        bytes: 1000,
        data_set_at: 300,
        sop_class: uid("1.2.840.10008.5.1.4.1.1.2"),
        sop_instance: uid("1.2.3.1.17"),
        study: uid("1.2.3"),
        series: uid("1.2.3.1"),
        transfer_syntax: uid("1.2.840.10008.1.2.1"),
        big_endian: false,
        header,
        dropped: 0,
        extract: Some(extract(b"")),
        pixels: None,
    }
}

fn map(claim: &Claim, feed: FeedSettings) -> Mapped {
    let body = claim.to_bytes();
    let envelope = Envelope {
        trace: TraceId(uuid::Uuid::nil()),
        feed: feed.name.clone(),
        format: Format::Dicom,
        sender: "CT1".to_owned(),
        control_id: claim.sop_instance.to_string(),
        kind: "C-STORE".to_owned(),
        patient_key: Phi::default(),
        received_at: Timestamp::from_second(1_793_496_480).expect("a time"),
        digest: Digest::of(&body),
        refusal: None,
        body: Phi::new(body.into()),
    };
    Mappers::new(vec![feed]).map(&envelope)
}

fn resource(mapped: &Mapped) -> Value {
    mapped.records[0].resource.value()
}

#[test]
fn an_instance_makes_its_study_with_one_series_and_one_instance() {
    let mapped = map(&claim(&[]), feed());
    assert_eq!((mapped.faults.len(), mapped.notes.len()), (0, 0));
    let record = &mapped.records[0];
    assert_eq!((record.domain, record.key.0.as_str()), (Domain::RadiologyImage, "ImagingStudy/1000000001/1.2.3"));
    assert_eq!(record.clinical_date.map(|date| date.to_string()).as_deref(), Some("2026-11-01"));
    as_expected(include_str!("../../../tests/golden/dicom/ct_slice/expected.json"), &mapped);
}

#[test]
fn a_sparse_header_and_one_of_another_kind_make_valid_studies_too() {
    let sparse: &[(Tag, &[u8])] = &[
        (tag::STUDY_DATE, b""),
        (tag::ACCESSION_NUMBER, b""),
        (tag::MODALITY, b""),
        (tag::STUDY_DESCRIPTION, b""),
        (tag::SERIES_NUMBER, b""),
        (tag::INSTANCE_NUMBER, b""),
        (tag::BODY_PART_EXAMINED, b""),
        (tag::LATERALITY, b""),
    ];
    as_expected(include_str!("../../../tests/golden/dicom/sparse/expected.json"), &map(&claim(sparse), feed()));
    let report: &[(Tag, &[u8])] = &[
        (tag::MODALITY, b"DOC"),
        (tag::DOCUMENT_TITLE, "超聲波報告".as_bytes()),
        (tag::SERIES_DATE, b"20261101"),
        (tag::SERIES_TIME, b"101500"),
        (tag::SERIES_DESCRIPTION, b"Report"),
        (tag::LATERALITY, b""),
    ];
    as_expected(
        include_str!("../../../tests/golden/dicom/encapsulated_report/expected.json"),
        &map(&claim(report), feed()),
    );
    let own = map(&claim(&[(tag::MODALITY, b"ZZ9")]), feed());
    assert_eq!(own.notes.len(), 1);
    as_expected(include_str!("../../../tests/golden/dicom/unknown_modality/expected.json"), &own);
}

/// Compares with a file of `tests/golden/dicom`, which the validator is asked about.
fn as_expected(expected: &str, mapped: &Mapped) {
    let got = serde_json::to_string_pretty(&resource(mapped)).expect("JSON") + "\n";
    assert_eq!(got, expected, "if this is what it should be, it is what the file should hold");
}

#[test]
fn the_patient_is_the_one_that_hl7_messages_name() {
    let issued = FeedSettings { patient_id_issuer: "QMH".to_owned(), ..feed() };
    let mapped = map(&claim(&[]), issued);
    let identity = mapped.identity.as_ref().expect("somebody");
    let local = &identity.local_numbers[0];
    assert_eq!((local.authority.as_str(), local.number.expose().as_str()), ("QMH", "H2001"));
    let key = causeway_core::record::RecordKey::new("Patient", "1000000001", &["QMH", "H2001"]);
    assert_eq!(resource(&mapped)["subject"]["reference"], format!("Patient/{}", key.resource_id()));
    let who = &identity.demographics;
    assert_eq!((who.family.expose().as_str(), who.given.expose().as_str()), ("CHAN", "TAI MAN"));
    assert_eq!((who.chinese.expose().as_str(), who.sex), ("陳大文", Some(Sex::Male)));
    assert_eq!(who.birth.as_ref().map(|birth| birth.expose().to_string()).as_deref(), Some("1983-01-14"));
    let other = map(&claim(&[(tag::ISSUER_OF_PATIENT_ID, b"PYN")]), feed());
    assert_eq!(other.identity.expect("somebody").local_numbers[0].authority, "PYN", "what is sent holds");
}

#[test]
fn an_hkid_is_one_by_its_issuer_its_prefix_or_the_dialect_and_not_by_its_looks_alone() {
    let public = FeedSettings { profile: Profile::HkPublicHospital, ..feed() };
    let document = |mapped: &Mapped| {
        let identity = mapped.identity.as_ref().expect("somebody");
        (identity.documents.first().map(|document| document.number.expose().clone()), identity.hkid_check_failed)
    };
    let number = (Some("A1234563".to_owned()), false);
    assert_eq!(
        document(&map(&claim(&[(tag::PATIENT_ID, b"A123456(3)"), (tag::ISSUER_OF_PATIENT_ID, b"HKSAR")]), feed())),
        number
    );
    assert_eq!(document(&map(&claim(&[(tag::PATIENT_ID, b"HKID:A1234563")]), feed())), number);
    assert_eq!(document(&map(&claim(&[(tag::PATIENT_ID, b"A1234563")]), public)), number);
    assert_eq!(document(&map(&claim(&[(tag::PATIENT_ID, b"A1234563")]), feed())), (None, false));
    let wrong = map(&claim(&[(tag::PATIENT_ID, b"A1234567"), (tag::ISSUER_OF_PATIENT_ID, b"HKID")]), feed());
    assert_eq!(document(&wrong), (Some("A1234567".to_owned()), true));
}

#[test]
fn one_chinese_name_is_read_alike_from_four_ways_of_sending_it() {
    let chinese = |declared: &[u8], name: &[u8], rule: CharsetRule| {
        let claim = claim(&[
            (tag::SPECIFIC_CHARACTER_SET, declared),
            (tag::PATIENT_NAME, name),
            (tag::STUDY_DESCRIPTION, b"CHEST"),
        ]);
        let mapped = map(&claim, FeedSettings { charset: rule, ..feed() });
        mapped.identity.map(|identity| identity.demographics.chinese.into_inner())
    };
    let expected = Some("陳大文".to_owned());
    let big5 = || CharsetRule::Default("big5-hkscs".to_owned());
    assert_eq!(chinese(b"ISO_IR 192", "CHAN^TAI MAN=陳^大文".as_bytes(), CharsetRule::Auto), expected);
    assert_eq!(chinese(b"GB18030", b"CHAN^TAI MAN=\xea\x90^\xb4\xf3\xce\xc4", CharsetRule::Auto), expected);
    assert_eq!(chinese(b"ISO_IR 100", b"CHAN^TAI MAN=\xb3\xaf^\xa4j\xa4\xe5", big5()), expected);
    assert_eq!(chinese(b"", b"\xb3\xaf^\xa4j\xa4\xe5", big5()), expected, "in the first group, unlabelled");
}

#[test]
fn what_cannot_be_read_of_the_patient_holds_the_instance_and_of_the_rest_is_noted() {
    let undeclared = claim(&[(tag::SPECIFIC_CHARACTER_SET, b""), (tag::PATIENT_NAME, b"\xb3\xaf")]);
    let mapped = map(&undeclared, feed());
    assert_eq!((mapped.records.len(), mapped.faults[0].reason), (0, Reason::Undecodable));
    assert_eq!(mapped.faults[0].place, "(0010,0010)");
    let nobody = map(&claim(&[(tag::PATIENT_ID, b"")]), feed());
    assert_eq!((nobody.records.len(), nobody.faults[0].reason), (0, Reason::NoIdentifier));
    let odd = claim(&[
        (tag::STUDY_DATE, b"2026ABCD"),
        (tag::PATIENT_BIRTH_DATE, b"99999999"),
        (tag::INSTANCE_NUMBER, b"-1"),
        (tag::LATERALITY, b"X"),
        (tag::STUDY_DESCRIPTION, b"\xff"),
    ]);
    let mapped = map(&Claim { dropped: 2, ..odd }, feed());
    let mut notes: Vec<&str> = mapped.notes.iter().map(|note| note.code.as_str()).collect();
    notes.sort_unstable();
    assert_eq!(notes, ["bad-date", "bad-date", "dropped-value", "not-a-number", "undecodable", "unmapped-code"]);
    let study = resource(&mapped);
    assert_eq!((study.get("started"), study.get("description")), (None, None));
    assert!(mapped.notes.iter().all(|note| !note.text.contains("2026ABCD")));
}

#[test]
fn a_time_says_its_offset_or_is_that_of_the_feed_and_a_date_without_one_stays_a_date() {
    let started = |values: &[(Tag, &[u8])]| resource(&map(&claim(values), feed()))["started"].clone();
    assert_eq!(started(&[(tag::TIMEZONE_OFFSET, b"-0500")]), "2026-11-01T09:30:00-05:00");
    assert_eq!(started(&[(tag::STUDY_TIME, b"")]), "2026-11-01");
    assert_eq!(started(&[(tag::STUDY_TIME, b"0930")]), "2026-11-01");
    assert_eq!(started(&[(tag::STUDY_DATE, b"2026.11.01")]), "2026-11-01T09:30:00+08:00");
}

#[test]
fn what_is_no_claim_is_held_and_never_breaks_the_mapper() {
    let mut envelope_body = claim(&[]).to_bytes();
    envelope_body.truncate(50);
    let feed = feed();
    let envelope = Envelope {
        trace: TraceId(uuid::Uuid::nil()),
        feed: feed.name.clone(),
        format: Format::Dicom,
        sender: "CT1".to_owned(),
        control_id: "1".to_owned(),
        kind: "C-STORE".to_owned(),
        patient_key: Phi::default(),
        received_at: Timestamp::UNIX_EPOCH,
        digest: Digest::of(&envelope_body),
        refusal: None,
        body: Phi::new(envelope_body.into()),
    };
    let mapped = Mappers::new(vec![feed]).map(&envelope);
    assert_eq!((mapped.records.len(), mapped.faults[0].reason), (0, Reason::Unmappable));
}

/// An element in Explicit VR Little Endian, of a representation with a short length.
fn element(tag: Tag, vr: &str, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("short");
    [&tag.0.to_le_bytes()[..], &tag.1.to_le_bytes(), vr.as_bytes(), &length.to_le_bytes(), value].concat()
}

fn metadata(elements: &[Vec<u8>]) -> Value {
    let claim = Claim { extract: Some(extract(&elements.concat())), ..claim(&[]) };
    let instance = map(&claim, feed()).instance.expect("an instance");
    assert!(!instance.cut);
    serde_json::from_str(&instance.metadata.expose().replace(causeway_core::dicom::instance::HERE, "here"))
        .expect("JSON")
}

#[test]
fn a_header_becomes_the_json_of_the_standard() {
    let nested = element(Tag(0x0008, 0x0104), "LO", "胸部 ".as_bytes());
    let length = u32::try_from(nested.len()).expect("short");
    let sequence = [
        &[0x32, 0, 0x64, 0x10, b'S', b'Q', 0, 0][..],
        &(length + 8).to_le_bytes(),
        &[0xFE, 0xFF, 0, 0xE0],
        &length.to_le_bytes(),
        &nested,
    ];
    let elements = [
        element(Tag(0x0008, 0x0000), "UL", &[4, 0, 0, 0]),
        element(tag::SPECIFIC_CHARACTER_SET, "CS", b"GB18030 "),
        element(tag::IMAGE_TYPE, "CS", b"ORIGINAL\\\\AXIAL"),
        element(tag::PATIENT_NAME, "PN", b"CHAN^TAI MAN=\xb3\xc2^\xb4\xf3\xce\xc4"),
        element(Tag(0x0018, 0x0050), "DS", b"1.50"),
        element(Tag(0x0020, 0x0037), "DS", b"+1\\0\\1e-2 "),
        element(Tag(0x0020, 0x0013), "IS", b"+07 "),
        element(tag::ROWS, "US", &[0, 2]),
        element(Tag(0x0028, 0x0009), "AT", &[0x18, 0, 0x63, 0x10]),
        element(Tag(0x0028, 0x0106), "SS", &[0xFF, 0xFF]),
        element(Tag(0x0018, 0x9074), "DT", b""),
        [&[9, 0, 1, 0x10, b'U', b'N', 0, 0, 2, 0, 0, 0][..], &[1, 2]].concat(),
        [&[0x28, 0, 0x01, 0x12, b'O', b'W', 0, 0][..], &4096_u32.to_le_bytes()].concat(),
    ];
    let got = metadata(&elements);
    let at = 300 + elements.concat().len();
    let expected = serde_json::json!({
        "00080005": { "vr": "CS", "Value": ["ISO_IR 192"] },
        "00080008": { "vr": "CS", "Value": ["ORIGINAL", null, "AXIAL"] },
        "00091001": { "vr": "UN", "InlineBinary": "AQI=" },
        "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "CHAN^TAI MAN", "Ideographic": "陈^大文" }] },
        "00180050": { "vr": "DS", "Value": [1.50] },
        "00189074": { "vr": "DT" },
        "00200013": { "vr": "IS", "Value": [7] },
        "00200037": { "vr": "DS", "Value": [1, 0, 1e-2] },
        "00280009": { "vr": "AT", "Value": ["00181063"] },
        "00280010": { "vr": "US", "Value": [512] },
        "00280106": { "vr": "SS", "Value": [-1] },
        "00281201": { "vr": "OW", "BulkDataURI": format!("here/bulkdata/{at}-4096") },
    });
    let plain = |value: &Value| value.to_string().replace("1.50", "1.5").replace("1e-2", "0.01");
    assert_eq!(plain(&got), plain(&expected));
    let utf8 = element(tag::SPECIFIC_CHARACTER_SET, "CS", b"ISO_IR 192");
    let with_sequence = metadata(&[utf8, sequence.concat()]);
    assert_eq!(with_sequence["00321064"]["Value"][0]["00080104"]["Value"][0], "胸部");
}

#[test]
fn a_header_that_was_not_kept_has_its_main_values_and_says_so() {
    let claim = Claim { extract: None, ..claim(&[(tag::ROWS, &[0, 2])]) };
    let mapped = map(&claim, feed());
    assert_eq!(mapped.notes.iter().map(|note| note.code.as_str()).collect::<Vec<_>>(), ["header-cut"]);
    let instance = mapped.instance.expect("an instance");
    let got: Value = serde_json::from_str(instance.metadata.expose()).expect("JSON");
    assert!(instance.cut);
    assert_eq!((&got["00280010"]["Value"][0], &got["00080060"]["vr"]), (&Value::from(512), &Value::from("CS")));
    assert_eq!((instance.search.frames, instance.search.number), (1, Some(17)));
    assert_eq!(
        (instance.search.study_date.as_str(), instance.search.patient_id.expose().as_str()),
        ("20261101", "H2001")
    );
}
