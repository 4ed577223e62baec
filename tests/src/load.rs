//! The load generator: connections that each send the messages of their own patients, one after the other, and resend
//! with the same control id whatever was not answered.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::journal::{Event, Journal};
use crate::patient::{Numbered, Patient};

/// One run.
#[derive(Debug, Clone)]
pub struct Load {
    /// Where the hub's processes listen. A connection that breaks goes on at the next one.
    pub to: Vec<SocketAddr>,
    /// How many connections, each with its share of the patients.
    pub connections: usize,
    /// The patients.
    pub patients: Vec<Patient>,
    /// How many messages each patient gets.
    pub counters: u32,
    /// Goes into the control ids.
    pub seed: u64,
    /// The run fails when it is not done by then.
    pub deadline: Duration,
    /// The senders wait when so many messages are acknowledged, until a test says more: so that faults meet a load that is
    /// under way, however fast the machine is.
    pub allowed: Arc<AtomicU64>,
    /// Every second message of a patient is made longer by so many bytes.
    pub padding: usize,
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The journal could not be written.
    #[error("the journal could not be written")]
    Journal(#[from] io::Error),
    /// The hub did not take everything in time.
    #[error("{left} messages were not acknowledged in time")]
    Late {
        /// How many were not.
        left: u64,
    },
}

/// As many messages as there are.
pub fn all() -> Arc<AtomicU64> {
    Arc::new(AtomicU64::new(u64::MAX))
}

impl Load {
    /// The message of a patient with this counter.
    pub fn message(&self, patient: Patient, counter: u32) -> String {
        let message = patient.message(counter, self.seed);
        if self.padding == 0 || counter.is_multiple_of(2) { message } else { padded(&message, self.padding) }
    }
}

/// A message made longer by a segment that nobody maps.
pub fn padded(message: &str, bytes: usize) -> String {
    format!("{message}ZPD|1|{}\r", "x".repeat(bytes))
}

/// Sends everything, riding out whatever happens to the hub. `progress` counts acknowledgements as they come.
pub fn drive(load: &Load, journal: &Journal, progress: &AtomicU64) -> Result<(), LoadError> {
    let (started, failed) = (Instant::now(), AtomicBool::new(false));
    let left: u64 = thread::scope(|scope| {
        let workers: Vec<_> = (0..load.connections)
            .map(|lane| {
                let failed = &failed;
                scope.spawn(move || {
                    work(load, lane, journal, progress, started).inspect_err(|_| failed.store(true, Ordering::Relaxed))
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().map_or(Ok(u64::MAX), |left| left)).sum::<io::Result<u64>>()
    })?;
    if left == 0 { Ok(()) } else { Err(LoadError::Late { left }) }
}

/// One connection's share. Returns how many messages were left over at the deadline.
fn work(load: &Load, lane: usize, journal: &Journal, progress: &AtomicU64, started: Instant) -> io::Result<u64> {
    let mine: Vec<Patient> = load.patients.iter().copied().skip(lane).step_by(load.connections.max(1)).collect();
    let mut link: Option<TcpStream> = None;
    let mut doors = load.to.iter().copied().cycle().skip(lane);
    let Some(mut door) = doors.next() else { return Ok(0) };
    let mut left = 0;
    for counter in 1..=load.counters {
        for patient in &mine {
            let numbered = Numbered { patient: patient.number, counter };
            let frame = format!("\u{b}{}\u{1c}\r", load.message(*patient, counter));
            loop {
                if started.elapsed() > load.deadline {
                    left += 1;
                    break;
                }
                if progress.load(Ordering::Relaxed) >= load.allowed.load(Ordering::Relaxed) {
                    thread::park_timeout(Duration::from_millis(2));
                    continue;
                }
                journal.note(numbered, Event::Sent)?;
                let event = exchange(&mut link, door, frame.as_bytes(), &numbered.control_id(load.seed));
                journal.note(numbered, event)?;
                match event {
                    Event::Acknowledged => {
                        progress.fetch_add(1, Ordering::Relaxed);
                        break;
                    }
                    Event::Refused | Event::Unknown | Event::Sent => {
                        link = None;
                        door = doors.next().unwrap_or(door);
                    }
                }
            }
        }
    }
    Ok(left)
}

/// Sends one frame and reads one answer. A link that fails is dropped; the next call dials again.
fn exchange(link: &mut Option<TcpStream>, to: SocketAddr, frame: &[u8], control_id: &str) -> Event {
    let answer = try_exchange(link, to, frame);
    match answer {
        Ok(text)
            if text.contains(&format!("MSA|CA|{control_id}")) || text.contains(&format!("MSA|AA|{control_id}")) =>
        {
            Event::Acknowledged
        }
        Ok(text) if text.contains(control_id) => Event::Refused,
        Ok(_) | Err(_) => {
            *link = None;
            Event::Unknown
        }
    }
}

fn try_exchange(link: &mut Option<TcpStream>, to: SocketAddr, frame: &[u8]) -> io::Result<String> {
    let stream = match link {
        Some(stream) => stream,
        None => link.insert(dial(to)?),
    };
    stream.write_all(frame)?;
    let mut answer = Vec::with_capacity(256);
    let mut chunk = [0_u8; 1024];
    while !answer.ends_with(b"\x1c\r") {
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend(chunk.iter().take(read));
    }
    String::from_utf8(answer).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Dials with a time-out. While the hub is down the kernel answers at once, so the wait between tries is a bounded read
/// on nothing: a connection attempt to a port that drops.
fn dial(to: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&to, Duration::from_secs(2))
        .inspect_err(|_| thread::park_timeout(Duration::from_millis(5)))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    Ok(stream)
}
