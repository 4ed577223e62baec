//! P4: a message sent again has no second effect, whichever way it comes.

use std::io::{Read, Write};
use std::net::TcpStream;

use causeway_tests::hub::Hub;
use causeway_tests::journal::{Event, Journal};
use causeway_tests::patient::{Numbered, Patient};

use super::run::{Random, dial, exchange, lanes, wait};
use super::world::{World, some_patients, tier};

/// Sends one message on a connection and reads its acknowledgement code.
fn send(link: &mut TcpStream, patient: Patient, counter: u32, seed: u64, journal: &Journal) -> String {
    let numbered = Numbered { patient: patient.number, counter };
    journal.note(numbered, Event::Sent).expect("noted");
    let msa = exchange(link, patient.message(counter, seed).as_bytes());
    assert!(msa.contains(&numbered.control_id(seed)), "{msa}");
    journal.note(numbered, Event::Acknowledged).expect("noted");
    msa.split('|').next().unwrap_or_default().to_owned()
}

/// What a hub counts as copies, by its metrics.
fn copies_counted(hub: &Hub) -> u64 {
    metric(hub, "causeway_messages_duplicate_total").iter().filter_map(|value| value.parse::<u64>().ok()).sum()
}

/// The values a hub tells of a metric, of all its labels.
pub(crate) fn metric(hub: &Hub, name: &str) -> Vec<String> {
    let mut link = dial(hub.http());
    link.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("asked");
    let mut text = String::new();
    link.read_to_string(&mut text).expect("read");
    let lines = text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{')));
    lines.filter_map(|line| line.rsplit(' ').next().map(str::to_owned)).collect()
}

/// Each message one to five times: on the same connection, on another one, at another process, and after a restart.
fn copies(world: &World, names: &[&str]) {
    let seed = tier().seed(4);
    let mut random = Random(seed);
    let patients = some_patients(10);
    let mut hubs: Vec<Hub> = names.iter().map(|name| world.process(name)).collect();
    let hubs_all: Vec<&Hub> = hubs.iter().collect();
    let load = world.load(&hubs_all, &patients, tier().pick(20, 200, 2_000), seed);
    world.prepare(&hubs[0], &patients);
    let journal = world.journal();
    hubs.iter_mut().for_each(|hub| hub.start().expect("starts"));
    let mut links: Vec<TcpStream> = hubs.iter().map(|hub| dial(hub.mllp())).collect();
    let mut copies = 0;
    for counter in 1..=load.counters {
        for patient in &patients {
            for again in 0..=random.below(5) {
                let at = usize::try_from(random.below(links.len() as u64)).expect("few");
                if random.below(3) == 0 {
                    links[at] = dial(hubs[at].mllp());
                }
                assert_eq!(send(&mut links[at], *patient, counter, seed, &journal), "CA", "sent {again} times before");
                copies += u64::from(again > 0);
            }
        }
    }
    drop(links);
    wait("all is processed", || lanes(&hubs[0]).iter().all(|(next, end)| next == end));
    let before: u64 = hubs.iter().map(copies_counted).sum();
    for hub in &mut hubs {
        assert_eq!(hub.stop().expect("stops"), Some(0), "{}", hub.log());
        hub.start().expect("starts again");
    }
    // Long after: the last message of every patient, which must not become the newest version once more.
    let mut link = dial(hubs[0].mllp());
    for patient in &patients {
        assert_eq!(send(&mut link, *patient, 1 + load.counters / 2, seed, &journal), "CA", "sent before the restart");
    }
    drop(link);
    let mut hubs = hubs.into_iter();
    let first = hubs.next().expect("one");
    let others: Vec<Hub> = hubs.collect();
    wait("all is processed", || lanes(&first).iter().all(|(next, end)| next == end));
    let after = copies_counted(&first) + others.iter().map(copies_counted).sum::<u64>();
    assert_eq!(before + after, copies + patients.len() as u64, "every copy is counted as one");
    for mut other in others {
        assert_eq!(other.stop().expect("stops"), Some(0), "{}", other.log());
    }
    world.finish(first, &journal, &load);
}

#[test]
fn a_message_sent_again_has_no_second_effect() {
    copies(&World::embedded(), &["hub"]);
}

#[cfg(feature = "production")]
#[test]
fn a_message_sent_again_to_another_process_has_no_second_effect() {
    copies(&World::production(), &["one", "two"]);
}
