//! Draws snapshots: what the doors counted, what the log and the repository hold, and what changed since a while ago.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use causeway_core::envelope::FeedName;
use causeway_core::metric;
use causeway_core::outcome::State;
use causeway_core::port::{Commitments, FeedCount, Log, ReadLimit, Repository, RepositoryError};
use causeway_core::provider::ProviderId;
use jiff::Timestamp;

use super::gauges::{gauge, set_gauges, whole};
use super::images::{FailedAssociations, ImageStatus, StudiesStatus};
use super::sample::{Sample, count_of, p99, rate};
use super::standing::{age, headline, state};
use super::{
    FeedState, FeedStatus, HeldStatus, PartitionStatus, Pipeline, SPARK_POINTS, SPARK_STEP_SECONDS, Snapshot, Stage,
    StageStatus,
};
use crate::certificates::{CertificateStatus, standings};
use crate::cli::VERSION;
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::metrics::{Prometheus, Reading};

/// Rates are over so many seconds.
const RATE_SECONDS: i64 = 60;
/// The p99 of the acknowledgement is over so many seconds.
const ACK_SECONDS: i64 = 300;
/// So many samples are kept: one a second for as long as the longest window, and one before.
const SAMPLES_MAX: usize = 301;
/// The files of certificates are looked at once in so many seconds.
const CERTIFICATES_SECONDS: u64 = 10;
/// How far into the waiting messages of a partition it is looked for the oldest one of each feed.
const HEAD: ReadLimit = ReadLimit { count_max: 64, bytes_max: 1 << 20 };

/// Draws snapshots.
#[derive(Debug)]
pub(crate) struct Gatherer {
    feeds: Vec<Feed>,
    synthetic: bool,
    started_at: Option<Timestamp>,
    doors: Doors,
    /// The certificates, and when their files were last looked at.
    certificates: Option<(Timestamp, Vec<CertificateStatus>)>,
    config: Config,
    samples: VecDeque<Sample>,
    sparks: BTreeMap<FeedName, VecDeque<(i64, u32)>>,
}

/// Whether this process has the doors, and so knows whether they are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doors {
    /// They are here.
    Here,
    /// Another process has them.
    Elsewhere,
}

/// What is known of a feed by configuration.
#[derive(Debug, Clone)]
struct Feed {
    name: FeedName,
    provider: ProviderId,
    protocol: &'static str,
    listen: String,
    catch_all: bool,
    expected: Option<Duration>,
}

/// Where the numbers come from.
#[derive(Clone)]
pub(crate) struct Sources {
    /// What the doors and the router counted.
    pub(crate) metrics: Arc<Prometheus>,
    /// The log; absent when its process does not run and this one only looks.
    pub(crate) log: Arc<dyn Log>,
    /// The repository.
    pub(crate) repository: Arc<dyn Repository>,
    /// Requests for storage commitment.
    pub(crate) commitments: Arc<dyn Commitments>,
}

impl Gatherer {
    /// A gatherer for the feeds of a configuration.
    pub(crate) fn new(config: &Config, started_at: Option<Timestamp>, doors: Doors) -> Self {
        let feeds = config.all_feeds().map(|feed| Feed {
            name: feed.name.clone(),
            provider: feed.provider.clone(),
            protocol: feed.protocol,
            listen: feed.listen,
            catch_all: feed.catch_all,
            expected: feed.expect_every,
        });
        Self {
            feeds: feeds.collect(),
            synthetic: config.synthetic,
            started_at,
            doors,
            certificates: None,
            config: config.clone(),
            samples: VecDeque::new(),
            sparks: BTreeMap::new(),
        }
    }

