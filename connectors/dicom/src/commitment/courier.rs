//! The courier: takes the requests that are due, looks for their instances, and reports.

use std::sync::Arc;
use std::time::Duration;

use causeway_core::port::{Commitment, CommitmentRow, RepositoryError};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use super::Safekeeping;
use super::custody::{Custody, NotYet};
use super::report::{Report, Verdict};
use crate::classes::STORAGE_COMMITMENT;
use crate::client::{Client, ClientError, ClientSettings};
use crate::config::DicomFeedConfig;
use crate::door::Shared;
use crate::pdu::{Proposal, Role};
use crate::status::Status;
use crate::syntax::{Coding, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Syntax};
use crate::tally::Step;

/// How often others' requests, and those whose pause is over, are looked for.
const EVERY: Duration = Duration::from_secs(2);
/// How long one that is worked on is left alone by others.
const LEASE: Duration = Duration::from_secs(90);
/// How long one try waits for the index, and how often it looks.
const LAG_MAX: Duration = Duration::from_secs(5);
const LAG_STEP: Duration = Duration::from_millis(100);
/// For a connection, an association and an answer, each.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(900);
/// How long a settled request is remembered, so that its Transaction UID is known.
const REMEMBERED: Duration = Duration::from_hours(24);
/// Requests fetched at once.
const BATCH: u32 = 16;

/// Works until `stop` is said.
pub(crate) async fn run(shared: Arc<Shared>, keeping: Safekeeping, mut stop: watch::Receiver<bool>) {
    let at_once = shared.config.limits.commitments_at_once;
    let courier = Arc::new(Courier { shared, keeping });
    let mut working = JoinSet::new();
    let mut forget_at = Instant::now();
    loop {
        while working.try_join_next().is_some() {}
        if Instant::now() >= forget_at {
            courier.forget().await;
            forget_at = Instant::now() + REMEMBERED / 24;
        }
        if working.len() < at_once {
            for row in courier.due(at_once.saturating_sub(working.len())).await {
                let courier = Arc::clone(&courier);
                working.spawn(async move { courier.work(row).await });
            }
        }
        tokio::select! {
            biased;
            _ = stop.wait_for(|stopped| *stopped) => return,
            () = courier.shared.asked.notified() => {}
            Some(_) = working.join_next(), if working.len() >= at_once => {}
            () = sleep(EVERY) => {}
        }
    }
}

struct Courier {
    shared: Arc<Shared>,
    keeping: Safekeeping,
}

impl Courier {
    /// Requests of this door's feeds that this process has leased, at most so many.
    async fn due(&self, count_max: usize) -> Vec<CommitmentRow> {
        let now = self.now();
        let rows = self.blocking(move |keeping| keeping.requests.commitments_due(now, BATCH)).await;
        let mut leased = Vec::new();
        for row in rows.unwrap_or_default() {
            if leased.len() >= count_max {
                break;
            }
            if self.is_too_old(&row.commitment, now) {
                self.give_up(&row.commitment).await;
            } else if self.feed(&row.commitment).is_some() && self.lease(&row, LEASE).await {
                leased.push(CommitmentRow { tries: row.tries.saturating_add(1), ..row });
            }
        }
        leased
    }

    /// One try.
    async fn work(&self, row: CommitmentRow) {
        let Some((feed, config)) = self.feed(&row.commitment) else { return };
        let report = match self.report(&row, config).await {
            Ok(report) => report,
            Err(why) => {
                debug!(feed = %config.name, %why, "a storage commitment waits");
                return self.pause(&row).await;
            }
        };
        match self.deliver(&row, feed, config, &report).await {
            Ok(()) => {
                let (id, now) = (row.commitment.id, self.now());
                // Not remembered, it is reported once more, which takes nothing back.
                self.blocking(move |keeping| keeping.requests.settle_commitment(id, now)).await;
                let failures = report.has_failures();
                info!(feed = %config.name, instances = report.instances.len(), failures, "a storage commitment was reported");
                self.shared.tally.reported(feed, &report);
            }
            Err(why) => {
                warn!(feed = %config.name, tries = row.tries, why, "a storage commitment could not be reported, and is tried again");
                self.shared.tally.commitment(feed, Step::Undelivered);
                self.pause(&row).await;
            }
        }
    }

