//! What each setting cannot know of the others: settings that are well formed and do not go together.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use causeway_core::envelope::FeedName;
use jiff::tz::TimeZone;

use super::find::Found;
use super::layers::Origin;
use super::{BlobEngine, Config, LogEngine, RepositoryEngine, trouble};
use crate::diagnostic::{Code, Diagnostic};

/// Nothing younger is swept from a blob store, whatever is configured.
const SWEEP_AGE_MIN: Duration = Duration::from_secs(10);

/// Everything that does not go together; empty when all is well.
pub(crate) fn contradictions(found: &Found) -> Vec<Diagnostic> {
    let config = found.config();
    let at = |key: &str, what: String| match found.layered.origins.get(key) {
        Some(Origin::Environment(name)) => Diagnostic::new(Code::Contradiction, what).at(format!("environment {name}")),
        Some(Origin::Flag) => Diagnostic::new(Code::Contradiction, what).at(format!("--set {key}")),
        Some(Origin::File { .. } | Origin::Default) | None => {
            trouble::at_key(&found.file.path, &found.file.text, key, what)
        }
    };
    let mut troubles = engines(config, &at);
    if TimeZone::get(&config.time_zone).is_err() {
        troubles.push(at("time_zone", format!("`{}` is no IANA time zone, as Asia/Hong_Kong is", config.time_zone)));
    }
    if !config.server.listen.ip().is_loopback() && !config.server.insecure_beyond_loopback {
        let what = format!("HTTP listens on {} without accounts", config.server.listen);
        let fix =
            "listen on 127.0.0.1, behind a proxy that asks who is there; or set `insecure_beyond_loopback = true`";
        troubles.push(at("server.listen", what).fix(fix));
    }
    let readers = causeway_serve::dicomweb::faults(&config.reader, config.synthetic);
    troubles.extend(readers.into_iter().map(|fault| at("reader", fault.to_string())));
    if let Err(error) = config.log.embedded.check() {
        troubles.push(at("log.embedded", error.to_string()));
    }
    for (number, door) in config.door.iter().enumerate() {
        let place = format!("door.{number}");
        troubles.extend(door.faults().into_iter().map(|fault| at(&place, fault.to_string())));
    }
    for (number, door) in config.dicom_door.iter().enumerate() {
        let place = format!("dicom_door.{number}");
        troubles.extend(door.faults().into_iter().map(|fault| at(&place, fault.to_string())));
    }
    for (number, door) in config.file_door.iter().enumerate() {
        let place = format!("file_door.{number}");
        troubles.extend(door.faults().into_iter().map(|fault| at(&place, fault.to_string())));
    }
    for (number, door) in config.cm_file_door.iter().enumerate() {
        let place = format!("cm_file_door.{number}");
        troubles.extend(door.faults().into_iter().map(|fault| at(&place, fault.to_string())));
    }
    troubles.extend(folders(config, &at));
    for (number, door) in config.cm_door.iter().enumerate() {
        let place = format!("cm_door.{number}");
        troubles.extend(door.faults().into_iter().map(|fault| at(&place, fault.to_string())));
    }
    troubles.extend(
        names_twice(config)
            .into_iter()
            .map(|(name, door)| at(&door, format!("the feed name `{name}` is used by two doors"))),
    );
    troubles.extend(
        addresses_twice(config).into_iter().map(|(address, key)| at(&key, format!("two things listen on {address}"))),
    );
    troubles
}

