//! How a client of the brokers is made: what all of them have in common, and whom they tell what happens to them.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use causeway_core::port::LogError;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::fault;
use super::settings::{KafkaLogSettings, ScramMechanism, Security};

/// Passes on what librdkafka says. It never says anything of what messages hold.
#[derive(Debug, Default)]
pub(super) struct Talk {
    /// What it said last of an error: the error itself often says no more than that nobody answers.
    last: Mutex<Option<String>>,
}

impl Talk {
    /// What was said last of an error, such as which certificate is not trusted.
    pub(super) fn last(&self) -> Option<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Talk {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "kafka");
        // That all brokers are down is said after why, and says less.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        }
    }
}

impl rdkafka::consumer::ConsumerContext for Talk {}

/// A line of librdkafka's own log.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, text: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::error!(facility, text, "librdkafka");
        }
        RDKafkaLogLevel::Warning => tracing::warn!(facility, text, "librdkafka"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(facility, text, "librdkafka"),
        RDKafkaLogLevel::Debug => tracing::debug!(facility, text, "librdkafka"),
    }
}

/// What all clients have in common.
pub(super) fn config(settings: &KafkaLogSettings) -> Result<ClientConfig, LogError> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &settings.bootstrap_servers);
    config.set("client.id", "causeway");
    // A broker that comes back is found again within a second.
    config.set("reconnect.backoff.ms", "50").set("reconnect.backoff.max.ms", "1000");
    config.set("socket.keepalive.enable", "true").set("socket.nagle.disable", "true");
    secure(&mut config, &settings.security)?;
    Ok(config)
}

/// Adds what the brokers must know of us, and we of them.
fn secure(config: &mut ClientConfig, security: &Security) -> Result<(), LogError> {
    match security {
        Security::Plaintext => {}
        Security::Tls { ca, cert, key } => {
            config.set("security.protocol", "ssl");
            set_path(config, "ssl.ca.location", ca.as_deref())?;
            set_path(config, "ssl.certificate.location", cert.as_deref())?;
            set_path(config, "ssl.key.location", key.as_deref())?;
        }
        Security::Scram { mechanism, username, password_file, ca } => {
            config.set("security.protocol", "sasl_ssl");
            config.set("sasl.mechanism", mechanism_name(*mechanism));
            config.set("sasl.username", username);
            config.set("sasl.password", first_line(password_file)?);
            set_path(config, "ssl.ca.location", ca.as_deref())?;
        }
    }
    Ok(())
}

/// The name of a hash as SASL has it.
const fn mechanism_name(mechanism: ScramMechanism) -> &'static str {
    match mechanism {
        ScramMechanism::Sha256 => "SCRAM-SHA-256",
        ScramMechanism::Sha512 => "SCRAM-SHA-512",
    }
}

/// Sets a file, where there is one.
fn set_path(config: &mut ClientConfig, name: &str, path: Option<&Path>) -> Result<(), LogError> {
    let Some(path) = path else { return Ok(()) };
    let text = path.to_str().ok_or_else(|| fault::unavailable(format!("{} is no UTF-8", path.display())))?;
    config.set(name, text);
    Ok(())
}

/// The first line of the file that holds the password.
fn first_line(path: &Path) -> Result<String, LogError> {
    let cannot = |error| fault::unavailable(format!("`password_file` {} cannot be read: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(cannot)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
