//! The demo: fresh, and gone on with.

use super::hub::run;

#[test]
fn a_demo_shows_live_messages_and_the_same_folder_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = ["--json", "demo", "--for", "8", "--mllp-port", "0", "--http-port", "0", "--cm-port", "0"];
    let first = run(folder.path(), &demo);
    assert_eq!(first.code, Some(0), "{first:?}");
    let (welcome, goodbye) = (&first.lines()[0], &first.lines()[1]);
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
    let feeds = run(folder.path(), &["--json", "feed", "list"]).lines();
    for clinic in ["herbal-clinic", "practitioner"] {
        let feed = feeds.iter().find(|feed| feed["name"] == clinic).expect(clinic);
        assert!(feed["accepted"].as_u64() > Some(0), "{feed}");
    }
    let together = (1..=45).any(|person| {
        let listed = run(folder.path(), &["--json", "record", "list", "--person", &person.to_string()]).lines();
        let has = |domain: &str| listed.iter().any(|record| record["domain"] == domain);
        has("CMRX") && (has("MEDP") || has("MEDD") || has("LABG") || has("LAB"))
    });
    assert!(together, "western and Chinese medicine stand in one list");
    let dropped = folder.path().join("causeway-demo/clinic-files");
    let done = ["done", "failed"].into_iter().flat_map(|end| std::fs::read_dir(dropped.join(end)).expect("a folder"));
    assert_eq!(done.count(), 2, "a spreadsheet and its result");
    let second = run(folder.path(), &["--json", "demo", "--for", "1", "--no-feed"]);
    assert_eq!(second.code, Some(0), "{second:?}");
    assert_eq!(second.lines()[0]["fresh"], false);
    assert!(second.lines()[1]["messages"].as_u64() >= Some(sum), "it goes on where it was: {second:?}");
}
