//! Senders that want too much of the running binary: rows 124, 127, 130 and 139 of the catalogue of bad inputs, in full size.
//! DCMTK's clients come with the package `dcmtk`, which `tests/run` installs.

use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use causeway_core::dicom::tag;
use causeway_core::dicom::uid::Uid;
use causeway_dicom::client::{Client, ClientError, ClientSettings};
use causeway_dicom::pdu::{Proposal, Rejection};
use causeway_dicom::syntax::{Coding, EXPLICIT_LITTLE};
use causeway_dicom::write::ElementWriter;
use flate2::{Compress, Compression, FlushCompress};

use super::hub::{Hub, PATIENCE, until};
use super::images::{self, folder, send, slice};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

fn uid(text: &str) -> Uid {
    Uid::parse(text).expect("a uid")
}

fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: std::sync::LazyLock<tokio::runtime::Runtime> = std::sync::LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
    });
    &RUNTIME
}

/// A hub whose feed and door have these settings too.
fn hub(feed: &str, limits: &str) -> (Hub, u16) {
    let (mut hub, port) = images::hub();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written");
    std::fs::write(&file, format!("{text}{feed}\n[dicom_door.limits]\n{limits}\n")).expect("written");
    hub.start();
    (hub, port)
}

fn associate(port: u16) -> Result<Client, ClientError> {
    let (calling, called) = ("CAUSEWAY-SCU".to_owned(), "CAUSEWAY".to_owned());
    let settings = ClientSettings { calling, called, timeout: PATIENCE, tls: None };
    let proposal = Proposal { id: 1, abstract_syntax: uid(CT), transfer_syntaxes: vec![uid(EXPLICIT_LITTLE)] };
    runtime().block_on(Client::open(&format!("127.0.0.1:{port}"), &settings, vec![proposal], Vec::new()))
}

fn dcmtk(tool: &str, arguments: &[&str]) -> Output {
    let ran = Command::new(tool).args(arguments).env("TCP_NODELAY", "1").output();
    ran.unwrap_or_else(|error| panic!("{tool}: {error}: install it with `apt-get install dcmtk`"))
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)).to_lowercase()
}

/// Nothing was kept, and the next image is taken.
fn lives_on(hub: &mut Hub, port: u16) {
    assert_eq!(images::blobs(hub), 0);
    assert!(hub.run(&["--json", "message", "list"]).lines().is_empty());
    let taken = until(|| {
        let files = folder(hub, "good", &[("a", slice("1.2.3", 1, 1))]);
        (send(hub, &files, port, &[]).0 == Some(0)).then_some(())
    });
    assert!(taken.is_some(), "the next image is taken");
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn r124_a_thousand_associations_that_are_left_open_cost_no_memory_and_others_get_in() {
    let (mut hub, port) = hub("", "association_timeout = \"1s\"");
    let (mut open, mut beyond) = (0, 0);
    let mut peaks = Vec::new();
    let mut left = Vec::new();
    for number in 1..=1_000 {
        match associate(port) {
            // Every other one is held on to as long as the hub lets it; the others just go.
            Ok(client) if number % 2 == 0 && left.len() < 8 => left.push(client),
            Ok(client) => {
                open += 1;
                drop(client);
            }
            Err(ClientError::Rejected(Rejection::LIMIT)) => beyond += 1,
            Err(error) => panic!("{number}: {error}"),
        }
        // And one that says nothing, or half a word.
        let mut silent = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        if number % 3 == 0 {
            // The hub may have closed it already: it is one too many.
            drop(silent.write_all(&[1, 0, 0]));
        }
        if number % 250 == 0 {
            peaks.push(hub.peak_kib());
        }
    }
    assert!(open > 100, "{open} associations, {beyond} beyond the limit");
    let growth = peaks[3].saturating_sub(peaks[0]);
    assert!(growth < 16 << 10, "{peaks:?} KiB");
    drop(left);
    lives_on(&mut hub, port);
}

/// Bytes now and then, until this moment: an instance that is not cut ends, and is answered.
struct Drip(Instant);

impl Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if Instant::now() >= self.0 {
            return Ok(0);
        }
        thread::park_timeout(Duration::from_millis(20));
        let piece = buffer.len().min(8 << 10);
        buffer[..piece].fill(0);
        Ok(piece)
    }
}

