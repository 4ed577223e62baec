//! Instances that come in: what is kept, what is claimed, and what a second one does.

use causeway_core::dicom::tag;
use causeway_core::envelope::Format;
use causeway_core::port::BlobStore as _;
use causeway_dicom::syntax::{Coding, DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE};

use crate::support::{CT, Hub, VERIFICATION, eventually, uid};
use crate::testing::{ct, deflated, encapsulated, header};

#[tokio::test]
async fn an_instance_of_every_coding_is_kept_byte_for_byte_and_claimed() {
    let mut hub = Hub::start().await;
    let private = "1.3.46.670589.33.1.4.1";
    let sent = [
        (IMPLICIT_LITTLE, "1.1", ct(Coding::IMPLICIT, "1.1", 5000)),
        (EXPLICIT_LITTLE, "1.2", ct(Coding::EXPLICIT, "1.2", 300_000)),
        (EXPLICIT_BIG, "1.3", ct(Coding::BIG, "1.3", 5000)),
        (DEFLATED, "1.4", deflated(&ct(Coding::EXPLICIT, "1.4", 5000))),
        ("1.2.840.10008.1.2.4.90", "1.5", encapsulated("1.5", &[b"frame 1.", b"frame 2!"])),
        (private, "1.6", ct(Coding::EXPLICIT, "1.6", 0)),
    ];
    let syntaxes: Vec<[&str; 1]> = sent.iter().map(|(syntax, ..)| [*syntax]).collect();
    let contexts: Vec<(&str, &[&str])> = syntaxes.iter().map(|syntax| (CT, &syntax[..])).collect();
    let mut client = hub.client(&contexts).await.expect("an association");
    for (syntax, instance, bytes) in &sent {
        let answer = client.store(&uid(CT), &uid(instance), &uid(syntax), &mut &bytes[..]).await.expect("an answer");
        assert_eq!((answer.status, answer.answers), (Some(0), client.next_id() - 1), "{syntax}");
        client.next_id();
    }
    client.release().await.expect("released");

    let (entries, claims) = (hub.entries(), hub.claims());
    assert_eq!(claims.len(), sent.len());
    for ((syntax, instance, bytes), (claim, entry)) in sent.iter().zip(claims.iter().zip(&entries)) {
        assert!(hub.data_set(claim) == *bytes, "{syntax}");
        assert_eq!((claim.sop_instance.as_str(), claim.transfer_syntax.as_str()), (*instance, *syntax));
        assert_eq!((claim.study.as_str(), claim.series.as_str()), ("1.2.3.100", "1.2.3.100.1"));
        assert_eq!((claim.plain(tag::ACCESSION_NUMBER).as_str(), claim.short(tag::ROWS)), ("RAD-1", Some(4)));
        let envelope = &entry.envelope;
        assert_eq!(
            (envelope.format, envelope.sender.as_str(), envelope.kind.as_str()),
            (Format::Dicom, "CT1", "C-STORE")
        );
        assert_eq!((envelope.control_id.as_str(), envelope.patient_key.expose().as_str()), (*instance, "|H2001"));
    }
    assert_eq!(hub.numbers.get("dicom_instances_total[\"pacs\", \"stored\"]"), 6.0);
    assert_eq!(hub.stop().await.cut, 0);
    assert_eq!(hub.numbers.get("dicom_associations_total[\"pacs\", \"released\"]"), 1.0);
}

#[tokio::test]
async fn catalogue_136_the_same_instance_again_is_taken_and_has_no_second_effect() {
    let hub = Hub::start().await;
    let bytes = ct(Coding::EXPLICIT, "1.2.3", 100);
    for _ in 0..3 {
        let mut client = hub.client(&[(CT, &[EXPLICIT_LITTLE])]).await.expect("an association");
        let answer = client.store(&uid(CT), &uid("1.2.3"), &uid(EXPLICIT_LITTLE), &mut &bytes[..]).await;
        assert_eq!(answer.expect("an answer").status, Some(0));
    }
    assert_eq!((hub.entries().len(), hub.blob_count()), (1, 1));
    assert_eq!(hub.numbers.get("messages_duplicate_total[\"pacs\"]"), 2.0);
    assert_eq!(hub.numbers.get("dicom_conflicts_total[\"pacs\"]"), 0.0);
}

