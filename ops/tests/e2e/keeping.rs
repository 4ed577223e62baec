//! What readers keep, through the real binary: 304 to those who have it, after decision and audit; JSON packed by gzip.

use std::io::Read as _;

use flate2::read::GzDecoder;

use super::hub::Hub;
use super::reading::{Answer, FILES, FRAMES, JSON, STUDY, TOKEN, ask_with, is_saved_in_a_sandbox, read, reading};

/// A header of an answer.
fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let named = |line: &'a str| line.split_once(": ").filter(|(own, _)| own.eq_ignore_ascii_case(name));
    answer.head.lines().find_map(named).map(|(_, value)| value)
}

fn asked(hub: &Hub, path: &str, accept: &str, more: &str) -> Answer {
    ask_with(hub, path, &format!("Accept: {accept}\r\nAuthorization: Bearer {TOKEN}\r\n{more}"))
}

fn if_other(hub: &Hub, path: &str, accept: &str, tag: &str) -> Answer {
    asked(hub, path, accept, &format!("If-None-Match: {tag}\r\n"))
}

fn audited(hub: &Hub) -> usize {
    hub.run(&["--json", "audit", "find", "--action", "read-images", "--limit", "1000"]).lines().len()
}

/// Every kind of answer that may be kept, and what to accept.
fn addresses(hub: &Hub) -> Vec<(String, &'static str)> {
    let study = format!("/dicomweb/studies/{STUDY}");
    let series = format!("{study}/series/{STUDY}.1");
    let instance = format!("{series}/instances/{STUDY}.1.1");
    let metadata = read(hub, &format!("{instance}/metadata"), JSON).json();
    let bulk = metadata[0]["00091001"]["BulkDataURI"].as_str().expect("an address");
    let bulk = format!("{instance}/{}", bulk.trim_start_matches("./"));
    vec![
        (format!("{study}/metadata"), JSON),
        (format!("{series}/metadata"), JSON),
        (format!("{instance}/metadata"), JSON),
        (instance.clone(), "application/dicom"),
        (instance.clone(), FILES),
        (study.clone(), FILES),
        (format!("{instance}/frames/1"), FRAMES),
        (format!("{instance}/frames/1"), "application/octet-stream"),
        (bulk, "*/*"),
        (format!("{instance}/rendered"), "image/png"),
        (format!("{instance}/rendered"), "image/jpeg"),
        (format!("{instance}/rendered?window=700,1500,linear"), "image/png"),
        (format!("{instance}/frames/1/rendered?viewport=2,2"), "image/png"),
        (format!("{instance}/thumbnail"), "image/png"),
        (format!("{series}/thumbnail"), "image/png"),
    ]
}

#[test]
fn a_reader_that_has_an_answer_hears_so_after_the_audit_and_nothing_once_consent_is_gone() {
    let (mut hub, provider) = reading();
    let addresses = addresses(&hub);
    let mut kept = Vec::new();
    for (path, accept) in &addresses {
        let first = read(&hub, path, accept);
        assert_eq!((first.status, header(&first, "cache-control")), (200, Some("private, no-cache")), "{path}");
        let tag = header(&first, "etag").unwrap_or_else(|| panic!("no tag: {path}: {}", first.head)).to_owned();
        let again = read(&hub, path, accept);
        assert_eq!(
            (header(&again, "etag"), &again.body),
            (Some(&*tag), &first.body),
            "one tag, the same bytes: {path}"
        );
        let before = audited(&hub);
        let same = if_other(&hub, path, accept, &tag);
        assert_eq!((same.status, same.body.len()), (304, 0), "{path}: {}", same.head);
        assert_eq!((header(&same, "etag"), header(&same, "cache-control")), (Some(&*tag), Some("private, no-cache")));
        assert!(audited(&hub) > before, "a 304 has its line too: {path}");
        assert_eq!(
            is_saved_in_a_sandbox(&same),
            is_saved_in_a_sandbox(&first),
            "a cache takes over the headers: {path}"
        );
        assert_eq!(if_other(&hub, path, accept, "\"another\"").body, first.body, "{path}");
        kept.push((tag, first.body));
    }
    for (place, (tag, body)) in kept.iter().enumerate() {
        assert!(
            kept.iter().skip(place + 1).all(|(other, bytes)| other != tag || bytes == body),
            "{:?}",
            addresses[place]
        );
    }
    assert_eq!(hub.run(&["consent", "revoke", "1", "--provider", &provider]).code, Some(0));
    for ((path, accept), (tag, _)) in addresses.iter().zip(&kept) {
        let before = audited(&hub);
        for tag in [tag, "*"] {
            let refused = if_other(&hub, path, accept, tag);
            assert_eq!((refused.status, header(&refused, "cache-control")), (404, Some("no-store")), "{path}");
            assert_eq!(header(&refused, "etag"), None, "{path}");
        }
        assert!(audited(&hub) > before, "{path}");
        let stranger = ask_with(&hub, path, &format!("Accept: {accept}\r\nIf-None-Match: {tag}\r\n"));
        assert_eq!(stranger.status, 401, "{path}");
    }
    assert_eq!(hub.run(&["consent", "give", "1", "--provider", &provider]).code, Some(0));
    assert_eq!(if_other(&hub, &addresses[0].0, JSON, &kept[0].0).status, 304, "what did not change is the same again");
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn packed_json_is_the_json_and_what_is_no_json_is_never_packed() {
    let (mut hub, _) = reading();
    let gzip = |path: &str, accept: &str, more: &str| {
        asked(&hub, path, accept, &format!("Accept-Encoding: gzip, deflate, br\r\n{more}"))
    };
    for path in [
        "/dicomweb/instances".to_owned(),
        format!("/dicomweb/studies/{STUDY}/instances?includefield=all"),
        format!("/dicomweb/studies/{STUDY}/metadata"),
    ] {
        let (plain, packed) = (read(&hub, &path, JSON), gzip(&path, JSON, ""));
        assert_eq!((header(&plain, "content-encoding"), header(&packed, "content-encoding")), (None, Some("gzip")));
        assert!(header(&plain, "vary").is_some_and(|names| names.contains("accept-encoding")), "{}", plain.head);
        assert!(packed.body.len() < plain.body.len() / 2, "{path}: {} of {}", packed.body.len(), plain.body.len());
        let mut text = Vec::new();
        GzDecoder::new(&*packed.body).read_to_end(&mut text).expect("gzip");
        assert_eq!(text, plain.body, "{path}");
        let tags = (header(&plain, "etag"), header(&packed, "etag"));
        assert!(tags == (None, None) || tags.0 != tags.1, "other bytes, another tag: {tags:?}");
        if let (Some(plain), Some(packed)) = tags {
            assert_eq!(gzip(&path, JSON, &format!("If-None-Match: {packed}\r\n")).status, 304);
            assert_eq!(gzip(&path, JSON, &format!("If-None-Match: {plain}\r\n")).status, 200);
        }
    }
    let instance = format!("/dicomweb/studies/{STUDY}/series/{STUDY}.1/instances/{STUDY}.1.1");
    for (path, accept) in [
        (instance.clone(), "application/dicom"),
        (format!("{instance}/frames/1"), FRAMES),
        (format!("{instance}/rendered"), "*/*"),
    ] {
        assert_eq!(header(&gzip(&path, accept, ""), "content-encoding"), None, "{path}");
    }
    assert_eq!(gzip("/dicomweb/studies?limit=0", JSON, "").body, b"[]", "not worth it");
    assert_eq!(hub.stop(), Some(0));
}
