//! Reports sent by pointer: fetched once each, only while their message is permitted, and the same again on a rebuild.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_core::consent::ConsentEventKind;
use causeway_core::envelope::{Digest, Position};
use causeway_core::feed::{FeedSettings, Profile};
use causeway_core::fetch::{FetchPlace, Source};
use causeway_core::outcome::State;
use causeway_core::person::PersonId;
use causeway_core::phi::Phi;
use causeway_core::policy::PolicyVersion;
use causeway_core::port::{Fetch, FetchError, RedoMode, Repository as _};
use causeway_core::reason::Reason;
use causeway_mappers::Mappers;

use super::fixtures::{POINTER, hub as plain, messages};
use super::hub::{Hub, actor};
use crate::{Fetched, Selection};

const REPORT: &[u8] = b"%PDF-1.7\nreport\n%%EOF\n";

/// Gives the answers it was told, in their order, and counts what it was asked.
#[derive(Default)]
struct Told {
    answers: Mutex<VecDeque<Result<Vec<u8>, FetchError>>>,
    asked: Mutex<Vec<(String, Option<u64>)>>,
}

impl Told {
    fn of(answers: impl IntoIterator<Item = Result<Vec<u8>, FetchError>>) -> Self {
        Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() }
    }

    fn asked(&self) -> usize {
        self.asked.lock().expect("no panic").len()
    }
}

impl Fetch for Told {
    fn fetch(&self, _: &FetchPlace, pointer: &Phi<String>, announced: Option<u64>) -> Result<Vec<u8>, FetchError> {
        self.asked.lock().expect("no panic").push((pointer.expose().clone(), announced));
        self.answers.lock().expect("no panic").pop_front().expect("asked no more often than told")
    }
}

fn down() -> Result<Vec<u8>, FetchError> {
    Err(FetchError::Unreachable("nothing answers".to_owned()))
}

/// A hub whose feed may fetch below `ftp://files.test/pdf/`, thrice.
fn hub() -> Hub {
    let mut hub = plain(Profile::HkPublicHospital);
    let place = FetchPlace {
        pointers: "ftp://files.test/pdf/".to_owned(),
        source: Source::Folder("/srv/".into()),
        addresses: Vec::new(),
        ca: None,
        bytes_max: 1 << 20,
        timeout: Duration::from_secs(10),
        tries: 3,
        pause: Duration::from_secs(5),
    };
    let feed = FeedSettings { fetch: [place].into(), ..hub.router.feeds.values().next().expect("one").clone() };
    hub.router.map = Arc::new(Mappers::new(vec![feed.clone()]));
    hub.router.feeds = Arc::new([(feed.name.clone(), feed)].into());
    hub
}

fn waiting() -> (Hub, PersonId, Position) {
    let mut hub = hub();
    let person = hub.participant("A1234563");
    let message = hub.receive_bytes(messages(POINTER).remove(0));
    hub.process();
    assert_eq!(hub.ended(message), (State::Held, Some(Reason::DocumentPending)));
    (hub, person, message)
}

fn due(hub: &Hub) -> Vec<Position> {
    hub.router.fetches_due(10).expect("a list")
}

fn url(hub: &Hub, person: PersonId) -> Vec<String> {
    let rows = hub.records(person);
    let urls = rows.iter().filter_map(|row| row.resource["content"][0]["attachment"]["url"].as_str());
    urls.map(str::to_owned).collect()
}

#[test]
fn a_document_that_comes_is_stored_and_its_message_accepted() {
    let (hub, person, message) = waiting();
    assert_eq!(due(&hub), [message]);
    let told = Told::of([Ok(REPORT.to_vec())]);
    assert_eq!(hub.router.fetch(message, &told).expect("a try"), Fetched::Settled);
    let asked = ("ftp://files.test/pdf/PWH_102557_1.pdf".to_owned(), Some(25_383));
    assert_eq!(*told.asked.lock().expect("no panic"), [asked]);
    assert_eq!(hub.ended(message), (State::Accepted, None));
    assert_eq!(url(&hub, person), [format!("Binary/{}", Digest::of(REPORT))]);
    assert_eq!(hub.router.blobs.read(&Digest::of(REPORT), 0, 100).expect("there"), REPORT);
    assert_eq!(due(&hub), []);
    let row = hub.records(person).into_iter().find(|row| row.resource["content"].is_array()).expect("a document");
    let attachment = &row.resource["content"][0]["attachment"];
    assert_eq!((attachment["contentType"].as_str(), attachment["size"].as_u64()), (Some("application/pdf"), Some(22)));
}