#[tokio::test]
async fn catalogue_137_another_instance_under_a_used_uid_is_kept_beside_the_first_and_reported() {
    let hub = Hub::start().await;
    let first = ct(Coding::EXPLICIT, "1.2.3", 100);
    let second = ct(Coding::EXPLICIT, "1.2.3", 102);
    let mut client = hub.client(&[(CT, &[EXPLICIT_LITTLE])]).await.expect("an association");
    for bytes in [&first, &second, &first] {
        let answer = client.store(&uid(CT), &uid("1.2.3"), &uid(EXPLICIT_LITTLE), &mut &bytes[..]).await;
        assert_eq!(answer.expect("an answer").status, Some(0));
    }
    let claims = hub.claims();
    assert!(claims.iter().map(|claim| hub.data_set(claim)).collect::<Vec<_>>() == [first, second]);
    assert_eq!(hub.entries().iter().map(|entry| entry.control_id_reused).collect::<Vec<_>>(), [false, true]);
    assert_eq!(hub.numbers.get("dicom_conflicts_total[\"pacs\"]"), 1.0);
}

#[tokio::test]
async fn catalogue_137_a_sender_may_be_told_that_it_used_a_uid_twice_and_both_are_kept() {
    let hub = Hub::with(|door| door.feeds[0].on_conflict = causeway_dicom::config::OnConflict::Duplicate).await;
    let mut client = hub.client(&[(CT, &[EXPLICIT_LITTLE])]).await.expect("an association");
    for (bytes, status) in [(100, 0), (102, 0x0111), (100, 0)] {
        let bytes = ct(Coding::EXPLICIT, "1.2.3", bytes);
        let answer = client.store(&uid(CT), &uid("1.2.3"), &uid(EXPLICIT_LITTLE), &mut &bytes[..]).await;
        assert_eq!(answer.expect("an answer").status, Some(status));
    }
    assert_eq!((hub.entries().len(), hub.blob_count()), (2, 2));
    assert_eq!(hub.numbers.get("dicom_conflicts_total[\"pacs\"]"), 1.0);
    assert_eq!(hub.numbers.get("dicom_instances_total[\"pacs\", \"duplicate\"]"), 1.0);
}

#[tokio::test]
async fn what_is_not_what_its_command_says_is_refused_and_leaves_nothing() {
    let hub = Hub::start().await;
    let mut client = hub.client(&[(CT, &[EXPLICIT_LITTLE]), (VERIFICATION, &[IMPLICIT_LITTLE])]).await.expect("open");
    let whole = ct(Coding::EXPLICIT, "1.2.3", 100);
    let no_study = causeway_dicom::write::ElementWriter::new(Coding::EXPLICIT)
        .text(tag::SOP_CLASS_UID, *b"UI", CT)
        .text(tag::SOP_INSTANCE_UID, *b"UI", "1.2.3")
        .bytes();
    let path = causeway_dicom::write::ElementWriter::new(Coding::EXPLICIT)
        .text(tag::SOP_CLASS_UID, *b"UI", CT)
        .text(tag::SOP_INSTANCE_UID, *b"UI", "1.2.3")
        .text(tag::STUDY_INSTANCE_UID, *b"UI", "../../etc/passwd")
        .bytes();
    for (instance, bytes, status, what) in [
        ("1.2.4", &whole[..], 0xA900, "another instance"),
        ("1.2.3", &whole[..whole.len() - 2], 0xC000, "cut short"),
        ("1.2.3", &no_study[..], 0xC000, "no study"),
        ("1.2.3", &path[..], 0xC000, "catalogue 134: a path as a study"),
        ("1.2.3", b"PK\x03\x04 something else altogether", 0xC000, "no data set"),
        ("1.2.3", b"", 0xC000, "nothing"),
    ] {
        let answer = client.store(&uid(CT), &uid(instance), &uid(EXPLICIT_LITTLE), &mut &bytes[..]).await;
        assert_eq!(answer.expect(what).status, Some(status), "{what}");
    }
    // The association goes on, and so does the door.
    assert_eq!(client.echo().await.expect("an answer"), 0);
    let answer = client.store(&uid(CT), &uid("1.2.3"), &uid(EXPLICIT_LITTLE), &mut &whole[..]).await;
    assert_eq!(answer.expect("an answer").status, Some(0));
    assert_eq!((hub.entries().len(), hub.blob_count(), hub.unfinished()), (1, 1, 0));
}

