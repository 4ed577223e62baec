//! Says so when somebody sends something to the catch-all feed.

use std::sync::Arc;
use std::time::Duration;

use causeway_core::envelope::FeedName;
use causeway_core::port::{MessageQuery, MessageRow, Repository, RepositoryError};

use crate::engines::Vault;
use crate::output::Terminal;

/// The name of the feed.
const CATCH_ALL: &str = "catch-all";
/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// So many messages are named at a look; of more the count is told.
const NAMED_MAX: usize = 3;
/// So many are looked at at once.
const PAGE: u32 = 1_000;

/// Watches until it is aborted.
pub(super) async fn watch(repository: Arc<dyn Vault>, terminal: Terminal) {
    let Ok(feed) = FeedName::parse(CATCH_ALL) else { return };
    let query = MessageQuery { feed: Some(feed), limit: PAGE, ..MessageQuery::default() };
    let mut after = None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let (repository, query) = (Arc::clone(&repository), query.clone());
        let looked = tokio::task::spawn_blocking(move || look(repository.as_ref(), &query, after)).await;
        // The hub tells troubles of its repository itself.
        let Ok(Ok((rows, last))) = looked else { continue };
        after = Some(last);
        tell(&terminal, &rows);
    }
}

/// What is new since `after`; at the first look, only where the end is.
fn look(
    repository: &dyn Repository,
    query: &MessageQuery,
    after: Option<i64>,
) -> Result<(Vec<MessageRow>, i64), RepositoryError> {
    let Some(after) = after else {
        let newest = repository.messages(&MessageQuery { limit: 1, ..query.clone() })?;
        return Ok((Vec::new(), newest.first().map_or(0, |row| row.row)));
    };
    let rows = repository.messages(&MessageQuery { after_row: Some(after), ..query.clone() })?;
    let last = rows.iter().map(|row| row.row).fold(after, i64::max);
    Ok((rows, last))
}

fn tell(terminal: &Terminal, rows: &[MessageRow]) {
    for row in rows.iter().take(NAMED_MAX) {
        let reason = row.reason.map_or_else(String::new, |reason| format!(", {reason}"));
        let (facts, state) = (&row.facts, row.state.as_str());
        terminal.say(&format!(
            "newcomer: {} from {} is {state}{reason}; follow it: causeway message trace {}",
            facts.kind, facts.sender, facts.position
        ));
    }
    if rows.len() > NAMED_MAX {
        terminal.say(&format!(
            "newcomer: and {} more; see them: causeway message list --feed {CATCH_ALL}",
            rows.len() - NAMED_MAX
        ));
    }
}
