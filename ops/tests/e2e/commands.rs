//! Commands that need no hub: exit codes, and what is printed where.

use std::fs;
use std::path::Path;

use super::hub::run;
use crate::ports::reserve;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A configuration with a mistake, and what is told about it.
fn told(config: &str) -> (Option<i32>, String) {
    let folder = folder();
    fs::write(folder.path().join("causeway.toml"), config).expect("written");
    let ran = run(folder.path(), &["check"]);
    assert_eq!(ran.out, "", "data goes to standard output, errors do not");
    (ran.code, ran.err)
}

const FEED: &str = "[[door]]\nlisten = \"127.0.0.1:2575\"\n[[door.feed]]\nname = \"lab\"\nprovider = \"HA\"\n";

#[test]
fn mistakes_of_the_command_line_end_with_two_and_help_with_zero() {
    let folder = folder();
    assert_eq!(run(folder.path(), &["nonsense"]).code, Some(2));
    assert_eq!(run(folder.path(), &["send", "hl7"]).code, Some(2));
    assert_eq!(run(folder.path(), &["--help"]).code, Some(0));
    assert_eq!(run(folder.path(), &["message", "list", "--reason", "NOT_REGISTRED"]).code, Some(2));
    let alone = run(folder.path(), &[]);
    assert_eq!(alone.code, Some(2));
    assert!(alone.err.contains("causeway demo") && alone.err.contains("Examples:"), "{alone:?}");
}

#[test]
fn a_mistyped_key_is_told_with_line_caret_and_what_was_meant() {
    let (code, text) = told(&format!("{FEED}sendrs = [\"LIS|QMH\"]\n"));
    assert_eq!(code, Some(3));
    assert_eq!(
        text,
        "error[CW0203]: unknown key `sendrs` in [door.feed]\n --> causeway.toml:6:1\n  |\n6 | sendrs = [\"LIS|QMH\"]\n  | \
         ^^^^^^ did you mean `senders`?\nfix: rename the key, then run `causeway check`\n"
    );
}

#[test]
fn every_sort_of_mistake_points_into_the_file() {
    for (config, code, line) in [
        ("data_dir = 5\n".to_owned(), "CW0204", ":1:12"),
        ("[server]\nlisten = \"127.0.0.1:99999\"\n".to_owned(), "CW0204", ":2:10"),
        (
            "[log]\nengine = \"kafka\"\n[log.kafka]\nreplication = 1\nmin_isr = 1\n".to_owned(),
            if cfg!(feature = "kafka") { "CW0205" } else { "CW0207" },
            if cfg!(feature = "kafka") { ":3:" } else { ":2:1" },
        ),
        ("[server]\nlisten = \"0.0.0.0:80\"\n".to_owned(), "CW0205", ":2:1"),
        ("[server]\nlisten = \n".to_owned(), "CW0204", ":2:"),
        (format!("[server]\nlisten = \"127.0.0.1:2575\"\n{FEED}senders = [\"any\"]\n"), "CW0205", ":4:1"),
        (format!("{FEED}senders = [\"any\"]\ncharset = \"force:KLINGON\"\n"), "CW0205", ":1:1"),
        ("[router]\nretry_pause_max = \"5\"\n".to_owned(), "CW0204", ":2:19"),
    ] {
        let (exit, text) = told(&config);
        assert_eq!(exit, Some(3), "{config}{text}");
        assert!(text.contains(code) && text.contains(&format!("causeway.toml{line}")), "{config}{text}");
    }
}

