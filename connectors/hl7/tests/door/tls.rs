//! MLLP over TLS: who is let in, and whose messages are taken.

use std::path::PathBuf;

use causeway_hl7::client::{Client, ClientError, ClientSettings};
use causeway_hl7::config::{ApplicationAck, DoorConfig};
use causeway_tls::authority::{Authority, Pair, Valid};
use causeway_tls::{ClientTlsSettings, Connector, TlsSettings};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::support::{Hub, PATIENCE, feed, message, until};

/// An authority, a server, and a client for each of two laboratories.
struct Keys {
    folder: TempDir,
}

impl Keys {
    fn new() -> Self {
        let authority = Authority::new().expect("a key");
        let now = now();
        let valid = Valid::for_(now, SignedDuration::from_hours(24));
        let this = Self { folder: tempfile::tempdir().expect("a folder") };
        this.write("ca", &authority.pair(now).expect("signed"));
        this.write("server", &authority.server(&["127.0.0.1"], valid).expect("signed"));
        for name in ["LIS", "RIS"] {
            this.write(name, &authority.client(name, &[], valid).expect("signed"));
        }
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, pair: &Pair) {
        std::fs::write(self.path(&format!("{name}.pem")), &pair.certificate).expect("written");
        std::fs::write(self.path(&format!("{name}.key")), &pair.key).expect("written");
    }

    /// A door for two feeds, each bound to its certificate.
    fn door(&self) -> DoorConfig {
        let mut config = super::support::config();
        let settings = TlsSettings::new("server.pem".into(), "server.key".into(), Some("ca.pem".into()));
        config.tls = Some(settings.below(self.folder.path()));
        config.feeds.push(feed("rad", "RIS|QMH"));
        for (place, name) in ["cn:LIS", "cn:RIS"].into_iter().enumerate() {
            config.feeds[place].certificates = vec![name.parse().expect("a pattern")];
        }
        config
    }

    fn settings(&self, name: Option<&str>) -> ClientSettings {
        let file = |ending: &str| name.map(|name| self.path(&format!("{name}.{ending}")));
        let settings = ClientTlsSettings { ca: self.path("ca.pem"), certificate: file("pem"), key: file("key") };
        ClientSettings { tls: Some(Connector::open(&settings).expect("well")), ..ClientSettings::default() }
    }

