//! DCMTK's own clients against the door. They come with the package `dcmtk`, which `tests/run` installs.

use std::path::Path;
use std::process::{Command, Output};

use causeway_dicom::syntax::{Coding, EXPLICIT_LITTLE};

use crate::support::Hub;
use crate::testing::{ct, file};

/// Runs a tool of DCMTK, without the wait that its sockets make by default.
async fn run(tool: &'static str, arguments: Vec<String>) -> Output {
    let ran = tokio::task::spawn_blocking(move || Command::new(tool).args(&arguments).env("TCP_NODELAY", "1").output());
    let output = ran.await.expect("no panic");
    output.unwrap_or_else(|error| panic!("{tool} cannot be run ({error}): install it with `apt-get install dcmtk`"))
}

fn arguments(hub: &Hub, before: &[&str], after: &[&str]) -> Vec<String> {
    let port = hub.address.port().to_string();
    let between = ["-aet", "CT1", "-aec", "CAUSEWAY", "127.0.0.1", &port];
    let all = before.iter().chain(&between).chain(after);
    all.map(|argument| (*argument).to_owned()).collect()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("written");
    path.to_str().expect("a plain path").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn echoscu_is_answered_each_time_it_asks() {
    let hub = Hub::start().await;
    let output = run("echoscu", arguments(&hub, &["-v", "--repeat", "3"], &[])).await;
    assert!(output.status.success(), "{}", told(&output));
    let stranger =
        run("echoscu", vec!["-aet".into(), "EVIL".into(), "127.0.0.1".into(), hub.address.port().to_string()]);
    assert!(!stranger.await.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn storescu_sends_a_folder_and_the_data_sets_are_kept_as_it_has_them() {
    let hub = Hub::start().await;
    let folder = hub.dir.path().join("images");
    std::fs::create_dir(&folder).expect("a folder");
    let sent: Vec<Vec<u8>> = (1..=5).map(|i| ct(Coding::EXPLICIT, &format!("1.2.3.{i}"), 50_000 * i)).collect();
    for (place, data_set) in sent.iter().enumerate() {
        write(&folder, &format!("{place}.dcm"), &file(EXPLICIT_LITTLE, data_set));
    }
    let folder = folder.to_str().expect("a plain path");
    let output = run("storescu", arguments(&hub, &["-v", "-R", "+sd"], &[folder])).await;
    assert!(output.status.success(), "{}", told(&output));
    let mut kept: Vec<Vec<u8>> = hub.claims().iter().map(|claim| hub.data_set(claim)).collect();
    kept.sort_by_key(Vec::len);
    assert_eq!(kept.len(), sent.len());
    // DCMTK writes the elements anew from what it read, so only the pixels at the end are those of the file.
    assert!(kept.iter().zip(&sent).all(|(kept, sent)| kept[kept.len() - 50_000..] == sent[sent.len() - 50_000..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn dcmsend_says_that_all_were_taken() {
    let hub = Hub::start().await;
    let path = write(hub.dir.path(), "one.dcm", &file(EXPLICIT_LITTLE, &ct(Coding::EXPLICIT, "1.2.3", 2000)));
    let report = hub.dir.path().join("report.txt");
    let report_text = report.to_str().expect("a plain path");
    let output = run("dcmsend", arguments(&hub, &["-v", "+crf", report_text], &[&path])).await;
    assert!(output.status.success(), "{}", told(&output));
    let report = std::fs::read_to_string(&report).expect("a report");
    assert!(report.contains("with status SUCCESS"), "{report}");
    assert_eq!(hub.entries().len(), 1);
}
