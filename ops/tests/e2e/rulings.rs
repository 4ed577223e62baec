//! What operators rule about images, through the real binary: hidden from every reader, shown again, deleted for good; and that a
//! repository built again from the log obeys.

use serde_json::{Value, json};

use super::conflicts::{STUDY, YEUNG, another, finds, found, record, safe, slice, start};
use super::hub::{Hub, Ran, until};
use super::images::blobs;
use super::reading::{TOKEN, ask};

fn image(hub: &Hub, arguments: &[&str]) -> Ran {
    hub.run(&[&["--json", "image"], arguments].concat())
}

/// What a ruling that is carried out tells.
fn rule(hub: &Hub, verb: &str, uid: &str, why: &str) -> Value {
    let yes: &[&str] = if verb == "delete" { &["--yes"] } else { &[] };
    let ran = image(hub, &[&[verb, uid, "--reason", why], yes].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.json()
}

fn address(number: u16) -> String {
    format!("/dicomweb/studies/{STUDY}/series/{STUDY}.1/instances/{STUDY}.1.{number}")
}

fn status(hub: &Hub, path: &str) -> u16 {
    ask(hub, path, "*/*", Some(TOKEN)).status
}

/// The messages that brought an instance, with what became of each.
fn messages(hub: &Hub, uid: &str, count: usize) -> Vec<Value> {
    let all = until(|| {
        let listed = hub.run(&["--json", "message", "list"]).lines();
        let of_uid: Vec<Value> = listed.into_iter().filter(|message| message["control_id"] == uid).collect();
        (of_uid.len() == count).then_some(of_uid)
    });
    all.unwrap_or_else(|| panic!("{:?}", hub.run(&["message", "list"])))
}

#[test]
fn what_an_operator_rejects_no_reader_finds_until_it_is_restored() {
    let (mut hub, port) = start("");
    for number in [1, 2, 3] {
        safe(&hub, port, &slice(YEUNG, number));
    }
    finds(&hub, &[1, 2, 3]);
    assert_eq!(status(&hub, &address(1)), 200);
    let one = format!("{STUDY}.1.1");
    let preview = image(&hub, &["reject", &one, "--reason", "blurred", "--preview"]).json();
    assert_eq!((&preview["changes"], &preview["done"], &preview["hidden"]), (&json!(true), &json!(false), &json!(1)));
    assert_eq!(found(&hub), [1, 2, 3], "a preview changes nothing");

    let rejected = rule(&hub, "reject", &one, "blurred");
    assert_eq!(
        (&rejected["done"], &rejected["hidden"], &rejected["studies"]),
        (&json!(true), &json!(1), &json!([STUDY]))
    );
    assert_eq!(found(&hub), [2, 3]);
    for rest in ["", "/metadata", "/frames/1", "/rendered"] {
        assert_eq!(status(&hub, &format!("{}{rest}", address(1))), 404, "{rest}");
    }
    assert_eq!(record(&hub, "1").expect("a study")["numberOfInstances"], 2);
    let page = ask(&hub, &format!("/en/studies/{STUDY}"), "text/html", Some(TOKEN));
    let page = String::from_utf8_lossy(&page.body).into_owned();
    assert!(
        page.contains(&format!("/instances/{STUDY}.1.2")) && !page.contains(&format!("/instances/{one}")),
        "{page}"
    );
    // Another content under the same UID is hidden when it comes.
    safe(&hub, port, &another(YEUNG, 1));
    messages(&hub, &one, 2);
    assert_eq!(found(&hub), [2, 3]);
    let again = rule(&hub, "reject", &one, "again");
    assert_eq!((&again["done"], &again["former"]["reason"]), (&json!(false), &json!("blurred")));
    assert_eq!(blobs(&hub), 4, "everything is kept");

    let restored = rule(&hub, "restore", &one, "it was the screen");
    assert_eq!((&restored["done"], &restored["shown"]), (&json!(true), &json!(1)), "the first of both");
    assert_eq!((found(&hub), status(&hub, &address(1))), (vec![1, 2, 3], 200));
    let before = record(&hub, "1").expect("a study");

    // All of the study.
    assert_eq!(rule(&hub, "reject", STUDY, "of somebody else")["hidden"], 3);
    assert_eq!((found(&hub), record(&hub, "1")), (vec![], None));
    assert_eq!(status(&hub, &format!("/en/studies/{STUDY}")), 404);
    // The log tells nothing of it; the repository that is built again obeys.
    assert_eq!(hub.stop(), Some(0));
    let rebuilt = hub.run(&["--json", "db", "rebuild", "--yes"]);
    assert_eq!((rebuilt.code, &rebuilt.json()["same"]), (Some(0), &json!(true)), "{rebuilt:?}");
    hub.start();
    assert_eq!((found(&hub), record(&hub, "1")), (vec![], None));
    rule(&hub, "restore", STUDY, "it was theirs");
    assert_eq!((found(&hub), record(&hub, "1")), (vec![1, 2, 3], Some(before)));

    let listed = image(&hub, &["rulings", "--uid", &one]).lines();
    let said: Vec<(&str, &str)> = listed
        .iter()
        .map(|row| (row["verdict"].as_str().expect("a verdict"), row["reason"].as_str().expect("a reason")))
        .collect();
    assert_eq!(said, [("restored", "it was the screen"), ("rejected", "blurred")]);
    assert!(listed[0]["by"].as_str().expect("who").starts_with("cli:"), "{listed:?}");
    let audited = hub.run(&["--json", "audit", "find", "--action", "image-reject"]).lines();
    assert_eq!(audited.len(), 2, "{audited:?}");

    let unknown = image(&hub, &["reject", "1.2.840.99999.404", "--reason", "x"]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(unknown.err.contains("causeway message trace"), "it says how to go on: {unknown:?}");
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn what_an_operator_deletes_stays_away_when_it_comes_again_and_after_a_rebuild() {
    let (mut hub, port) = start("");
    for number in [1, 2] {
        safe(&hub, port, &slice(YEUNG, number));
    }
    finds(&hub, &[1, 2]);
    let one = format!("{STUDY}.1.1");
    let preview = image(&hub, &["delete", &one, "--reason", "wrong patient"]);
    assert!(preview.err.contains("CW0104"), "{preview:?}");
    assert_eq!((&preview.json()["deleted"], found(&hub)), (&json!(1), vec![1, 2]), "nothing without --yes");
    assert_eq!(rule(&hub, "delete", &one, "wrong patient")["deleted"], 1);
    assert_eq!((found(&hub), status(&hub, &address(1))), (vec![2], 404));
    assert_eq!(record(&hub, "1").expect("a study")["numberOfInstances"], 1);
    let message = &messages(&hub, &one, 1)[0];
    assert_eq!((&message["state"], &message["reason"]), (&json!("discarded"), &json!("IMAGE_DELETED")));
    let traced = hub.run(&["--json", "message", "trace", &one]);
    assert!(traced.out.contains("wrong patient") && traced.out.contains("cli:"), "who and why: {traced:?}");
    assert_eq!(hub.run(&["--json", "audit", "find", "--action", "image-delete"]).lines().len(), 1);

    // The same again, and another content under the UID.
    safe(&hub, port, &slice(YEUNG, 1));
    safe(&hub, port, &another(YEUNG, 1));
    for message in messages(&hub, &one, 2) {
        assert_eq!((&message["state"], &message["reason"]), (&json!("discarded"), &json!("IMAGE_DELETED")));
    }
    let replayed = hub.run(&["message", "replay", &one, "--yes"]);
    assert_eq!((replayed.code, found(&hub)), (Some(0), vec![2]), "{replayed:?}");
    assert_eq!(rule(&hub, "delete", &one, "again")["done"], false);
    assert_eq!(blobs(&hub), 3, "the pixels stay as long as the log has them");

    assert_eq!(hub.stop(), Some(0));
    let rebuilt = hub.run(&["--json", "db", "rebuild", "--yes"]);
    assert_eq!((rebuilt.code, &rebuilt.json()["same"]), (Some(0), &json!(true)), "{rebuilt:?}");
    hub.start();
    assert_eq!((found(&hub), status(&hub, &address(1))), (vec![2], 404));
    // All of it is taken back: it is theirs after all.
    let restored = rule(&hub, "restore", &one, "theirs after all");
    assert_eq!((&restored["done"], found(&hub)), (&json!(true), vec![2]), "nothing comes by itself");
    let replayed = hub.run(&["message", "replay", &one, "--yes"]);
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
    finds(&hub, &[1, 2]);
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn the_pixels_of_a_deleted_image_go_with_the_log_and_those_of_a_rejected_one_stay() {
    let (mut hub, port) = start("");
    assert_eq!(hub.stop(), Some(0));
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written");
    let text = text.replace("retention_age = \"30d\"", "retention_age = \"3s\"");
    std::fs::write(&file, text + "\n[log]\nprune_interval = \"1s\"\n[blobs]\nsweep_age = \"10s\"\n").expect("written");
    hub.start();
    for number in [1, 2, 3] {
        safe(&hub, port, &slice(YEUNG, number));
    }
    finds(&hub, &[1, 2, 3]);
    rule(&hub, "reject", &format!("{STUDY}.1.2"), "blurred");
    rule(&hub, "delete", &format!("{STUDY}.1.1"), "wrong patient");
    // All slices have the same pixels, but not the same header: three files.
    until(|| (blobs(&hub) == 2).then_some(())).unwrap_or_else(|| panic!("{} stayed", blobs(&hub)));
    rule(&hub, "restore", &format!("{STUDY}.1.2"), "not so bad");
    assert_eq!((found(&hub), status(&hub, &address(2))), (vec![2, 3], 200), "it is there with its pixels");
    // The same bytes come again when the log has forgotten them: they are deleted, until that is taken back.
    safe(&hub, port, &slice(YEUNG, 1));
    let came = messages(&hub, &format!("{STUDY}.1.1"), 2);
    assert!(came.iter().all(|message| message["reason"] == "IMAGE_DELETED"), "{came:?}");
    rule(&hub, "restore", &format!("{STUDY}.1.1"), "theirs after all");
    assert_eq!(found(&hub), [2, 3], "nothing comes by itself");
    assert_eq!(hub.stop(), Some(0));
}
