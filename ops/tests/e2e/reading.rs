//! Images read through the real binary: what a viewer asks (QIDO-RS, WADO-RS), who gets an answer, and the line in the audit.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use causeway_core::dicom::syntax::{Coding, EXPLICIT_LITTLE};
use causeway_core::dicom::tag::{self, Tag};
use causeway_core::envelope::Digest;
use causeway_dicom::scan::{ScanLimits, Scanner};
use causeway_dicom::write::ElementWriter;
use serde_json::Value;

use super::hub::{Hub, until};
use super::images::{folder, hub, send};

pub(super) const TOKEN: &str = "a token nobody else has";
pub(super) const STUDY: &str = "1.2.840.99999.1";
const PERSON: &str = "document_kind,document_number,family,given,chinese,birth,sex\n\
                      HKID,ZZ000001(8),YEUNG,Siu Kei,楊小琴,1983-01-14,M\n";

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The parts of a multipart answer: head and bytes.
    fn parts(&self) -> Vec<(String, Vec<u8>)> {
        let boundary = self.head.split("boundary=").nth(1).and_then(|rest| rest.lines().next()).expect("a boundary");
        let mark = format!("--{}", boundary.trim_matches('"')).into_bytes();
        let find = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|window| window == what);
        let mut rest = &self.body[find(&self.body, &mark).expect("a first part") + mark.len()..];
        let mut parts = Vec::new();
        while !rest.starts_with(b"--") {
            let end = find(rest, &mark).expect("the end of a part");
            let head = find(rest, b"\r\n\r\n").expect("the head of a part");
            let text = String::from_utf8_lossy(&rest[2..head]).into_owned();
            parts.push((text, rest[head + 4..end - 2].to_vec()));
            rest = &rest[end + mark.len()..];
        }
        parts
    }
}

pub(super) fn ask(hub: &Hub, path: &str, accept: &str, token: Option<&str>) -> Answer {
    let shown = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    ask_with(hub, path, &format!("Accept: {accept}\r\n{shown}"))
}

/// The same with these headers, each with its end of line.
pub(super) fn ask_with(hub: &Hub, path: &str, headers: &str) -> Answer {
    let address: SocketAddr = hub.http.parse().expect("an address");
    let mut stream = TcpStream::connect(address).expect("connects");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answered");
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let (text, body) = (String::from_utf8_lossy(&answer[..head]).into_owned(), answer[head + 4..].to_vec());
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let chunked = text.to_ascii_lowercase().contains("transfer-encoding: chunked");
    Answer { status, head: text, body: if chunked { whole(&body) } else { body } }
}

/// The bytes of a chunked body.
fn whole(mut chunked: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let end = chunked.windows(2).position(|window| window == b"\r\n").expect("the length of a chunk");
        let length = usize::from_str_radix(std::str::from_utf8(&chunked[..end]).expect("text"), 16).expect("a length");
        if length == 0 {
            return bytes;
        }
        bytes.extend(&chunked[end + 2..end + 2 + length]);
        chunked = &chunked[end + 4 + length..];
    }
}

/// Row 64 of the catalogue of bad inputs: what a sender wrote is never shown by a browser as a page of ours.
pub(super) fn is_saved_in_a_sandbox(answer: &Answer) -> bool {
    let head = answer.head.to_ascii_lowercase();
    head.contains("content-disposition: attachment")
        && head.contains("content-security-policy: sandbox; default-src 'none'")
}

pub(super) fn read(hub: &Hub, path: &str, accept: &str) -> Answer {
    ask(hub, path, accept, Some(TOKEN))
}

pub(super) const FRAMES: &str = "multipart/related; type=application/octet-stream; transfer-syntax=*";
pub(super) const JSON: &str = "application/dicom+json";
pub(super) const FILES: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";

