//! P6: a message that cannot be mapped stops nobody, and takes its place in the order once it is mended.

use causeway_tests::journal::Event;
use causeway_tests::patient::Numbered;

use super::run::{dial, exchange, lanes, status, wait};
use super::world::{World, some_patients, tier};

/// Every so-many-th message is poisoned.
const EVERY: u32 = 47;

#[test]
fn a_message_that_cannot_be_read_stops_nobody_and_is_taken_in_order_once_it_can() {
    let (world, seed) = (World::embedded(), tier().seed(6));
    let patients = some_patients(10);
    let mut hub = world.process("hub");
    world.prepare(&hub, &patients);
    let journal = world.journal();
    let load = world.load(&[&hub], &patients, tier().pick(30, 300, 3_000), seed);
    hub.start().expect("starts");
    let mut link = dial(hub.mllp());
    let (mut sent, mut poisoned) = (0, 0);
    for counter in 1..=load.counters {
        for patient in &patients {
            let mut message = patient.message(counter, seed).into_bytes();
            sent += 1;
            if sent % EVERY == 0 && patient.participant {
                // An é of ISO 8859-1 in a message that says it is UTF-8, in front of the line's number.
                let flat = message.windows(5).position(|window| window == b"FLAT ").expect("an address");
                message.splice(flat..flat, [b'C', b'A', b'F', 0xe9, b' ']);
                poisoned += 1;
            }
            let numbered = Numbered { patient: patient.number, counter };
            journal.note(numbered, Event::Sent).expect("noted");
            let answer = exchange(&mut link, &message);
            assert!(answer.starts_with("CA|") || answer.starts_with("CE|"), "{answer}");
            journal.note(numbered, Event::Acknowledged).expect("noted");
        }
    }
    assert!(poisoned > 0, "there was poison");
    drop(link);
    wait("the others flow", || lanes(&hub).iter().all(|(next, end)| next == end));
    assert_eq!(hub.stop().expect("stops"), Some(0), "{}", hub.log());
    let held = || status(&hub)["feeds"][0]["held"].as_u64();
    assert_eq!(held(), Some(poisoned), "held for an operator");

    // The operator finds out what the sender really writes, says so, and processes them once more.
    let file = world.folder.path().join("hub/causeway.toml");
    let config = std::fs::read_to_string(&file).expect("read") + "charset = \"force:8859/1\"\n";
    std::fs::write(&file, config).expect("written");
    let output = hub.run(["message", "replay", "--state", "held", "--yes"]).expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(held(), Some(0), "nothing is left");
    hub.start().expect("starts");
    // The judge looks at the order: what came after the poison is still the newest.
    world.finish(hub, &journal, &load);
}
