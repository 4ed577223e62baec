//! `causeway db rebuild`: the records anew from the log.

use std::sync::Arc;

use causeway_core::envelope::Digest;
use causeway_core::port::{Images, Log, PartitionState, Repository};
use causeway_router::{Router, Step, complete_studies};
use causeway_storage::repository::sqlite::SqliteRepository;
use serde_json::json;

use super::put_aside;
use crate::cli::context::Context;
use crate::config::RepositoryEngine;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::engines::Vault;
use crate::exit::Exit;
use crate::home::Home;
use crate::output::{grouped, progress};

/// Puts the repository aside, copies persons, consents and audit, and walks the whole log.
pub(super) fn run(yes: bool, context: &Context) -> Outcome {
    let home = context.home()?;
    let lanes = whole(context.log()?.as_ref())?;
    let messages: u64 = lanes.iter().map(|lane| lane.end.0).sum();
    if !yes {
        let what = format!("the repository would be made anew from {} messages", grouped(messages));
        return Err(Diagnostic::new(Code::Confirm, what).into());
    }
    let _lock = home.lock()?;
    let emptied = empty(&home, context)?;
    let router = Router { repository: Arc::clone(&emptied.repository) as _, ..context.router()? };
    let bar = progress::bar(&context.terminal, messages, "rebuilding");
    for lane in &lanes {
        while emptied.repository.next_offset(lane.partition)? < lane.end {
            match router.step(lane.partition)? {
                Step::Committed(count) => bar.inc(u64::try_from(count).unwrap_or(0)),
                Step::Idle => {}
            }
        }
    }
    bar.finish_and_clear();
    complete(emptied.repository.as_ref(), context)?;
    let (before, after) = (emptied.before, (emptied.digest)()?);
    if context.terminal.json {
        let told = json!({
            "v": 1, "messages": messages, "same": before == after, "before": before.to_string(), "after": after.to_string(),
        });
        context.terminal.json_line(&told)?;
    } else {
        let verdict = if before == after {
            "the same as before"
        } else {
            "not the same as before: mappers, settings or consents changed since"
        };
        context.terminal.line(&format!("{} messages; the records are {verdict}", grouped(messages)))?;
        context.terminal.say(&format!("the repository before is kept as {}", emptied.aside));
    }
    Ok(Exit::Done)
}

/// Completes the studies that are: on both sides, so that they say the same.
fn complete(vault: &dyn Vault, context: &Context) -> Outcome<()> {
    let quiet = context.found()?.config().images.study_quiet_period;
    let (repository, images): (&dyn Repository, &dyn Images) = (vault, vault);
    while complete_studies(repository, images, context.now(), quiet)?.seen > 0 {}
    Ok(())
}

/// A repository as it was before the log was read.
struct Emptied {
    /// The repository.
    repository: Arc<dyn Vault>,
    /// The digest of its content now.
    digest: Box<dyn Fn() -> Outcome<Digest>>,
    /// The digest of the content that was there.
    before: Digest,
    /// Where what was there is kept.
    aside: String,
}

fn empty(home: &Home, context: &Context) -> Outcome<Emptied> {
    let config = context.found()?.config();
    match config.repository.engine {
        RepositoryEngine::Sqlite => {
            let (target, settings) = (home.repository(), config.repository.sqlite.clone());
            let stands = SqliteRepository::open(&target, settings.clone())?;
            complete(&stands, context)?;
            let before = stands.canonical_dump_hash()?;
            drop(stands);
            let aside = put_aside(&target, "rebuild", context)?;
            drop(SqliteRepository::without_records(&aside, &target, &context.actor(), context.now(), &mut |_, _| {})?);
            let made = Arc::new(SqliteRepository::open(&target, settings)?);
            let (repository, aside) = (Arc::clone(&made) as _, aside.display().to_string());
            Ok(Emptied { repository, digest: Box::new(move || Ok(made.canonical_dump_hash()?)), before, aside })
        }
        #[cfg(feature = "postgres")]
        RepositoryEngine::Postgres => {
            let stands = super::postgres::open(context)?;
            complete(&stands, context)?;
            let before = stands.canonical_dump_hash()?;
            let (made, aside) = super::postgres::without_records(context)?;
            let (made, aside) = (Arc::new(made), format!("schema `{aside}`"));
            let repository = Arc::clone(&made) as _;
            Ok(Emptied { repository, digest: Box::new(move || Ok(made.canonical_dump_hash()?)), before, aside })
        }
        #[cfg(not(feature = "postgres"))]
        RepositoryEngine::Postgres => {
            Err(Diagnostic::new(Code::NoEngine, "this program was built without PostgreSQL").into())
        }
    }
}

/// The lanes of a log that still holds everything it was ever given.
fn whole(log: &dyn Log) -> Outcome<Vec<PartitionState>> {
    let lanes = log.state()?;
    match lanes.iter().find(|lane| lane.first.0 > 0) {
        None => Ok(lanes),
        Some(lane) => {
            let what = format!("the log gave up the first {} entries of partition {}", lane.first.0, lane.partition.0);
            let fix = "restore a backup younger than the log's retention: `causeway db restore`";
            Err(Diagnostic::new(Code::LogGone, what).fix(fix).into())
        }
    }
}