#[test]
fn without_a_configuration_it_is_told_how_to_get_one() {
    let ran = run(folder().path(), &["serve"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.err.contains("CW0201") && ran.err.contains("causeway init"), "{ran:?}");
}

#[test]
fn a_configuration_for_production_is_good_where_the_engines_are_built_in_and_refused_by_name_elsewhere() {
    let folder = folder();
    let ran = run(folder.path(), &["init", "--production"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("causeway kafka plan") && ran.err.contains("causeway db migrate"), "{ran:?}");
    let checked = run(folder.path(), &["check"]);
    if cfg!(all(feature = "kafka", feature = "postgres")) {
        assert_eq!(checked.code, Some(0), "{checked:?}");
    } else {
        assert_eq!(checked.code, Some(3));
        assert!(checked.err.contains("CW0207") && checked.err.contains("--features"), "{checked:?}");
    }
}

#[test]
fn init_overwrites_nothing() {
    let folder = folder();
    assert_eq!(run(folder.path(), &["init"]).code, Some(0));
    let again = run(folder.path(), &["init"]);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("CW0208"), "{again:?}");
    assert_eq!(run(folder.path(), &["check"]).code, Some(0));
}

#[test]
fn the_origin_of_every_key_is_told() {
    let folder = folder();
    fs::write(folder.path().join("causeway.toml"), "[server]\nlisten = \"127.0.0.1:1\"\n").expect("written");
    let ran = run(folder.path(), &["config", "show", "--origin", "--json", "--set", "log.prune_interval=5m"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let origin = |key: &str| {
        let lines = ran.lines();
        let line = lines.iter().find(|line| line["key"] == key).expect(key).clone();
        (line["value"].to_string(), line["origin"].as_str().expect("text").to_owned())
    };
    assert_eq!(origin("server.listen"), ("\"127.0.0.1:1\"".to_owned(), "causeway.toml:2".to_owned()));
    assert_eq!(origin("log.prune_interval"), ("\"5m\"".to_owned(), "flag".to_owned()));
    assert_eq!(origin("router.batch_count_max").1, "default");
}

#[test]
fn the_schema_is_json_and_names_every_section() {
    let schema = run(folder().path(), &["config", "schema"]).json();
    for section in ["server", "log", "repository", "router", "policy", "door"] {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
}

#[test]
fn codes_are_explained() {
    let folder = folder();
    for (code, exit, text) in [
        ("CW0203", Some(0), "unknown"),
        ("not_registered", Some(0), "participant"),
        ("74", Some(0), "durable"),
        ("CW0204x", Some(2), "did you mean `CW0204`?"),
    ] {
        let ran = run(folder.path(), &["explain", code]);
        assert_eq!(ran.code, exit, "{ran:?}");
        assert!(format!("{}{}", ran.out, ran.err).contains(text), "{ran:?}");
    }
}

#[test]
fn the_same_seed_generates_the_same_files() {
    let folder = folder();
    for out in ["one", "other"] {
        let ran = run(folder.path(), &["generate", "--seed", "7", "--persons", "20", "--messages", "60", "--out", out]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    let read = |out: &str, name: &str| fs::read(folder.path().join(out).join(name)).expect(name);
    for name in ["persons.jsonl", "providers.jsonl", "consents.jsonl", "messages/clinic.hl7", "messages/laboratory.hl7"]
    {
        assert_eq!(read("one", name), read("other", name), "{name}");
    }
    run(folder.path(), &["generate", "--seed", "8", "--persons", "20", "--messages", "60", "--out", "other"]);
    assert_ne!(read("one", "persons.jsonl"), read("other", "persons.jsonl"));
}

#[test]
fn map_prints_one_line_a_message_and_faults_are_data() {
    let folder = folder();
    let good = "MSH|^~\\&|PAS|CBH|HUB|HKHUB|20260301100000+0800||ADT^A01^ADT_A01|M1|P|2.5.1\rEVN|A01|20260301100000+0800\r\
                PID|1||ZZ0000018^^^HKSAR^HKID||CHAN^TAI MAN||19830114|M\rPV1|1|I|MED3||||||||||||||||HN26000001A\r";
    let bad = "MSH|^~\\&|PAS|CBH|HUB|HKHUB|20260301100000+0800||XYZ^Z99|M2|P|2.5.1\rPID|1\r";
    fs::write(folder.path().join("two.hl7"), format!("{good}\n\n{bad}")).expect("written");
    let ran = run(folder.path(), &["map", "two.hl7", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines = ran.lines();
    let members: Vec<_> = lines[0].as_object().expect("object").keys().map(String::as_str).collect();
    assert_eq!(members, ["input", "control_id", "type", "records", "notes", "faults"]);
    assert_eq!((lines.len(), &lines[0]["input"], &lines[0]["control_id"]), (2, &"two.hl7#1".into(), &"M1".into()));
    let domains: Vec<_> = lines[0]["records"].as_array().expect("list").iter().map(|r| r["domain"].clone()).collect();
    assert!(domains.contains(&"PERS".into()) && domains.contains(&"ENCT".into()), "{domains:?}");
    assert!(lines[0]["records"][0]["resource"]["resourceType"].is_string());
    assert!(!lines[1]["faults"].as_array().expect("list").is_empty());
}

#[test]
fn a_peer_that_is_not_there_ends_with_four() {
    let folder = folder();
    fs::write(folder.path().join("m.hl7"), "MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5\rPID|1\r").expect("written");
    let ran = run(folder.path(), &["send", "hl7", "m.hl7", "--to", "127.0.0.1:1"]);
    assert_eq!(ran.code, Some(4));
    assert!(ran.err.contains("CW0402"), "{ran:?}");
    let none = run(folder.path(), &["send", "hl7", "gone.hl7", "--to", "127.0.0.1:1"]);
    assert_eq!((none.code, none.err.contains("CW0101")), (Some(1), true), "{none:?}");
}

#[test]
fn the_manual_and_completions_name_every_command() {
    let folder = folder();
    let man = run(folder.path(), &["man"]);
    let bash = run(folder.path(), &["completions", "bash"]);
    for command in ["demo", "serve", "message", "consent", "bench"] {
        assert!(man.out.contains(command) && bash.out.contains(command), "{command}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let ran = run(Path::new("."), &["version", "--json"]);
    assert_eq!(ran.json()["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_benchmark_measures_and_fails_nothing() {
    let folder = folder();
    for arguments in [
        &["bench", "map", "--seconds", "1", "--json"][..],
        &["bench", "door", "--seconds", "1", "--connections", "4", "--rate", "100", "--json"],
        &["bench", "persist", "--messages", "150", "--connections", "4", "--json"],
    ] {
        let ran = run(folder.path(), arguments);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let found = ran.json();
        assert!(found["rate"].as_f64() > Some(1.0) && found["p99_ms"].as_f64() >= found["p50_ms"].as_f64(), "{found}");
        assert_eq!(found["failed"], 0);
    }
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0, "nothing is left behind");
}

#[test]
fn the_mapping_of_one_s_own_messages_is_measured_by_domain() {
    let domains = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/two-kilobytes");
    let mut files: Vec<_> =
        fs::read_dir(&domains).expect("the messages").map(|file| file.expect("one").path()).collect();
    files.sort();
    let folder = folder();
    let ran = run(folder.path(), &["bench", "map", "--seconds", "1", "--json", domains.to_str().expect("UTF-8")]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let found = ran.json();
    assert!(found["failed"] == 0 && found["per_core"].as_f64() > Some(1.0), "{found}");
    let told =
        |name: &str| found["domains"].as_array().expect("domains").iter().find(|of| of["domain"] == name).cloned();
    for file in &files {
        let name = file.file_stem().expect("a name").to_str().expect("UTF-8");
        let size = fs::metadata(file).expect("a size").len();
        assert!((1_750..2_150).contains(&size), "{name} has {size} bytes");
        let of = told(name).unwrap_or_else(|| panic!("{name} is not mostly of its domain: {found}"));
        assert!(of["inputs"] == 1 && of["us"].as_f64() > Some(0.0), "{of}");
    }
    assert!(files.len() >= 17, "{}", files.len());
    let none = run(folder.path(), &["bench", "map", "nowhere"]);
    assert_eq!(none.code, Some(1), "{none:?}");
}

#[test]
fn check_online_dials_those_the_hub_would_dial() {
    let (folder, there) = (folder(), reserve().expect("a port"));
    let listener = std::net::TcpListener::bind(there).expect("a port");
    let config =
        format!("{FEED}senders = [\"any\"]\napplication_ack = \"separate\"\napplication_ack_to = \"{there}\"\n");
    fs::write(folder.path().join("causeway.toml"), config).expect("written");
    assert_eq!(run(folder.path(), &["check", "--online"]).code, Some(0));
    drop(listener);
    let gone = run(folder.path(), &["check", "--online", "--json"]);
    assert_eq!((gone.code, &gone.json()["ok"]), (Some(4), &false.into()), "{gone:?}");
    assert_eq!(run(folder.path(), &["check"]).code, Some(0), "offline nobody is dialled");
}
