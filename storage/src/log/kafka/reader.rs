//! One reader: a consumer that stands at one place of one partition, and checks what it reads.
//!
//! It belongs to no group and commits nothing: where to read is said by whoever reads, and the place of what was
//! processed stands in the repository. It never skips: a message that is not the next one is damage.

use std::time::{Duration, Instant};

use causeway_core::envelope::{Offset, PartitionId, Position};
use causeway_core::port::{Entry, LogError, PartitionState, ReadLimit};
use jiff::Timestamp;
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};

use super::client::{self, Talk};
use super::message::{self, Stored};
use super::{KafkaLogSettings, fault};

/// What a reader is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It reads on where it stands.
    Follow,
    /// It is sent from place to place.
    Visit,
}

impl Use {
    /// How long the brokers hold a request for messages when there are none. A reader that is moved waits so long for
    /// the answer to what it had asked before; one that stays asks the less often the longer it is.
    const fn fetch_wait_ms(self) -> &'static str {
        match self {
            Self::Follow => "250",
            Self::Visit => "10",
        }
    }
}

/// A reader.
pub(super) struct Reader {
    consumer: BaseConsumer<Talk>,
    topic: String,
    patience: Duration,
    /// Where it stands; `None` before it was placed.
    at: Option<Position>,
    /// Read, and not asked for yet.
    ahead: Option<Entry>,
}

impl Reader {
    /// A reader that stands nowhere.
    pub(super) fn new(settings: &KafkaLogSettings, purpose: Use) -> Result<Self, LogError> {
        let consumer = BaseConsumer::from_config_and_context(&config(settings, purpose)?, Talk::default())
            .map_err(fault::unavailable)?;
        Ok(Self { consumer, topic: settings.topic.clone(), patience: settings.read_timeout, at: None, ahead: None })
    }

    /// Where it stands.
    pub(super) const fn at(&self) -> Option<Position> {
        self.at
    }

    /// Where a partition begins and ends.
    pub(super) fn bounds(&self, partition: PartitionId) -> Result<PartitionState, LogError> {
        let ask = || self.consumer.fetch_watermarks(&self.topic, i32::from(partition.0), self.patience);
        let (first, end) = match ask() {
            // Another broker leads it now: who that is, is asked once; the rest is for the caller's next try.
            Err(error) if fault::is_elsewhere(&error) => {
                self.consumer.fetch_metadata(Some(&self.topic), self.patience).map_err(fault::unavailable)?;
                ask().map_err(fault::unavailable)?
            }
            found => found.map_err(fault::unavailable)?,
        };
        let offset =
            |raw| u64::try_from(raw).map(Offset).map_err(|_negative| fault::unavailable("an offset is negative"));
        Ok(PartitionState { partition, first: offset(first)?, end: offset(end)? })
    }

    /// The first offset whose message is not older than `time`, in milliseconds since 1970; `None` when all are.
    pub(super) fn first_since(&self, partition: PartitionId, time: i64) -> Result<Option<Offset>, LogError> {
        let lane = i32::from(partition.0);
        let mut asked = TopicPartitionList::new();
        let added = asked.add_partition_offset(&self.topic, lane, KafkaOffset::Offset(time));
        added.map_err(fault::unavailable)?;
        let found = self.consumer.offsets_for_times(asked, self.patience).map_err(fault::unavailable)?;
        let found = found.find_partition(&self.topic, lane);
        let found = found.ok_or_else(|| fault::unavailable("the brokers did not answer for the partition"))?;
        found.error().map_err(fault::unavailable)?;
        match found.offset() {
            KafkaOffset::Offset(offset) => Ok(u64::try_from(offset).ok().map(Offset)),
            KafkaOffset::End => Ok(None),
            other => Err(fault::unavailable(format!("the brokers answered {other:?} for a time"))),
        }
    }

    /// Goes to `at`, unless it stands there.
    pub(super) fn go_to(&mut self, at: Position) -> Result<(), LogError> {
        if self.at == Some(at) {
            return Ok(());
        }
        let offset = i64::try_from(at.offset.0).map_err(|_beyond| LogError::OutOfRange { position: at })?;
        let mut assigned = TopicPartitionList::new();
        let lane = i32::from(at.partition.0);
        let added = assigned.add_partition_offset(&self.topic, lane, KafkaOffset::Offset(offset));
        added.and_then(|()| self.consumer.assign(&assigned)).map_err(fault::unavailable)?;
        (self.at, self.ahead) = (Some(at), None);
        Ok(())
    }

