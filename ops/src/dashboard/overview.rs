//! The first page: the state in one sentence, the feeds, the pipeline with its lag in time, and what is held.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use causeway_serve::http::Problem;
use causeway_serve::language::{Speaker, Value};
use causeway_serve::page::Fragment;

use super::badge::Badge;
use super::held::{self, Group};
use super::spark::Spark;
use super::words::Moment;
use super::{Area, DashboardState, Reader, framed, rendered};
use crate::status::images::{FailedAssociations, ImageStatus, StudiesStatus};
use crate::status::{BEHIND_AFTER_SECONDS, FeedStatus, Headline, Snapshot, Stage, StageStatus};

/// The whole page.
pub(super) async fn page(State(state): State<DashboardState>, reader: Reader) -> Result<Response, Problem> {
    let say = reader.say();
    let content = Overview::of(&(state.snapshot)(), say)?;
    Ok(framed(&state, &reader, Area::Overview, &say.text("overview-title"), rendered(&content)?))
}

/// Its changing part alone.
pub(super) async fn live(State(state): State<DashboardState>, reader: Reader) -> Result<Fragment, Problem> {
    rendered(&Live::of(&(state.snapshot)(), reader.say()))
}

#[derive(Template)]
#[template(path = "dashboard/overview.html")]
pub(super) struct Overview<'a> {
    say: Speaker<'a>,
    live: Fragment,
}

impl<'a> Overview<'a> {
    /// What a snapshot shows.
    pub(super) fn of(snapshot: &Snapshot, say: Speaker<'a>) -> Result<Self, Problem> {
        Ok(Self { say, live: rendered(&Live::of(snapshot, say))? })
    }
}

#[derive(Template)]
#[template(path = "dashboard/live.html")]
pub(super) struct Live<'a> {
    say: Speaker<'a>,
    badge: Badge,
    sentence: String,
    taken: Moment,
    time: String,
    waiting: String,
    held_total: u64,
    feeds: Vec<Feed>,
    stages: Vec<Step>,
    log: String,
    images: Vec<Images>,
    studies: String,
    failed: Vec<Failed>,
    held: Vec<Group>,
}

impl<'a> Live<'a> {
    /// What a snapshot shows.
    pub(super) fn of(snapshot: &Snapshot, say: Speaker<'a>) -> Self {
        let now = snapshot.at;
        Self {
            say,
            badge: Badge::of_level(snapshot.headline.level(), say),
            sentence: sentence(&snapshot.headline, say),
            taken: Moment::of(now, now, say),
            time: say.time(now),
            waiting: waiting(snapshot, say),
            held_total: snapshot.held.iter().map(|group| group.count).sum(),
            feeds: snapshot.feeds.iter().map(|feed| Feed::of(feed, snapshot, say)).collect(),
            stages: snapshot.pipeline.stages.iter().map(|stage| Step::of(stage, say)).collect(),
            log: say.fill("log-size", &[("size", Value::Text(&say.size(snapshot.pipeline.log_bytes)))]),
            images: snapshot.images.iter().map(|images| Images::of(images, say)).collect(),
            studies: studies(&snapshot.studies, say),
            failed: snapshot.failed_associations.iter().map(|failed| Failed::of(failed, say)).collect(),
            held: held::groups(snapshot, say),
        }
    }
}

/// A row of the feeds table.
struct Feed {
    name: String,
    door: [String; 3],
    catch_all: bool,
    badge: Badge,
    last: Option<Moment>,
    rate: String,
    counts: [Count; 4],
    oldest: Option<String>,
    ack: Option<String>,
    spark: Spark,
}

/// A number of messages in a state, which leads to them.
struct Count {
    key: &'static str,
    state: &'static str,
    number: String,
    none: bool,
}

impl Feed {
    fn of(feed: &FeedStatus, snapshot: &Snapshot, say: Speaker<'_>) -> Self {
        let count = |key, state, number: u64| Count { key, state, number: say.number(number), none: number == 0 };
        Self {
            name: feed.name.to_string(),
            door: [feed.protocol.to_uppercase(), feed.listen.clone(), feed.provider.to_string()],
            catch_all: feed.catch_all,
            badge: Badge::of_feed(feed.state, say),
            last: feed.last_message_at.map(|at| Moment::of(at, snapshot.at, say)),
            rate: say.rate(feed.rate_per_second),
            counts: [
                count("state-accepted", "accepted", feed.accepted),
                count("state-withheld", "withheld", feed.withheld),
                count("state-held", "held", feed.held),
                count("state-rejected", "rejected", feed.rejected),
            ],
            oldest: feed.oldest_unprocessed_seconds.map(|seconds| say.duration(seconds)),
            ack: feed.ack_p99_seconds.map(|seconds| say.duration(seconds)),
            spark: Spark::of(&feed.spark, snapshot.spark_step_seconds, say),
        }
    }
}

