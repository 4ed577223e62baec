//! Sends messages over MLLP and counts the answers, riding out connections that break.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_core::disposition::Disposition;
use causeway_core::feed::CharsetRule;
use causeway_core::hl7v2::header::Header;
use causeway_core::hl7v2::{Limits, Message};
use causeway_hl7::ack::Code;
use causeway_hl7::client::{Client, ClientError, ClientSettings, Exchange};
use indicatif::ProgressBar;
use tokio::task::JoinSet;

/// How often in a row a connection may break without an answer in between.
const BREAKS_MAX: u32 = 3;

/// How to send.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// `host:port`.
    pub(crate) to: String,
    /// How many connections.
    pub(crate) connections: usize,
    /// How many messages of a connection may wait for their answer.
    pub(crate) window: usize,
    /// How the client behaves.
    pub(crate) client: ClientSettings,
}

/// What became of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    /// Messages that were answered, or asked for no answer.
    pub(crate) done: usize,
    /// Answers by code; `none` for messages that asked for none.
    pub(crate) by_code: BTreeMap<String, usize>,
    /// Those that were refused.
    pub(crate) refused: Vec<Refused>,
    /// How long it took.
    pub(crate) took: Duration,
    /// Why it ended before the end.
    pub(crate) broken: Option<String>,
    /// Whether no connection could be made at all.
    pub(crate) unreachable: bool,
}

/// A message that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Which of the messages.
    pub(crate) number: usize,
    /// MSA-1.
    pub(crate) code: Code,
    /// MSA-2.
    pub(crate) control_id: String,
    /// ERR-3.
    pub(crate) error: String,
    /// ERR-2.
    pub(crate) place: String,
    /// ERR-8 or MSA-3.
    pub(crate) text: String,
    /// ERR-7.
    pub(crate) fix: String,
}

/// Sends all messages. Those of one patient go over one connection, in their order.
pub(crate) async fn send(messages: Arc<Vec<Vec<u8>>>, plan: &Plan, progress: &ProgressBar) -> Report {
    let begun = Instant::now();
    let mut lanes: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); plan.connections.max(1)];
    for (number, message) in messages.iter().enumerate() {
        let lane = if lanes.len() == 1 { 0 } else { lane_of(message, &plan.client.charset, lanes.len()) };
        if let Some(lane) = lanes.get_mut(lane) {
            lane.insert(number);
        }
    }
    let mut tasks = JoinSet::new();
    for lane in lanes.into_iter().filter(|lane| !lane.is_empty()) {
        tasks.spawn(one_connection(Arc::clone(&messages), lane, plan.clone(), progress.clone()));
    }
    let mut whole = Report::default();
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(report) => whole.add(report),
            Err(error) => whole.broken = Some(error.to_string()),
        }
    }
    whole.took = begun.elapsed();
    whole.refused.sort_by_key(|refused| refused.number);
    whole
}

impl Report {
    fn add(&mut self, other: Self) {
        self.done += other.done;
        self.unreachable |= other.unreachable;
        other.by_code.into_iter().for_each(|(code, count)| *self.by_code.entry(code).or_default() += count);
        self.refused.extend(other.refused);
        self.broken = self.broken.take().or(other.broken);
    }

    fn note(&mut self, number: usize, exchange: &Exchange) {
        self.done += 1;
        let code = exchange.last().map_or("none", |answer| answer.code.as_str());
        *self.by_code.entry(code.to_owned()).or_default() += 1;
        if let Some(answer) = exchange.last().filter(|answer| !answer.code.is_positive()) {
            self.refused.push(Refused {
                number,
                code: answer.code,
                control_id: answer.control_id.clone(),
                error: answer.error.clone().unwrap_or_default(),
                place: answer.place.clone().unwrap_or_default(),
                text: answer.text.clone().unwrap_or_default(),
                fix: answer.fix.clone().unwrap_or_default(),
            });
        }
    }
}

/// Sends what is left until nothing is, over a new connection whenever the old one breaks. What was not answered is
/// sent again: the receiver takes it for what it is, a resend.
async fn one_connection(
    messages: Arc<Vec<Vec<u8>>>,
    mut left: BTreeSet<usize>,
    plan: Plan,
    progress: ProgressBar,
) -> Report {
    let mut report = Report::default();
    let mut breaks = 0;
    while !left.is_empty() {
        let before = report.done;
        let result = try_connection(&messages, &mut left, &plan, &progress, &mut report).await;
        let Err(error) = result else { continue };
        let goes_on = match error.disposition() {
            Disposition::Retry => true,
            Disposition::Reject | Disposition::Hold | Disposition::Halt => false,
        };
        breaks = if report.done > before { 1 } else { breaks + 1 };
        if !goes_on || breaks > BREAKS_MAX {
            report.unreachable = matches!(error, ClientError::Connect { .. }) && report.done == 0;
            report.broken = Some(chain(&error));
            break;
        }
    }
    report
}

async fn try_connection(
    messages: &[Vec<u8>],
    left: &mut BTreeSet<usize>,
    plan: &Plan,
    progress: &ProgressBar,
    report: &mut Report,
) -> Result<(), ClientError> {
    let mut client = Client::connect(&plan.to, plan.client.clone()).await?;
    let order: Vec<usize> = left.iter().copied().collect();
    // Gathered first: a lazy iterator of borrowed items cannot live in a spawned task.
    let mut sending: Vec<&[u8]> = Vec::with_capacity(order.len());
    for number in &order {
        sending.extend(messages.get(*number).map(Vec::as_slice));
    }
    let result = client
        .send_all(sending, plan.window, |place, exchange| {
            let number = usize::try_from(place).ok().and_then(|place| order.get(place)).copied();
            if let Some(number) = number {
                report.note(number, exchange);
                left.remove(&number);
                progress.inc(1);
            }
            true
        })
        .await;
    result.map(|_sent| ())
}

/// The same lane for all messages of one patient: those with the same first identifier in PID-3.
fn lane_of(message: &[u8], charset: &CharsetRule, lanes: usize) -> usize {
    let patient = Header::peek(message, charset).ok().and_then(|header| {
        let text = header.charset().decode(message).ok()?;
        let parsed = Message::parse(&text, causeway_core::feed::LineEnds::Lenient, &Limits::default()).ok()?;
        Some(parsed.segment("PID")?.field(3).rep(1).raw().to_owned())
    });
    let hash = patient
        .unwrap_or_default()
        .bytes()
        .fold(5381_usize, |hash, byte| hash.wrapping_mul(33).wrapping_add(usize::from(byte)));
    hash % lanes.max(1)
}

/// An error with the causes behind it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        // Some errors say their cause in their own words already.
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}
