//! Mapping: how many messages a second become FHIR, on one core, with nothing stored; and how long each domain takes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use causeway_core::envelope::{Digest, Envelope, Format, TraceId};
use causeway_core::feed::FeedSettings;
use causeway_core::mapped::Mapped;
use causeway_core::phi::Phi;
use causeway_core::port::Map as _;
use causeway_core::scope::Domain;
use causeway_mappers::Mappers;
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::load::Loaded;
use super::{Found, door, message};
use crate::diagnostic::{Code, Diagnostic};
use crate::input;

/// So many times are kept to tell the percentiles: those of the first seconds, on a long run.
const TIMES_MAX: usize = 1_000_000;

/// What to measure.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// How the messages are read.
    pub(crate) settings: FeedSettings,
    /// Files and folders with messages; the built-in message, or `message`, when there is none.
    pub(crate) paths: Vec<PathBuf>,
    /// One message, whose `{ID}` and `{PAT}` are filled in.
    pub(crate) message: Option<PathBuf>,
    /// For so long.
    pub(crate) seconds: u64,
    /// When the messages are said to be received.
    pub(crate) now: Timestamp,
}

/// What was found: of all messages, and of each domain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct FoundMap {
    /// Of all messages.
    #[serde(flatten)]
    pub(crate) all: Found,
    /// Messages a second of processor time: what one core does that nobody else uses.
    pub(crate) per_core: f64,
    /// Of each domain, in the order of the scope.
    pub(crate) domains: Vec<OfDomain>,
}

/// The messages of one domain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct OfDomain {
    /// The domain of most of a message's records; that of the person or the encounter only when there are no others.
    pub(crate) domain: Domain,
    /// How many different messages.
    pub(crate) inputs: u64,
    /// How large they are on average.
    pub(crate) bytes: f64,
    /// How much processor time one takes on average, in microseconds.
    pub(crate) us: f64,
}

/// Messages of one domain that are mapped between two looks at the clock of the processor: a look is a call of the system and
/// would be a good part of what it measures.
const BLOCK: usize = 16;

/// A message, and what it is mostly about.
struct Message {
    envelope: Envelope,
    domain: Option<Domain>,
    failed: bool,
}

/// Messages of one domain, and how much processor time their mappings took.
struct Block {
    messages: Vec<Message>,
    rounds: u64,
    took: Duration,
}

impl Block {
    fn domain(&self) -> Option<Domain> {
        self.messages.first().and_then(|message| message.domain)
    }
}

/// Maps all messages over and over; each is mapped once before, which is not counted.
///
/// # Errors
/// A message that cannot be read.
pub(crate) fn run(mapping: Mapping) -> Result<FoundMap, Diagnostic> {
    let bodies = bodies(&mapping)?;
    let mappers = Mappers::new(vec![mapping.settings.clone()]);
    let read = |body: Vec<u8>| {
        let envelope = envelope(&mapping, &body);
        let mapped = mappers.map(&envelope);
        let (domain, failed) = (domain(&mapped), !mapped.faults.is_empty());
        Message { envelope, domain, failed }
    };
    let mut blocks = blocks(bodies.into_iter().map(read).collect());
    let (begun, limit) = (Instant::now(), Duration::from_secs(mapping.seconds));
    let mut loaded = Loaded::default();
    let mut count = 0;
    while begun.elapsed() < limit {
        for block in &mut blocks {
            let (mut turn, busy) = (Instant::now(), processor());
            for message in &block.messages {
                drop(std::hint::black_box(mappers.map(std::hint::black_box(&message.envelope))));
                let now = Instant::now();
                count += 1;
                loaded.failed += u64::from(message.failed);
                if loaded.took.len() < TIMES_MAX {
                    loaded.took.push(now.duration_since(turn));
                }
                turn = now;
            }
            block.rounds += 1;
            block.took += processor().saturating_sub(busy);
        }
    }
    loaded.elapsed = begun.elapsed();
    loaded.took.sort_unstable();
    let busy: Duration = blocks.iter().map(|block| block.took).sum();
    let all = door::found("map", &loaded).of(count);
    let per_core = Found { seconds: busy.as_secs_f64(), ..all.clone() }.of(count).rate;
    Ok(FoundMap { all, per_core, domains: by_domain(&blocks) })
}