    /// Draws one, and sets the gauges of the metrics that only a look at the whole can tell.
    ///
    /// # Errors
    /// Those of the log and the repository.
    pub(crate) fn draw(&mut self, sources: &Sources, now: Timestamp) -> Result<Snapshot, Diagnostic> {
        let (pipeline, oldest) = pipeline(sources, now)?;
        let sample = sample(sources, &pipeline, now);
        self.note_sparks(&sample);
        let counts = sources.repository.feed_counts()?;
        let paused = sources.repository.paused_feeds()?;
        let feeds: Vec<FeedStatus> = self
            .feeds
            .iter()
            .map(|feed| {
                let since = self.since(now, RATE_SECONDS);
                let status = self.feed(feed, &counts, &sample, since, sources);
                let is_paused = paused.contains(&feed.name);
                let age = oldest.get(&feed.name).map(|at| age(*at, now));
                let status = FeedStatus { oldest_unprocessed_seconds: age, ..status };
                let is_up = self.doors == Doors::Elsewhere || up(sources, &feed.name);
                let state = state(&status, is_paused, is_up, now);
                FeedStatus { state, ..status }
            })
            .collect();
        let held = held(sources)?;
        let dicom = self.feeds.iter().filter(|feed| feed.protocol == "dicom");
        let images = dicom.map(|feed| {
            let open = sources.commitments.commitments_pending(&feed.name)?;
            Ok(ImageStatus::of(&feed.name, &sources.metrics, open))
        });
        let images = images.collect::<Result<_, RepositoryError>>()?;
        let pipeline = Pipeline { stages: self.stages(&sample, &pipeline, now), ..pipeline };
        self.samples.push_back(sample);
        while self.samples.len() > SAMPLES_MAX {
            self.samples.pop_front();
        }
        let headline = headline(&feeds, &pipeline, self.started_at, now);
        let certificates = self.certificates(now);
        let snapshot = Snapshot {
            v: 1,
            at: now,
            version: VERSION.to_owned(),
            started_at: self.started_at,
            synthetic: self.synthetic,
            headline,
            feeds,
            pipeline,
            images,
            studies: StudiesStatus::of(&sources.metrics),
            failed_associations: FailedAssociations::all(&sources.metrics),
            held,
            certificates,
            spark_step_seconds: SPARK_STEP_SECONDS,
        };
        set_gauges(&sources.metrics, &snapshot);
        Ok(snapshot)
    }

    /// How the certificates stand, by a look at their files now and then.
    fn certificates(&mut self, now: Timestamp) -> Vec<CertificateStatus> {
        let is_fresh = |at: &Timestamp| now.duration_since(*at).as_secs().unsigned_abs() < CERTIFICATES_SECONDS;
        match &self.certificates {
            Some((at, known)) if is_fresh(at) => known.clone(),
            Some(_) | None => {
                let looked = standings(&self.config, now);
                self.certificates.insert((now, looked)).1.clone()
            }
        }
    }

    fn feed(
        &self,
        feed: &Feed,
        counts: &[FeedCount],
        sample: &Sample,
        since: Option<&Sample>,
        sources: &Sources,
    ) -> FeedStatus {
        let name = feed.name.as_str();
        let own = counts.iter().filter(|count| count.feed == feed.name);
        let of = |state: State| own.clone().filter(|c| c.state == state).map(|c| c.count).sum::<u64>();
        let stored_last = own.clone().filter_map(|count| count.last_received_at).max();
        let at_door = gauge(&sources.metrics, &metric::FEED_LAST_MESSAGE_TIMESTAMP_SECONDS, name);
        let seen_last = Some(at_door).filter(|seconds| *seconds > 0.0).and_then(timestamp);
        FeedStatus {
            name: feed.name.clone(),
            protocol: feed.protocol.to_owned(),
            listen: feed.listen.clone(),
            provider: feed.provider.clone(),
            catch_all: feed.catch_all,
            state: FeedState::Waiting,
            connections: whole(gauge(&sources.metrics, &metric::FEED_CONNECTIONS, name)),
            expected_seconds: feed.expected.map(|every| every.as_secs()),
            last_message_at: seen_last.max(stored_last),
            rate_per_second: since.map_or(0.0, |since| rate(sample, since, |s| count_of(&s.received, name))),
            accepted: of(State::Accepted),
            withheld: of(State::Withheld),
            held: of(State::Held),
            rejected: of(State::Rejected),
            discarded: of(State::Discarded),
            oldest_unprocessed_seconds: None,
            ack_p99_seconds: p99(sample, self.since(sample.at, ACK_SECONDS), name),
            spark: self.spark(&feed.name, sample.at),
        }
    }

