//! The demo: fresh, and gone on with.

use super::hub::run;

#[test]
fn a_demo_shows_live_messages_and_the_same_folder_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = ["--json", "demo", "--for", "6", "--mllp-port", "0", "--http-port", "0"];
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
    let second = run(folder.path(), &["--json", "demo", "--for", "1", "--no-feed"]);
    assert_eq!(second.code, Some(0), "{second:?}");
    assert_eq!(second.lines()[0]["fresh"], false);
    assert!(second.lines()[1]["messages"].as_u64() >= Some(sum), "it goes on where it was: {second:?}");
}
