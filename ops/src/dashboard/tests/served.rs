//! The routes, over a real door and on a real repository.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use causeway_core::decision::{Decision, Verdict};
use causeway_core::envelope::Offset;
use causeway_core::metric::Silent;
use causeway_core::outcome::{Outcome, State};
use causeway_core::policy::PolicyVersion;
use causeway_core::port::{Fence, Lookup};
use causeway_core::provider::ProviderId;
use causeway_core::reason::Reason;
use causeway_core::scope::Domain;
use causeway_serve::http::{HttpLimits, serve};
use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};
use tokio::net::TcpListener;

use super::super::{DashboardState, routes};
use super::sample;
use std::sync::Arc;

/// A door with the pages of a repository that holds three messages: one held, one withheld, one rejected.
struct Served {
    address: SocketAddr,
    _folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl Served {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("repository.sqlite");
        let repository = SqliteRepository::open(&file, SqliteSettings::default()).expect("a repository");
        fill(&repository);
        let repository = Arc::new(repository);
        let snapshot = Arc::new(sample::snapshot());
        let state = DashboardState {
            snapshot: Arc::new(move || Arc::clone(&snapshot)),
            images: Arc::clone(&repository) as _,
            repository,
            knows: Arc::new(|count| count.code.code == "KNOWN"),
            demo: true,
        };
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(serve(listener, routes(state), HttpLimits::default(), Arc::new(Silent), std::future::pending()));
        Self { address, _folder: folder, _runtime: runtime }
    }

    /// Gets a path as a browser does; the whole answer.
    fn get(&self, path: &str, language: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("the door is open");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nAccept-Language: {language}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("read");
        answer
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

/// Commits three messages.
fn fill(repository: &SqliteRepository) {
    let outcomes = [
        ("HELD1", State::Held, Reason::NoDocument),
        ("WITHHELD1", State::Withheld, Reason::NotRegistered),
        ("REJECTED1", State::Rejected, Reason::MissingField),
    ];
    let outcomes: Vec<Outcome> =
        (0..).zip(outcomes).map(|(number, (id, state, reason))| outcome(number, id, state, reason)).collect();
    let provider = ProviderId("9265486345".to_owned());
    let lookups = [Lookup { provider: &provider, identity: None, message: None }; 3];
    let partition = sample::facts(0, "").position.partition;
    let fence = Fence { partition, expect: Offset(0), next: Offset(3) };
    let plan = outcomes.clone();
    use causeway_core::port::Repository as _;
    repository.commit(fence, &lookups, sample::now(), &mut |_| Ok(plan.clone())).expect("committed");
}

fn outcome(number: u64, control_id: &str, state: State, reason: Reason) -> Outcome {
    let decision = Decision {
        domain: Domain::Identification,
        verdict: Verdict::Withhold(reason),
        rule: "D3".into(),
        policy: PolicyVersion::V2025,
        at: sample::now(),
    };
    Outcome {
        facts: sample::facts(number, control_id),
        state,
        reason: Some(reason),
        place: "PID-3".to_owned(),
        person: None,
        subject_keys: Vec::new(),
        decisions: vec![decision],
        records: Vec::new(),
        notes: Vec::new(),
        links: Vec::new(),
        unmapped: Vec::new(),
        instance: None,
    }
}

#[test]
fn a_path_without_a_language_leads_to_the_readers() {
    let served = Served::start();
    for (path, language, location) in [
        ("/", "en", "/en/ops"),
        ("/ops", "zh-HK", "/zh-hant/ops"),
        ("/ops/messages?state=held", "zh-HK", "/zh-hant/ops/messages?state=held"),
    ] {
        let answer = served.get(path, language);
        assert_eq!(status(&answer), "307", "{answer}");
        assert!(answer.contains(&format!("\r\nlocation: {location}\r\n")), "{answer}");
    }
}

#[test]
fn every_place_of_the_navigation_is_there_in_both_languages() {
    let served = Served::start();
    for language in ["en", "zh-hant"] {
        for path in ["/ops", "/ops/held", "/ops/messages", "/ops/codes", "/ops/conflicts"] {
            let answer = served.get(&format!("/{language}{path}"), "fr");
            assert_eq!(status(&answer), "200", "{path}: {answer}");
            assert_eq!(answer.matches("aria-current=\"page\"").count(), 1, "{path}");
            assert!(answer.contains("class=\"synthetic\""), "{path}");
            let other = if language == "en" { "zh-hant" } else { "en" };
            assert!(answer.contains(&format!("<a href=\"/{other}{path}\"")), "{path}: the switch keeps the page");
        }
    }
    assert_eq!(status(&served.get("/fr/ops", "fr")), "404");
}

#[test]
fn the_live_part_is_the_same_as_in_the_page() {
    let served = Served::start();
    let part = served.get("/en/ops/live", "en");
    let part = part.split("\r\n\r\n").nth(1).expect("a body").trim();
    assert!(part.starts_with("<div data-live=\"/en/ops/live\">"), "{part}");
    assert!(served.get("/en/ops", "en").contains(part), "without the script a reader sees the same numbers");
}

#[test]
fn the_list_is_filtered_by_what_the_form_sends() {
    let served = Served::start();
    let all = served.get("/en/ops/messages?state=&feed=&reason=", "en");
    assert!(all.contains("HELD1") && all.contains("WITHHELD1") && all.contains("REJECTED1"), "{all}");
    let held = served.get("/en/ops/messages?state=held&feed=hospital-a&reason=NO_DOCUMENT", "en");
    assert!(held.contains(">HELD1<") && !held.contains("WITHHELD1"), "{held}");
    assert!(held.contains("<option value=\"held\" selected>"), "the form keeps what was chosen");
    assert!(held.contains("/zh-hant/ops/messages?state=held&#38;feed=hospital-a&#38;reason=NO_DOCUMENT"), "{held}");
    assert!(served.get("/en/ops/messages?feed=clinic-b", "en").contains("No message fits."));
    for bad in ["state=lost", "before=x", "reason='%20OR%201=1"] {
        assert_eq!(status(&served.get(&format!("/en/ops/messages?{bad}"), "en")), "400", "{bad}");
    }
}

#[test]
fn every_message_of_the_list_leads_to_its_journey() {
    let served = Served::start();
    let list = served.get("/zh-hant/ops/messages", "en");
    let traces: Vec<&str> =
        list.split("href=\"/zh-hant/ops/messages/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(traces.len(), 3, "{list}");
    for trace in traces {
        let journey = served.get(&format!("/zh-hant/ops/messages/{trace}"), "en");
        assert_eq!(status(&journey), "200");
        assert!(journey.contains("D3") && journey.contains(&format!("causeway message trace {trace}")), "{journey}");
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let served = Served::start();
    let unknown = "/en/ops/messages/0195602a-7c00-7000-8000-999999999999";
    for path in [unknown, "/en/ops/messages/HELD1", "/en/ops/messages/2:0", "/en/ops/nothing", "/en"] {
        let answer = served.get(path, "en");
        assert_eq!(status(&answer), "404", "{path}: {answer}");
        assert!(answer.contains("There is nothing here"), "{answer}");
    }
}