    async fn client(&self, hub: &Hub, name: &str) -> Client {
        Client::connect(&hub.address.to_string(), self.settings(Some(name))).await.expect("a session")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "rustls asks the machine's clock, so the certificates must be of its time"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

async fn answer(client: &mut Client, text: &str) -> String {
    let exchange = client.send(text.as_bytes()).await.expect("an answer");
    let answer = exchange.last().expect("an answer");
    format!("{}|{}|{}", answer.code.as_str(), answer.control_id, answer.text.clone().unwrap_or_default())
}

#[tokio::test]
async fn a_sender_with_its_own_certificate_is_taken_and_one_with_another_s_is_refused_by_name_and_closed_at_the_third()
{
    let keys = Keys::new();
    let hub = Hub::open(keys.door()).await;
    let mut lab = keys.client(&hub, "LIS").await;
    assert!(answer(&mut lab, &message("1")).await.starts_with("AA|1|"));
    assert_eq!(hub.only_entry().envelope.feed.as_str(), "lab");

    let mut spoof = keys.client(&hub, "RIS").await;
    for id in ["2", "3", "4"] {
        let refused = answer(&mut spoof, &message(id)).await;
        assert!(refused.starts_with(&format!("AR|{id}|")) && refused.contains("certificate"), "{refused}");
    }
    assert!(matches!(spoof.send(message("5").as_bytes()).await, Err(ClientError::Closed | ClientError::Broken(_))));
    assert_eq!(hub.entries().len(), 1);
    assert_eq!(hub.frames_refused("certificate"), 3.0);
    let suspects = hub.suspects.lock().expect("suspects").clone();
    assert_eq!(suspects.len(), 3);
    assert_eq!((suspects[0].cause, suspects[0].feed.as_deref()), ("certificate", Some("lab")));
    assert_eq!(suspects[0].detail, "certificate: RIS");
    assert!(answer(&mut lab, &message("6")).await.starts_with("AA|6|"), "others are not disturbed");
}

#[tokio::test]
async fn a_sender_that_is_bound_to_a_certificate_is_not_taken_by_a_later_feed_that_asks_for_none() {
    let keys = Keys::new();
    let mut config = keys.door();
    let mut anyone = feed("anyone", "any");
    anyone.certificates.clear();
    config.feeds.push(anyone);
    let hub = Hub::open(config).await;
    let mut other = keys.client(&hub, "RIS").await;
    assert!(answer(&mut other, &message("1")).await.starts_with("AR|1|"));
    assert!(answer(&mut other, &message("2").replace("|LIS|", "|PAS|")).await.starts_with("AA|2|"));
    assert_eq!(hub.only_entry().envelope.feed.as_str(), "anyone");
}

#[tokio::test]
async fn r20_a_client_without_a_certificate_never_speaks_and_is_counted_and_told() {
    let keys = Keys::new();
    let hub = Hub::open(keys.door()).await;
    let address = hub.address.to_string();
    // With TLS 1.3 the client learns of it only when it sends.
    let outcome = match Client::connect(&address, keys.settings(None)).await {
        Ok(mut client) => client.send(message("1").as_bytes()).await.map(drop),
        Err(error) => Err(error),
    };
    assert!(outcome.is_err());
    hub.until("connections_refused_total[\"-\", \"tls_no_certificate\"]", 1.0).await;
    assert!(until(|| hub.suspects.lock().expect("suspects").len() == 1).await);
    assert_eq!(hub.suspects.lock().expect("suspects")[0].cause, "tls_no_certificate");
    assert_eq!(hub.entries().len(), 0);
}

#[tokio::test]
async fn r18_plain_text_at_a_door_with_tls_is_closed_at_once_and_counted_as_what_it_is() {
    let keys = Keys::new();
    let hub = Hub::open(keys.door()).await;
    let mut peer = hub.peer().await;
    peer.send(&message("1")).await;
    // Long before a deadline of the door: none of them is as short as a test's patience. The last bytes are the alert that says why.
    let mut rest = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut peer.stream, &mut rest);
    let ended = tokio::time::timeout(PATIENCE, read).await.expect("closed");
    assert!(ended.is_err() || !rest.contains(&0x0b), "{rest:?}");
    hub.until("connections_refused_total[\"-\", \"tls_not_spoken\"]", 1.0).await;
    assert_eq!(hub.entries().len(), 0);
}

#[tokio::test]
async fn the_expiry_of_the_certificates_is_a_number_from_the_start() {
    let keys = Keys::new();
    let hub = Hub::open(keys.door()).await;
    let address = "mllp 127.0.0.1:0";
    let name = |setting: &str| format!("certificate_expiry_timestamp_seconds[\"{address} {setting}\"]");
    assert!(until(|| hub.numbers.get(&name("client_ca")) > 0.0).await);
    let left = hub.numbers.get(&name("certificate")) - now().as_duration().as_secs_f64();
    assert!((80_000.0..=86_400.0).contains(&left), "{left}");
}

#[tokio::test]
async fn application_acknowledgements_to_an_address_of_their_own_go_by_tls_too() {
    let keys = Keys::new();
    // The receiver is a door as well: it takes the acknowledgement and answers nothing, since it is one.
    let receiver = Hub::open(keys.door()).await;
    let mut config = super::support::config();
    config.feeds[0].application_ack = ApplicationAck::Separate;
    config.feeds[0].application_ack_to = Some(receiver.address.to_string());
    config.feeds[0].application_ack_tls = Some(ClientTlsSettings {
        ca: keys.path("ca.pem"),
        certificate: Some(keys.path("LIS.pem")),
        key: Some(keys.path("LIS.key")),
    });
    let hub = Hub::open(config).await;
    let asked = message("1").replace("|P|2.5", "|P|2.5|||NE|AL");
    hub.paused.store(true, std::sync::atomic::Ordering::SeqCst);
    hub.peer().await.send(&asked).await;
    receiver.until("frames_refused_total[\"-\", \"acknowledgement\"]", 1.0).await;
}