/// The messages by domain, in blocks.
fn blocks(mut messages: Vec<Message>) -> Vec<Block> {
    messages.sort_by_key(|message| message.domain);
    let mut blocks: Vec<Block> = Vec::new();
    for message in messages {
        match blocks.last_mut() {
            Some(last) if last.messages.len() < BLOCK && last.domain() == message.domain => last.messages.push(message),
            Some(_) | None => blocks.push(Block { messages: vec![message], rounds: 0, took: Duration::ZERO }),
        }
    }
    blocks
}

/// The processor time of this thread: others who use the machine do not count.
fn processor() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    Duration::from_secs(seconds.unwrap_or(0)) + Duration::from_nanos(nanos.unwrap_or(0))
}

/// What is to be mapped.
fn bodies(mapping: &Mapping) -> Result<Vec<Vec<u8>>, Diagnostic> {
    if mapping.paths.is_empty() {
        let text = message(mapping.message.as_deref())?.replace("{ID}", "B1").replace("{PAT}", "B1");
        return Ok(vec![text.into_bytes()]);
    }
    let inputs = input::read_whatever(&mapping.paths, &mapping.settings)?;
    if inputs.is_empty() {
        return Err(Diagnostic::new(Code::NoMessage, "the files hold no message"));
    }
    Ok(inputs.into_iter().map(|input| input.bytes).collect())
}

fn envelope(mapping: &Mapping, body: &[u8]) -> Envelope {
    let format = if input::is_record(body) { Format::ChineseMedicine } else { Format::Hl7v2 };
    Envelope {
        trace: TraceId(Uuid::nil()),
        feed: mapping.settings.name.clone(),
        format,
        sender: String::new(),
        control_id: "B1".to_owned(),
        kind: String::new(),
        patient_key: Phi::default(),
        received_at: mapping.now,
        digest: Digest::of(body),
        refusal: None,
        body: Phi::new(body.into()),
    }
}

/// What a message is mostly about.
fn domain(mapped: &Mapped) -> Option<Domain> {
    let mut counts: BTreeMap<Domain, usize> = BTreeMap::new();
    mapped.records.iter().for_each(|record| *counts.entry(record.domain).or_default() += 1);
    let is_about_the_visit = |domain: &Domain| *domain == Domain::Identification || *domain == Domain::Encounter;
    let told = counts.iter().max_by_key(|(domain, count)| {
        let rank = if is_about_the_visit(domain) { 0 } else { **count };
        (rank, **domain == Domain::Encounter, std::cmp::Reverse(**domain))
    });
    told.map(|(domain, _)| *domain)
}

#[expect(clippy::cast_precision_loss, reason = "counts below 2^53 are exact")]
fn by_domain(blocks: &[Block]) -> Vec<OfDomain> {
    let of = |domain: &Domain| {
        let (mut inputs, mut bytes, mut times, mut took) = (0_u64, 0_usize, 0_u64, Duration::ZERO);
        for block in blocks.iter().filter(|block| block.domain() == Some(*domain)) {
            for message in &block.messages {
                inputs += 1;
                bytes += message.envelope.body.expose().len();
                times += block.rounds;
            }
            took += block.took;
        }
        (inputs > 0).then(|| OfDomain {
            domain: *domain,
            inputs,
            bytes: bytes as f64 / inputs as f64,
            us: took.as_secs_f64() * 1e6 / times.max(1) as f64,
        })
    };
    Domain::ALL.iter().filter_map(of).collect()
}