/// A data set that announces the longest pixels there are, up to them.
fn endless() -> Vec<u8> {
    let mut bytes = ElementWriter::new(Coding::EXPLICIT)
        .text(tag::SOP_CLASS_UID, *b"UI", CT)
        .text(tag::SOP_INSTANCE_UID, *b"UI", "1.2.3.9")
        .text(tag::STUDY_INSTANCE_UID, *b"UI", "1.2.3")
        .text(tag::SERIES_INSTANCE_UID, *b"UI", "1.2.3.1")
        .bytes();
    bytes.extend([0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0, 0xFE, 0xFF, 0xFF, 0xFF]);
    bytes
}

#[test]
fn r127_an_instance_without_end_is_cut_at_its_size_and_at_its_time() {
    let (mut hub, port) = hub("instance_bytes_max = \"8MiB\"\n", "instance_timeout = \"3s\"");
    let large = ElementWriter::new(Coding::EXPLICIT)
        .text(tag::SOP_CLASS_UID, *b"UI", CT)
        .text(tag::SOP_INSTANCE_UID, *b"UI", "1.2.3.8")
        .text(tag::STUDY_INSTANCE_UID, *b"UI", "1.2.3")
        .text(tag::SERIES_INSTANCE_UID, *b"UI", "1.2.3.1")
        .raw(tag::PIXEL_DATA, *b"OW", &vec![7; 9 << 20])
        .bytes();
    let head = causeway_dicom::part10::head(&uid(CT), &uid("1.2.3.8"), &uid(EXPLICIT_LITTLE));
    let file = hub.file("large.dcm", &[head, large].concat());
    let (port_text, file) = (port.to_string(), file.to_str().expect("UTF-8").to_owned());
    let arguments = ["-v", "-aet", "CAUSEWAY-SCU", "-aec", "CAUSEWAY", "127.0.0.1", &port_text, &file];
    let refused = told(&dcmtk("storescu", &arguments));
    assert!(refused.contains("outofresources"), "DCMTK's client hears that there is no room: {refused}");
    let before = hub.peak_kib();
    let sources: [(&str, Box<dyn Read + Send>); 2] = [
        ("as fast as it goes", Box::new(std::io::repeat(0).take(1 << 30))),
        ("slowly", Box::new(Drip(Instant::now() + PATIENCE))),
    ];
    for (what, source) in sources {
        let mut client = associate(port).expect("an association");
        let start = endless();
        let mut whole = start.as_slice().chain(source);
        let answer = runtime().block_on(client.store(&uid(CT), &uid("1.2.3.9"), &uid(EXPLICIT_LITTLE), &mut whole));
        assert!(answer.is_err(), "{what}: {answer:?}");
    }
    for end in ["refused_and_endless", "timed_out"] {
        let line = format!("causeway_dicom_associations_total{{end=\"{end}\",feed=\"pacs\"}} 1");
        assert!(until(|| hub.get("/metrics").1.contains(&line).then_some(())).is_some(), "never {line}");
    }
    assert!(hub.peak_kib().saturating_sub(before) < 16 << 10, "{before} KiB before");
    lives_on(&mut hub, port);
}

/// Deflated bytes that leave nothing for those behind them to refer to, so that they may be repeated.
fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1_000);
    let mut deflater = Compress::new(Compression::best(), false);
    deflater.compress_vec(bytes, &mut out, FlushCompress::Full).expect("deflated");
    assert_eq!(deflater.total_in(), u64::try_from(bytes.len()).expect("small"));
    out
}

