//! A feed as the walk sees it: what mappers and router need of its configuration. The door's own settings (addresses,
//! limits, who may connect) live with the connector.

pub mod charset_rule;
pub mod dialect;
mod profile;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::code_table::CodeTables;
use crate::envelope::{FeedName, Format};
use crate::fetch::FetchPlace;
use crate::provider::ProviderId;

pub use profile::Profile;

/// How a feed's character set is found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CharsetRule {
    /// MSH-18 decides; without it strict UTF-8.
    #[default]
    Auto,
    /// MSH-18 decides; without it this one.
    Default(String),
    /// This one, whatever MSH-18 says.
    Force(String),
}

/// The line ends a feed uses between segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineEnds {
    /// CR only, as the standard says.
    Strict,
    /// CR; LF and CRLF too when the message has no lone CR (files, hand-made senders).
    #[default]
    Lenient,
}

/// What mappers and router know of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedSettings {
    /// Its name.
    pub name: FeedName,
    /// What it carries.
    pub format: Format,
    /// The provider whose data it is.
    pub provider: ProviderId,
    /// How its text is decoded.
    #[serde(default)]
    pub charset: CharsetRule,
    /// Its line ends.
    #[serde(default)]
    pub line_ends: LineEnds,
    /// Its dialect.
    #[serde(default)]
    pub profile: Profile,
    /// Of DICOM: whose numbers Patient ID (0010,0020) has where Issuer of Patient ID (0010,0021) is empty, as `QMH`.
    #[serde(default)]
    pub patient_id_issuer: String,
    /// Of DICOM: an instance under a SOP Instance UID that was used takes the place of what came before, for readers.
    #[serde(default)]
    pub corrections: bool,
    /// The IANA time zone of timestamps without an offset.
    #[serde(default = "hong_kong")]
    pub time_zone: String,
    /// What its local codes stand for.
    #[serde(skip)]
    pub code_tables: Arc<CodeTables>,
    /// Where its pointers may lead. Default: nowhere.
    #[serde(skip)]
    pub fetch: Arc<[FetchPlace]>,
}

/// The default time zone.
fn hong_kong() -> String {
    "Asia/Hong_Kong".to_owned()
}

impl FeedSettings {
    /// Settings with every default, for `provider`.
    pub fn new(name: FeedName, format: Format, provider: ProviderId) -> Self {
        Self {
            name,
            format,
            provider,
            charset: CharsetRule::default(),
            line_ends: LineEnds::default(),
            profile: Profile::default(),
            patient_id_issuer: String::new(),
            corrections: false,
            time_zone: hong_kong(),
            code_tables: Arc::default(),
            fetch: Arc::default(),
        }
    }
}
