//! Large envelopes on their way to the blob store, on threads of their own: who appends is never held up.
//!
//! All of a partition goes through one thread as long as a large envelope of it is there, so that what was appended later is
//! logged later. Partitions that have none are not held up.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use causeway_core::envelope::{Envelope, PartitionId};
use causeway_core::port::{Appended, Completion, Log, LogError, SharedBlobs};

use super::{ClaimLimits, deposited};

/// Envelopes stored at once.
const THREADS: u16 = 4;

/// What is on its way.
pub(super) struct Uploads {
    waiting: Arc<Mutex<Waiting>>,
    /// One a thread; a partition has always the same.
    queues: Vec<Sender<Upload>>,
    threads: Vec<JoinHandle<()>>,
    queue_max: usize,
    queue_bytes_max: u64,
}

/// How much of it there is.
#[derive(Default)]
struct Waiting {
    count: usize,
    bytes: u64,
    partitions: BTreeMap<PartitionId, usize>,
}

struct Upload {
    partition: PartitionId,
    envelope: Envelope,
    done: Completion,
}

impl Uploads {
    /// Starts the threads. They end when this is dropped, after what they have taken.
    pub(super) fn start(
        log: &Arc<dyn Log>,
        blobs: &SharedBlobs,
        above: usize,
        limits: &ClaimLimits,
    ) -> Result<Self, LogError> {
        let waiting: Arc<Mutex<Waiting>> = Arc::default();
        let (mut queues, mut threads) = (Vec::new(), Vec::new());
        for _ in 0..THREADS.min(log.partitions().max(1)) {
            let (queue, taken) = channel();
            let worker =
                Worker { log: Arc::clone(log), blobs: Arc::clone(blobs), above, waiting: Arc::clone(&waiting) };
            let thread = Builder::new().name("log-claims".to_owned()).spawn(move || worker.run(&taken));
            threads.push(thread.map_err(|error| LogError::Unavailable { cause: error.to_string() })?);
            queues.push(queue);
        }
        let ClaimLimits { queue_max, queue_bytes_max, .. } = *limits;
        Ok(Self { waiting, queues, threads, queue_max, queue_bytes_max })
    }

    /// Whether something of this partition is on its way.
    pub(super) fn concern(&self, partition: PartitionId) -> bool {
        lock(&self.waiting).partitions.contains_key(&partition)
    }

    /// Takes an envelope, or says that there is no room.
    pub(super) fn take(&self, partition: PartitionId, envelope: Envelope, done: Completion) -> Result<(), LogError> {
        let bytes = size(&envelope);
        let mut waiting = lock(&self.waiting);
        let sum = waiting.bytes.saturating_add(bytes);
        if waiting.count >= self.queue_max || sum > self.queue_bytes_max && waiting.count > 0 {
            return Err(LogError::Busy);
        }
        let thread = usize::from(partition.0).checked_rem(self.queues.len()).unwrap_or(0);
        let queue = self.queues.get(thread).ok_or(LogError::Closed)?;
        // Under the lock, so that two of one partition are queued as they are counted.
        queue.send(Upload { partition, envelope, done }).map_err(|_ended| LogError::Closed)?;
        waiting.count = waiting.count.saturating_add(1);
        waiting.bytes = sum;
        let here = waiting.partitions.entry(partition).or_default();
        *here = here.saturating_add(1);
        Ok(())
    }
}

impl Drop for Uploads {
    fn drop(&mut self) {
        self.queues.clear();
        for thread in self.threads.drain(..) {
            // A completion may hold the last reference to the log: its thread cannot wait for itself.
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a thread of the claims panicked");
            }
        }
    }
}

struct Worker {
    log: Arc<dyn Log>,
    blobs: SharedBlobs,
    above: usize,
    waiting: Arc<Mutex<Waiting>>,
}

impl Worker {
    fn run(&self, taken: &Receiver<Upload>) {
        while let Ok(Upload { partition, envelope, done }) = taken.recv() {
            let waiting = Arc::clone(&self.waiting);
            let room = Mutex::new(Some((partition, size(&envelope))));
            let answer = Arc::new(Answer { waiting, room, done: Mutex::new(Some(done)) });
            let given = Arc::clone(&answer);
            let append = |envelope: Envelope| self.log.append(envelope, Box::new(move |result| given.give(result)));
            let large = envelope.body.expose().len() > self.above;
            let envelope = if large { deposited(&self.blobs, envelope) } else { Ok(envelope) };
            match envelope.and_then(append) {
                // The log has it: the next one of its partition may go straight there.
                Ok(()) => answer.land(),
                Err(error) => answer.give(Err(error)),
            }
        }
    }
}

/// What one envelope is answered: once, by the log or, if the log refuses, by the thread.
struct Answer {
    waiting: Arc<Mutex<Waiting>>,
    /// The room it takes.
    room: Mutex<Option<(PartitionId, u64)>>,
    done: Mutex<Option<Completion>>,
}

impl Answer {
    /// First room, then the answer: whoever hears it may append at once.
    fn give(&self, result: Result<Appended, LogError>) {
        self.land();
        let done = lock(&self.done).take();
        if let Some(done) = done {
            done(result);
        }
    }

    fn land(&self) {
        let Some((partition, bytes)) = lock(&self.room).take() else { return };
        let mut waiting = lock(&self.waiting);
        waiting.count = waiting.count.saturating_sub(1);
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
        if let Some(here) = waiting.partitions.get_mut(&partition) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                waiting.partitions.remove(&partition);
            }
        }
    }
}

fn size(envelope: &Envelope) -> u64 {
    u64::try_from(envelope.body.expose().len()).unwrap_or(u64::MAX)
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in either can be half done.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
