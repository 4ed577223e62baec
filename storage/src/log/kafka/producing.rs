//! The writing side: an idempotent producer, what is on its way, and the one thread that hears what became of it.
//!
//! An envelope is acknowledged when the brokers have written `min_isr` copies, and that is heard from the delivery
//! report only. A report that says no means that nobody knows: the message may be there all the same. Its sender sends
//! again, and the repository knows the message by its digest. What the brokers refuse for good (a fatal error of the
//! idempotent producer) ends the process: after it, order and uniqueness cannot be given any more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use causeway_core::envelope::{Envelope, Offset, PartitionId, Position};
use causeway_core::metric::{self, Metrics};
use causeway_core::port::{Appended, Clock, Completion, Freshness, LogError};
use rdkafka::ClientContext;
use rdkafka::config::{FromClientConfigAndContext as _, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};

use super::message::{self, Encoded};
use super::seen::Seen;
use super::{Halt, KafkaLogSettings, LABEL, client, fault};

/// How long the thread listens before it looks whether it should end.
const LISTEN: Duration = Duration::from_millis(50);

/// The writing side.
pub(super) struct Producing {
    settings: KafkaLogSettings,
    clock: Arc<dyn Clock>,
    producer: Arc<BaseProducer<Reports>>,
    flight: Arc<Flight>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What is on its way.
pub(super) struct Flight {
    state: Mutex<Aloft>,
    halt: Halt,
}

#[derive(Default)]
struct Aloft {
    count: usize,
    bytes: u64,
    stop: Option<Stop>,
}

/// Why nothing is taken any more.
#[derive(Debug, Clone)]
enum Stop {
    /// It was closed.
    Closed,
    /// The producer failed for good.
    Failed(String),
}

impl Stop {
    fn error(&self) -> LogError {
        match self {
            Self::Closed => LogError::Closed,
            Self::Failed(cause) => fault::sync(cause),
        }
    }
}

/// One message on its way.
pub(super) struct Waiting {
    done: Completion,
    bytes: u64,
    since: Instant,
}

/// Hears what became of messages.
pub(super) struct Reports {
    flight: Arc<Flight>,
    metrics: Arc<dyn Metrics>,
    seen: Arc<Seen>,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        client::log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(Code::Fatal) {
            self.flight.fail(reason);
        } else {
            tracing::warn!(%error, reason, "kafka");
        }
    }
}

impl ProducerContext for Reports {
    /// A lock, because a completion can be sent to another thread but not be shared.
    type DeliveryOpaque = Box<Mutex<Waiting>>;

    fn delivery(&self, report: &DeliveryResult<'_>, waiting: Self::DeliveryOpaque) {
        let Waiting { done, bytes, since } = waiting.into_inner().unwrap_or_else(PoisonError::into_inner);
        let answer = match report {
            Ok(message) => place(message.partition(), message.offset()),
            Err((error, _)) if error.rdkafka_error_code() == Some(Code::Fatal) => Err(self.flight.fail(error)),
            Err((error, _)) => Err(fault::unavailable(error)),
        };
        if answer.is_ok() {
            self.metrics.observe(&metric::LOG_APPEND_DURATION_SECONDS, &[LABEL], since.elapsed().as_secs_f64());
            self.seen.note(bytes);
        }
        // First room, then the answer: whoever hears it may append at once.
        self.flight.land(bytes);
        done(answer);
    }
}

impl Producing {
    /// Starts the producer and the thread that hears its reports.
    pub(super) fn start(
        settings: &KafkaLogSettings,
        clock: Arc<dyn Clock>,
        metrics: Arc<dyn Metrics>,
        halt: Halt,
        seen: Arc<Seen>,
    ) -> Result<Self, LogError> {
        let flight = Arc::new(Flight { state: Mutex::default(), halt });
        let reports = Reports { flight: Arc::clone(&flight), metrics, seen };
        let producer = BaseProducer::from_config_and_context(&config(settings)?, reports);
        let producer = Arc::new(producer.map_err(fault::unavailable)?);
        let (heard, listening) = (Arc::clone(&producer), Vital(Arc::clone(&flight)));
        let thread = Builder::new().name("log-kafka".to_owned()).spawn(move || {
            while !listening.0.is_over() {
                heard.poll(LISTEN);
                // Not every failure that lasts comes as a report of its own: this tells all.
                if let Some((_, reason)) = heard.client().fatal_error() {
                    drop(listening.0.fail(reason));
                }
            }
        });
        let thread = Mutex::new(Some(thread.map_err(fault::unavailable)?));
        Ok(Self { settings: settings.clone(), clock, producer, flight, thread })
    }

