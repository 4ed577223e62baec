//! Rejection notes in every coding, and those that cannot be followed.

use super::*;

/// An element, in this coding; of a representation with a short length, or a sequence.
fn element(coding: Coding, tag: Tag, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let short = |number: u16| if coding.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
    let length = u32::try_from(value.len()).expect("short");
    let long = if coding.big_endian { length.to_be_bytes() } else { length.to_le_bytes() };
    let head = [short(tag.0), short(tag.1)].concat();
    let length = match (coding.explicit, vr) {
        (false, _) => long.to_vec(),
        (true, b"SQ") => [&vr[..], &[0, 0], &long].concat(),
        (true, _) => [&vr[..], &short(u16::try_from(length).expect("short"))].concat(),
    };
    [head, length, value.to_vec()].concat()
}

fn sequence(coding: Coding, tag: Tag, items: &[Vec<u8>]) -> Vec<u8> {
    // An item has no representation in any coding.
    let bare = Coding { explicit: false, ..coding };
    let items: Vec<u8> = items.iter().flat_map(|item| element(bare, tag::ITEM, b"  ", item)).collect();
    element(coding, tag, b"SQ", &items)
}

fn uid_of(coding: Coding, tag: Tag, uid: &str) -> Vec<u8> {
    let padded = if uid.len().is_multiple_of(2) { uid.to_owned() } else { format!("{uid}\0") };
    element(coding, tag, b"UI", padded.as_bytes())
}

/// A Key Object Selection Document of this title that names these instances, by study and series.
fn key_objects(code: &str, scheme: &str, coding: Coding, named: &[(&str, &str, &[&str])]) -> Vec<u8> {
    let even = |text: &str| format!("{text:width$}", width = text.len().next_multiple_of(2));
    let title = [
        element(coding, Tag(0x0008, 0x0100), b"SH", even(code).as_bytes()),
        element(coding, Tag(0x0008, 0x0102), b"SH", even(scheme).as_bytes()),
    ];
    let study = |(study, series, instances): &(&str, &str, &[&str])| {
        let named: Vec<Vec<u8>> = instances.iter().map(|uid| uid_of(coding, Tag(0x0008, 0x1155), uid)).collect();
        let series = [sequence(coding, Tag(0x0008, 0x1199), &named), uid_of(coding, tag::SERIES_INSTANCE_UID, series)];
        let series = sequence(coding, Tag(0x0008, 0x1115), &[series.concat()]);
        [series, uid_of(coding, tag::STUDY_INSTANCE_UID, study)].concat()
    };
    let studies: Vec<Vec<u8>> = named.iter().map(study).collect();
    [sequence(coding, Tag(0x0040, 0xA043), &[title.concat()]), sequence(coding, Tag(0x0040, 0xA375), &studies)].concat()
}

fn document(bytes: &[u8], syntax: &str) -> Claim {
    let uid = |text: &str| Uid::parse(text).expect("a uid");
    let (sop_class, transfer_syntax) = (uid("1.2.840.10008.5.1.4.1.1.88.59"), uid(syntax));
    Claim { sop_class, transfer_syntax, extract: Some(extract(bytes)), ..claim(&[(tag::MODALITY, b"KO")]) }
}

#[test]
fn a_rejection_note_is_known_by_its_title_in_every_coding() {
    for (coding, syntax) in [
        (Coding::EXPLICIT, "1.2.840.10008.1.2.1"),
        (Coding::IMPLICIT, "1.2.840.10008.1.2"),
        (Coding::BIG, "1.2.840.10008.1.2.2"),
    ] {
        let named: &[(&str, &str, &[&str])] = &[("1.2.3", "1.2.3.1", &["1.2.3.1.1", "1.2.3.1.2"])];
        for code in ["113001", "113037", "113038", "113039"] {
            let mapped = map(&document(&key_objects(code, "DCM", coding, named), syntax), feed());
            let rejects = mapped.instance.expect("an instance").change.rejects.expect("a rejection");
            assert_eq!(rejects.code, code, "{syntax}");
            let named: Vec<&str> = rejects.instances.iter().map(|(_, instance)| instance.as_str()).collect();
            assert_eq!(named, ["1.2.3.1.1", "1.2.3.1.2"], "{syntax}");
        }
        for (code, scheme) in [("113000", "DCM"), ("113001", "99OURS")] {
            let mapped = map(&document(&key_objects(code, scheme, coding, named), syntax), feed());
            assert_eq!(mapped.instance.expect("an instance").change.rejects, None, "{code} {scheme}");
        }
    }
}

#[test]
fn a_note_that_names_other_studies_says_that_it_does_not_reach_them() {
    let named: &[(&str, &str, &[&str])] = &[("1.9", "1.9.1", &["1.9.1.1"])];
    let bytes = key_objects("113001", "DCM", Coding::EXPLICIT, named);
    let mapped = map(&document(&bytes, "1.2.840.10008.1.2.1"), feed());
    let rejects = mapped.instance.expect("an instance").change.rejects.expect("a rejection");
    assert!(rejects.instances.is_empty());
    let notes: Vec<&str> = mapped.notes.iter().map(|note| note.code.as_str()).collect();
    assert_eq!(notes, ["rejection-elsewhere", "rejection-empty"]);
}

#[test]
fn key_objects_that_cannot_be_read_wait_rather_than_hide_nothing() {
    let cut = Claim { extract: None, ..document(b"", "1.2.840.10008.1.2.1") };
    let mapped = map(&cut, feed());
    assert_eq!((mapped.records.len(), mapped.faults[0].reason), (0, Reason::Unmappable));
    assert_eq!(mapped.faults[0].place, "(0040,A375)");
}

#[test]
fn an_instance_says_when_it_came_and_whether_its_feed_corrects() {
    let change = map(&claim(&[]), feed()).instance.expect("an instance").change;
    assert!(change.received_at.is_some() && !change.corrects);
    let corrections = FeedSettings { corrections: true, ..feed() };
    assert!(map(&claim(&[]), corrections).instance.expect("an instance").change.corrects);
}
