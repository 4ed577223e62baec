//! Storage commitment against the real binary: who asks is told, on its association or on a new one, what is kept.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use causeway_core::dicom::tag::Tag;
use causeway_core::dicom::uid::Uid;
use causeway_dicom::classes::{STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE};
use causeway_dicom::client::{Client, ClientError, ClientSettings};
use causeway_dicom::dimse::{Command, CommandWriter, field};
use causeway_dicom::pdu::{self, Acceptance, Answer, Proposal, Request, Role, kind};
use causeway_dicom::syntax::{Coding, EXPLICIT_LITTLE};
use causeway_dicom::write::ElementWriter;

use super::hub::{Hub, PATIENCE, until};
use super::images::{self, PERSON, folder, send, slice};
use crate::ports::reserve;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
const TITLE: &str = "CAUSEWAY-SCU";

fn uid(text: &str) -> Uid {
    Uid::parse(text).expect("a uid")
}

/// A hub that knows the person of the slices, and reports to this port.
fn hub(report_to: Option<u16>) -> (Hub, u16) {
    let (hub, port) = images::hub();
    if let Some(report_to) = report_to {
        let file = hub.path().join("causeway.toml");
        let text = std::fs::read_to_string(&file).expect("written");
        let setting = format!("report_to = {{ \"{TITLE}\" = \"127.0.0.1:{report_to}\" }}\n");
        std::fs::write(&file, text + &setting).expect("written");
    }
    (hub, port)
}

fn register(hub: &Hub) {
    hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
}

/// Stores slices of a study.
fn store(hub: &Hub, port: u16, study: &str, instances: u16) {
    let slices: Vec<(String, Vec<u8>)> = (1..=instances).map(|i| (i.to_string(), slice(study, 1, i))).collect();
    let slices: Vec<(&str, Vec<u8>)> = slices.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let images = folder(hub, study, &slices);
    assert_eq!(send(hub, &images, port, &[]).0, Some(0));
}

/// An association for storage commitment.
async fn associate(port: u16) -> Result<Client, ClientError> {
    let settings =
        ClientSettings { calling: TITLE.to_owned(), called: "CAUSEWAY".to_owned(), timeout: PATIENCE, tls: None };
    let proposal =
        Proposal { id: 1, abstract_syntax: uid(STORAGE_COMMITMENT), transfer_syntaxes: vec![uid(EXPLICIT_LITTLE)] };
    let role = Role { class: uid(STORAGE_COMMITMENT), scu: true, scp: false };
    Client::open(&format!("127.0.0.1:{port}"), &settings, vec![proposal], vec![role]).await
}

fn request(transaction: &str, instances: &[(&str, &str)]) -> Vec<u8> {
    let item = |(class, instance): &(&str, &str)| {
        ElementWriter::new(Coding::EXPLICIT)
            .text(Tag(0x0008, 0x1150), *b"UI", class)
            .text(Tag(0x0008, 0x1155), *b"UI", instance)
            .bytes()
    };
    let items: Vec<Vec<u8>> = instances.iter().map(item).collect();
    let items: Vec<&[u8]> = items.iter().map(Vec::as_slice).collect();
    ElementWriter::new(Coding::EXPLICIT)
        .text(Tag(0x0008, 0x1195), *b"UI", transaction)
        .sequence(Tag(0x0008, 0x1199), &items, false)
        .bytes()
}

/// N-ACTION: gives the status.
async fn action(client: &mut Client, action: u16, data_set: &[u8]) -> u16 {
    let mut command = CommandWriter::request(field::ACTION, client.next_id(), true);
    command.uid(0x0003, &uid(STORAGE_COMMITMENT)).uid(0x1001, &uid(STORAGE_COMMITMENT_INSTANCE));
    command.number(0x1008, action);
    let (answer, _) = client.request(1, &command, Some(data_set)).await.expect("an answer");
    answer.status.expect("a status")
}

/// Waits for the report, says thanks, and gives what it says.
async fn report(client: &mut Client) -> Told {
    let (command, data_set) = client.hear().await.expect("a report");
    client.reply(1, &CommandWriter::answer(&command, 0)).await.expect("answered");
    Told::read(&command, &data_set)
}

/// What a report says.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    event: u16,
    transaction: String,
    kept: Vec<String>,
    failed: Vec<(String, u16)>,
}