    /// What is to be said of the instances.
    async fn report(&self, row: &CommitmentRow, config: &DicomFeedConfig) -> Result<Report, NotYet> {
        let commitment = &row.commitment;
        let report = |instances| Report { transaction: commitment.transaction.clone(), instances };
        if commitment.uid_in_use {
            let refused =
                |(class, instance): &(_, _)| (Clone::clone(class), Clone::clone(instance), Some(Status::DUPLICATE_UID));
            return Ok(report(commitment.instances.iter().map(refused).collect()));
        }
        let until = Instant::now() + LAG_MAX;
        loop {
            match self.look(row, config).await {
                Err(NotYet::Lag) if Instant::now() < until => sleep(LAG_STEP).await,
                other => return other.map(report),
            }
        }
    }

    async fn look(&self, row: &CommitmentRow, config: &DicomFeedConfig) -> Result<Vec<Verdict>, NotYet> {
        let ports = &self.shared.ports;
        let custody =
            Custody { log: Arc::clone(&ports.log), blobs: Arc::clone(&ports.blobs), keeping: self.keeping.clone() };
        let (provider, unknown, row) = (config.provider.clone(), config.unknown_sop_classes, row.clone());
        let clock = Arc::clone(&ports.clock);
        let looked = tokio::task::spawn_blocking(move || {
            let requests = &custody.keeping.requests;
            let mut renew_at = std::time::Instant::now() + LEASE / 3;
            let goes_on = || {
                if std::time::Instant::now() < renew_at {
                    return true;
                }
                renew_at = std::time::Instant::now() + LEASE / 3;
                let next_at = later(clock.now(), LEASE);
                requests.lease_commitment(row.commitment.id, row.tries, row.tries, next_at).unwrap_or(false)
            };
            custody.look(&provider, unknown, &row.commitment.instances, goes_on)
        });
        looked.await.unwrap_or_else(|error| Err(NotYet::Unavailable(error.to_string())))
    }

