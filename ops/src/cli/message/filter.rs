//! Filters over messages, the same for every verb that takes them.

use causeway_core::envelope::FeedName;
use causeway_core::outcome::State;
use causeway_core::person::PersonId;
use causeway_core::port::MessageQuery;
use causeway_core::reason::Reason;
use clap::Args;

use super::super::context::Context;
use super::super::time::When;
use crate::config::trouble::closest;
use crate::diagnostic::Outcome;

/// Which messages. All conditions given must hold.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Filter {
    /// Of this feed.
    #[arg(long, value_parser = feed)]
    feed: Option<FeedName>,
    /// In this state: accepted, withheld, held, rejected, discarded.
    #[arg(long, value_parser = state)]
    state: Option<State>,
    /// With this reason, as NOT_REGISTERED; docs/errors.md lists them.
    #[arg(long, value_parser = reason)]
    reason: Option<Reason>,
    /// Received since: a time, a day, or how long ago (15m).
    #[arg(long, value_parser = When::parse, value_name = "WHEN")]
    since: Option<When>,
    /// About this person, by the registry's number.
    #[arg(long, value_name = "NUMBER")]
    person: Option<i64>,
    /// With this control id.
    #[arg(long, value_name = "ID")]
    control_id: Option<String>,
}

impl Filter {
    /// Whether any condition is given.
    pub(crate) fn is_empty(&self) -> bool {
        self.feed.is_none()
            && self.state.is_none()
            && self.reason.is_none()
            && self.since.is_none()
            && self.person.is_none()
            && self.control_id.is_none()
    }

    /// As the repository takes it.
    pub(crate) fn query(&self, context: &Context, limit: u32) -> Outcome<MessageQuery> {
        Ok(MessageQuery {
            feed: self.feed.clone(),
            state: self.state,
            reason: self.reason,
            control_id: self.control_id.clone(),
            since: self.since.map(|when| context.resolve(when)).transpose()?,
            person: self.person.map(PersonId),
            after_row: None,
            before_row: None,
            limit,
        })
    }
}

fn feed(text: &str) -> Result<FeedName, String> {
    FeedName::parse(text).map_err(|error| error.to_string())
}

fn state(text: &str) -> Result<State, String> {
    State::parse(text).ok_or_else(|| {
        let words: Vec<_> = State::ALL.iter().map(|state| state.as_str()).collect();
        format!("the states are {}", words.join(", "))
    })
}

fn reason(text: &str) -> Result<Reason, String> {
    let upper = text.to_ascii_uppercase();
    Reason::parse(&upper).ok_or_else(|| {
        let codes: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        match closest(&upper, &codes) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "docs/errors.md lists the reasons".to_owned(),
        }
    })
}