/// A box of the pipeline.
struct Step {
    name: String,
    rate: String,
    lag: String,
    behind: bool,
}

impl Step {
    fn of(status: &StageStatus, say: Speaker<'_>) -> Self {
        let key = match status.stage {
            Stage::Receive => "stage-receive",
            Stage::Log => "stage-log",
            Stage::Map => "stage-map",
            Stage::Decide => "stage-decide",
            Stage::Store => "stage-store",
        };
        Self {
            name: say.text(key),
            rate: say.rate(status.rate_per_second),
            lag: say.duration(status.lag_seconds),
            behind: status.lag_seconds >= BEHIND_AFTER_SECONDS,
        }
    }
}

/// A row of the images table.
struct Images {
    feed: String,
    associations: String,
    open: Option<String>,
    instances: String,
    refused: String,
    size: String,
    conflicts: String,
    committed: String,
    /// What there is to say of it: open, with failures, failed.
    commitments: Vec<String>,
}

impl Images {
    fn of(images: &ImageStatus, say: Speaker<'_>) -> Self {
        let open = || say.fill("images-open", &[("n", Value::Count(images.open))]);
        Self {
            feed: images.feed.to_string(),
            associations: say.number(images.over.saturating_add(images.open)),
            open: (images.open > 0).then(open),
            instances: say.number(images.stored),
            refused: say.number(images.refused),
            size: say.size(images.bytes),
            conflicts: say.number(images.conflicts),
            committed: say.number(images.commitments.answered),
            commitments: [
                ("commitments-open", images.commitments.open),
                ("commitments-with-failures", images.commitments.with_failures),
                ("commitments-failed", images.commitments.failed),
            ]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(key, count)| say.fill(key, &[("n", Value::Count(count))]))
            .collect(),
        }
    }
}

/// The studies of the images, open and complete.
fn studies(studies: &StudiesStatus, say: Speaker<'_>) -> String {
    let counts = [("open", Value::Count(studies.open)), ("completed", Value::Count(studies.completed))];
    say.fill("images-studies", &counts)
}

/// A row of the associations that failed.
struct Failed {
    feed: Option<String>,
    why: String,
    end: String,
    count: String,
}

impl Failed {
    fn of(failed: &FailedAssociations, say: Speaker<'_>) -> Self {
        let key = match failed.end.as_str() {
            "rejected" => "ended-rejected",
            "rejected_for_now" => "ended-rejected-for-now",
            "aborted_by_peer" => "ended-aborted-by-peer",
            "lost" => "ended-lost",
            "timed_out" => "ended-timed-out",
            "stopped" | "halted" => "ended-by-us",
            "refused_and_endless" => "ended-refused",
            // What is left are the ways in which a peer breaks the protocol.
            _ => "ended-not-understood",
        };
        Self {
            feed: failed.feed.as_ref().map(ToString::to_string),
            why: say.text(key),
            end: failed.end.clone(),
            count: say.number(failed.count),
        }
    }
}

/// The one sentence. It is read out when it changes, so it has no number that changes by itself every second.
fn sentence(headline: &Headline, say: Speaker<'_>) -> String {
    match headline {
        Headline::Flowing { feeds } => say.fill("headline-flowing", &[("feeds", Value::Count(*feeds))]),
        Headline::NothingYet { feeds } => say.fill("headline-nothing-yet", &[("feeds", Value::Count(*feeds))]),
        Headline::Silent { feed, seconds, expected_seconds } => {
            let (span, every) = (roughly(*seconds, say), roughly(*expected_seconds, say));
            let values = [("feed", feed.as_str().into()), ("span", (&span).into()), ("every", (&every).into())];
            say.fill("headline-silent", &values)
        }
        Headline::Down { feed } => say.fill("headline-down", &[("feed", feed.as_str().into())]),
        Headline::Behind { seconds, messages: _ } => {
            say.fill("headline-behind", &[("span", (&roughly(*seconds, say)).into())])
        }
        Headline::Stopped => say.text("headline-stopped"),
    }
}

/// A duration to the minute, once it is one.
fn roughly(seconds: u64, say: Speaker<'_>) -> String {
    let whole = if seconds < 60 { seconds } else { seconds - seconds % 60 };
    say.duration(std::time::Duration::from_secs(whole).as_secs_f64())
}

/// What waits, beside the sentence.
fn waiting(snapshot: &Snapshot, say: Speaker<'_>) -> String {
    let pipeline = &snapshot.pipeline;
    if pipeline.lag_messages == 0 {
        return say.text("nothing-waits");
    }
    let span = say.duration(pipeline.lag_seconds);
    say.fill("some-wait", &[("messages", Value::Count(pipeline.lag_messages)), ("span", (&span).into())])
}