/// A CT slice of four by four pixels, with a long private value.
fn slice(instance: u16) -> Vec<u8> {
    let pixels: Vec<u8> = (0..16_u16).flat_map(|pixel| (pixel * 100 + instance).to_le_bytes()).collect();
    ElementWriter::new(Coding::EXPLICIT)
        .text(tag::SPECIFIC_CHARACTER_SET, *b"CS", "ISO_IR 100")
        .text(tag::SOP_CLASS_UID, *b"UI", "1.2.840.10008.5.1.4.1.1.2")
        .text(tag::SOP_INSTANCE_UID, *b"UI", &format!("{STUDY}.1.{instance}"))
        .text(tag::STUDY_DATE, *b"DA", "20260301")
        .text(tag::ACCESSION_NUMBER, *b"SH", "RAD-1")
        .text(tag::MODALITY, *b"CS", "CT")
        .text(tag::STUDY_DESCRIPTION, *b"LO", "CT thorax")
        .text(Tag(0x0009, 0x0010), *b"LO", "CAUSEWAY TEST")
        .raw(Tag(0x0009, 0x1001), *b"OB", &[0xAB; 5000])
        .raw(tag::PATIENT_NAME, *b"PN", b"YEUNG^SIU KEI=\xb7\xa8^\xa4p\xb5\x5e")
        .text(tag::PATIENT_ID, *b"LO", "ZZ0000018")
        .text(tag::PATIENT_BIRTH_DATE, *b"DA", "19830114")
        .text(tag::PATIENT_SEX, *b"CS", "M")
        .text(tag::STUDY_INSTANCE_UID, *b"UI", STUDY)
        .text(tag::SERIES_INSTANCE_UID, *b"UI", &format!("{STUDY}.1"))
        .text(tag::SERIES_NUMBER, *b"IS", "1")
        .text(tag::INSTANCE_NUMBER, *b"IS", &instance.to_string())
        .number(tag::SAMPLES_PER_PIXEL, 1)
        .text(tag::PHOTOMETRIC_INTERPRETATION, *b"CS", "MONOCHROME2")
        .number(tag::ROWS, 4)
        .number(tag::COLUMNS, 4)
        .number(tag::BITS_ALLOCATED, 16)
        .number(Tag(0x0028, 0x0101), 12)
        .number(Tag(0x0028, 0x0103), 0)
        .raw(tag::PIXEL_DATA, *b"OW", &pixels)
        .bytes()
}

/// A hub that runs, with a DICOM door on a port, a person who shares with the reader's provider, and the provider's number.
pub(super) fn sharing() -> (Hub, u16, String) {
    sharing_of(PERSON)
}

