//! Images while something goes wrong: what the sender is told, that nothing acknowledged is lost, and that nothing is left behind.

mod conflicts;
mod faults;
mod hostile;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use causeway_core::envelope::Digest;
use causeway_tests::hub::Hub;
use causeway_tests::patient::PROVIDER;
use causeway_tests::ports::reserve;
use serde_json::Value;

/// What the hub is sent by STOW-RS with.
const TOKEN: &str = "open sesame";
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const STUDY: &str = "2.25.8001";
/// Bytes of pixels: several pieces of an instance, and not whole ones.
const PIXELS: usize = 300_002;

/// The DICOM doors of a hub.
struct Doors {
    dicom: SocketAddr,
    stow: SocketAddr,
}

/// Adds doors for images to the configuration of a hub, with further lines of their feed.
fn doors(folder: &Path, feed: &str) -> Doors {
    let own = || reserve().expect("a port");
    let doors = Doors { dicom: own(), stow: own() };
    let lines = format!(
        "\n[[dicom_door]]\nlisten = \"{}\"\n\n[dicom_door.stow]\nlisten = \"{}\"\n\n[[dicom_door.feed]]\nname = \"pacs\"\n\
         provider = \"{PROVIDER}\"\nae_titles = [\"CAUSEWAY-SCU\"]\nstow_token_sha256 = \"{}\"\n{feed}\n",
        doors.dicom,
        doors.stow,
        Digest::of(TOKEN.as_bytes())
    );
    let config = std::fs::OpenOptions::new().append(true).open(folder.join("causeway.toml"));
    config.and_then(|mut config| config.write_all(lines.as_bytes())).expect("written");
    doors
}

/// An element of Explicit VR Little Endian, of a VR with a short length or of OW.
fn element(tag: (u16, u16), vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(if vr == b"UI" { 0 } else { b' ' });
    }
    let length = value.len();
    let length = match vr {
        b"OW" | b"OB" => [&[0, 0], &u32::try_from(length).expect("short").to_le_bytes()[..]].concat(),
        _ => u16::try_from(length).expect("short").to_le_bytes().to_vec(),
    };
    [&tag.0.to_le_bytes()[..], &tag.1.to_le_bytes(), vr, &length, &value].concat()
}

/// A file with one slice; `filling` is that of its pixels.
fn slice(number: u32, filling: u8) -> Vec<u8> {
    let pixels = element((0x7FE0, 0x10), b"OW", &vec![filling; PIXELS]);
    file_of(number, &[slice_elements(number, STUDY), pixels].concat())
}

/// A slice up to its pixels.
fn slice_elements(number: u32, study: &str) -> Vec<u8> {
    [
        element((8, 0x16), b"UI", CT.as_bytes()),
        element((8, 0x18), b"UI", format!("{STUDY}.1.{number}").as_bytes()),
        element((8, 0x60), b"CS", b"CT"),
        element((0x10, 0x10), b"PN", b"LOAD^TEST"),
        element((0x10, 0x20), b"LO", b"P1"),
        element((0x20, 0x0D), b"UI", study.as_bytes()),
        element((0x20, 0x0E), b"UI", format!("{STUDY}.1").as_bytes()),
        element((0x20, 0x13), b"IS", number.to_string().as_bytes()),
    ]
    .concat()
}

/// A file with the data set of that slice.
fn file_of(number: u32, data_set: &[u8]) -> Vec<u8> {
    let meta = [
        element((2, 1), b"OB", &[0, 1]),
        element((2, 2), b"UI", CT.as_bytes()),
        element((2, 3), b"UI", format!("{STUDY}.1.{number}").as_bytes()),
        element((2, 0x10), b"UI", b"1.2.840.10008.1.2.1"),
        element((2, 0x12), b"UI", b"2.25.8001.9"),
    ]
    .concat();
    let length = u32::try_from(meta.len()).expect("short").to_le_bytes();
    [&[0; 128][..], b"DICM", &element((2, 0), b"UL", &length), &meta, data_set].concat()
}

/// A folder with these slices: number and filling.
fn folder(hub: &Hub, name: &str, slices: &[(u32, u8)]) -> PathBuf {
    let folder = hub.data().parent().expect("a folder").join(name);
    std::fs::create_dir_all(&folder).expect("made");
    for (number, filling) in slices {
        std::fs::write(folder.join(format!("{number:05}-{filling}")), slice(*number, *filling)).expect("written");
    }
    folder
}

/// What `causeway send dicom` says when it sends a folder there; `None` when the association could not be held to its end.
fn send(hub: &Hub, to: SocketAddr, folder: &Path, more: &[&str]) -> Option<Value> {
    let to = format!("CAUSEWAY@{to}");
    let folder = folder.display().to_string();
    let arguments = ["--json", "send", "dicom", &folder, "--to", &to];
    let output = hub.run(arguments.iter().chain(more)).expect("runs");
    serde_json::from_slice(output.stdout.split(|byte| *byte == b'\n').next().unwrap_or_default()).ok()
}

/// How many instances were answered with this status.
fn answered(said: &Value, status: &str) -> u64 {
    said["by_status"][status].as_u64().unwrap_or(0)
}

/// The blobs of a hub's own folder. Each is looked at: what has an address has the bytes it stands for.
fn blobs(hub: &Hub) -> Vec<Digest> {
    let mut found = Vec::new();
    for shard in std::fs::read_dir(hub.data().join("blobs")).expect("a store").flatten() {
        for file in std::fs::read_dir(shard.path()).expect("a shard").flatten() {
            let Some(digest) = file.file_name().to_str().and_then(Digest::parse) else { continue };
            let stored = std::fs::read(file.path()).expect("readable");
            // The size stands before the last twelve bytes (`causeway_storage::blob`).
            let size = stored.len() - 20;
            let size = u64::from_le_bytes(stored[size..size + 8].try_into().expect("eight bytes"));
            assert_eq!(Digest::of(&stored[..usize::try_from(size).expect("small")]), digest);
            found.push(digest);
        }
    }
    found
}

/// SOP Instance UIDs of the messages of the hub.
fn messages(hub: &Hub) -> Vec<String> {
    let output = hub.run(["--json", "message", "list", "--feed", "pacs", "--limit", "1000"]).expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    let rows = said.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    rows.map(|row| row["control_id"].as_str().expect("a control id").to_owned()).collect()
}
