//! The DICOM door by TLS, with DCMTK's own client. It comes with the package `dcmtk`, which `tests/run` installs.

use std::path::Path;
use std::process::{Command, Output};

use causeway_core::dicom::uid::Uid;
use serde_json::Value;

use super::hub::{Hub, until};
use super::images::{self, folder, slice};

const PROFILES: [&str; 3] = ["+px", "+py", "+pz"];

/// A hub whose DICOM door has mutual TLS, with a feed for the certificate that `causeway init` made, and one for another.
fn hub() -> (Hub, u16) {
    let (hub, port) = images::hub();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written");
    let provider = text.lines().find_map(|line| line.trim().strip_prefix("provider = ")).expect("one").to_owned();
    let feed = format!(
        "certificates = [\"cn:catch-all\"]\n\n[[dicom_door.feed]]\nname = \"other\"\nprovider = {provider}\n\
         ae_titles = [\"OTHER\"]\ncertificates = [\"cn:other\"]\n\n[dicom_door.tls]\n\
         certificate = \"certificates/server.pem\"\nkey = \"certificates/server.key\"\n\
         client_ca = \"certificates/ca.pem\"\n"
    );
    std::fs::write(&file, text + &feed).expect("written");
    let checked = hub.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    (hub, port)
}

/// Sends a file with a certificate of some hub, trusting that hub's authority.
fn storescu(port: u16, certificates: Option<&Path>, title: &str, options: &[&str], file: &Path) -> Output {
    let mut command = Command::new("storescu");
    command.args(["-v", "-aet", title, "-aec", "CAUSEWAY"]).args(options);
    if let Some(folder) = certificates {
        command.arg("+tls").arg(folder.join("feed-catch-all.key")).arg(folder.join("feed-catch-all.pem"));
        command.arg("+cf").arg(folder.join("ca.pem"));
    }
    command.args(["127.0.0.1", &port.to_string()]).arg(file).env("TCP_NODELAY", "1");
    let ran = command.output();
    ran.unwrap_or_else(|error| panic!("storescu cannot be run ({error}): install it with `apt-get install dcmtk`"))
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A DICOM file of a slice.
fn file(hub: &Hub, instance: u16) -> std::path::PathBuf {
    let uid = |text: &str| Uid::parse(text).expect("a uid");
    let (class, syntax) = (uid("1.2.840.10008.5.1.4.1.1.2"), uid("1.2.840.10008.1.2.1"));
    let head = causeway_dicom::part10::head(&class, &uid(&format!("1.2.40.1.{instance}")), &syntax);
    let name = format!("{instance}.dcm");
    folder(hub, "files", &[(&name, [head, slice("1.2.40", 1, instance)].concat())]).join(name)
}

fn audited(hub: &Hub, action: &str, cause: &str) -> Value {
    let found = until(|| {
        let lines = hub.run(&["--json", "audit", "find", "--action", action]).lines();
        lines.into_iter().map(|line| line["entry"]["detail"].clone()).find(|detail| detail["cause"] == cause)
    });
    found.unwrap_or_else(|| panic!("{cause} was not audited"))
}

#[test]
fn catalogue_123_by_tls_the_right_certificate_stores_and_every_other_is_refused_and_audited() {
    let ((mut hub, port), other) = (hub(), Hub::new());
    let (ours, theirs) = (hub.path().join("certificates"), other.path().join("certificates"));
    hub.start();
    for (place, profile) in (1..).zip(PROFILES) {
        let sent = storescu(port, Some(&ours), "CAUSEWAY-SCU", &[profile], &file(&hub, place));
        assert!(sent.status.success(), "{profile}: {}", told(&sent));
    }
    let listed = || hub.run(&["--json", "message", "list", "--feed", "pacs"]).lines().len();
    until(|| (listed() == 3).then_some(())).expect("three are known");

    let retired = storescu(port, Some(&ours), "CAUSEWAY-SCU", &["+pa"], &file(&hub, 4));
    assert!(!retired.status.success(), "the retired AES profile has no suite of BCP 195: {}", told(&retired));
    let foreign = storescu(port, Some(&theirs), "CAUSEWAY-SCU", &["-ic"], &file(&hub, 4));
    assert!(!foreign.status.success(), "a certificate of another authority: {}", told(&foreign));
    assert_eq!(audited(&hub, "refuse-peer", "tls_certificate")["peer"], "127.0.0.1");
    let plain = storescu(port, None, "CAUSEWAY-SCU", &[], &file(&hub, 4));
    assert!(!plain.status.success(), "plain text: {}", told(&plain));
    let anonymous = storescu(port, None, "CAUSEWAY-SCU", &["+tla", "-ic"], &file(&hub, 4));
    assert!(!anonymous.status.success(), "no certificate: {}", told(&anonymous));
    audited(&hub, "refuse-peer", "tls_no_certificate");

    let bound = storescu(port, Some(&ours), "OTHER", &[], &file(&hub, 4));
    assert!(!bound.status.success() && told(&bound).contains("Calling AE Title Not Recognized"), "{}", told(&bound));
    let noted = audited(&hub, "refuse-peer", "certificate");
    assert_eq!(noted["feed"], "other", "{noted}");
    assert!(noted["detail"].as_str().expect("text").contains("OTHER, called: CAUSEWAY, certificate: "), "{noted}");
    let stranger = storescu(port, Some(&ours), "STRANGER", &[], &file(&hub, 4));
    assert!(!stranger.status.success());
    assert!(audited(&hub, "refuse-peer", "unknown_sender")["detail"].as_str().expect("text").contains("STRANGER"));
    assert_eq!(listed(), 3, "nothing came in by any of these");
    let metrics = hub.get("/metrics").1;
    for line in ["cause=\"tls_not_spoken\"", "causeway_dicom_associations_total{end=\"rejected\",feed=\"-\"} 2"] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn instances_that_are_refused_for_good_are_counted_and_audited() {
    let (mut hub, port) = images::hub();
    hub.start();
    let uid = |text: &str| Uid::parse(text).expect("a uid");
    let (class, syntax) = (uid("1.2.840.10008.5.1.4.1.1.2"), uid("1.2.840.10008.1.2.1"));
    let head = causeway_dicom::part10::head(&class, &uid("1.2.41.1.1"), &syntax);
    let whole = slice("1.2.41", 1, 1);
    let cut = [&head[..], &whole[..whole.len() - 100]].concat();
    let images = folder(&hub, "images", &[("cut.dcm", cut)]);
    let (code, sent) = images::send(&hub, &images, port, &[]);
    assert_eq!((code, &sent["taken"]), (Some(5), &0.into()), "{sent}");
    let noted = audited(&hub, "refuse-instance", "not_understood");
    let detail = noted["detail"].as_str().expect("text");
    assert!(detail.contains("calling AE title: CAUSEWAY-SCU, status 0xC000: "), "{noted}");
    assert_eq!(noted["feed"], "pacs", "{noted}");
    let metrics = hub.get("/metrics").1;
    let line = "causeway_dicom_instances_total{feed=\"pacs\",outcome=\"not_understood\"} 1";
    assert!(metrics.contains(line), "{metrics}");
    assert_eq!(hub.stop(), Some(0));
}
