//! Measures the embedded log alone: so many senders, each waiting for its answer before it sends again, as a door's
//! connections do.
//!
//! `cargo run --release -p causeway-storage --example append -- [SENDERS] [SECONDS] [BODY_BYTES] [FOLDER]`
//! (64, 10, 1024, a temporary one). Prints appends a second and the times an answer took.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a measuring tool talks to its user")]

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use causeway_core::envelope::{Digest, Envelope, FeedName, Format, TraceId};
use causeway_core::metric::Silent;
use causeway_core::phi::Phi;
use causeway_core::port::{Clock, Log};
use causeway_storage::log::embedded::{EmbeddedLog, EmbeddedLogSettings};
use jiff::Timestamp;
use uuid::Uuid;

/// Entries are stamped with the start of 1970: the log's speed does not depend on it.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: usize| args.get(index).map_or(default, |arg| arg.parse().expect("a number"));
    let (senders, seconds, body_bytes) = (number(0, 64), number(1, 10), number(2, 1024));
    let temporary = tempfile::tempdir().expect("folder");
    let dir = args.get(3).map_or(temporary.path().to_owned(), Into::into);

    let started = Instant::now();
    let halt = Arc::new(|error: &_| println!("halted: {error}"));
    let log = EmbeddedLog::open(&dir, EmbeddedLogSettings::default(), Arc::new(Still), Arc::new(Silent), halt);
    let log = log.expect("the log opens");
    println!("open after {:?} with {} entries", started.elapsed(), entries(&*log));

    let end = Instant::now() + Duration::from_secs(u64::try_from(seconds).expect("seconds"));
    let first = entries(&*log);
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let log = &*log;
        let threads = (0..senders).map(|sender| scope.spawn(move || send(log, sender, first, body_bytes, end)));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("sender")).collect()
    });
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 1000).copied().unwrap_or_default();
    println!(
        "{senders} senders, {body_bytes} bytes: {} appends/s; p50 {:?} p99 {:?} p99.9 {:?} max {:?}; {} MiB on disk",
        times.len() / seconds,
        at(500),
        at(990),
        at(999),
        times.last().copied().unwrap_or_default(),
        log.size_bytes().expect("size") >> 20,
    );
}

/// One sender: sends, waits, sends again. Gives the time of each.
fn send(log: &EmbeddedLog, sender: usize, first: u64, body_bytes: usize, end: Instant) -> Vec<Duration> {
    let mut times = Vec::new();
    let (done, answer) = channel();
    for number in 0_u64.. {
        let started = Instant::now();
        if started >= end {
            break;
        }
        let done = done.clone();
        let envelope = envelope(sender, first + number, body_bytes);
        log.append(envelope, Box::new(move |result| drop(done.send(result)))).expect("the queue has room");
        answer.recv().expect("an answer").expect("durable");
        times.push(started.elapsed());
    }
    times
}

fn envelope(sender: usize, number: u64, body_bytes: usize) -> Envelope {
    let control_id = format!("{sender}-{number}");
    let mut body = vec![b'x'; body_bytes];
    body.iter_mut().zip(control_id.bytes()).for_each(|(to, from)| *to = from);
    Envelope {
        trace: TraceId(Uuid::from_u128(u128::from(number))),
        feed: FeedName::parse("lab").expect("name"),
        format: Format::Hl7v2,
        sender: format!("LAB{sender}|QMH"),
        kind: "ORU^R01".to_owned(),
        patient_key: Phi::new(format!("QMH|H{}", number % 1000 + 17 * u64::try_from(sender).unwrap_or(0))),
        received_at: Timestamp::UNIX_EPOCH,
        digest: Digest::of(&body),
        refusal: None,
        control_id,
        body: Phi::new(Arc::from(body)),
    }
}

fn entries(log: &dyn Log) -> u64 {
    log.state().expect("state").iter().map(|lane| lane.end.0).sum()
}