    /// Over the association that is open, or over a new one.
    async fn deliver(
        &self,
        row: &CommitmentRow,
        feed: usize,
        config: &DicomFeedConfig,
        report: &Report,
    ) -> Result<(), String> {
        let caller = &row.commitment.caller;
        if let Some(answer) = self.shared.post.hand(feed, caller, report) {
            match timeout(PATIENCE, answer).await {
                Ok(Ok(0)) => return Ok(()),
                Ok(Ok(status)) => {
                    debug!(feed = %config.name, status, "a report was refused on the association it was asked on")
                }
                Ok(Err(_over)) => debug!(feed = %config.name, "the association ended before the report was answered"),
                Err(_elapsed) => {
                    debug!(feed = %config.name, "a report was not answered on the association it was asked on")
                }
            }
        }
        let Some(to) = config.report_to.get(caller) else {
            return Err("its association is over, and `report_to` has no address for its AE title".to_owned());
        };
        match self.call(caller, to, config, report).await {
            Ok(0) => Ok(()),
            Ok(status) => Err(format!("the report was refused with status 0x{status:04X}")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Asks the caller for an association, as the one that provides the service, and reports.
    async fn call(
        &self,
        caller: &str,
        to: &str,
        config: &DicomFeedConfig,
        report: &Report,
    ) -> Result<u16, ClientError> {
        let uid = |text: &str| causeway_core::dicom::uid::Uid::parse(text).map_err(|_fault| ClientError::NotAgreed);
        let class = uid(STORAGE_COMMITMENT)?;
        let settings = ClientSettings {
            calling: self.shared.config.ae_title.clone(),
            called: caller.to_owned(),
            timeout: PATIENCE,
            tls: self.shared.report_tls(config),
        };
        let proposal = Proposal {
            id: 1,
            abstract_syntax: class.clone(),
            transfer_syntaxes: vec![uid(EXPLICIT_LITTLE)?, uid(IMPLICIT_LITTLE)?],
        };
        let role = Role { class, scu: false, scp: true };
        let mut client = Client::open(to, &settings, vec![proposal], vec![role]).await?;
        // A peer that does not answer the proposal of roles is asked all the same: many leave it out.
        if client.roles().iter().any(|role| role.class.as_str() == STORAGE_COMMITMENT && !role.scp) {
            return Err(ClientError::NotAgreed);
        }
        let (context, coding) = client
            .contexts()
            .iter()
            .find(|(_, class, _)| class.as_str() == STORAGE_COMMITMENT)
            .map(|(id, _, syntax)| (*id, Syntax::of(syntax).coding))
            .ok_or(ClientError::NotAgreed)?;
        let id = client.next_id();
        let status = self.tell(&mut client, context, coding, report, id).await?;
        if let Err(error) = client.release().await {
            debug!(%error, "an association was not released well");
        }
        Ok(status)
    }

    async fn tell(
        &self,
        client: &mut Client,
        context: u8,
        coding: Coding,
        report: &Report,
        id: u16,
    ) -> Result<u16, ClientError> {
        let command = report.command(id).ok_or(ClientError::NotAgreed)?;
        let (answer, _) = client.request(context, &command, Some(&report.data_set(coding))).await?;
        if answer.answers != id {
            return Err(ClientError::Protocol("it answers another message"));
        }
        answer.status.ok_or(ClientError::Protocol("its answer has no status"))
    }

    /// Lets a request alone for a while: longer with every try.
    async fn pause(&self, row: &CommitmentRow) {
        let pause = Duration::from_secs(1 << row.tries.min(16)).min(PAUSE_MAX);
        let (id, tries, next_at) = (row.commitment.id, row.tries, later(self.now(), pause));
        self.blocking(move |keeping| keeping.requests.lease_commitment(id, tries, tries, next_at)).await;
    }

    async fn lease(&self, row: &CommitmentRow, long: Duration) -> bool {
        let (id, tries, next_at) = (row.commitment.id, row.tries, later(self.now(), long));
        let leased =
            move |keeping: &Safekeeping| keeping.requests.lease_commitment(id, tries, tries.saturating_add(1), next_at);
        self.blocking(leased).await.unwrap_or(false)
    }

    fn is_too_old(&self, commitment: &Commitment, now: Timestamp) -> bool {
        later(commitment.requested_at, self.shared.config.limits.commitment_patience) <= now
    }

    async fn give_up(&self, commitment: &Commitment) {
        let (id, now) = (commitment.id, self.now());
        self.blocking(move |keeping| keeping.requests.settle_commitment(id, now)).await;
        warn!(feed = %commitment.feed, "a storage commitment was given up: its sender keeps its instances, and may ask again");
        if let Some((feed, _)) = self.feed(commitment) {
            self.shared.tally.commitment(feed, Step::GivenUp);
        }
    }

    async fn forget(&self) {
        let before = self.now().checked_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
        self.blocking(move |keeping| keeping.requests.forget_commitments(before)).await;
    }

    fn feed(&self, commitment: &Commitment) -> Option<(usize, &DicomFeedConfig)> {
        self.shared.config.feeds.iter().enumerate().find(|(_, feed)| feed.name == commitment.feed)
    }

    fn now(&self) -> Timestamp {
        self.shared.ports.clock.now()
    }

    /// Asks the repository on a thread that may block. What cannot be asked now is asked again later.
    async fn blocking<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Safekeeping) -> Result<T, RepositoryError> + Send + 'static,
    ) -> Option<T> {
        let keeping = self.keeping.clone();
        match tokio::task::spawn_blocking(move || ask(&keeping)).await {
            Ok(Ok(done)) => Some(done),
            Ok(Err(error)) => {
                // Whether the repository can be trusted is for the router to say, which stops the process.
                warn!(%error, "requests for storage commitment cannot be asked for");
                None
            }
            Err(error) => {
                warn!(%error, "a thread of storage commitment broke");
                None
            }
        }
    }
}

fn later(at: Timestamp, long: Duration) -> Timestamp {
    at.checked_add(long).unwrap_or(Timestamp::MAX)
}
