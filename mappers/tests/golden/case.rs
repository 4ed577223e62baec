//! Reading, mapping and rewriting a golden case.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_core::envelope::{FeedName, Format};
use causeway_core::feed::dialect::Dialect;
use causeway_core::feed::{FeedSettings, Profile};
use causeway_core::mapped::Mapped;
use causeway_core::provider::ProviderId;
use causeway_mappers::hl7v2::explain::{Explanation, explain};
use causeway_mappers::{hl7v2, json};
use jiff::Timestamp;
use serde_json::{Value, json};

/// One folder of `tests/golden/hl7v2`.
pub(crate) struct Case {
    pub(crate) name: String,
    folder: PathBuf,
    messages: Vec<Vec<u8>>,
    feed: FeedSettings,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/hl7v2")
}

/// All of them, by name.
pub(crate) fn cases() -> Vec<Case> {
    let folders = fs::read_dir(root()).expect("the golden cases");
    let mut names: Vec<String> =
        folders.map(|folder| folder.expect("a folder").file_name().into_string().expect("a name")).collect();
    names.sort();
    names.iter().map(|name| Case::named(name)).collect()
}

impl Case {
    pub(crate) fn named(name: &str) -> Self {
        let folder = root().join(name);
        let bytes = fs::read(folder.join("input.hl7")).unwrap_or_else(|_| panic!("{name}/input.hl7"));
        let mut feed: FeedSettings = match fs::read(folder.join("feed.json")) {
            Ok(text) => serde_json::from_slice(&text).expect("feed.json"),
            Err(_) => FeedSettings::new(
                FeedName::parse("hospital").expect("a name"),
                Format::Hl7v2,
                ProviderId("9265486345".to_owned()),
            ),
        };
        if let Ok(text) = fs::read_to_string(folder.join("profile.toml")) {
            let dialect = Arc::new(Dialect::parse(&text).expect("profile.toml"));
            feed.profile = Profile::File { path: "profile.toml".into(), dialect };
        }
        Self { name: name.to_owned(), messages: split(&bytes), feed, folder }
    }

    pub(crate) fn map(&self) -> Vec<Mapped> {
        let received_at: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        self.messages.iter().zip(1..).map(|(m, offset)| hl7v2::map(m, &self.feed, offset, received_at)).collect()
    }

    pub(crate) fn explain(&self) -> Vec<Explanation> {
        let received_at: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        self.messages.iter().map(|message| explain(message, &self.feed, received_at)).collect()
    }

    /// The same messages under other control ids; those without a header stay as they are.
    pub(crate) fn renumbered(&self) -> Self {
        let messages = self.messages.iter().map(|message| {
            let mut message = message.clone();
            let end = message.iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(message.len());
            let mut bars = message[..end].iter().enumerate().filter(|(_, b)| **b == b'|').map(|(at, _)| at);
            if let Some(at) = bars.nth(8) {
                message.splice(at + 1..at + 1, *b"RE");
            }
            message
        });
        Self {
            name: self.name.clone(),
            folder: self.folder.clone(),
            messages: messages.collect(),
            feed: self.feed.clone(),
        }
    }

    pub(crate) fn messages(&self) -> &[Vec<u8>] {
        &self.messages
    }

    pub(crate) fn about(&self) -> String {
        fs::read_to_string(self.folder.join("about.md")).unwrap_or_else(|_| panic!("{}/about.md", self.name))
    }

    pub(crate) fn expected(&self) -> Vec<Value> {
        let text =
            fs::read(self.folder.join("expected.json")).unwrap_or_else(|_| panic!("{}/expected.json", self.name));
        serde_json::from_slice(&text).expect("expected.json")
    }

    pub(crate) fn expect(&self, got: &[Value]) {
        let text = serde_json::to_string_pretty(got).expect("JSON") + "\n";
        fs::write(self.folder.join("expected.json"), text).expect("expected.json");
    }
}

/// A file with several messages: each begins with MSH at the beginning of a line.
pub(crate) fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    let starts_line = |at: usize| at == 0 || matches!(bytes[at - 1], b'\r' | b'\n');
    let mut starts: Vec<usize> =
        (1..bytes.len()).filter(|at| starts_line(*at) && bytes[*at..].starts_with(b"MSH")).collect();
    starts.insert(0, 0);
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts.iter().zip(ends).map(|(start, end)| bytes[*start..end].to_vec()).collect()
}

/// Everything there is to see of a mapped message.
pub(crate) fn show(mapped: &Mapped) -> Value {
    let versions = mapped.records.iter().map(|record| {
        let mut version = json!({
            "key": record.key,
            "rank": record.clock.rank,
            "at": record.clock.at.to_string(),
            "clinical_date": record.clinical_date.map(|date| date.to_string()),
            "level": record.level,
            "retracted": record.retracted,
        });
        if let Some(lack) = record.lacks {
            version["lacks"] = lack.place().into();
        }
        version
    });
    let identity = mapped.identity.as_ref().map(|identity| {
        json!({
            "documents": identity.documents,
            "hkid_check_failed": identity.hkid_check_failed,
            "local_numbers": identity.local_numbers,
            "demographics": identity.demographics,
        })
    });
    let pending = mapped
        .pending
        .iter()
        .map(|pending| json!({"place": pending.place, "url": pending.url.expose(), "bytes": pending.bytes}));
    let mut shown = json!({
        "line": json::line("input.hl7", mapped),
        "identity": identity,
        "versions": versions.collect::<Vec<_>>(),
        "pending": pending.collect::<Vec<_>>(),
    });
    let attachments = mapped.attachments.iter().map(|attachment| {
        let bytes = attachment.bytes.expose();
        json!({"digest": attachment.digest.to_string(), "content_type": attachment.content_type, "bytes": bytes.len()})
    });
    let attachments: Vec<Value> = attachments.collect();
    if !attachments.is_empty() {
        shown["attachments"] = attachments.into();
    }
    shown
}
