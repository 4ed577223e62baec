//! TLS and SCRAM to a real broker: who is trusted is, who is not is told why.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use causeway_core::port::LogError;
use causeway_storage::log::kafka::{KafkaLogSettings, ScramMechanism, Security};

use super::Journal;
use super::broker::Brokers;
use super::support;

/// The settings for one of the broker's doors.
fn settings(brokers: &Brokers, door: &str, security: Security) -> KafkaLogSettings {
    let patience = Duration::from_secs(4);
    KafkaLogSettings { security, read_timeout: patience, ..support::settings_at(brokers.read(door)) }
}

/// Creates a topic, writes and reads.
fn works(settings: &KafkaLogSettings) {
    support::create(settings);
    let mut journal = Journal::of(support::open(settings).expect("the log opens"));
    let sent = journal.send(20);
    assert_eq!(journal.receive(sent), 20);
    journal.check();
}

/// Why the log is not opened.
fn refusal(settings: &KafkaLogSettings) -> String {
    match support::open(settings) {
        Err(LogError::Unavailable { cause }) => cause,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was opened"),
    }
}

/// A certificate that nobody signed, with its key.
fn stranger(dir: &Path) -> (PathBuf, PathBuf) {
    let (cert, key) = (dir.join("stranger.pem"), dir.join("stranger.key"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=stranger", "-days", "1", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output();
    assert!(made.expect("openssl runs").status.success());
    (cert, key)
}

#[test]
fn the_log_works_over_tls_and_scram_and_says_which_certificate_or_password_is_wrong() {
    let brokers = Brokers::start(1, &["--tls"]);
    let tls = |name: &str| brokers.path("tls").join(name);
    let (ca, own) = (Some(tls("ca.pem")), (Some(tls("client.pem")), Some(tls("client.key"))));
    let by_tls = |ca: &Option<PathBuf>, (cert, key): &(Option<PathBuf>, Option<PathBuf>)| {
        settings(&brokers, "bootstrap-tls", Security::Tls { ca: ca.clone(), cert: cert.clone(), key: key.clone() })
    };
    works(&by_tls(&ca, &own));
    let (cert, key) = stranger(&brokers.path("tls"));
    let cause = refusal(&by_tls(&Some(cert.clone()), &own));
    assert!(cause.contains("certificate"), "their certificate is not trusted: {cause}");
    let cause = refusal(&by_tls(&ca, &(Some(cert), Some(key))));
    assert!(cause.contains("SSL") || cause.contains("isconnected"), "our certificate is not trusted: {cause}");

    let by_scram = |password_file: PathBuf, username: &str| {
        let (mechanism, username, ca) = (ScramMechanism::Sha512, username.to_owned(), ca.clone());
        settings(&brokers, "bootstrap-scram", Security::Scram { mechanism, username, password_file, ca })
    };
    works(&by_scram(tls("password"), "hub"));
    std::fs::write(tls("wrong"), "guessed\n").expect("written");
    for (file, username) in [("wrong", "hub"), ("password", "nobody")] {
        let cause = refusal(&by_scram(tls(file), username));
        assert!(cause.contains("uthentication"), "{cause}");
        assert!(!cause.contains("guessed"), "a password is told to nobody: {cause}");
    }
    let cause = refusal(&by_scram(tls("missing"), "hub"));
    assert!(cause.contains("`password_file`") && cause.contains("missing"), "{cause}");

    // A door that speaks TLS, and a client that does not.
    let cause = refusal(&settings(&brokers, "bootstrap-tls", Security::Plaintext));
    assert!(cause.contains("no broker answers at"), "{cause}");
}
