//! Files through the door, over the real log.

use std::path::{Path, PathBuf};

use causeway_core::reason::Reason;
use causeway_hl7::config::FeedConfig;
use causeway_hl7::{FileDoor, FileDoorConfig};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::{Hub, SILENCE, config, feed, until};

/// A message about a patient, with this control id.
fn adt(id: &str) -> String {
    format!("MSH|^~\\&|LIS|QMH|EHR|HK|20261101090000||ADT^A08^ADT_A01|{id}|P|2.5\rEVN||20261101\rPID|||{id}^^^QMH^MR\r")
}

fn batch(messages: &[String], said: usize) -> String {
    let all = messages.concat();
    format!(
        "FHS|^~\\&|LIS|QMH|EHR|HK|20261101||||F1\rBHS|^~\\&|LIS|QMH|EHR|HK|20261101||||B1\r{all}BTS|{said}\rFTS|1\r"
    )
}

/// A hub with a watched folder beside its door.
struct Files {
    hub: Hub,
    folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
    config: FileDoorConfig,
}

impl Files {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut FeedConfig)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut feed = feed("drop", "LIS|QMH");
        change(&mut feed);
        let text = format!("folder = {:?}\nstill_for = \"0\"\nscan_every = \"10ms\"", folder.path());
        let pickup = toml::from_str(&text).expect("settings");
        let config_of_files = FileDoorConfig { pickup, limits: config().limits, feed };
        let mut files =
            Self { hub: Hub::open(config()).await, folder, stop: None, served: None, config: config_of_files };
        files.start();
        files
    }

    fn start(&mut self) {
        let door = FileDoor::open(self.config.clone(), self.hub.ports.clone()).expect("a folder that can be watched");
        let (stop, stopped) = oneshot::channel::<()>();
        self.served = Some(tokio::spawn(door.serve(async move { drop(stopped.await) })));
        self.stop = Some(stop);
    }

    async fn stop(&mut self) {
        drop(self.stop.take());
        self.served.take().expect("it runs").await.expect("no panic");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file in as a careful sender does.
    fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        let unfinished = self.path(&format!("{name}.part"));
        std::fs::write(&unfinished, text).expect("written");
        std::fs::rename(unfinished, self.path(name)).expect("renamed");
    }

    /// Waits until it is there, and reads it.
    async fn read(&self, name: &str) -> String {
        let path = self.path(name);
        assert!(until(|| path.exists()).await, "{name} is not there: {:?}", listing(self.folder.path()));
        String::from_utf8(std::fs::read(path).expect("readable")).expect("text")
    }

    fn ids(&self) -> Vec<String> {
        self.hub.entries().into_iter().map(|entry| entry.envelope.control_id).collect()
    }
}

fn listing(folder: &Path) -> Vec<PathBuf> {
    let below = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    below(folder).flat_map(|path| std::iter::once(path.clone()).chain(below(&path).collect::<Vec<_>>())).collect()
}

