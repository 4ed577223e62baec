//! What a door may be told, and what it refuses to be told.

use causeway_tls::SecrecyFault;

use super::*;

fn door(text: &str) -> DoorConfig {
    toml::from_str(text).expect("configuration")
}

const SMALLEST: &str = "[[feed]]\nname = 'lab'\nprovider = '9265486345'\nsenders = ['LIS|QMH']\n";

#[test]
fn a_feed_of_three_lines_gets_safe_defaults() {
    let config = door(SMALLEST);
    assert_eq!(config.listen.to_string(), "127.0.0.1:2575");
    assert_eq!(config.limits, DoorLimits::default());
    assert_eq!(config.framing, FramingConfig::default());
    let feed = config.feeds.first().expect("feed");
    assert_eq!(feed.from, Network::LOOPBACK);
    assert_eq!(feed.processing_ids, [Pattern::of("P")]);
    assert_eq!(feed.frame_bytes_max, 16 << 20);
    assert_eq!((feed.acknowledge, feed.application_ack), (Acknowledge::Logged, ApplicationAck::Same));
    assert!(feed.versions.iter().any(|version| version.fits_version("2.5.1")));
    assert!(!feed.versions.iter().any(|version| version.fits_version("9.9") || version.fits_version("")));
    assert_eq!(config.faults(), []);
}

#[test]
fn what_is_written_reads_back() {
    let mut config = door(SMALLEST);
    config.feeds.push(FeedConfig::catch_all(FeedName::parse("anyone").expect("name"), ProviderId("HA".to_owned())));
    config.limits.idle_timeout = Some(Duration::from_secs(90));
    let text = toml::to_string(&config).expect("toml");
    assert_eq!(door(&text), config, "{text}");
}

#[test]
fn an_unknown_key_is_refused_at_every_level() {
    for key in ["lissten = 1\n", "[limits]\nwindoww = 1\n", "[framing]\nlax = true\n"] {
        let text = format!("{key}{SMALLEST}");
        assert!(toml::from_str::<DoorConfig>(&text).is_err(), "{text}");
    }
    assert!(toml::from_str::<DoorConfig>(&format!("{SMALLEST}sender = 'x'\n")).is_err());
}

#[test]
fn plain_text_beyond_loopback_must_be_asked_for() {
    let open = door(&format!("listen = '0.0.0.0:2575'\n{SMALLEST}"));
    assert_eq!(
        open.faults(),
        [ConfigFault::Secrecy { listen: open.listen, fault: SecrecyFault::PlaintextBeyondLoopback }]
    );
    let asked = door(&format!(
        "listen = '0.0.0.0:2575'\ninsecure_plaintext_from = ['10.1.0.0/16']\n{SMALLEST}from = ['10.1.2.3']\n"
    ));
    assert_eq!(asked.faults(), []);
    let other = door(&format!(
        "listen = '0.0.0.0:2575'\ninsecure_plaintext_from = ['10.1.0.0/16']\n{SMALLEST}from = ['10.2.0.1']\n"
    ));
    assert!(matches!(other.faults().as_slice(), [ConfigFault::PeerNotHeard { .. }]));
}

#[test]
fn what_cannot_work_is_said_before_the_door_opens() {
    let with = |line: &str| door(&format!("{SMALLEST}{line}\n")).faults();
    assert!(matches!(with("charset = 'force:KLINGON'").as_slice(), [ConfigFault::Charset { .. }]));
    assert!(matches!(with("charset = 'force:UTF-16'").as_slice(), [ConfigFault::Charset { .. }]));
    assert!(matches!(with("time_zone = 'Asia/Hongkong-Island'").as_slice(), [ConfigFault::TimeZone { .. }]));
    assert!(matches!(with("application_ack = 'separate'").as_slice(), [ConfigFault::NoAckAddress(_)]));
    assert!(matches!(with("frame_bytes_max = '0B'").as_slice(), [ConfigFault::Zero("frame_bytes_max")]));
    assert!(matches!(with("versions = []").as_slice(), [ConfigFault::Empty { setting: "versions", .. }]));
    assert!(matches!(door("").faults().as_slice(), [ConfigFault::NoFeed(_)]));
    assert!(matches!(
        door(&format!("[limits]\nwindow = 0\n{SMALLEST}")).faults().as_slice(),
        [ConfigFault::Zero("window")]
    ));
}

#[test]
fn a_feed_behind_one_that_takes_all_its_messages_is_reported() {
    let second = SMALLEST.replace("'lab'", "'lab-two'");
    assert!(matches!(door(&format!("{SMALLEST}{second}")).faults().as_slice(), [ConfigFault::Hidden { .. }]));
    let any = second.replace("'LIS|QMH'", "'any'");
    assert_eq!(door(&format!("{SMALLEST}{any}")).faults(), []);
    assert!(matches!(door(&format!("{any}{SMALLEST}")).faults().as_slice(), [ConfigFault::Hidden { .. }]));
    let twice = format!("{SMALLEST}{}", SMALLEST.replace("LIS|QMH", "RIS|QMH"));
    assert!(matches!(door(&twice).faults().as_slice(), [ConfigFault::NameTwice(_)]));
}

#[test]
fn a_catch_all_feed_takes_any_sender_processing_id_and_version() {
    let feed = FeedConfig::catch_all(FeedName::parse("anyone").expect("name"), ProviderId("HA".to_owned()));
    assert!(feed.senders.iter().any(|sender| sender.fits("", "whoever")));
    assert!(feed.processing_ids.iter().any(|id| id.fits("T")));
    assert!(feed.versions.iter().any(|version| version.fits_version("9.9")));
}

#[test]
fn the_schema_describes_every_field_of_the_door() {
    let schema = schemars::schema_for!(DoorConfig);
    let text = serde_json_text(&schema);
    for field in ["listen", "insecure_plaintext_from", "window", "senders", "frame_bytes_max", "application_ack_to"] {
        assert!(text.contains(field), "{field}");
    }
}

fn serde_json_text(schema: &schemars::Schema) -> String {
    schema.as_value().to_string()
}
