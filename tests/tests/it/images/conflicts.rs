//! One SOP Instance UID for two images, with `on_conflict = "duplicate"`: the sender is told, whichever way it sends and whichever
//! log there is.

use std::io::{Read as _, Write as _};

use causeway_tests::hub::Hub;
use serde_json::Value;

use super::{Doors, TOKEN, answered, doors, folder, messages, send, slice};
use crate::run::{dial, lanes, wait};
use crate::world::{World, some_patients};

/// Posts a file; the status and the answer.
fn post(doors: &Doors, file: &[u8]) -> (u16, Value) {
    let mut link = dial(doors.stow);
    let head = format!(
        "POST /studies HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/dicom\r\nContent-Length: {}\r\n\r\n",
        file.len()
    );
    link.write_all(head.as_bytes()).and_then(|()| link.write_all(file)).expect("sent");
    let mut answer = String::new();
    link.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).expect("JSON"))
}

/// Warning Reason (0008,1196) of the one stored instance.
fn warned(told: &Value) -> Option<u64> {
    told["00081199"]["Value"][0]["00081196"]["Value"][0].as_u64()
}

fn import(hub: &Hub, name: &str, slices: &[(u32, u8)]) -> Value {
    let folder = folder(hub, name, slices).display().to_string();
    let output = hub.run(["--json", "feed", "import", &folder, "--feed", "pacs"]).expect("runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(last).expect("JSON")
}

fn settled(hub: &Hub) {
    wait("all is processed", || lanes(hub).iter().all(|(next, end)| next == end));
}

fn sent(hub: &Hub, doors: &Doors, number: u32, filling: u8, status: &str) {
    let folder = folder(hub, &format!("sent-{number}-{filling}"), &[(number, filling)]);
    let said = send(hub, doors.dicom, &folder, &[]).expect("answered");
    assert_eq!(answered(&said, status), 1, "slice {number} of {filling}: {said}");
}

/// By C-STORE, STOW-RS and import: told at once, told after a restart, and a resend is none.
fn tells(world: &World) {
    let mut hub = world.process("hub");
    let at = hub.data().parent().expect("a folder").to_owned();
    let doors = doors(&at, "on_conflict = \"duplicate\"");
    world.prepare(&hub, &some_patients(1));
    hub.start().expect("starts");
    sent(&hub, &doors, 1, 7, "0000");
    sent(&hub, &doors, 1, 9, "0111");
    sent(&hub, &doors, 1, 9, "0000");
    sent(&hub, &doors, 1, 7, "0000");
    assert_eq!(post(&doors, &slice(2, 7)).0, 200);
    let (status, told) = post(&doors, &slice(2, 9));
    assert_eq!((status, warned(&told)), (202, Some(0x0111)), "{told}");
    assert_eq!((post(&doors, &slice(2, 9)).0, post(&doors, &slice(2, 7)).0), (200, 200), "resends");
    settled(&hub);
    assert_eq!(hub.stop().expect("stops"), Some(0));
    // What the process remembered is gone; while none runs, files are imported.
    let said = import(&hub, "imported", &[(3, 7), (3, 9), (4, 7)]);
    assert_eq!((&said["taken"], &said["beside"]), (&2.into(), &1.into()), "{said}");
    hub.start().expect("starts");
    settled(&hub);
    sent(&hub, &doors, 1, 5, "0111");
    sent(&hub, &doors, 1, 7, "0000");
    let (status, told) = post(&doors, &slice(2, 5));
    assert_eq!((status, warned(&told)), (202, Some(0x0111)), "{told}");
    settled(&hub);
    assert_eq!(hub.stop().expect("stops"), Some(0));
    let said = import(&hub, "again", &[(4, 9), (4, 7)]);
    assert_eq!((&said["resent"], &said["beside"]), (&1.into(), &1.into()), "{said}");
    hub.start().expect("starts");
    settled(&hub);
    let kept = messages(&hub);
    for (number, contents) in [(1, 3), (2, 3), (3, 2), (4, 2)] {
        let uid = format!("{}.1.{number}", super::STUDY);
        assert_eq!(kept.iter().filter(|kept| **kept == uid).count(), contents, "{uid}: each is kept, none twice");
    }
    assert_eq!(hub.stop().expect("stops"), Some(0));
}

#[test]
fn a_used_uid_is_told_by_every_way_in_on_the_embedded_log() {
    tells(&World::embedded());
}

#[cfg(feature = "production")]
#[test]
fn a_used_uid_is_told_by_every_way_in_on_kafka() {
    tells(&World::production());
}
