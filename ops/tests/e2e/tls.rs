//! TLS from `causeway init` to the acknowledgement, through the real binary.

use std::path::PathBuf;

use super::hub::{Hub, Ran, until};

const MESSAGE: &str = "MSH|^~\\&|PAS|CBH|HUB|HKHUB|20260301100000+0800||ADT^A01^ADT_A01|T1|P|2.5.1\r\
                       EVN|A01|20260301100000+0800\rPID|1||ZZ0000018^^^HKSAR^HKID||YEUNG^SIU KEI||19830114|M\r\
                       PV1|1|I|MED3||||||||||||||||HN26000001A\r";

/// A hub whose door has TLS, with the certificates that `causeway init` made, and its feed bound to its own.
fn hub() -> Hub {
    let hub = Hub::new();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written by init");
    let commented = "# [door.tls]\n# certificate = \"certificates/server.pem\"\n# key = \"certificates/server.key\"\n\
                     # client_ca = \"certificates/ca.pem\"";
    assert!(text.contains(commented), "{text}");
    let text = text.replace(commented, &commented.replace("# ", ""));
    let text = text.replace("senders = [\"any\"]", "senders = [\"any\"]\ncertificates = [\"cn:catch-all\"]");
    std::fs::write(&file, text).expect("written");
    hub
}

fn send(hub: &Hub, ca: &str, client: &str) -> Ran {
    let file = hub.file("t.hl7", MESSAGE.as_bytes());
    let to = format!("tls://{}", hub.mllp.replace("127.0.0.1", "localhost"));
    let (cert, key) = (format!("{client}.pem"), format!("{client}.key"));
    let file = file.to_str().expect("UTF-8");
    hub.run(&["--json", "send", "hl7", file, "--to", &to, "--ca", ca, "--cert", &cert, "--key", &key])
}

fn copy(from: &Hub, to: &Hub, names: &[&str]) {
    let path = |hub: &Hub, name: &str| -> PathBuf { hub.path().join("certificates").join(name) };
    for name in names {
        std::fs::copy(path(from, name), path(to, name)).expect("copied");
    }
}

#[test]
fn the_certificates_that_init_makes_work_and_what_has_none_of_them_does_not() {
    let mut hub = hub();
    let checked = hub.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    hub.start();
    let sent = send(&hub, "certificates/ca.pem", "certificates/feed-catch-all");
    assert_eq!((sent.code, &sent.json()["by_code"]["AA"]), (Some(0), &1.into()), "{sent:?}");

    // The certificate of the server is one of the same authority, but for servers.
    let wrong = send(&hub, "certificates/ca.pem", "certificates/server");
    assert_eq!(wrong.code, Some(4), "{wrong:?}");
    let plain = hub.send("p.hl7", MESSAGE);
    assert!(plain.code == Some(4) && plain.err.contains("send to tls://host:port"), "{plain:?}");
    let metrics = until(|| Some(hub.get("/metrics").1).filter(|text| text.contains("cause=\"tls_not_spoken\"")))
        .expect("counted");
    assert!(metrics.contains("cause=\"tls_certificate\""), "{metrics}");
    assert!(metrics.contains("causeway_certificate_expiry_timestamp_seconds{name=\"mllp 127.0.0.1:0 certificate\"}"));
    let audit = until(|| {
        Some(hub.run(&["--json", "audit", "find", "--action", "refuse-peer"]).lines()).filter(|l| !l.is_empty())
    });
    let audit = audit.expect("noted");
    assert_eq!(audit[0]["entry"]["detail"]["cause"], "tls_certificate", "{audit:?}");
    let doctor = hub.run(&["doctor"]);
    assert!(doctor.out.contains("client_ca: Causeway development CA, valid for"), "{doctor:?}");
    let untold = hub.run(&["send", "hl7", "t.hl7", "--to", "tls://localhost:1"]);
    assert!(untold.code == Some(2) && untold.err.contains("--ca"), "{untold:?}");
    let to = format!("tls://{}", hub.mllp.replace("127.0.0.1", "localhost"));
    let bare = hub.run(&["send", "hl7", "p.hl7", "--to", &to, "--ca", "certificates/ca.pem"]);
    assert!(bare.code == Some(4) && bare.err.contains("--cert FILE --key FILE"), "what to do about it: {bare:?}");
}

#[test]
fn renewed_certificates_are_taken_up_without_a_restart() {
    let (mut hub, other) = (hub(), Hub::new());
    hub.start();
    assert_eq!(send(&hub, "certificates/ca.pem", "certificates/feed-catch-all").code, Some(0));
    copy(&other, &hub, &["ca.pem", "server.pem", "server.key"]);
    let folder = other.path().join("certificates");
    let of_other = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    let sent = send(&hub, &of_other("ca.pem"), &of_other("feed-catch-all"));
    assert_eq!((sent.code, &sent.json()["by_code"]["AA"]), (Some(0), &1.into()), "{sent:?}");
    assert_eq!(send(&hub, "certificates/ca.pem", "certificates/feed-catch-all").code, Some(4), "the old one is out");
}

#[test]
fn certificates_that_cannot_be_used_or_end_soon_are_told_before_a_sender_notices() {
    let mut hub = hub();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("there");
    let near = text.replace("\n[door.tls]\n", "\n[door.tls]\nwarn_before = \"500d\"\n");
    std::fs::write(&file, near).expect("written");
    let checked = hub.run(&["check"]);
    assert!(checked.code == Some(0) && checked.err.contains("certificate: localhost expires in 39"), "{checked:?}");
    let doctor = hub.run(&["doctor"]);
    assert!(doctor.code == Some(1) && doctor.out.contains("expires in 39"), "{doctor:?}");
    hub.start();
    let status = hub.run(&["status", "--json"]).json();
    assert_eq!(status["certificates"][0]["standing"], "near", "{status}");
    let shown = hub.run(&["status"]);
    assert!(shown.out.contains("certificate: mllp 127.0.0.1:0 certificate: localhost expires in 39"), "{shown:?}");
    assert_eq!(hub.stop(), Some(0));

    copy(&Hub::new(), &hub, &["server.key"]);
    let checked = hub.run(&["check"]);
    assert!(checked.code == Some(3) && checked.err.contains("CW0209"), "{checked:?}");
    let served = hub.run(&["serve"]);
    assert!(served.code == Some(3) && served.err.contains("CW0209"), "{served:?}");
}
