//! The real servers of a run on the production engines: started by `tests/run`, or by hand.

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
        let named = |variable: &str, start: &str| {
            std::env::var(variable).map_err(|_absent| format!("{variable} names no server; start one: {start}"))
        };
        Ok(Self {
            kafka: named("CAUSEWAY_TEST_KAFKA", "ops/dev/kafka start DIR, then export what DIR/bootstrap says")?,
            brokers: 1,
            postgres: named("CAUSEWAY_TEST_POSTGRES", "ops/dev/postgres start DIR, then export what DIR/url says")?,
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
             partitions = {partitions}\nreplication = {copies}\nmin_isr = {written}\ndelivery_timeout = \"30s\"\n\n[repository]\nengine = \"postgres\"\n\
             [repository.postgres]\nurl = \"{postgres}\"\nschema = \"{schema}\"\n"
        )
    }
}

impl Place {
    /// One nobody else has.
    pub fn fresh() -> Self {
        let name = format!("test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        Self { topic: format!("causeway.{name}"), schema: name }
    }
}