#[test]
fn mapping_again_gives_the_same_record_without_asking_anybody() {
    let (hub, person, message) = waiting();
    hub.router.fetch(message, &Told::of([Ok(REPORT.to_vec())])).expect("a try");
    let before = hub.records(person);
    hub.router.replay(Selection::Positions(vec![message]), RedoMode::Commit, &actor()).expect("replayed");
    assert_eq!(hub.ended(message), (State::Accepted, None));
    assert_eq!(hub.records(person), before);
    // A document that is lost is waited for again: no record points to nothing.
    assert!(hub.router.blobs.remove(&Digest::of(REPORT)).expect("removed"));
    let report =
        hub.router.replay(Selection::Positions(vec![message]), RedoMode::Preview, &actor()).expect("a preview");
    assert_eq!(report.unchanged, 0, "{report:?}");
}

#[test]
fn tries_pause_and_end_and_a_replay_begins_anew() {
    let (hub, _, message) = waiting();
    let told = Told::of([down(), down(), down(), Ok(REPORT.to_vec())]);
    for seconds in [15, 20] {
        assert_eq!(hub.router.fetch(message, &told).expect("a try"), Fetched::Later);
        hub.clock.forward(seconds - 1);
        assert_eq!(due(&hub), [], "it pauses");
        assert_eq!(hub.router.fetch(message, &told).expect("no try"), Fetched::Elsewhere);
        hub.clock.forward(1);
        assert_eq!(due(&hub), [message]);
    }
    assert_eq!(hub.router.fetch(message, &told).expect("the last try"), Fetched::Settled);
    assert_eq!((told.asked(), hub.ended(message)), (3, (State::Held, Some(Reason::DocumentUnreachable))));
    let detail = hub.store.trace(&message.to_string()).expect("there").remove(0);
    assert!(detail.notes.iter().any(|note| note.code == "document-unreachable" && note.text == "nothing answers"));
    hub.clock.forward(3600);
    assert_eq!(due(&hub), [], "nobody tries by itself any more");
    hub.router.replay(Selection::Positions(vec![message]), RedoMode::Commit, &actor()).expect("replayed");
    assert_eq!(due(&hub), [message]);
    assert_eq!(hub.router.fetch(message, &told).expect("a try"), Fetched::Settled);
    assert_eq!(hub.ended(message), (State::Accepted, None));
}

#[test]
fn another_size_than_announced_holds_the_message_with_both() {
    let (hub, person, message) = waiting();
    let told = Told::of([Err(FetchError::Size { announced: 25_383, came: 22 })]);
    assert_eq!(hub.router.fetch(message, &told).expect("a try"), Fetched::Settled);
    assert_eq!(hub.ended(message), (State::Held, Some(Reason::DocumentSize)));
    let notes = hub.store.trace(&message.to_string()).expect("there").remove(0).notes;
    let note = notes.iter().find(|note| note.code == "document-size").expect("a note");
    assert!(note.text.contains("25383") && note.text.contains("22"), "{}", note.text);
    assert!(hub.records(person).is_empty() && hub.router.blobs.list(None, 10).expect("a list").is_empty());
}

#[test]
fn nothing_is_fetched_for_somebody_who_withdrew_meanwhile() {
    let (hub, person, message) = waiting();
    hub.event(person, ConsentEventKind::Withdraw, PolicyVersion::V2025);
    let told = Told::default();
    assert_eq!(hub.router.fetch(message, &told).expect("decided anew"), Fetched::NotWaiting);
    assert_eq!(told.asked(), 0);
    assert_eq!(hub.ended(message).0, State::Withheld);
}

#[test]
fn what_comes_for_somebody_who_withdraws_during_the_try_is_not_kept() {
    /// Withdraws the person before it answers.
    struct Withdrawing<'h>(&'h Hub, PersonId);
    impl Fetch for Withdrawing<'_> {
        fn fetch(&self, _: &FetchPlace, _: &Phi<String>, _: Option<u64>) -> Result<Vec<u8>, FetchError> {
            self.0.event(self.1, ConsentEventKind::Withdraw, PolicyVersion::V2025);
            Ok(REPORT.to_vec())
        }
    }
    let (hub, person, message) = waiting();
    assert_eq!(hub.router.fetch(message, &Withdrawing(&hub, person)).expect("a try"), Fetched::Settled);
    assert_eq!(hub.ended(message).0, State::Withheld);
    assert!(hub.router.blobs.list(None, 10).expect("a list").is_empty());
}