#[tokio::test]
async fn catalogue_139_names_that_mean_something_to_a_shell_are_text() {
    let hub = Hub::start().await;
    let bytes = header(Coding::EXPLICIT, "1.2.3").bytes();
    let evil = b"`touch /tmp/x`;$(id)|rm -rf ~ ";
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(text.contains("H2001"));
    let bytes = causeway_dicom::write::ElementWriter::new(Coding::EXPLICIT)
        .text(tag::SOP_CLASS_UID, *b"UI", CT)
        .text(tag::SOP_INSTANCE_UID, *b"UI", "1.2.3")
        .raw(tag::PATIENT_ID, *b"LO", evil)
        .text(tag::STUDY_INSTANCE_UID, *b"UI", "1.2")
        .text(tag::SERIES_INSTANCE_UID, *b"UI", "1.2.1")
        .bytes();
    let mut client = hub.client(&[(CT, &[EXPLICIT_LITTLE])]).await.expect("an association");
    let answer = client.store(&uid(CT), &uid("1.2.3"), &uid(EXPLICIT_LITTLE), &mut &bytes[..]).await;
    assert_eq!(answer.expect("an answer").status, Some(0));
    assert_eq!(hub.claims()[0].value(tag::PATIENT_ID).as_deref(), Some(&evil[..]));
}

#[tokio::test]
async fn a_client_that_dies_in_the_middle_of_an_instance_leaves_nothing_behind() {
    use crate::support::{store_command, unit, value};
    let hub = Hub::start().await;
    let mut raw = hub.raw_open().await;
    raw.send(&unit(4, &value(1, 3, &store_command(CT, "1.2.3")))).await;
    let bytes = ct(Coding::EXPLICIT, "1.2.3", 300_000);
    raw.send(&unit(4, &value(1, 0, &bytes[..80_000]))).await;
    raw.send(&unit(4, &value(1, 0, &bytes[80_000..160_000]))).await;
    eventually("the instance is on its way", || hub.unfinished() == 1).await;
    drop(raw);
    eventually("the association is over", || hub.numbers.get("dicom_associations_total[\"pacs\", \"lost\"]") == 1.0)
        .await;
    eventually("nothing is left", || hub.unfinished() == 0).await;
    assert_eq!((hub.entries().len(), hub.blob_count()), (0, 0));
}

#[tokio::test]
async fn a_stop_lets_the_instance_be_finished_and_then_ends_the_association() {
    use crate::support::{status, store_command, unit, value};
    let mut hub = Hub::start().await;
    let mut raw = hub.raw_open().await;
    let bytes = ct(Coding::EXPLICIT, "1.2.3", 200_000);
    raw.send(&unit(4, &value(1, 3, &store_command(CT, "1.2.3")))).await;
    raw.send(&unit(4, &value(1, 0, &bytes[..80_000]))).await;
    raw.send(&unit(4, &value(1, 0, &bytes[80_000..160_000]))).await;
    eventually("the instance is on its way", || hub.unfinished() == 1).await;
    let rest = async {
        raw.send(&unit(4, &value(1, 2, &bytes[160_000..]))).await;
        let (kind, body) = raw.unit().await.expect("an answer");
        assert_eq!((kind, status(&body)), (4, 0));
        assert_eq!(raw.unit().await.expect("an abort").0, 7);
    };
    let (drained, ()) = tokio::join!(hub.stop(), rest);
    assert_eq!(drained.cut, 0);
    assert_eq!(hub.entries().len(), 1);
    assert!(hub.blobs.size(&hub.claims()[0].blob).expect("readable").is_some());
}