    /// The sample of so many seconds ago, or the oldest one.
    fn since(&self, now: Timestamp, seconds: i64) -> Option<&Sample> {
        let from = now.as_second().saturating_sub(seconds);
        let place = self.samples.partition_point(|sample| sample.at.as_second() < from);
        self.samples.get(place).or_else(|| self.samples.back())
    }

    /// Adds what came since the last sample to the points of the sparklines.
    fn note_sparks(&mut self, sample: &Sample) {
        let step = sample.at.as_second().div_euclid(i64::from(SPARK_STEP_SECONDS));
        for feed in &self.feeds {
            let name = feed.name.as_str();
            let before = self.samples.back().map_or(0.0, |last| count_of(&last.received, name));
            let more = u32::try_from(whole(count_of(&sample.received, name) - before)).unwrap_or(u32::MAX);
            let points = self.sparks.entry(feed.name.clone()).or_default();
            match points.back_mut() {
                Some((last, count)) if *last == step => *count = count.saturating_add(more),
                Some(_) | None => points.push_back((step, more)),
            }
            while points.len() > SPARK_POINTS {
                points.pop_front();
            }
        }
    }

    fn spark(&self, feed: &FeedName, now: Timestamp) -> Vec<u32> {
        let last = now.as_second().div_euclid(i64::from(SPARK_STEP_SECONDS));
        let points: BTreeMap<i64, u32> = self.sparks.get(feed).into_iter().flatten().copied().collect();
        let first = last - i64::try_from(SPARK_POINTS).unwrap_or(0) + 1;
        (first..=last).map(|step| points.get(&step).copied().unwrap_or(0)).collect()
    }

    fn stages(&self, sample: &Sample, pipeline: &Pipeline, now: Timestamp) -> Vec<StageStatus> {
        let since = self.since(now, RATE_SECONDS);
        let status = |stage: &Stage| StageStatus {
            stage: *stage,
            rate_per_second: since
                .map_or(0.0, |since| rate(sample, since, |s| s.stages.get(stage.as_str()).copied().unwrap_or(0.0))),
            // Mapping, deciding and storing are one walk over a batch: what waits, waits before the first of them.
            lag_seconds: if *stage == Stage::Map { pipeline.lag_seconds } else { 0.0 },
        };
        Stage::ALL.iter().map(status).collect()
    }
}

/// The lanes, and the oldest waiting message of each feed as far as was looked.
fn pipeline(sources: &Sources, now: Timestamp) -> Result<(Pipeline, BTreeMap<FeedName, Timestamp>), Diagnostic> {
    let mut pipeline = Pipeline { log_bytes: sources.log.size_bytes()?, ..Pipeline::default() };
    let mut oldest: BTreeMap<FeedName, Timestamp> = BTreeMap::new();
    for lane in sources.log.state()? {
        let next = sources.repository.next_offset(lane.partition)?;
        let waiting = lane.end.0.saturating_sub(next.0);
        let mut lag_seconds: f64 = 0.0;
        if waiting > 0 {
            // What retention gave up in the meantime is no reason to show nothing.
            let head = sources.log.read(lane.partition, next, HEAD, Duration::ZERO).unwrap_or_default();
            for envelope in head.iter().map(|entry| &entry.envelope) {
                lag_seconds = lag_seconds.max(age(envelope.received_at, now));
                let first = oldest.entry(envelope.feed.clone()).or_insert(envelope.received_at);
                *first = envelope.received_at.min(*first);
            }
        }
        pipeline.lag_messages = pipeline.lag_messages.saturating_add(waiting);
        pipeline.lag_seconds = pipeline.lag_seconds.max(lag_seconds);
        pipeline.partitions.push(PartitionStatus {
            partition: lane.partition.0,
            first: lane.first.0,
            next: next.0,
            end: lane.end.0,
            lag_seconds,
        });
    }
    Ok((pipeline, oldest))
}