    /// Stands nowhere, and asks the brokers for nothing.
    pub(super) fn rest(&mut self) -> Result<(), LogError> {
        (self.at, self.ahead) = (None, None);
        self.consumer.unassign().map_err(fault::unavailable)
    }

    /// Reads on from where it stands. Waits until the deadline for the first entry, and for no other.
    pub(super) fn read(&mut self, limit: ReadLimit, deadline: Instant) -> Result<Vec<Entry>, LogError> {
        let Some(mut at) = self.at else { return Ok(Vec::new()) };
        let (mut entries, mut bytes) = (Vec::new(), 0_usize);
        while entries.len() < limit.count_max {
            let wait =
                if entries.is_empty() { deadline.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
            let next = match self.ahead.take() {
                Some(entry) => Some(entry),
                // What was read before the fault is good: it is given, and the fault is told at the next call.
                None => match self.poll(at, wait) {
                    Ok(next) => next,
                    Err(error) => {
                        self.at = None;
                        return if entries.is_empty() { Err(error) } else { Ok(entries) };
                    }
                },
            };
            let Some(entry) = next else { break };
            let sum = bytes.saturating_add(entry.envelope.body.expose().len());
            if sum > limit.bytes_max && !entries.is_empty() {
                self.ahead = Some(entry);
                break;
            }
            bytes = sum;
            at = Position { offset: at.offset.next(), ..at };
            self.at = Some(at);
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Waits for the message that must stand at `at`.
    fn poll(&self, at: Position, wait: Duration) -> Result<Option<Entry>, LogError> {
        let deadline = Instant::now() + wait;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.consumer.poll(left) {
                Some(Ok(message)) => return entry(&message, at).map(Some),
                Some(Err(error)) => {
                    if let Some(error) = fault::reading(at, &error) {
                        return Err(error);
                    }
                }
                None => {}
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
        }
    }
}

/// Checks a message that should stand at `at`.
fn entry(message: &BorrowedMessage<'_>, at: Position) -> Result<Entry, LogError> {
    let found = u64::try_from(message.offset()).ok().map(Offset);
    if found != Some(at.offset) || message.partition() != i32::from(at.partition.0) {
        return Err(fault::damaged(at, "the entry is missing: another one stands in its place"));
    }
    let time = message.timestamp().to_millis().ok_or_else(|| fault::damaged(at, "it has no time"))?;
    let appended_at = Timestamp::from_millisecond(time).map_err(|error| fault::damaged(at, error))?;
    let headers = message.headers().ok_or_else(|| fault::damaged(at, message::Unreadable::NoChecksum))?;
    let stored = Stored {
        partition: at.partition,
        time,
        key: message.key().unwrap_or_default(),
        headers,
        body: message.payload().unwrap_or_default(),
    };
    let envelope = message::decode(&stored).map_err(|unreadable| fault::damaged(at, unreadable))?;
    Ok(Entry { position: at, appended_at, control_id_reused: false, envelope })
}

/// What a consumer must be told so that it skips nothing and holds no more than it may.
fn config(settings: &KafkaLogSettings, purpose: Use) -> Result<rdkafka::ClientConfig, LogError> {
    let mut config = client::config(settings)?;
    let message_bytes = settings.message_bytes_max.saturating_add(65_536);
    config
        // librdkafka wants a name, though nothing is ever committed under it.
        .set("group.id", "causeway")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_committed")
        .set("check.crcs", "true")
        .set("allow.auto.create.topics", "false")
        .set("fetch.wait.max.ms", purpose.fetch_wait_ms())
        .set("fetch.error.backoff.ms", "50")
        // A reader whose bytes are used up goes on at once; left alone it would rest for a second.
        .set("fetch.queue.backoff.ms", "10")
        .set("fetch.message.max.bytes", message_bytes.max(1 << 20).to_string())
        .set("fetch.max.bytes", message_bytes.max(settings.read_ahead_bytes).to_string())
        .set(
            "receive.message.max.bytes",
            message_bytes.max(settings.read_ahead_bytes).saturating_add(1 << 20).to_string(),
        )
        .set("queued.max.messages.kbytes", settings.read_ahead_bytes.div_ceil(1024).to_string());
    Ok(config)
}
