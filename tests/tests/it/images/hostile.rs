//! Hostile peers and data sets at the running binary, by the numbers of the catalogue: each is answered as it should be, and the hub
//! lives on and takes images from others.

use std::io::{Read as _, Write as _};

use serde_json::Value;

use super::{CT, Doors, STUDY, answered, blobs, doors, element, file_of, folder, send, slice_elements};
use crate::run::dial;
use crate::world::{World, some_patients};

/// A unit of this type.
fn unit(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &u32::try_from(body.len()).expect("short").to_be_bytes(), body].concat()
}

/// An item of an association request.
fn item(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &u16::try_from(body.len()).expect("short").to_be_bytes(), body].concat()
}

/// The body of an association request with these presentation contexts.
fn request(calling: &str, contexts: &[u8]) -> Vec<u8> {
    let mut body = format!("\0\u{1}\0\0{:16}{calling:16}", "CAUSEWAY").into_bytes();
    body.extend([0; 32]);
    body.extend(item(0x10, b"1.2.840.10008.3.1.1.1"));
    for id in contexts {
        let syntaxes = [item(0x30, CT.as_bytes()), item(0x40, b"1.2.840.10008.1.2.1")].concat();
        body.extend(item(0x20, &[&[*id, 0, 0, 0][..], &syntaxes].concat()));
    }
    body.extend(item(0x50, &item(0x51, &16_384_u32.to_be_bytes())));
    body
}

/// What comes back of these bytes, until the hub closes.
fn answer(doors: &Doors, bytes: &[u8]) -> Vec<u8> {
    let mut link = dial(doors.dicom);
    link.write_all(bytes).expect("a door hears a sender out");
    let mut answer = Vec::new();
    link.read_to_end(&mut answer).expect("closed in time");
    answer
}

#[test]
fn r120_to_r126_peers_that_lie_are_aborted_or_rejected_and_harm_nobody() {
    let world = World::embedded();
    let mut hub = world.process("hub");
    let doors = doors(hub.data().parent().expect("a folder"), "");
    world.prepare(&hub, &some_patients(1));
    hub.start().expect("starts");
    let aborted = |reason: u8| unit(7, &[0, 0, 2, reason]);
    let whole = request("CAUSEWAY-SCU", &[1]);
    let mut beyond = whole.clone();
    // The length of the application context.
    beyond[70] = 0xFF;
    let many: Vec<u8> = (0..300_u16).map(|id| id.to_le_bytes()[0] | 1).collect();
    for (what, sent, expected) in [
        ("r120: four gigabytes", [&[1, 0, 0xFF, 0xFF, 0xFF, 0xFF][..], &[0; 64]].concat(), aborted(6)),
        ("r121: no type", unit(9, &[0; 4]), aborted(1)),
        ("r121: data before an association", unit(4, &[0, 0, 0, 4, 1, 3, 0, 0]), aborted(2)),
        ("r122: an item beyond the unit", unit(1, &beyond), aborted(6)),
        ("r122: nothing in it", unit(1, &[]), aborted(6)),
        ("r122: an even number", unit(1, &request("CAUSEWAY-SCU", &[2])), aborted(6)),
        ("r122: a number twice", unit(1, &request("CAUSEWAY-SCU", &[1, 1])), aborted(6)),
        ("r122: 300 contexts", unit(1, &request("CAUSEWAY-SCU", &many)), aborted(6)),
        ("r123: an unknown caller", unit(1, &request("EVIL", &[1])), unit(3, &[0, 1, 1, 3])),
    ] {
        assert_eq!(answer(&doors, &sent), expected, "{what}");
    }
    // While an association is open: what the hub says last.
    let open = unit(1, &whole);
    for (what, sent, reason) in [
        ("r121: a second request", open.clone(), 2),
        ("r125: no values", unit(4, &[]), 6),
        ("r125: a value of nothing", unit(4, &[0, 0, 0, 0, 1, 3]), 6),
        ("r125: an odd value", unit(4, &[0, 0, 0, 5, 1, 3, 0, 0, 0]), 6),
        ("r125: a value beyond its unit", unit(4, &[0, 0, 1, 0, 1, 3, 0, 0]), 6),
        ("r126: a command that is none", unit(4, &[0, 0, 0, 6, 1, 3, 0xFF, 0xFF, 0xFF, 0xFF]), 6),
    ] {
        let said = answer(&doors, &[&open[..], &sent].concat());
        assert!(said.first() == Some(&2) && said.ends_with(&aborted(reason)), "{what}: {said:?}");
    }
    let files = folder(&hub, "good", &[(1, 7)]);
    let said = send(&hub, doors.dicom, &files, &[]).expect("answered");
    assert_eq!((answered(&said, "0000"), blobs(&hub).len()), (1, 1), "{said}");
    assert_eq!(hub.stop().expect("stops"), Some(0));
}

#[test]
fn r128_to_r136_data_sets_that_lie_are_refused_leave_nothing_and_harm_nobody() {
    let world = World::embedded();
    let mut hub = world.process("hub");
    let home = hub.data().parent().expect("a folder").to_owned();
    let doors = doors(&home, "");
    world.prepare(&hub, &some_patients(1));
    hub.start().expect("starts");
    let head = |number: u32| slice_elements(number, STUDY);
    let sequence =
        [0x08, 0, 0x40, 0x11, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0xFF, 0, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF];
    let tiny: Vec<u8> = (0..1_000_100).flat_map(|_| element((9, 0x10), b"LO", b"")).collect();
    let long = [&(0x7FE0_u16).to_le_bytes()[..], &[0x10, 0, b'O', b'W', 0, 0, 0xF0, 0xFF, 0xFF, 0xFF, 1, 2]].concat();
    let stray = [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0];
    for (number, what, data_set) in [
        (1, "r128: a declared length of four gigabytes", [head(1), long].concat()),
        (2, "r129: 1,200 sequences in each other", [head(2), sequence.repeat(1_200)].concat()),
        (3, "r131: more elements than may be", [head(3), tiny].concat()),
        (4, "r131: the end of an item without an item", [head(4), stray.to_vec()].concat()),
        (5, "r134: a path for a study", slice_elements(5, "../../etc/passwd")),
        (6, "r134: an identifier of 65 characters", slice_elements(6, &"1".repeat(65))),
    ] {
        let folder = home.join(format!("bad-{number}"));
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::write(folder.join("a"), file_of(number, &data_set)).expect("written");
        let said = send(&hub, doors.dicom, &folder, &[]).unwrap_or(Value::Null);
        assert_eq!(answered(&said, "C000"), 1, "{what}: {said}");
        assert!(hub.runs() && blobs(&hub).is_empty(), "{what}");
    }
    // r136: the same instance again is one.
    let files = folder(&hub, "good", &[(1, 7)]);
    for _ in 0..2 {
        let said = send(&hub, doors.dicom, &files, &[]).expect("answered");
        assert_eq!((answered(&said, "0000"), blobs(&hub).len()), (1, 1), "{said}");
    }
    assert!(!home.join("etc").exists());
    assert_eq!(hub.stop().expect("stops"), Some(0));
}
