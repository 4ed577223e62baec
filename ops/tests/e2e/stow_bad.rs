//! Bad input by STOW-RS, on the running binary: row 142 of the catalogue, and senders that break off.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};

use super::hub::until;
use super::images::{blobs, slice};
use super::stow::{MULTIPART, PART, TOKEN, file, hub, multipart, post, read, reasons, stored, with_token};

fn kind(text: &str) -> String {
    format!("{TOKEN}Content-Type: {text}\r\n")
}

#[test]
fn r142_a_missing_boundary_is_400_and_another_content_type_is_415() {
    let (mut hub, address) = hub("", &with_token());
    hub.start();
    let body = multipart(&[(PART, &file(&slice("1.2.3", 1, 1)))]);
    let told = |headers: &str| {
        let (status, head, told) = post(address, "/studies", headers, &body);
        assert!(head.contains("application/problem+json") && told["fix"].is_string(), "{head} {told}");
        (status, told["code"].as_str().expect("a code").to_owned())
    };
    let dicom = "multipart/related; type=\"application/dicom\"";
    assert_eq!(told(&kind(dicom)), (400, "no-boundary".into()));
    assert_eq!(told(&kind(&format!("{dicom}; boundary=\"\""))), (400, "no-boundary".into()));
    assert_eq!(told(&kind(&format!("{dicom}; boundary={}", "x".repeat(71)))), (400, "no-boundary".into()));
    assert_eq!(told(&kind(&format!("{dicom}; boundary=another"))), (400, "no-delimiter".into()));
    for other in [
        "",
        "multipart/form-data; boundary=x-y",
        "multipart/related; type=\"application/dicom+json\"; boundary=x-y",
        "application/json",
    ] {
        assert_eq!(told(&kind(other)), (415, "content-type".into()), "{other}");
    }
    assert_eq!(told(TOKEN), (415, "content-type".into()));
    assert_eq!(
        told(&format!("{}Accept: application/dicom+xml\r\n", kind("application/dicom"))),
        (406, "not-acceptable".into())
    );
    let (status, _, told) = post(address, "/studies", &format!("{TOKEN}{MULTIPART}"), b"--x-y--\r\n");
    assert_eq!((status, &told["code"]), (400, &"no-parts".into()));
    assert_eq!(blobs(&hub), 0);
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn r142_a_hundred_thousand_parts_are_413_and_what_came_before_has_its_results() {
    let (mut hub, address) = hub("", &format!("{}\n", with_token()));
    let config = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&config)
        .expect("written")
        .replace("[dicom_door.stow]\n", "[dicom_door.stow]\nparts_max = 50\n");
    std::fs::write(&config, text).expect("written");
    hub.start();
    let good = file(&slice("1.2.3", 1, 1));
    let mut parts: Vec<(&str, &[u8])> = vec![(PART, &good)];
    parts.extend(std::iter::repeat_n((PART, &b"x"[..]), 100_000));
    let before = hub.peak_kib();
    let (status, head, told) = post(address, "/studies", &format!("{TOKEN}{MULTIPART}"), &multipart(&parts));
    assert_eq!((status, stored(&told), reasons(&told).len()), (413, vec!["1.2.3.1.1".to_owned()], 49), "{told}");
    assert!(head.contains("warning: 299 causeway: there are more than 50 parts"), "{head}");
    let grown = hub.peak_kib() - before;
    assert!(grown < 24 << 10, "{grown} KiB: a part costs next to nothing");
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn r142_a_part_without_its_line_ends_is_400_and_stores_nothing() {
    let (mut hub, address) = hub("", &with_token());
    hub.start();
    let good = file(&slice("1.2.3", 1, 1));
    let headers = format!("{TOKEN}{MULTIPART}");
    let of = |before: &str, after: &str| [before.as_bytes(), &good, after.as_bytes()].concat();
    for (body, code) in [
        // No empty line, no line end after the delimiter, none before the closing one, and bare line feeds.
        (of("--x-y\r\nContent-Type: application/dicom", "\r\n--x-y--"), "part-cut-short"),
        (of("--x-y\r\nContent-Type: application/dicom\r\n", "\r\n\r\n\r\n--x-y--"), "bad-part-header"),
        (of("--x-y", "\r\n--x-y--"), "no-parts"),
        (of("--x-y\r\n\r\n", "--x-y--"), "part-cut-short"),
        (of("--x-y\nContent-Type: application/dicom\n\n", "\n--x-y--\n"), "no-delimiter"),
        (of("--x-y\r\n\r\n", ""), "part-cut-short"),
    ] {
        let (status, _, told) = post(address, "/studies", &headers, &body);
        assert_eq!((status, &told["code"]), (400, &code.into()), "{told}");
    }
    assert_eq!(blobs(&hub), 0);
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn r142_a_huge_header_of_a_part_is_413() {
    let (mut hub, address) = hub("", &with_token());
    hub.start();
    let good = file(&slice("1.2.3", 1, 1));
    let head = format!("X-Long: {}\r\n{PART}", "x".repeat(12 << 20));
    let headers = format!("{TOKEN}{MULTIPART}");
    let body = multipart(&[(PART, &good), (&head, &good)]);
    // What threads and allocator keep in hand does not grow any more after the first.
    assert_eq!(post(address, "/studies", &headers, &body).0, 413);
    let before = hub.peak_kib();
    let (status, warned, told) = post(address, "/studies", &headers, &body);
    assert_eq!((status, stored(&told).len()), (413, 1), "{told}");
    assert!(warned.contains("the header of part 2 is longer than 8192 bytes"), "{warned}");
    let grown = hub.peak_kib() - before;
    assert!(grown < 6 << 10, "{grown} KiB for a header of 12 MiB");
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn r142_a_nested_multipart_is_one_part_that_is_refused() {
    let (mut hub, address) = hub("", &with_token());
    hub.start();
    let good = file(&slice("1.2.3", 1, 1));
    let mut inner = b"--inner\r\nContent-Type: application/dicom\r\n\r\n".to_vec();
    inner.extend_from_slice(&good);
    inner.extend_from_slice(b"\r\n--inner--");
    let nested = "Content-Type: multipart/related; type=\"application/dicom\"; boundary=inner\r\n";
    let headers = format!("{TOKEN}{MULTIPART}");
    let (status, _, told) = post(address, "/studies", &headers, &multipart(&[(nested, &inner)]));
    assert_eq!((status, reasons(&told)), (409, vec![0xC000]), "{told}");
    assert!(told.to_string().contains("a part within a part is not taken"), "{told}");
    let (status, _, told) = post(address, "/studies", &headers, &multipart(&[(nested, &inner), (PART, &good)]));
    assert_eq!((status, stored(&told).len()), (202, 1), "{told}");
    assert_eq!(blobs(&hub), 1);
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn a_sender_that_breaks_off_or_falls_silent_keeps_what_was_whole_and_leaves_nothing_else() {
    let (mut hub, address) = hub("\n[dicom_door.limits]\nread_timeout = \"500ms\"\n", &with_token());
    hub.start();
    let (good, other) = (file(&slice("1.2.3", 1, 1)), file(&slice("1.2.3", 1, 2)));
    let whole = multipart(&[(PART, &good), (PART, &other)]);
    let begun = whole.get(..whole.len() - 200).expect("longer");
    let head = format!(
        "POST /studies HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{TOKEN}{MULTIPART}Content-Length: {}\r\n\r\n",
        whole.len()
    );
    // Silent: told so, with the result of the first part.
    let mut silent = TcpStream::connect(address).expect("connects");
    silent.write_all(&[head.as_bytes(), begun].concat()).expect("sent");
    let (status, warned, told) = read(&silent);
    assert_eq!((status, stored(&told)), (408, vec!["1.2.3.1.1".to_owned()]), "{told}");
    assert!(warned.contains("instances that are stored are known again"), "{warned}");
    // Gone: nobody is told.
    let mut gone = TcpStream::connect(address).expect("connects");
    gone.write_all(&[head.as_bytes(), begun].concat()).expect("sent");
    gone.shutdown(Shutdown::Both).expect("closed");
    let metrics = || hub.get("/metrics").1;
    let twice = "causeway_dicom_instances_total{feed=\"pacs\",outcome=\"stored\"} 2";
    assert!(until(|| metrics().contains(twice).then_some(())).is_some(), "{}", metrics());
    assert_eq!((blobs(&hub), hub.run(&["--json", "message", "list"]).lines().len()), (1, 1));
    let unfinished = hub.path().join("data/blobs/unfinished");
    // Empty ones are kept ready for the next.
    let is_written = |file: std::fs::DirEntry| file.metadata().is_ok_and(|about| about.len() > 0);
    let left = || {
        std::fs::read_dir(&unfinished).expect("a folder").flatten().map(is_written).filter(|written| *written).count()
    };
    assert!(until(|| (left() == 0).then_some(())).is_some(), "{}", left());
    assert_eq!(hub.stop(), Some(0));
}