    /// Sends an envelope on its way. Never blocks.
    pub(super) fn append(&self, envelope: &Envelope, done: Completion) -> Result<(), LogError> {
        let partition = envelope.partition(self.settings.partitions);
        let encoded = message::encode(envelope, partition, self.clock.now());
        let len = encoded.bytes;
        let bytes = u64::try_from(len).unwrap_or(u64::MAX);
        if bytes > self.settings.message_bytes_max {
            return Err(self.too_long(len));
        }
        self.flight.take_off(bytes, &self.settings)?;
        let waiting = Box::new(Mutex::new(Waiting { done, bytes, since: Instant::now() }));
        let body: &[u8] = envelope.body.expose();
        self.send(partition, encoded, body, waiting).map_err(|error| {
            self.flight.land(bytes);
            match error.rdkafka_error_code() {
                Some(Code::QueueFull) => LogError::Busy,
                Some(Code::MessageSizeTooLarge) => self.too_long(len),
                Some(Code::Fatal) => self.flight.fail(error),
                _ => fault::unavailable(error),
            }
        })
    }

    /// Gives a message to librdkafka. Refused, its completion is dropped uncalled.
    fn send(
        &self,
        partition: PartitionId,
        encoded: Encoded,
        body: &[u8],
        waiting: Box<Mutex<Waiting>>,
    ) -> Result<(), KafkaError> {
        let record = BaseRecord::with_opaque_to(&self.settings.topic, waiting)
            .partition(i32::from(partition.0))
            .key(encoded.key.expose())
            .payload(body)
            .timestamp(encoded.time)
            .headers(encoded.headers);
        self.producer.send(record).map_err(|(error, _)| error)
    }

    /// Takes no more, waits until all that is on its way has landed or failed, and ends.
    pub(super) fn close(&self) {
        self.flight.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        // A completion may hold the last reference to the log: its thread cannot wait for itself.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("the thread of the log panicked");
        }
    }

    fn too_long(&self, bytes: usize) -> LogError {
        LogError::TooLong { bytes, bytes_max: usize::try_from(self.settings.message_bytes_max).unwrap_or(usize::MAX) }
    }
}

impl Drop for Producing {
    fn drop(&mut self) {
        self.close();
    }
}

impl Flight {
    /// Makes room for a message, or says why there is none.
    fn take_off(&self, bytes: u64, settings: &KafkaLogSettings) -> Result<(), LogError> {
        let mut state = self.lock();
        if let Some(stop) = &state.stop {
            return Err(stop.error());
        }
        let sum = state.bytes.saturating_add(bytes);
        if state.count >= settings.queue_max || sum > settings.queue_bytes_max && state.count > 0 {
            return Err(LogError::Busy);
        }
        state.count = state.count.saturating_add(1);
        state.bytes = sum;
        Ok(())
    }

    /// Gives the room back.
    fn land(&self, bytes: u64) {
        let mut state = self.lock();
        state.count = state.count.saturating_sub(1);
        state.bytes = state.bytes.saturating_sub(bytes);
    }

    /// Takes no more.
    fn close(&self) {
        self.lock().stop.get_or_insert(Stop::Closed);
    }

    /// Takes no more and halts the process, once. Answers what everyone is told.
    fn fail(&self, cause: impl std::fmt::Display) -> LogError {
        let mut state = self.lock();
        let first = !matches!(state.stop, Some(Stop::Failed(_)));
        if first {
            state.stop = Some(Stop::Failed(cause.to_string()));
        }
        let error = state.stop.as_ref().map_or(LogError::Closed, Stop::error);
        drop(state);
        if first {
            (self.halt)(&error);
        }
        error
    }

    /// Nothing more will come and nothing is on its way.
    fn is_over(&self) -> bool {
        let state = self.lock();
        state.stop.is_some() && state.count == 0
    }

    fn lock(&self) -> MutexGuard<'_, Aloft> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without its thread the log answers nobody: if it panics, that is a failure like any other.
struct Vital(Arc<Flight>);

impl Drop for Vital {
    fn drop(&mut self) {
        if std::thread::panicking() {
            drop(self.0.fail("the thread of the log panicked"));
        }
    }
}

/// Where the brokers put a message.
fn place(partition: i32, offset: i64) -> Result<Appended, LogError> {
    let place = u16::try_from(partition).ok().zip(u64::try_from(offset).ok());
    let (partition, offset) = place.ok_or_else(|| fault::unavailable("the brokers did not say where it stands"))?;
    let position = Position { partition: PartitionId(partition), offset: Offset(offset) };
    Ok(Appended { position, freshness: Freshness::New })
}

/// What the producer must be told so that "acknowledged" means durable, once and in order.
fn config(settings: &KafkaLogSettings) -> Result<rdkafka::ClientConfig, LogError> {
    let mut config = client::config(settings)?;
    let millis = |duration: Duration| duration.as_millis().to_string();
    let queue_kbytes = settings.queue_bytes_max.max(settings.message_bytes_max).div_ceil(1024).saturating_add(1024);
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("max.in.flight.requests.per.connection", "5")
        .set("message.timeout.ms", millis(settings.delivery_timeout))
        // Half, so that a broker that hangs is given up in time for another.
        .set("request.timeout.ms", millis((settings.delivery_timeout / 2).max(Duration::from_millis(500))))
        .set("linger.ms", millis(settings.linger))
        .set("message.max.bytes", settings.message_bytes_max.saturating_add(4096).to_string())
        .set("queue.buffering.max.messages", settings.queue_max.saturating_mul(2).to_string())
        .set("queue.buffering.max.kbytes", queue_kbytes.to_string());
    Ok(config)
}

#[cfg(test)]
mod tests;