/// The segments of a report that begin so.
fn lines<'r>(report: &'r str, name: &str) -> Vec<&'r str> {
    report.split('\r').filter(|line| line.starts_with(name)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_file_is_in_the_log_before_it_is_done_and_its_report_is_a_batch_of_acknowledgements() {
    let mut files = Files::new().await;
    files.put("a.hl7", batch(&[adt("1"), adt("2")], 2));
    let report = files.read("done/a.hl7.ack").await;
    assert_eq!(files.ids(), ["1", "2"]);
    assert!(report.starts_with(r"FHS|^~\&|EHR|HK|LIS|QMH|"), "{report}");
    let acks: Vec<_> = lines(&report, "MSA").into_iter().map(|line| line.get(..8).unwrap_or(line)).collect();
    assert_eq!(acks, ["MSA|AA|1", "MSA|AA|2"]);
    assert_eq!((lines(&report, "BTS"), lines(&report, "FTS")), (vec!["BTS|2"], vec!["FTS|1"]));
    assert_eq!(lines(&report, "BHS")[0].rsplit('|').next(), Some("B1"));
    files.read("done/a.hl7").await;
    files.hub.until("files_total[\"drop\", \"file\", \"done\"]", 1.0).await;
    files.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_message_of_five_hundred_is_refused_alone_and_a_wrong_count_is_told_by_its_code() {
    let files = Files::new().await;
    let mut messages: Vec<_> = (0..500).map(|number| adt(&format!("{number:03}"))).collect();
    messages[250] = adt("250").replace("PID|||250^^^QMH^MR", "PID||");
    files.put("a.hl7", batch(&messages, 501));
    let report = files.read("done/a.hl7.ack").await;
    assert_eq!(files.hub.entries().len(), 500);
    let refused: Vec<_> = files.hub.entries().into_iter().filter_map(|entry| entry.envelope.refusal).collect();
    assert_eq!(refused.iter().map(|refusal| refusal.reason).collect::<Vec<_>>(), [Reason::MissingField]);
    let answered = lines(&report, "MSA");
    assert_eq!((answered.len(), answered.iter().filter(|line| line.starts_with("MSA|AA")).count()), (500, 499));
    assert!(answered[250].starts_with("MSA|AE|250"), "{}", answered[250]);
    assert!(lines(&report, "BTS")[0].starts_with("BTS|500|BATCH_COUNT: "), "{:?}", lines(&report, "BTS"));
    files.hub.until("batch_faults_total[\"drop\", \"BATCH_COUNT\"]", 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_without_its_end_keeps_what_came_and_takes_the_last_message_only_to_hold_it() {
    let files = Files::new().await;
    let whole = batch(&[adt("1"), adt("2")], 2);
    let (cut, _) = whole.split_once("^^^QMH^MR\rBTS").expect("there");
    files.put("a.hl7", cut);
    let report = files.read("done/a.hl7.ack").await;
    let entries = files.hub.entries();
    assert_eq!(entries.len(), 2);
    let refused: Vec<_> =
        entries.into_iter().map(|entry| entry.envelope.refusal.map(|refusal| refusal.reason)).collect();
    assert_eq!(refused, [None, Some(Reason::BrokenFrame)]);
    assert_eq!(lines(&report, "MSA"), ["MSA|AA|1"]);
    assert!(lines(&report, "BTS")[0].starts_with("BTS|1|BATCH_CUT: "), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_messages_and_framed_ones_come_one_after_the_other_whatever_ends_their_lines() {
    let files = Files::new().await;
    files.put("lf.hl7", format!("{}{}", adt("1"), adt("2")).replace('\r', "\n"));
    files.put("crlf.hl7", format!("{}\r\n{}", adt("3"), adt("4")).replace('\r', "\r\n"));
    files.put("mllp.hl7", format!("\u{b}{}\u{1c}\r\u{b}{}\u{1c}\r", adt("5"), adt("6")));
    for name in ["lf", "crlf", "mllp"] {
        let report = files.read(&format!("done/{name}.hl7.ack")).await;
        assert_eq!(lines(&report, "MSA|AA").len(), 2, "{name}: {report}");
    }
    let entries = files.hub.entries();
    assert_eq!(files.ids(), ["1", "2", "3", "4", "5", "6"]);
    for entry in entries {
        let wanted = adt(&entry.envelope.control_id);
        assert_eq!(entry.envelope.body.expose().as_ref(), wanted.as_bytes(), "as it would come by MLLP");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_comes_again_has_no_second_effect() {
    let files = Files::new().await;
    for name in ["a.hl7", "b.hl7"] {
        files.put(name, batch(&[adt("1"), adt("2")], 2));
        let report = files.read(&format!("done/{name}.ack")).await;
        assert_eq!(lines(&report, "MSA|AA").len(), 2);
    }
    assert_eq!(files.ids(), ["1", "2"]);
    files.hub.until("messages_duplicate_total[\"drop\"]", 2.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_mid_file_loses_nothing_and_takes_nothing_twice() {
    let mut files = Files::new().await;
    files.hub.wire.hold();
    files.put("a.hl7", batch(&[adt("1"), adt("2"), adt("3")], 3));
    assert!(until(|| files.path("work/a.hl7").exists()).await, "it is being read");
    assert!(until(|| files.hub.wire.appends() > 0).await, "a message is on its way");
    files.stop().await;
    assert!(files.path("work/a.hl7").exists() && !files.path("done/a.hl7").exists(), "it is not done");
    files.hub.wire.release(&[]);
    files.start();
    let report = files.read("done/a.hl7.ack").await;
    assert_eq!(lines(&report, "MSA|AA").len(), 3);
    assert_eq!(files.ids(), ["1", "2", "3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_feed_takes_no_file_until_it_is_resumed() {
    let files = Files::new().await;
    files.hub.paused.store(true, std::sync::atomic::Ordering::SeqCst);
    files.hub.until("feed_up[\"drop\", \"file\"]", 0.0).await;
    files.put("a.hl7", adt("1"));
    tokio::time::timeout(SILENCE, std::future::pending::<()>()).await.expect_err("silence");
    assert!(files.path("a.hl7").exists());
    files.hub.paused.store(false, std::sync::atomic::Ordering::SeqCst);
    files.read("done/a.hl7.ack").await;
    assert_eq!(files.ids(), ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_kept_leaves_the_file_in_failed_with_its_answers() {
    let files = Files::new().await;
    files.put("a.hl7", format!("{}{}", adt("1"), adt("2").replace("LIS|QMH", "OTHER|QMH")));
    let report = files.read("failed/a.hl7.ack").await;
    assert_eq!(files.ids(), ["1"]);
    assert_eq!(lines(&report, "MSA").len(), 2);
    assert!(lines(&report, "MSA")[1].starts_with("MSA|AR|2"), "{report}");

    files.put("empty.hl7", "");
    assert!(files.read("failed/empty.hl7.reason").await.starts_with("NO_MESSAGE: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_longer_than_the_feed_allows_does_not_stop_the_others() {
    let files = Files::with(|feed| feed.frame_bytes_max = 1000).await;
    let long = adt("2").replace("EVN||", &format!("EVN|{}|", "x".repeat(5000)));
    files.put("a.hl7", format!("{}{long}{}", adt("1"), adt("3")));
    let report = files.read("failed/a.hl7.ack").await;
    assert_eq!(files.ids(), ["1", "3"]);
    let answers: Vec<_> = lines(&report, "MSA").into_iter().map(|line| line.get(..8).unwrap_or(line)).collect();
    assert_eq!(answers, ["MSA|AA|1", "MSA|AR|2", "MSA|AA|3"]);
}
