//! Persisted end to end: from the first byte sent to the last record committed, with identity, consent and audit.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use causeway_core::person::{BirthDate, Demographics, Document, DocumentKind, LocalNumber, Sex};
use causeway_core::phi::Phi;
use causeway_core::policy::PolicyVersion;
use causeway_core::port::{Actor, Clock as _, NewPerson, Registry, Repository};
use causeway_core::provider::ProviderId;

use super::load::{self, Load};
use super::{Found, config, door, folder, message};
use crate::clock::SystemClock;
use crate::diagnostic::{Code, Diagnostic};
use crate::generate::provider;
use crate::home::Home;
use crate::import::{self, Join, Row, Tally};
use crate::wiring::{self, Hub, Role};

/// How many persons the messages are about.
const PERSONS: u64 = 500;
/// How often it is looked whether all is committed.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The run fails when nothing more is committed for so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// How to measure.
#[derive(Debug, Clone)]
pub(crate) struct Persist {
    /// How many messages.
    pub(crate) messages: u64,
    /// Connections.
    pub(crate) connections: u32,
    /// Another message.
    pub(crate) message: Option<PathBuf>,
    /// Where the data is kept meanwhile.
    pub(crate) dir: Option<PathBuf>,
}

/// Measures. A message that is not accepted counts as failed.
///
/// # Errors
/// The hub cannot be started, or does not commit.
pub(crate) fn run(persist: &Persist) -> Result<Found, Diagnostic> {
    let folder = folder(persist.dir.as_deref())?;
    let message = message(persist.message.as_deref())?;
    wiring::runtime()?.block_on(async {
        let hub = Hub::start(&config()?, &Home::new(folder.path().join("data")), Role::All).await?;
        register(hub.repository.as_ref())?;
        let to = hub.doors.first().map(ToString::to_string).unwrap_or_default();
        let begun = Instant::now();
        let mut loaded = load::run(Load {
            to,
            connections: persist.connections,
            rate: None,
            seconds: None,
            count: Some(persist.messages),
            message,
            patients: PERSONS,
            run: SystemClock.now().strftime("%y%m%d%H%M%S%3f").to_string(),
        })
        .await?;
        let accepted = committed(hub.repository.as_ref(), persist.messages).await?;
        loaded.elapsed = begun.elapsed();
        loaded.failed = persist.messages.saturating_sub(accepted);
        hub.stop().await;
        Ok(door::found("persist", &loaded))
    })
}

/// The persons, all of them participants, known by the numbers of the messages.
fn register(registry: &dyn Registry) -> Result<(), Diagnostic> {
    let (actor, now) = (Actor("bench".to_owned()), SystemClock.now());
    registry.put_provider(&provider::newcomer(), &actor, now)?;
    let mut tally = Tally::default();
    // As in the message: another name or birth date would wait for a person to compare them.
    let demographics = Demographics {
        family: "CHAN".into(),
        given: "TAI MAN".into(),
        chinese: "陳大文".into(),
        birth: BirthDate::parse("19830114").map(Phi::new),
        sex: Some(Sex::Male),
    };
    for number in 0..PERSONS {
        let number = Phi::new(format!("B{number}"));
        let document = Document { kind: DocumentKind::Other, issuer: "bench".to_owned(), number: number.clone() };
        let local =
            LocalNumber { provider: ProviderId(provider::NEWCOMER.to_owned()), authority: "BENCH".to_owned(), number };
        let row = Row {
            place: String::new(),
            person: NewPerson {
                documents: vec![document],
                demographics: demographics.clone(),
                local_numbers: vec![local],
            },
            join: Some(Join { policy: PolicyVersion::V2025, at: None }),
            share: Vec::new(),
        };
        import::import(registry, &row, &actor, SystemClock.now(), &mut tally);
    }
    match tally.bad.first() {
        None => Ok(()),
        Some(bad) => Err(Diagnostic::new(Code::Internal, "the benchmark's persons cannot be registered").why(&bad.why)),
    }
}

/// Waits until so many messages have their outcome; gives how many were accepted.
async fn committed(repository: &dyn Repository, messages: u64) -> Result<u64, Diagnostic> {
    let (mut seen, mut since) = (0, Instant::now());
    loop {
        let counts = repository.feed_counts()?;
        let done: u64 = counts.iter().map(|count| count.count).sum();
        if done >= messages {
            let accepted = counts.iter().filter(|count| count.state == causeway_core::outcome::State::Accepted);
            return Ok(accepted.map(|count| count.count).sum());
        }
        if done > seen {
            (seen, since) = (done, Instant::now());
        } else if since.elapsed() > PATIENCE {
            return Err(Diagnostic::new(
                Code::NoAnswer,
                format!("{done} of {messages} messages are committed, and no more"),
            ));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
