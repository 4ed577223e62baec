//! Where the pointers of a feed may lead.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use causeway_core::fetch::{BaseFault, FetchPlace, Source, check_pointers};
use causeway_core::human;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A place that reports sent by pointer (OBX-5 of type RP) may be fetched from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FetchConfig {
    /// What a pointer begins with, exactly: scheme, host, port if there is one, folder, and a `/` at the end, as
    /// `https://reports.hospital.test/pdf/`. `ftp://` too, with `from`.
    pub pointers: String,
    /// Where the same files stand, when it is not there: `https://host/folder/`, `http://host/folder/` or
    /// `file:///folder/` for a folder of this machine. FTP is not spoken. Default: `pointers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The private, loopback or link-local addresses the host may have. Any other such address is refused, whatever the
    /// name says. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub addresses: Vec<IpAddr>,
    /// The authorities whose server certificates are taken, PEM, beside the configuration file. Needed for `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// The longest document. Default: 16MiB; at most 64MiB.
    #[serde(default = "bytes_max", with = "human::bytes")]
    #[schemars(with = "String")]
    pub bytes_max: u64,
    /// How long one try may take in all. Default: 30s.
    #[serde(default = "timeout", with = "human::duration")]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// Tries before the message is left to an operator. Default: 8.
    #[serde(default = "tries")]
    pub tries: u32,
    /// The pause after the first try; it doubles with each, up to an hour. Default: 30s.
    #[serde(default = "pause", with = "human::duration")]
    #[schemars(with = "String")]
    pub pause: Duration,
}

/// What is wrong with a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchFault {
    /// What pointers begin with.
    #[error("`pointers`: {0}")]
    Pointers(BaseFault),
    /// Where the files are.
    #[error("`from`: {0}")]
    From(BaseFault),
    /// TLS with an authority nobody named.
    #[error("`https` needs `ca`, the authorities whose certificates are taken")]
    NoAuthority,
    /// No bytes, no time, no try, or too many.
    #[error("`bytes_max` is 1 to 64MiB, `tries` 1 to 100, `timeout` and `pause` 100ms to an hour")]
    Bounds,
}

impl FetchConfig {
    /// The place, as mappers and router know it.
    ///
    /// # Errors
    /// The first thing wrong with it.
    pub fn place(&self) -> Result<FetchPlace, FetchFault> {
        check_pointers(&self.pointers).map_err(FetchFault::Pointers)?;
        let source = match &self.from {
            Some(from) => Source::parse(from).map_err(FetchFault::From)?,
            None => Source::parse(&self.pointers).map_err(FetchFault::Pointers)?,
        };
        match &source {
            Source::Http(base) if base.secure && self.ca.is_none() => return Err(FetchFault::NoAuthority),
            Source::Http(_) | Source::Folder(_) => {}
        }
        let time = |time: Duration| (Duration::from_millis(100)..=Duration::from_hours(1)).contains(&time);
        let bounded = (1..=64 << 20).contains(&self.bytes_max) && (1..=100).contains(&self.tries);
        if !bounded || !time(self.timeout) || !time(self.pause) {
            return Err(FetchFault::Bounds);
        }
        Ok(FetchPlace {
            pointers: self.pointers.clone(),
            source,
            addresses: self.addresses.clone(),
            ca: self.ca.clone(),
            bytes_max: self.bytes_max,
            timeout: self.timeout,
            tries: self.tries,
            pause: self.pause,
        })
    }
}

const fn bytes_max() -> u64 {
    16 << 20
}

const fn timeout() -> Duration {
    Duration::from_secs(30)
}

const fn tries() -> u32 {
    8
}

const fn pause() -> Duration {
    Duration::from_secs(30)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<FetchFault> {
        toml::from_str::<FetchConfig>(text).expect("configuration").place().err()
    }

    #[test]
    fn a_place_is_whole_or_says_what_it_lacks() {
        for (text, expected) in [
            ("pointers = 'http://a.test/pdf/'", None),
            ("pointers = 'https://a.test/pdf/'\nca = 'ca.pem'", None),
            ("pointers = 'ftp://a.test/pdf/'\nfrom = 'file:///srv/pdf/'", None),
            ("pointers = 'ftp://a.test/pdf/'", Some(FetchFault::Pointers(BaseFault::Ftp))),
            ("pointers = 'http://a.test/'\nfrom = 'ftp://a.test/'", Some(FetchFault::From(BaseFault::Ftp))),
            ("pointers = 'http://u@a.test/pdf/'", Some(FetchFault::Pointers(BaseFault::User))),
            ("pointers = 'https://a.test/pdf/'", Some(FetchFault::NoAuthority)),
            ("pointers = 'http://a.test/'\nbytes_max = '65MiB'", Some(FetchFault::Bounds)),
            ("pointers = 'http://a.test/'\ntries = 0", Some(FetchFault::Bounds)),
            ("pointers = 'http://a.test/'\ntimeout = '0s'", Some(FetchFault::Bounds)),
        ] {
            assert_eq!(fault(text), expected, "{text}");
        }
    }
}
