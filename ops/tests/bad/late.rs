//! What comes twice, late, or before what it belongs to.

use super::hub::{Person, header, hub};
use super::meaning::{result, take, visit};

#[test]
fn r48_the_same_content_under_another_control_id_is_stored_and_changes_nothing() {
    let (hub, person) = (hub(), Person(1));
    assert_eq!(take(&hub, "r48-1", &visit("r48-1", "A01", "20260301100000", person, "W1")), "accepted");
    let before = hub.history(person);
    assert_eq!(take(&hub, "r48-2", &visit("r48-2", "A01", "20260301100000", person, "W1")), "accepted");
    assert_eq!(hub.history(person), before, "no second record, and no second version of one");
    let told = hub.outcome("r48-2");
    let count = |what: &str| told["records"][what].as_u64().expect("a number");
    assert_eq!((count("created"), count("updated"), count("late")), (0, 0, 0), "{told}");
    assert!(count("unchanged") > 0, "stored as a message of its own, and it says so: {told}");
}

#[test]
fn r50_an_old_message_that_comes_late_never_overwrites_what_is_newer() {
    let (hub, person) = (hub(), Person(2));
    assert_eq!(take(&hub, "r50-new", &visit("r50-new", "A08", "20260601100000", person, "WNEW")), "accepted");
    assert_eq!(take(&hub, "r50-old", &visit("r50-old", "A08", "20260301100000", person, "WOLD")), "accepted");
    let record = hub.record(person);
    assert!(record.contains("WNEW") && !record.contains("WOLD"), "{record}");
    assert!(hub.history(person).contains("WOLD"), "what it says is kept as history");
    assert!(hub.outcome("r50-old")["records"]["late"].as_u64().is_some_and(|late| late > 0), "and told as late");
    // Under another number, so that the log cannot know it, as when its first entry is gone: the newer one stays.
    assert_eq!(take(&hub, "r50-again", &visit("r50-again", "A08", "20260301100000", person, "WOLD")), "accepted");
    assert_eq!(hub.record(person), record);
}

#[test]
fn r51_messages_out_of_their_natural_order_are_taken_as_they_come() {
    let (hub, person) = (hub(), Person(3));
    assert_eq!(take(&hub, "r51-a03", &visit("r51-a03", "A03", "20260305100000", person, "W3")), "accepted");
    assert_eq!(take(&hub, "r51-a01", &visit("r51-a01", "A01", "20260301100000", person, "W3")), "accepted");
    let record = hub.record(person);
    assert!(record.contains("finished") && !record.contains("in-progress"), "the discharge stays: {record}");

    // An update before its admission, and a result before its order: what is missing is no reason to refuse.
    let other = Person(22);
    assert_eq!(take(&hub, "r51-a08", &visit("r51-a08", "A08", "20260302100000", other, "W22")), "accepted");
    assert_eq!(take(&hub, "r51-late", &visit("r51-late", "A01", "20260301100000", other, "W0")), "accepted");
    let early = result("r51-oru", "20260301110000", other, "F", "NM", "6.5");
    assert_eq!(take(&hub, "r51-oru", &early), "accepted", "nobody ordered it yet");
    let record = hub.record(other);
    assert!(record.contains("W22") && !record.contains("\"W0\"") && record.contains("\"value\":6.5"), "{record}");
}

#[test]
fn r51_what_a_result_belongs_to_and_nobody_told_of_yet_has_a_place_that_is_filled_when_it_is_told() {
    let (hub, person) = (hub(), Person(23));
    let visit_line = "PV1|1|I|W23^01^1^QMH||||||||||||||||HN26000023A\rOBR|1";
    let early = result("r51-first", "20260301110000", person, "F", "NM", "6.5").replace("OBR|1", visit_line);
    assert_eq!(take(&hub, "r51-first", &early), "accepted");
    let of_kind = |kind: &str| -> Vec<serde_json::Value> {
        let rows = hub.record(person);
        let rows = rows.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        rows.map(|row| row["resource"].clone()).filter(|resource| resource["resourceType"] == kind).collect()
    };
    // The visit: a record with what the result says of it. The order: its number, to be found by.
    let (visits, reports) = (of_kind("Encounter"), of_kind("DiagnosticReport"));
    assert_eq!((visits.len(), reports.len(), of_kind("ServiceRequest").len()), (1, 1, 0));
    let place = format!("Encounter/{}", visits[0]["id"].as_str().expect("an id"));
    assert_eq!(reports[0]["encounter"]["reference"], place);
    let number = reports[0]["basedOn"][0]["identifier"].clone();
    assert_eq!(number["value"], "P-23");

    let order = format!(
        "{}{}ORC|NW|P-23|F-23||||||20260301070000+0800\rOBR|1|P-23|F-23|2345-7^Glucose^LN\r",
        header("r51-order", "OML^O21^OML_O21"),
        person.pid()
    );
    assert_eq!(take(&hub, "r51-order", &order), "accepted");
    assert_eq!(take(&hub, "r51-in", &visit("r51-in", "A01", "20260301113000", person, "W23B")), "accepted");
    let (visits, orders) = (of_kind("Encounter"), of_kind("ServiceRequest"));
    assert_eq!((visits.len(), orders.len()), (1, 1), "filled, and no second one beside it");
    assert_eq!(place, format!("Encounter/{}", visits[0]["id"].as_str().expect("an id")));
    assert!(visits[0].to_string().contains("W23B") && visits[0]["period"]["start"].is_string(), "{}", visits[0]);
    let numbers = orders[0]["identifier"].as_array().expect("numbers");
    assert!(numbers.contains(&number), "the report leads to it: {numbers:?}");
}
