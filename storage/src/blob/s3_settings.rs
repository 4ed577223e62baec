//! The settings of the blob store on an S3-compatible server, each with its default.

use std::path::PathBuf;
use std::time::Duration;

use causeway_core::human;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The largest object a server copies at once.
const COPY_MAX: u64 = 5 << 30;
/// The smallest and the largest part of an upload.
const PART: std::ops::RangeInclusive<u64> = 5 << 20..=512 << 20;
/// The most parts of an upload.
const PARTS_MAX: u64 = 10_000;

/// What can be set. Sizes are in bytes and are written as `8MiB`. The secret key is not among it: it is read from a file or
/// the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct S3BlobSettings {
    /// Where the server is, as `https://objects.example:9000`. Plain `http` is taken for loopback only.
    pub endpoint: String,
    /// The region the requests are signed for. Default `us-east-1`, which most servers other than Amazon's expect.
    pub region: String,
    /// The bucket, which must be there. Nothing but the hub may write to it below `prefix`.
    pub bucket: String,
    /// What every key begins with: empty, or folders as `causeway/blobs`.
    pub prefix: String,
    /// The access key.
    pub access_key_id: String,
    /// A file with the secret key and nothing else; a line end after it is left off. Without it, the environment variable
    /// `AWS_SECRET_ACCESS_KEY` is taken.
    pub secret_access_key_file: Option<PathBuf>,
    /// A file with the certificates (PEM) of the authorities that may vouch for the server, and no others then; without
    /// it, those the system trusts.
    pub ca_file: Option<PathBuf>,
    /// Whether the bucket stands in the host name instead of the path.
    pub virtual_hosted: bool,
    /// The largest blob, at most 5 GiB, which is the most a server copies at once. Default 4 GiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub blob_bytes_max: u64,
    /// A larger blob is sent in parts of this size, from 5 MiB to 512 MiB; so much memory each write takes. Default 8 MiB.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub part_bytes: u64,
    /// How long connecting may take. Default 5s.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// How long one request may take. Default 60s.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub request_timeout: Duration,
    /// How often a request is tried again that failed in a way that may pass. Default 3.
    pub retries_max: u8,
    /// No try begins later than this after the first. Default 30s.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub retry_timeout: Duration,
}

impl Default for S3BlobSettings {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            region: "us-east-1".to_owned(),
            bucket: String::new(),
            prefix: String::new(),
            access_key_id: String::new(),
            secret_access_key_file: None,
            ca_file: None,
            virtual_hosted: false,
            blob_bytes_max: 4 << 30,
            part_bytes: 8 << 20,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(60),
            retries_max: 3,
            retry_timeout: Duration::from_secs(30),
        }
    }
}

impl S3BlobSettings {
    /// What cannot work, naming the setting.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check(&self) -> Result<(), String> {
        let plain = self.endpoint.strip_prefix("http://");
        let whole = [
            ("endpoint", plain.is_some() || self.endpoint.starts_with("https://"), "an https:// url"),
            ("endpoint", plain.is_none_or(is_loopback), "an https:// url: http is for loopback only"),
            ("bucket", !self.bucket.is_empty(), "the name of a bucket"),
            ("access_key_id", !self.access_key_id.is_empty(), "an access key"),
            ("part_bytes", PART.contains(&self.part_bytes), "5MiB to 512MiB"),
            ("blob_bytes_max", (1..=COPY_MAX - (1 << 20)).contains(&self.blob_bytes_max), "1B to a little below 5GiB"),
            (
                "part_bytes",
                self.part_bytes.saturating_mul(PARTS_MAX) > self.blob_bytes_max.saturating_add(1 << 20),
                "larger: a blob has at most 10,000 parts",
            ),
        ];
        match whole.iter().find(|(_, good, _)| !good) {
            Some((name, _, expected)) => Err(format!("the blob store's setting `{name}` must be {expected}")),
            None => Ok(()),
        }
    }
}

/// Whether the host of what follows `http://` is this machine.
fn is_loopback(rest: &str) -> bool {
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _port)| host);
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> S3BlobSettings {
        S3BlobSettings {
            endpoint: "https://objects.example:9000".to_owned(),
            bucket: "causeway".to_owned(),
            access_key_id: "hub".to_owned(),
            ..S3BlobSettings::default()
        }
    }

    #[test]
    fn a_setting_that_cannot_work_is_named() {
        assert_eq!(good().check(), Ok(()));
        assert_eq!(S3BlobSettings { endpoint: "http://127.0.0.1:9000".to_owned(), ..good() }.check(), Ok(()));
        for (settings, named) in [
            (S3BlobSettings { endpoint: "http://objects.example".to_owned(), ..good() }, "`endpoint`"),
            (S3BlobSettings { endpoint: "http://127.0.0.1.example".to_owned(), ..good() }, "`endpoint`"),
            (S3BlobSettings { endpoint: String::new(), ..good() }, "`endpoint`"),
            (S3BlobSettings { bucket: String::new(), ..good() }, "`bucket`"),
            (S3BlobSettings { part_bytes: 1 << 20, ..good() }, "`part_bytes`"),
            (S3BlobSettings { blob_bytes_max: 6 << 30, ..good() }, "`blob_bytes_max`"),
        ] {
            assert!(settings.check().is_err_and(|error| error.contains(named)), "{named}");
        }
    }
}
