//! The list of studies through the real binary: pages of it, and a search that puts nothing of a patient into an address.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use causeway_core::dicom::tag;
use causeway_dicom::syntax::Coding;
use causeway_dicom::write::ElementWriter;

use super::hub::{Hub, until};
use super::images::{folder, send};
use super::reading::{TOKEN, ask, sharing_of};

const PERSONS: &str = "document_kind,document_number,family,given,chinese,birth,sex\n\
                       HKID,ZZ000001(8),YEUNG,Siu Kei,楊小琪,1983-01-14,M\n\
                       HKID,ZZ000002(6),LAU,Kar Wai,劉家慧,1990-02-02,F\n";
const YEUNG: [&str; 4] = ["ZZ0000018", "YEUNG^SIU KEI", "19830114", "M"];
const LAU: [&str; 4] = ["ZZ0000026", "LAU^KAR WAI", "19900202", "F"];

fn study([id, name, birth, sex]: [&str; 4], number: u16, modality: &str) -> Vec<u8> {
    let study = format!("1.2.840.99999.8.{number}");
    ElementWriter::new(Coding::EXPLICIT)
        .text(tag::SOP_CLASS_UID, *b"UI", "1.2.840.10008.5.1.4.1.1.2")
        .text(tag::SOP_INSTANCE_UID, *b"UI", &format!("{study}.1.1"))
        .text(tag::STUDY_DATE, *b"DA", &format!("202603{:02}", number % 28 + 1))
        .text(tag::ACCESSION_NUMBER, *b"SH", &format!("RAD-{number}"))
        .text(tag::MODALITY, *b"CS", modality)
        .text(tag::PATIENT_NAME, *b"PN", name)
        .text(tag::PATIENT_ID, *b"LO", id)
        .text(tag::PATIENT_BIRTH_DATE, *b"DA", birth)
        .text(tag::PATIENT_SEX, *b"CS", sex)
        .text(tag::STUDY_INSTANCE_UID, *b"UI", &study)
        .text(tag::SERIES_INSTANCE_UID, *b"UI", &format!("{study}.1"))
        .number(tag::ROWS, 16)
        .raw(tag::PIXEL_DATA, *b"OW", &[7; 512])
        .bytes()
}

/// A hub with 53 studies of one person and one of another, who shares them with nobody.
fn many() -> Hub {
    let (hub, port, _) = sharing_of(PERSONS);
    let modality = |number: u16| if number < 2 { "MR" } else { "CT" };
    let names: Vec<String> = (0..54).map(|number| format!("{number:02}")).collect();
    let files: Vec<(&str, Vec<u8>)> = (0_u16..)
        .zip(&names)
        .map(|(number, name)| (name.as_str(), study(if number < 53 { YEUNG } else { LAU }, number, modality(number))))
        .collect();
    assert_eq!(send(&hub, &folder(&hub, "studies", &files), port, &[]).0, Some(0));
    let stored = until(|| {
        let rows = hub.run(&["--json", "message", "list", "--state", "accepted", "--limit", "100"]).lines();
        (rows.len() == 54).then_some(())
    });
    assert!(stored.is_some(), "never: {:?}", hub.run(&["message", "list"]));
    hub
}

/// Sends the form, and gives the page.
fn search(hub: &Hub, form: &str) -> String {
    let address: SocketAddr = hub.http.parse().expect("an address");
    let mut stream = TcpStream::connect(address).expect("connects");
    write!(
        stream,
        "POST /en/studies HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

fn rows(page: &str) -> usize {
    page.matches("scope=\"row\"").count()
}

/// What the button for older ones sends.
fn older(page: &str) -> Option<String> {
    let value = page.split("name=\"after\" value=\"").nth(1)?.split('"').next()?;
    Some(value.replace(' ', "+"))
}

#[test]
fn all_studies_are_reached_page_by_page_and_found_by_number_date_and_modality() {
    let mut hub = many();
    let first = ask(&hub, "/en/studies", "text/html", Some(TOKEN));
    let first = String::from_utf8_lossy(&first.body).into_owned();
    assert_eq!(rows(&first), 50);
    let next = older(&first).expect("older ones");
    assert!(!next.contains("ZZ") && !next.contains("YEUNG"), "{next}");
    let second = search(&hub, &format!("after={next}"));
    assert_eq!((rows(&second), older(&second)), (3, None), "the other person's study is never there");
    for (form, found) in [
        ("patient_id=ZZ0000018&accession=RAD-7", 1),
        ("patient_id=ZZ0000026", 0),
        ("accession=RAD-53", 0),
        ("modality=mr", 2),
        ("since=2026-03-02&until=2026-03-02", 2),
        ("until=2026-02-01", 0),
        ("patient_id=%27+OR+1%3D1", 0),
    ] {
        let page = search(&hub, form);
        assert_eq!(rows(&page), found, "{form}");
        assert!(found > 0 || page.contains("fits the search"), "{form}");
    }
    let paged = search(&hub, "modality=CT");
    assert_eq!(rows(&paged), 50);
    let rest = search(&hub, &format!("modality=CT&after={}", older(&paged).expect("older ones")));
    assert_eq!(rows(&rest), 1);
    let wrong = search(&hub, "since=yesterday");
    assert!(wrong.contains("A date is year, month and day") && rows(&wrong) == 0);
    let audited = hub.run(&["--json", "audit", "find", "--action", "read-images", "--limit", "1000"]).lines();
    assert!(audited.iter().any(|line| line.to_string().contains("1.2.840.99999.8.7")));
    assert_eq!(hub.stop(), Some(0));
}