impl Told {
    /// Reads what is in Explicit VR Little Endian, with lengths.
    fn read(command: &Command, data_set: &[u8]) -> Self {
        assert_eq!(command.field, field::EVENT_REPORT);
        let event = command.type_id.expect("an event type");
        let mut told = Self { event, transaction: String::new(), kept: Vec::new(), failed: Vec::new() };
        let text = |value: &[u8]| String::from_utf8_lossy(value).trim_end_matches(char::from(0)).to_owned();
        let (mut rest, mut instance, mut failing) = (data_set, String::new(), false);
        while rest.len() >= 8 {
            let tag = (u16::from_le_bytes([rest[0], rest[1]]), u16::from_le_bytes([rest[2], rest[3]]));
            let short = usize::from(u16::from_le_bytes([rest[6], rest[7]]));
            match tag {
                (0x0008, 0x1198 | 0x1199) => {
                    failing = tag.1 == 0x1198;
                    rest = &rest[12..];
                    continue;
                }
                (0xFFFE, 0xE000) => {
                    rest = &rest[8..];
                    continue;
                }
                (0x0008, 0x1195) => told.transaction = text(&rest[8..8 + short]),
                (0x0008, 0x1155) => {
                    instance = text(&rest[8..8 + short]);
                    if !failing {
                        told.kept.push(instance.clone());
                    }
                }
                (0x0008, 0x1197) => told.failed.push((instance.clone(), u16::from_le_bytes([rest[8], rest[9]]))),
                _ => {}
            }
            rest = &rest[8 + short..];
        }
        told
    }
}