#[expect(clippy::cast_precision_loss, reason = "counts below 2^53 are exact")]
fn sample(sources: &Sources, pipeline: &Pipeline, at: Timestamp) -> Sample {
    let by_feed = |readings: &[Reading]| {
        let mut sums = BTreeMap::new();
        for reading in readings {
            *sums.entry(reading.labels.first().cloned().unwrap_or_default()).or_insert(0.0) += reading.value;
        }
        sums
    };
    let read = |metric| sources.metrics.read(metric);
    let sum = |readings: &[Reading]| readings.iter().map(|reading| reading.value).sum::<f64>();
    let received = by_feed(&read(&metric::MESSAGES_RECEIVED));
    let stage = |name: &str, readings: Vec<Reading>| {
        let own: Vec<_> =
            readings.into_iter().filter(|r| r.labels.first().is_some_and(|label| label == name)).collect();
        sum(&own)
    };
    let logged: u64 = pipeline.partitions.iter().map(|lane| lane.end).sum();
    let stages = BTreeMap::from([
        (Stage::Receive.as_str(), received.values().sum()),
        (Stage::Log.as_str(), logged as f64),
        (Stage::Map.as_str(), stage("map", read(&metric::STAGE_DURATION_SECONDS))),
        (Stage::Decide.as_str(), stage("route", read(&metric::STAGE_MESSAGES))),
        (Stage::Store.as_str(), sum(&read(&metric::OUTCOMES))),
    ]);
    let acks = read(&metric::ACK_DURATION_SECONDS).into_iter();
    let acks = acks.map(|reading| (reading.labels.first().cloned().unwrap_or_default(), reading.buckets)).collect();
    Sample { at, received, acks, stages }
}

fn held(sources: &Sources) -> Result<Vec<HeldStatus>, Diagnostic> {
    let groups = sources.repository.held()?.into_iter();
    let mut held: Vec<_> = groups
        .map(|group| HeldStatus {
            reason: group.reason,
            feed: group.feed,
            count: group.count,
            first: group.first,
            last: group.last,
        })
        .collect();
    held.sort_by(|a, b| b.count.cmp(&a.count).then(a.feed.cmp(&b.feed)));
    Ok(held)
}

/// Whether the feed's door is open.
fn up(sources: &Sources, feed: &FeedName) -> bool {
    gauge(&sources.metrics, &metric::FEED_UP, feed.as_str()) > 0.0
}

fn timestamp(seconds: f64) -> Option<Timestamp> {
    let duration = jiff::SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::from_duration(duration).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample_at(second: i64, received: f64, buckets: &[(f64, u64)]) -> Sample {
        Sample {
            at: Timestamp::from_second(second).expect("in range"),
            received: BTreeMap::from([("lab".to_owned(), received)]),
            acks: BTreeMap::from([("lab".to_owned(), buckets.to_vec())]),
            stages: BTreeMap::new(),
        }
    }

    #[test]
    fn sparks_fall_into_their_step_and_old_ones_fall_off() {
        let text = "[[door]]\n[[door.feed]]\nname = \"lab\"\nprovider = \"HA\"\nsenders = [\"A|B\"]\n";
        let config: Config = toml::from_str(text).expect("well formed");
        let mut gatherer = Gatherer::new(&config, None, Doors::Here);
        for (second, received) in [(1_000, 3.0), (1_004, 5.0), (1_011, 6.0), (1_599, 10.0)] {
            let sample = sample_at(second, received, &[]);
            gatherer.note_sparks(&sample);
            gatherer.samples.push_back(sample);
        }
        let name = FeedName::parse("lab").expect("name");
        let spark = gatherer.spark(&name, Timestamp::from_second(1_599).expect("in range"));
        assert_eq!((spark.len(), spark[0], spark[1], spark[59]), (SPARK_POINTS, 5, 1, 4));
        let later = gatherer.spark(&name, Timestamp::from_second(1_600).expect("in range"));
        assert_eq!((later[0], later[58]), (1, 4));
    }
}