#[test]
fn r130_a_megabyte_that_inflates_to_a_gigabyte_is_refused_and_costs_no_memory() {
    let (mut hub, port) = hub("", "");
    let mut bomb = deflated(&endless());
    let zeros = deflated(&vec![0; 1 << 20]);
    (0..1_024).for_each(|_| bomb.extend(&zeros));
    bomb.extend([3, 0]);
    assert!(bomb.len() < 4 << 20, "{}", bomb.len());
    let head = causeway_dicom::part10::head(&uid(CT), &uid("1.2.3.9"), &uid(DEFLATED));
    let before = hub.peak_kib();
    let (code, sent) = send(&hub, &folder(&hub, "bombs", &[("bomb", [head, bomb].concat())]), port, &[]);
    assert!(code != Some(0) && sent["taken"] == 0, "{sent}");
    assert!(hub.peak_kib().saturating_sub(before) < 16 << 10, "{before} KiB before, {} after", hub.peak_kib());
    assert_eq!(images::blobs(&hub), 0);
    // What is deflated for good reasons is kept, by the client that made it so.
    let plain = causeway_dicom::part10::head(&uid(CT), &uid("1.2.3.1.1"), &uid(EXPLICIT_LITTLE));
    let plain = hub.file("plain.dcm", &[plain, slice("1.2.3", 1, 1)].concat());
    let small = hub.path().join("small.dcm");
    let (plain, small) = (plain.to_str().expect("UTF-8"), small.to_str().expect("UTF-8"));
    let converted = dcmtk("dcmconv", &["+td", plain, small]);
    assert!(converted.status.success(), "{}", told(&converted));
    let port_text = port.to_string();
    let arguments = ["-v", "-xd", "-aet", "CAUSEWAY-SCU", "-aec", "CAUSEWAY", "127.0.0.1", &port_text, small];
    let taken = dcmtk("storescu", &arguments);
    assert!(taken.status.success() && told(&taken).contains("(success)"), "{}", told(&taken));
    assert_eq!(images::blobs(&hub), 1);
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn r139_names_that_mean_something_to_a_shell_are_text_wherever_they_stand() {
    let (mut hub, port) = hub("", "");
    let port_text = port.to_string();
    // The hub works in its folder: whatever ran would leave a file there.
    for (number, evil) in
        (1..).zip(["`touch ran`", "$(touch ran)", "|touch ran", ";touch ran;", "'&touch ran&'", "<b>x</b>"])
    {
        let instance = format!("1.2.3.1.{number}");
        let bytes = ElementWriter::new(Coding::EXPLICIT)
            .text(tag::SOP_CLASS_UID, *b"UI", CT)
            .text(tag::SOP_INSTANCE_UID, *b"UI", &instance)
            .text(tag::ACCESSION_NUMBER, *b"SH", evil)
            .text(tag::MODALITY, *b"CS", "CT")
            .text(tag::STUDY_DESCRIPTION, *b"LO", evil)
            .text(tag::PATIENT_NAME, *b"PN", evil)
            .text(tag::PATIENT_ID, *b"LO", evil)
            .text(tag::STUDY_INSTANCE_UID, *b"UI", "1.2.3")
            .text(tag::SERIES_INSTANCE_UID, *b"UI", "1.2.3.1")
            .bytes();
        let head = causeway_dicom::part10::head(&uid(CT), &uid(&instance), &uid(EXPLICIT_LITTLE));
        let file = hub.file("evil.dcm", &[head, bytes].concat());
        let file = file.to_str().expect("UTF-8");
        let arguments = ["-v", "-aet", "CAUSEWAY-SCU", "-aec", "CAUSEWAY", "127.0.0.1", &port_text, file];
        let taken = dcmtk("storescu", &arguments);
        assert!(taken.status.success() && told(&taken).contains("(success)"), "{evil}: {}", told(&taken));
        let calling = ["-v", "-aet", evil, "-aec", "CAUSEWAY", "127.0.0.1", &port_text];
        let stranger = dcmtk("echoscu", &calling);
        assert!(!stranger.status.success(), "{evil} is nobody's title: {}", told(&stranger));
        let listed = until(|| {
            let listed = hub.run(&["--json", "message", "list"]).lines();
            (listed.len() == number).then_some(listed)
        });
        assert!(listed.is_some(), "{evil} is decided");
    }
    let pages = ["/en/ops", "/en/ops/messages", "/en/ops/held"];
    assert!(pages.iter().all(|page| !hub.get(page).1.contains("<b>x</b>")), "and no page holds it as it is");
    assert!(!hub.path().join("ran").exists(), "nothing ran");
    assert_eq!(images::blobs(&hub), 6);
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn memory_comes_as_it_is_used_and_not_in_huge_pages() {
    let mut hub = Hub::new();
    hub.start();
    assert_eq!(hub.about("THP_enabled"), "0");
    assert_eq!(hub.stop(), Some(0));
}
