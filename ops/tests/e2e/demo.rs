//! The demo: fresh, and gone on with.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::hub::{PATIENCE, command, run, until};

/// A demo that runs until it is told to stop.
struct Demo(Child);

impl Demo {
    fn start(folder: &Path) -> Self {
        let limit = PATIENCE.as_secs().saturating_mul(10).to_string();
        let ports = ["--mllp-port", "0", "--http-port", "0", "--cm-port", "0"];
        let mut demo = command(folder, &["--json", "demo", "--for", &limit]);
        Self(demo.args(ports).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts"))
    }

    /// Interrupts it, and gives what it printed.
    fn stop(mut self) -> Vec<Value> {
        let asked = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status().expect("kill runs");
        assert!(asked.success());
        let ended = until(|| self.0.try_wait().expect("waited")).expect("it stops in time");
        assert_eq!(ended.code(), Some(0));
        let mut printed = String::new();
        self.0.stdout.take().expect("piped").read_to_string(&mut printed).expect("UTF-8");
        printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What has come through every door when the demo has shown what it has to show.
fn everything_came(folder: &Path) -> Option<()> {
    let feeds = run(folder, &["--json", "feed", "list"]);
    if feeds.code != Some(0) {
        return None;
    }
    let feeds = feeds.lines();
    let some = |state: &str| feeds.iter().any(|feed| feed[state].as_u64() > Some(0));
    let accepted = |name: &str| feeds.iter().any(|feed| feed["name"] == name && feed["accepted"].as_u64() > Some(0));
    let records = run(folder, &["--json", "record", "count"]).json()["total"].as_u64();
    let both = dropped_files(folder) >= 2 && records > Some(50);
    let came =
        ["withheld", "held"].into_iter().all(some) && ["herbal-clinic", "practitioner"].into_iter().all(accepted);
    (came && both).then_some(())
}

/// Some person has records of both medicines.
fn stand_together(folder: &Path) -> Option<()> {
    let together = |person: u32| {
        let listed = run(folder, &["--json", "record", "list", "--person", &person.to_string()]).lines();
        let has = |domain: &str| listed.iter().any(|record| record["domain"] == domain);
        has("CMRX") && (has("MEDP") || has("MEDD") || has("LABR"))
    };
    (1..=45).any(together).then_some(())
}

/// A message of the public hospitals' dialect, marked as training, as samples are passed on.
const SAMPLE: &str = "MSH|^~\\&|EAI|HAHO|PMS|QMH|20240305101500||ORU^R01|S1|T|2.3.1|||AL|AL|HKG|ASCII|ENG\r\
                      PID|1||A1234563^^^^HKID||CHAN^TAI MAN||19830114|M\r\
                      OBR|1|||ZALG^^^ALLERGY||20240305101400\r\
                      OBX|1|CE|100109^Allergy^HA^N||N^No known drug allergy||||||F\r";

/// Sends a newcomer's sample to the door, whose own feed of this sender takes it like the one that takes everything.
fn take_a_sample(folder: &Path) {
    let feeds = run(folder, &["--json", "status"]).json()["feeds"].clone();
    let feed =
        feeds.as_array().and_then(|feeds| feeds.iter().find(|feed| feed["name"] == "hospital-allergies")).cloned();
    let listen = feed.expect("the feed")["listen"].as_str().expect("an address").to_owned();
    std::fs::write(folder.join("sample.hl7"), SAMPLE).expect("written");
    let sent = run(folder, &["send", "hl7", "sample.hl7", "--to", &listen]);
    assert_eq!(sent.code, Some(0), "{sent:?}");
}

/// Files the clinic's folder is done with: a spreadsheet and its result.
fn dropped_files(folder: &Path) -> usize {
    let dropped = folder.join("causeway-demo/clinic-files");
    let done = ["done", "failed"].into_iter().filter_map(|end| std::fs::read_dir(dropped.join(end)).ok());
    done.flatten().count()
}

#[test]
fn a_demo_shows_live_messages_and_the_same_folder_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = Demo::start(folder.path());
    until(|| everything_came(folder.path())).expect("each feed of the demo brings something");
    until(|| stand_together(folder.path())).expect("western and Chinese medicine stand in one list");
    take_a_sample(folder.path());
    let first = demo.stop();
    let (welcome, goodbye) = (&first[0], &first[1]);
    assert_eq!(welcome["fresh"], true);
    let states = goodbye["states"].as_object().expect("states");
    let sum: u64 = states.values().map(|count| count.as_u64().expect("a count")).sum();
    assert_eq!(goodbye["messages"], sum);
    for state in ["accepted", "withheld", "held"] {
        assert!(states[state].as_u64().expect("a count") > 0, "none was {state}: {goodbye}");
    }
    assert!(goodbye["records"].as_u64().expect("a count") > 50, "{goodbye}");

    let persons = run(folder.path(), &["--json", "person", "list", "--limit", "100"]);
    assert_eq!(persons.lines().len(), 45, "found by itself, in ./causeway-demo");
    let second = run(folder.path(), &["--json", "demo", "--for", "1", "--no-feed"]);
    assert_eq!(second.code, Some(0), "{second:?}");
    assert_eq!(second.lines()[0]["fresh"], false);
    assert!(second.lines()[1]["messages"].as_u64() >= Some(sum), "it goes on where it was: {second:?}");
}
