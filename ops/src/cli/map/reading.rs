//! How the messages of a file are read when no feed brought them: shared by `causeway map`, `causeway map explain` and
//! `causeway feed test`.

use causeway_core::envelope::{FeedName, Format};
use causeway_core::feed::{CharsetRule, FeedSettings};
use causeway_core::provider::ProviderId;
use clap::Args;

use crate::cli::context::Context;
use crate::cli::person::import::feed_settings;
use crate::cli::send::charset;
use crate::config::profiles;
use crate::diagnostic::{Code, Diagnostic, Outcome};

/// How messages are read.
#[derive(Debug, Args)]
pub(crate) struct Reading {
    /// With the settings of this feed of the configuration.
    #[arg(long, conflicts_with_all = ["profile", "provider"])]
    pub(crate) feed: Option<String>,
    /// In this dialect: generic, hk-public-hospital, or a file that ends in .toml (see `causeway feed profiles`).
    #[arg(long, default_value = "generic")]
    profile: String,
    /// As if it were this provider's.
    #[arg(long, default_value = "HA")]
    provider: String,
    /// How the text is encoded: auto, default:NAME or force:NAME.
    #[arg(long, value_parser = charset)]
    charset: Option<CharsetRule>,
}

impl Reading {
    /// The settings of the feed, or those a feed of this profile would have.
    ///
    /// # Errors
    /// A configuration that cannot be read, or has no such feed.
    pub(crate) fn settings(&self, context: &Context) -> Outcome<FeedSettings> {
        let settings = match &self.feed {
            Some(feed) => feed_settings(context, feed)?,
            None => {
                let name =
                    FeedName::parse("map").map_err(|error| Diagnostic::new(Code::Internal, error.to_string()))?;
                let provider = ProviderId(self.provider.clone());
                let profile = profiles::named(&self.profile)?;
                let charset = profile.charset(CharsetRule::Auto);
                FeedSettings { profile, charset, ..FeedSettings::new(name, Format::Hl7v2, provider) }
            }
        };
        Ok(match &self.charset {
            Some(rule) => FeedSettings { charset: rule.clone(), ..settings },
            None => settings,
        })
    }
}
