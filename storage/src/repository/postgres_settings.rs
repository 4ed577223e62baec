//! The bounds of the PostgreSQL repository, each with its default.

use std::path::PathBuf;
use std::time::Duration;

use causeway_core::human;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the PostgreSQL repository. `Debug` leaves the password out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PostgresSettings {
    /// Where the server is, as `postgresql://user@host:5432/database`. A password is better kept in `password_file`.
    /// Default `postgresql://causeway@localhost/causeway`.
    pub url: String,
    /// A file with the password and nothing else; a line end after it is left off. Without it, the password is that of
    /// the url, or of the environment variable `PGPASSWORD`.
    pub password_file: Option<PathBuf>,
    /// A file with the certificates (PEM) of the authorities that may vouch for the server. With it, the connection is
    /// encrypted and the server's certificate must name the host of the url; without it, nothing is encrypted, which is
    /// for a local socket or a network of its own. Needs a program built with `postgres-tls`.
    pub ca_file: Option<PathBuf>,
    /// The schema the tables are in: lower-case letters, digits and `_`. Default `causeway`.
    pub schema: String,
    /// How many connections write at once: one a partition worker, and one for the desk. Default 6.
    pub write_connections: u16,
    /// How many connections read at once. Default 4.
    pub read_connections: u16,
    /// How long one statement may take before the server ends it. Default 30s.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub statement_timeout: Duration,
    /// How long a statement waits for a lock another transaction holds. Default 10s.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub lock_timeout: Duration,
    /// How long to wait for a connection to the server, and for a free one of the bounded number. Default 5s.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// How often a transaction is tried again when the server asks for it (serialization failure, deadlock) or the
    /// connection is lost, before it is given up as "unavailable". Default 5.
    pub retries_max: u16,
    /// How many persons with their consents are kept decoded in memory. Default 20000.
    pub persons_cached: usize,
    /// How many messages one take-up ticket hands out at once. Default 500.
    pub take_up_messages: u32,
    /// How many rows any list gives at most, whatever is asked for. Default 10000.
    pub rows_max: u32,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self {
            url: "postgresql://causeway@localhost/causeway".to_owned(),
            password_file: None,
            ca_file: None,
            schema: "causeway".to_owned(),
            write_connections: 6,
            read_connections: 4,
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            retries_max: 5,
            persons_cached: 20_000,
            take_up_messages: 500,
            rows_max: 10_000,
        }
    }
}

impl std::fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresSettings")
            .field("schema", &self.schema)
            .field("write_connections", &self.write_connections)
            .field("read_connections", &self.read_connections)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_read_back_and_unknown_keys_are_errors() {
        let json = serde_json::to_string(&PostgresSettings::default()).expect("json");
        assert_eq!(serde_json::from_str::<PostgresSettings>(&json).expect("settings"), PostgresSettings::default());
        assert!(serde_json::from_str::<PostgresSettings>(r#"{"cached": 3}"#).is_err());
    }

    #[test]
    fn debug_shows_no_password() {
        let url = "postgresql://causeway:secret@localhost/causeway".to_owned();
        let settings = PostgresSettings { url, ..PostgresSettings::default() };
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