fn told(event: u16, transaction: &str, kept: &[&str], failed: &[(&str, u16)]) -> Told {
    Told {
        event,
        transaction: transaction.to_owned(),
        kept: kept.iter().map(|&text| text.to_owned()).collect(),
        failed: failed.iter().map(|(text, reason)| ((*text).to_owned(), *reason)).collect(),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn what_is_kept_and_what_is_not_is_reported_on_the_association_that_asked() {
    let (mut hub, port) = hub(None);
    register(&hub);
    hub.start();
    store(&hub, port, "1.2.30", 2);
    runtime().block_on(async {
        let mut client = associate(port).await.expect("an association");
        assert_eq!(client.roles(), [Role { class: uid(STORAGE_COMMITMENT), scu: true, scp: false }]);
        let (one, two, none) = ("1.2.30.1.1", "1.2.30.1.2", "1.2.30.1.3");
        let both = request("1.9.1", &[(CT, one), (CT, two)]);
        assert_eq!(action(&mut client, 1, &both).await, 0);
        assert_eq!(report(&mut client).await, told(1, "1.9.1", &[one, two], &[]));
        let some = request("1.9.2", &[(CT, one), (CT, none), (MR, two), ("1.2.840.10008.1.1", one)]);
        assert_eq!(action(&mut client, 1, &some).await, 0);
        let failed = [(none, 0x0112), (two, 0x0119), (one, 0x0122)];
        assert_eq!(report(&mut client).await, told(2, "1.9.2", &[one], &failed));
        assert_eq!(action(&mut client, 1, &both).await, 0, "the same request again is told the same again");
        assert_eq!(report(&mut client).await, told(1, "1.9.1", &[one, two], &[]));
        assert_eq!(action(&mut client, 1, &request("1.9.1", &[(CT, one)])).await, 0);
        assert_eq!(report(&mut client).await, told(2, "1.9.1", &[], &[(one, 0x0131)]));
        assert_eq!(action(&mut client, 2, &both).await, 0x0123, "another action");
        assert_eq!(action(&mut client, 1, &both[..20]).await, 0x0115, "half a request");
        client.release().await.expect("released");
    });
    let counted =
        || hub.get("/metrics").1.lines().filter(|line| line.contains("commit")).collect::<Vec<_>>().join("\n");
    for line in [
        "causeway_dicom_commitments_total{feed=\"pacs\",step=\"taken\"} 4",
        "causeway_dicom_commitments_total{feed=\"pacs\",step=\"refused\"} 2",
        "causeway_dicom_commitments_total{feed=\"pacs\",step=\"reported_kept\"} 2",
        "causeway_dicom_commitments_total{feed=\"pacs\",step=\"reported_failures\"} 2",
        "causeway_dicom_committed_instances_total{feed=\"pacs\",outcome=\"kept\"} 5",
        "causeway_dicom_committed_instances_total{feed=\"pacs\",outcome=\"missing\"} 1",
    ] {
        until(|| counted().contains(line).then_some(())).unwrap_or_else(|| panic!("{line}: {}", counted()));
    }
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn what_was_withheld_is_not_committed_to_and_what_was_lost_in_the_store_is_neither() {
    let (mut hub, port) = hub(None);
    hub.start();
    store(&hub, port, "1.2.31", 1);
    let ask = |transaction: &str| {
        runtime().block_on(async {
            let mut client = associate(port).await.expect("an association");
            assert_eq!(action(&mut client, 1, &request(transaction, &[(CT, "1.2.31.1.1")])).await, 0);
            report(&mut client).await
        })
    };
    let withheld = told(2, "1.9.1", &[], &[("1.2.31.1.1", 0x0110)]);
    assert_eq!(ask("1.9.1"), withheld, "it is removed when the log gives its claim up");
    register(&hub);
    until(|| (ask("1.9.1").event == 1).then_some(())).expect("taken up when the person joined, and kept");
    let blobs = hub.path().join("data").join("blobs");
    let mut damaged = 0;
    for file in files(&blobs) {
        let mut bytes = std::fs::read(&file).expect("a blob");
        if bytes.get(128..132) == Some(b"DICM") {
            let place = bytes.len() / 2;
            bytes[place] ^= 1;
            std::fs::write(&file, &bytes).expect("damaged");
            damaged += 1;
        }
    }
    assert_eq!(damaged, 1);
    assert_eq!(ask("1.9.2"), told(2, "1.9.2", &[], &[("1.2.31.1.1", 0x0110)]), "one bit is another");
    assert_eq!(hub.stop(), Some(0));
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Takes one association of the hub, its report, and its release.
fn take_report(listener: &TcpListener) -> Told {
    let (mut stream, _) = listener.accept().expect("the hub calls");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let (kind_of, body) = unit(&mut stream);
    assert_eq!(kind_of, kind::REQUEST);
    let Request { called, calling, contexts, roles, .. } = pdu::request(&body).expect("a request");
    assert_eq!((called.as_str(), calling.as_str()), (TITLE, "CAUSEWAY"));
    assert_eq!(roles, [Role { class: uid(STORAGE_COMMITMENT), scu: false, scp: true }]);
    let answers = contexts.iter().map(|proposal| Answer { id: proposal.id, result: Ok(uid(EXPLICIT_LITTLE)) });
    // A peer that takes little at once.
    let acceptance = Acceptance { called, calling, contexts: answers.collect(), pdu_bytes_max: 128, roles };
    stream.write_all(&pdu::accepted(&acceptance)).expect("accepted");
    let (mut command, mut data_set, mut whole) = (Vec::new(), Vec::new(), 0);
    while whole < 2 {
        let (kind_of, body) = unit(&mut stream);
        assert_eq!((kind_of, body.len() <= 128), (kind::DATA, true));
        if body[5] & 1 == 1 { &mut command } else { &mut data_set }.extend(&body[6..]);
        whole += u8::from(body[5] & 2 == 2);
    }
    let command = Command::read(&command).expect("a command");
    let answer = CommandWriter::answer(&command, 0).bytes();
    let mut said = vec![kind::DATA, 0];
    said.extend(u32::try_from(answer.len() + 6).expect("short").to_be_bytes());
    said.extend(u32::try_from(answer.len() + 2).expect("short").to_be_bytes());
    said.extend([1, 3]);
    said.extend(answer);
    stream.write_all(&said).expect("answered");
    assert_eq!(unit(&mut stream).0, kind::RELEASE);
    stream.write_all(&pdu::released()).expect("released");
    Told::read(&command, &data_set)
}

fn unit(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 6];
    stream.read_exact(&mut head).expect("a unit");
    let mut body = vec![0; u32::from_be_bytes([head[2], head[3], head[4], head[5]]).try_into().expect("short")];
    stream.read_exact(&mut body).expect("its body");
    (head[0], body)
}

/// Asks, and is gone.
fn ask_and_leave(port: u16, transaction: &str, instances: &[(&str, &str)]) {
    runtime().block_on(async {
        let mut client = associate(port).await.expect("an association");
        assert_eq!(action(&mut client, 1, &request(transaction, instances)).await, 0);
        drop(client);
    });
}

#[test]
fn who_has_left_is_told_on_a_new_association() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (mut hub, port) = hub(Some(listener.local_addr().expect("bound").port()));
    register(&hub);
    hub.start();
    store(&hub, port, "1.2.32", 2);
    ask_and_leave(port, "1.9.1", &[(CT, "1.2.32.1.1"), (CT, "1.2.32.1.2"), (CT, "1.2.32.9")]);
    let expected = told(2, "1.9.1", &["1.2.32.1.1", "1.2.32.1.2"], &[("1.2.32.9", 0x0112)]);
    assert_eq!(take_report(&listener), expected);
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn a_report_that_nobody_took_is_made_after_a_kill() {
    let address = reserve().expect("a port");
    let (mut hub, port) = hub(Some(address.port()));
    register(&hub);
    hub.start();
    store(&hub, port, "1.2.33", 1);
    ask_and_leave(port, "1.9.1", &[(CT, "1.2.33.1.1")]);
    let undelivered = "causeway_dicom_commitments_total{feed=\"pacs\",step=\"undelivered\"}";
    until(|| hub.get("/metrics").1.contains(undelivered).then_some(())).expect("nobody is there");
    hub.kill();
    let listener = TcpListener::bind(address).expect("the same port");
    hub.start();
    assert_eq!(take_report(&listener), told(1, "1.9.1", &["1.2.33.1.1"], &[]));
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn who_has_no_address_is_told_when_it_comes_again() {
    let (mut hub, port) = hub(None);
    register(&hub);
    hub.start();
    store(&hub, port, "1.2.34", 1);
    ask_and_leave(port, "1.9.1", &[(CT, "1.2.34.1.1")]);
    runtime().block_on(async {
        let mut client = associate(port).await.expect("an association");
        let heard = tokio::time::timeout(Duration::from_secs(50), report(&mut client)).await.expect("a report");
        assert_eq!(heard, told(1, "1.9.1", &["1.2.34.1.1"], &[]));
        client.release().await.expect("released");
    });
    assert_eq!(hub.stop(), Some(0));
}
