//! The real servers of a run on the production engines: started by `tests/run`, or by hand.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where they are.
#[derive(Debug, Clone)]
pub struct Servers {
    /// Kafka's bootstrap servers.
    pub kafka: String,
    /// How many brokers there are: so many copies of each message are kept.
    pub brokers: u16,
    /// PostgreSQL's url.
    pub postgres: String,
    /// Further lines of `[log.kafka]`.
    pub kafka_lines: String,
    /// The lines of `[blobs]`, if it is not to be a folder.
    pub blobs_lines: String,
}

/// An S3-compatible server and a bucket of it.
#[derive(Debug, Clone)]
pub struct Objects {
    /// Where it listens.
    pub address: SocketAddr,
    /// The bucket.
    pub bucket: String,
    key: String,
    secret: String,
}

/// A topic and a schema of one test.
#[derive(Debug, Clone)]
pub struct Place {
    /// The topic.
    pub topic: String,
    /// The schema.
    pub schema: String,
}

/// How many places this process made.
static MADE: AtomicU32 = AtomicU32::new(0);

impl Servers {
    /// Those the environment names. The error says how to start some.
    pub fn find() -> Result<Self, String> {
        Ok(Self {
            kafka: named("CAUSEWAY_TEST_KAFKA", "ops/dev/kafka start DIR, then export what DIR/bootstrap says")?,
            brokers: 1,
            postgres: named("CAUSEWAY_TEST_POSTGRES", "ops/dev/postgres start DIR, then export what DIR/url says")?,
            kafka_lines: "delivery_timeout = \"30s\"\n".to_owned(),
            blobs_lines: String::new(),
        })
    }

    /// The lines of a configuration for them.
    pub fn engines(&self, place: &Place, partitions: u16) -> String {
        let Place { topic, schema } = place;
        let (kafka, postgres, copies) = (&self.kafka, &self.postgres, self.brokers);
        // All but one must have a message; with one broker, that one.
        let written = copies.saturating_sub(1).max(1);
        format!(
            "[log]\nengine = \"kafka\"\n[log.kafka]\nbootstrap_servers = \"{kafka}\"\ntopic = \"{topic}\"\n\
             partitions = {partitions}\nreplication = {copies}\nmin_isr = {written}\n{}\n[repository]\nengine = \"postgres\"\n\
             [repository.postgres]\nurl = \"{postgres}\"\nschema = \"{schema}\"\n{}",
            self.kafka_lines, self.blobs_lines
        )
    }
}

impl Objects {
    /// The one the environment names. The error says how to start one.
    ///
    /// # Errors
    /// None is named, or not as `ops/dev/objects` does.
    pub fn find() -> Result<Self, String> {
        let url = named("CAUSEWAY_TEST_S3", "ops/dev/objects start DIR, then export what DIR/url says")?;
        let parts = || {
            let (user, rest) = url.trim().strip_prefix("http://")?.split_once('@')?;
            let ((key, secret), (address, bucket)) = (user.split_once(':')?, rest.split_once('/')?);
            let [key, secret, bucket] = [key, secret, bucket].map(str::to_owned);
            Some(Self { address: address.parse().ok()?, bucket, key, secret })
        };
        parts().ok_or_else(|| "CAUSEWAY_TEST_S3 is not of the form http://KEY:SECRET@ADDRESS:PORT/BUCKET".to_owned())
    }

    /// The lines of a configuration for it, reached at `address`. The secret goes into a file in `folder`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn lines(&self, address: SocketAddr, prefix: &str, folder: &Path) -> io::Result<String> {
        let file = folder.join("s3-secret");
        std::fs::write(&file, &self.secret)?;
        let (bucket, key, file) = (&self.bucket, &self.key, file.display());
        Ok(format!(
            "[blobs.s3]\nendpoint = \"http://{address}\"\nregion = \"us-east-1\"\nbucket = \"{bucket}\"\nprefix = \"{prefix}\"\n\
             access_key_id = \"{key}\"\nsecret_access_key_file = \"{file}\"\n"
        ))
    }
}

/// What a variable names.
fn named(variable: &str, start: &str) -> Result<String, String> {
    std::env::var(variable).map_err(|_absent| format!("{variable} names no server; start one: {start}"))
}

impl Place {
    /// One nobody else has.
    pub fn fresh() -> Self {
        let name = format!("test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        Self { topic: format!("causeway.{name}"), schema: name }
    }
}