/// Folders that are not there, and those that two feeds would take files from.
fn folders(config: &Config, at: &dyn Fn(&str, String) -> Diagnostic) -> Vec<Diagnostic> {
    let hl7 = config.file_door.iter().map(|door| &door.pickup).enumerate();
    let hl7 = hl7.map(|(number, pickup)| (format!("file_door.{number}.pickup.folder"), pickup));
    let clinics = config.cm_file_door.iter().map(|door| &door.pickup).enumerate();
    let clinics = clinics.map(|(number, pickup)| (format!("cm_file_door.{number}.pickup.folder"), pickup));
    let (mut seen, mut troubles) = (Vec::new(), Vec::new());
    for (place, pickup) in hl7.chain(clinics) {
        troubles.extend(pickup.faults_on_disk().into_iter().map(|fault| at(&place, fault.to_string())));
        if seen.contains(&&pickup.folder) {
            let fix = "give every feed a folder of its own: the folder says whose file it is";
            let what = format!("two feeds take files from {}", pickup.folder.display());
            troubles.push(at(&place, what).fix(fix));
        }
        seen.push(&pickup.folder);
    }
    troubles
}

fn engines(config: &Config, at: &dyn Fn(&str, String) -> Diagnostic) -> Vec<Diagnostic> {
    let missing = |key: &str, what: &str, feature: &str| {
        let told = at(key, format!("this binary was built without {what}"));
        let fix = format!("build it with `--features {feature}`, or use the embedded engine");
        Diagnostic { code: Code::NoEngine, fix, ..told }
    };
    let mut troubles = Vec::new();
    if config.log.engine == LogEngine::Kafka {
        if !cfg!(feature = "kafka") {
            troubles.push(missing("log.engine", "Kafka", "kafka"));
        }
        if let Err(error) = config.log.kafka.check() {
            troubles.push(at("log.kafka", error.to_string()));
        }
        if let (Some(weakness), false) = (config.log.kafka.weakness(), config.synthetic) {
            let fix = "raise it; for a trial with made-up data on a single broker, set `synthetic = true`";
            troubles.push(at("log.kafka", weakness.to_owned()).fix(fix));
        }
    }
    if config.repository.engine == RepositoryEngine::Postgres && !cfg!(feature = "postgres") {
        troubles.push(missing("repository.engine", "PostgreSQL", "postgres"));
    }
    let underway = match config.log.engine {
        LogEngine::Kafka => config.log.kafka.delivery_timeout.saturating_mul(2),
        LogEngine::Embedded => Duration::ZERO,
    };
    if config.blobs.sweep_age < underway.max(SWEEP_AGE_MIN) {
        let what = "`sweep_age` is too short: what was stored may be on its way into the log still".to_owned();
        let fix = "give it at least 10s, and twice `log.kafka.delivery_timeout`; a day is a good value";
        troubles.push(at("blobs.sweep_age", what).fix(fix));
    }
    if config.blobs.engine == BlobEngine::S3 {
        if !cfg!(feature = "s3") {
            troubles.push(missing("blobs.engine", "the blob store on S3", "s3"));
        }
        if let Err(error) = config.blobs.s3.check() {
            troubles.push(at("blobs.s3", error));
        }
    }
    troubles
}

/// Names used in more than one door, with the later door; within one door the connector tells.
fn names_twice(config: &Config) -> Vec<(FeedName, String)> {
    let mut seen: BTreeMap<&FeedName, String> = BTreeMap::new();
    let mut twice = Vec::new();
    for feed in config.all_feeds() {
        match seen.insert(feed.name, feed.door.clone()) {
            Some(former) if former != feed.door => twice.push((feed.name.clone(), feed.door)),
            Some(_) | None => {}
        }
    }
    twice
}

/// Addresses listened on twice; port 0 means any free one.
fn addresses_twice(config: &Config) -> Vec<(SocketAddr, String)> {
    let mut seen = vec![config.server.listen];
    let mut twice = Vec::new();
    for (number, door) in config.door.iter().enumerate() {
        if door.listen.port() != 0 && seen.contains(&door.listen) {
            twice.push((door.listen, format!("door.{number}.listen")));
        }
        seen.push(door.listen);
        if let Some(http) = door.http_listen {
            if http.port() != 0 && seen.contains(&http) {
                twice.push((http, format!("door.{number}.http_listen")));
            }
            seen.push(http);
        }
    }
    twice
}