/// The same with these persons, of whom the first shares.
pub(super) fn sharing_of(persons: &str) -> (Hub, u16, String) {
    let (mut hub, port) = hub();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written");
    let provider = text.lines().find_map(|line| line.trim().strip_prefix("provider = ")).expect("a provider");
    let provider = provider.trim_matches('"').to_owned();
    let digest = Digest::of(TOKEN.as_bytes());
    let reader = format!("\n[[reader]]\nname = \"ward\"\nprovider = \"{provider}\"\ntoken_sha256 = \"{digest}\"\n");
    std::fs::write(&file, text + &reader).expect("written");
    hub.file("persons.csv", persons.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
    let given = hub.run(&["consent", "give", "1", "--provider", &provider]);
    assert_eq!(given.code, Some(0), "{given:?}");
    hub.start();
    (hub, port, provider)
}

/// A hub with three slices of a person who shares them with the reader's provider, and the provider's number.
pub(super) fn reading() -> (Hub, String) {
    let (hub, port, provider) = sharing();
    let slices = [("a", slice(1)), ("b", slice(2)), ("c", slice(3))];
    assert_eq!(send(&hub, &folder(&hub, "slices", &slices), port, &[]).0, Some(0));
    let there = until(|| {
        let found = read(&hub, "/dicomweb/studies", JSON);
        let count = found.json()[0]["00201208"]["Value"][0].as_u64();
        (count == Some(3)).then_some(())
    });
    assert!(there.is_some(), "never: {:?}", hub.run(&["message", "list"]));
    (hub, provider)
}

/// The calls of OHIF, in its order and with its headers.
#[test]
fn a_viewer_finds_a_study_its_series_metadata_and_frames() {
    let (mut hub, _) = reading();
    let query = format!(
        "/dicomweb/studies?limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060&StudyInstanceUID={STUDY}"
    );
    let studies = read(&hub, &query, JSON);
    assert!(studies.head.contains("application/dicom+json"), "{}", studies.head);
    let study = &studies.json()[0];
    assert_eq!(study["0020000D"]["Value"][0], STUDY);
    assert_eq!(study["00100010"]["Value"][0]["Ideographic"], "楊^小琴", "Big5 labelled Latin-1, by the feed's rule");
    assert_eq!((&study["00080061"]["Value"][0], &study["00201206"]["Value"][0]), (&"CT".into(), &1.into()));
    assert_eq!(
        study["00081190"]["Value"][0],
        format!("studies/{STUDY}"),
        "relative, so that a proxy may stand between"
    );
    let series = read(&hub, &format!("/dicomweb/studies/{STUDY}/series?includefield=0008103E%2C00080021"), JSON).json();
    let uid = series[0]["0020000E"]["Value"][0].as_str().expect("a series").to_owned();
    assert_eq!(series[0]["00201209"]["Value"][0], 3);
    let path = format!("/dicomweb/studies/{STUDY}/series/{uid}");
    let metadata = read(&hub, &format!("{path}/metadata"), JSON).json();
    let numbers: Vec<_> =
        metadata.as_array().expect("a list").iter().map(|one| one["00200013"]["Value"][0].clone()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    let bulk = metadata[1]["00091001"]["BulkDataURI"].as_str().expect("an address");
    let value = read(&hub, &format!("{path}/{bulk}"), "*/*");
    assert_eq!((value.status, value.body.len(), value.body[0]), (200, 5000, 0xAB));
    assert!(
        is_saved_in_a_sandbox(&value) && !is_saved_in_a_sandbox(&studies),
        "a value may be a document: {}",
        value.head
    );
    let frame = read(&hub, &format!("{path}/instances/{STUDY}.1.2/frames/1"), FRAMES);
    let parts = frame.parts();
    assert!(parts[0].0.contains(&format!("transfer-syntax={EXPLICIT_LITTLE}")), "{}", parts[0].0);
    let expected: Vec<u8> = (0..16_u16).flat_map(|pixel| (pixel * 100 + 2).to_le_bytes()).collect();
    assert_eq!(parts[0].1, expected);
    let found = |query: &str| read(&hub, &format!("/dicomweb/{query}"), JSON).json().as_array().map_or(0, Vec::len);
    assert_eq!(found("studies?PatientName=yeung*&StudyDate=20260101-20261231&ModalitiesInStudy=CT"), 1);
    assert_eq!(found("studies?PatientID=ZZ000001*&AccessionNumber=RAD-1"), 1);
    assert_eq!((found("studies?StudyDate=20270101-"), found("studies?offset=1"), found("studies?limit=0")), (0, 0, 0));
    assert_eq!((found("instances?InstanceNumber=2"), found("series?Modality=CT")), (1, 1));
    assert_eq!(found(&format!("studies/{STUDY}/instances?limit=2&offset=2")), 1);
    assert_eq!(read(&hub, "/dicomweb/studies?limit=ten", JSON).status, 400);
    assert!(read(&hub, "/dicomweb/studies?fuzzymatching=true", JSON).head.contains("warning: 299"));
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn files_come_back_with_the_data_set_they_came_with() {
    let (mut hub, _) = reading();
    let parts = read(&hub, &format!("/dicomweb/studies/{STUDY}"), FILES).parts();
    assert_eq!(parts.len(), 3);
    for (number, (head, file)) in (1..).zip(&parts) {
        assert!(head.contains("application/dicom"), "{head}");
        let mut scanner = Scanner::file(ScanLimits::default());
        scanner.feed(file).expect("a DICOM file");
        let before = usize::try_from(scanner.data_set_at().expect("a data set")).expect("small");
        assert_eq!(file[before..], slice(number)[..], "the data set of instance {number}");
        scanner.finish().expect("whole");
    }
    let instance = format!("/dicomweb/studies/{STUDY}/series/{STUDY}.1/instances/{STUDY}.1.1");
    let alone = read(&hub, &instance, "application/dicom");
    assert_eq!(alone.body, parts[0].1, "alone");
    assert!(is_saved_in_a_sandbox(&alone), "{}", alone.head);
    let other =
        read(&hub, &instance, "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.4.90");
    assert_eq!((other.status, other.json()["code"].clone()), (406, "not-acceptable".into()));
    for (path, status) in [
        (format!("{instance}/frames/2"), 404),
        (format!("{instance}/frames/0"), 400),
        (format!("{instance}/bulkdata/0-9999999"), 404),
        (format!("{instance}/bulkdata/100-18446744073709551615"), 404),
        (format!("/dicomweb/studies/{STUDY}.9"), 404),
        ("/dicomweb/studies/..%2F..%2Fetc".to_owned(), 404),
    ] {
        let answer = read(&hub, &path, "*/*");
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.head.contains("application/problem+json"), "{path}: {}", answer.head);
    }
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn pictures_are_made_by_a_process_of_their_own() {
    let (mut hub, _) = reading();
    let instance = format!("/dicomweb/studies/{STUDY}/series/{STUDY}.1/instances/{STUDY}.1.1");
    for path in [
        format!("{instance}/rendered?window=700,1500,linear"),
        format!("{instance}/frames/1/rendered"),
        format!("{instance}/thumbnail"),
        format!("/dicomweb/studies/{STUDY}/series/{STUDY}.1/thumbnail"),
    ] {
        let picture = read(&hub, &path, "image/png");
        assert_eq!((picture.status, &picture.body[1..4]), (200, &b"PNG"[..]), "{path}: {}", picture.head);
    }
    let jpeg = read(&hub, &format!("{instance}/rendered"), "image/jpeg");
    assert_eq!(&jpeg.body[..2], [0xFF, 0xD8]);
    assert_eq!(read(&hub, &format!("{instance}/rendered?window=a,b"), "image/png").status, 400);
    assert_eq!(read(&hub, &format!("{instance}/rendered"), "image/gif").status, 406);
    let page = read(&hub, &format!("/en/studies/{STUDY}"), "text/html");
    let html = String::from_utf8(page.body).expect("text");
    assert_eq!(page.status, 200, "{html}");
    assert!(html.contains("YEUNG SIU KEI") && html.contains("/frames/1/rendered"), "{html}");
    let list = read(&hub, "/zh-hant/studies", "text/html");
    assert!(String::from_utf8(list.body).expect("text").contains("楊小琴"));
    assert_eq!(hub.stop(), Some(0));
}

/// Nothing without a token; nothing without consent, from the very next request on; and every answer has its line.
#[test]
fn a_revocation_binds_the_very_next_read_and_each_read_is_audited() {
    let (mut hub, provider) = reading();
    let path = format!("/dicomweb/studies/{STUDY}/metadata");
    let stranger = ask(&hub, &path, JSON, None);
    assert_eq!((stranger.status, stranger.json()["code"].clone()), (401, "unauthorized".into()));
    assert!(stranger.head.to_ascii_lowercase().contains("www-authenticate: basic"), "{}", stranger.head);
    assert_eq!(ask(&hub, &path, JSON, Some("a guess")).status, 401);
    assert_eq!(read(&hub, &path, JSON).status, 200);
    let lines = || hub.run(&["--json", "audit", "find", "--action", "read-images"]).lines();
    let line = lines().into_iter().find(|line| line.to_string().contains("metadata")).expect("a line");
    let text = line.to_string();
    assert!(text.contains("reader:ward") && text.contains("permit") && text.contains(STUDY), "{text}");
    assert!(!text.contains("YEUNG") && !text.contains("ZZ0000018"), "{text}");
    assert_eq!(hub.run(&["consent", "revoke", "1", "--provider", &provider]).code, Some(0));
    let before = lines().len();
    assert_eq!(read(&hub, &path, JSON).status, 404, "what may not be seen is not there");
    assert_eq!(read(&hub, "/dicomweb/studies", JSON).json(), Value::Array(Vec::new()));
    let page = read(&hub, &format!("/en/studies/{STUDY}"), "text/html");
    assert!(page.status == 404 && page.head.contains("text/html"), "{}", page.head);
    let refused = lines();
    assert!(refused.len() > before && refused.iter().any(|line| line.to_string().contains("NO_SHARING_CONSENT")));
    assert_eq!(hub.run(&["consent", "give", "1", "--provider", &provider]).code, Some(0));
    assert_eq!(read(&hub, &path, JSON).status, 200);
    assert_eq!(hub.stop(), Some(0));
}
