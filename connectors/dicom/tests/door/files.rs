//! Files that come by no door: what becomes of them is what becomes of an instance by C-STORE.

use causeway_core::port::Freshness;
use causeway_dicom::config::{DicomFeedConfig, DicomLimits};
use causeway_dicom::status::Status;
use causeway_dicom::syntax::{Coding, DEFLATED, EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use causeway_dicom::write::ElementWriter;
use causeway_dicom::{Deposited, Importer, Undeposited};

use crate::support::{CT, Hub, feed, uid};
use crate::testing::{ct, deflated, file, file_of};

fn importer(hub: &Hub, change: impl FnOnce(&mut DicomFeedConfig)) -> Importer {
    let mut feed = feed("CT1");
    change(&mut feed);
    Importer::new(feed, DicomLimits::default(), hub.ports())
}

async fn take(importer: &Importer, bytes: &[u8]) -> Result<Deposited, Undeposited> {
    importer.take(&mut &bytes[..]).await.expect("readable")
}

#[tokio::test]
async fn a_file_is_kept_as_its_instance_is_and_known_again() {
    let hub = Hub::start().await;
    let importer = importer(&hub, |_| {});
    let plain = ct(Coding::EXPLICIT, "1.2.3", 300_000);
    let taken = take(&importer, &file(EXPLICIT_LITTLE, &plain)).await.expect("taken");
    assert_eq!((taken.names.sop_instance.as_str(), taken.study.as_str()), ("1.2.3", "1.2.3.100"));
    assert_eq!(taken.freshness, Freshness::New);
    let again = take(&importer, &file(EXPLICIT_LITTLE, &plain)).await.expect("taken");
    assert_eq!((again.freshness, hub.entries().len()), (Freshness::Resent, 1));
    let mut client = hub.client(&[(CT, &[EXPLICIT_LITTLE])]).await.expect("an association");
    let answer = client.store(&uid(CT), &uid("1.2.3"), &uid(EXPLICIT_LITTLE), &mut &plain[..]).await;
    assert_eq!(answer.expect("an answer").status, Some(0));
    // Another sender's, so another line of the log; but the same claim on the same file.
    assert_eq!((hub.entries().len(), hub.blob_count()), (2, 1));
    let digests: Vec<_> = hub.entries().iter().map(|entry| entry.envelope.digest).collect();
    assert_eq!(digests[0], digests[1]);

    let bare = ct(Coding::IMPLICIT, "1.2.4", 100);
    let squeezed = deflated(&ct(Coding::EXPLICIT, "1.2.5", 5000));
    take(&importer, &bare).await.expect("a bare data set");
    take(&importer, &file(DEFLATED, &squeezed)).await.expect("a deflated one");
    let claims = hub.claims();
    assert_eq!(claims.len(), 4);
    for (claim, bytes, syntax) in
        [(&claims[0], &plain, EXPLICIT_LITTLE), (&claims[2], &bare, IMPLICIT_LITTLE), (&claims[3], &squeezed, DEFLATED)]
    {
        assert!(hub.data_set(claim) == *bytes, "{syntax}");
        assert_eq!(claim.transfer_syntax.as_str(), syntax);
    }
    assert_eq!(hub.entries()[0].envelope.kind, "IMPORT");
}

#[tokio::test]
async fn what_is_no_instance_is_refused_with_its_names_and_leaves_nothing() {
    let hub = Hub::start().await;
    let importer = importer(&hub, |feed| feed.instance_bytes_max = 200_000);
    let whole = file(EXPLICIT_LITTLE, &ct(Coding::EXPLICIT, "1.2.3", 100_000));
    let mut bad_name = ElementWriter::new(Coding::EXPLICIT);
    bad_name = bad_name.text(causeway_core::dicom::tag::SOP_CLASS_UID, *b"UI", CT).text(
        causeway_core::dicom::tag::SOP_INSTANCE_UID,
        *b"UI",
        "../../etc/x",
    );
    let refused = [
        (whole[..whole.len() / 2].to_vec(), Status::CANNOT_UNDERSTAND, true),
        (b"%PDF-1.7 and so on".to_vec(), Status::CANNOT_UNDERSTAND, false),
        (Vec::new(), Status::CANNOT_UNDERSTAND, false),
        (file(EXPLICIT_LITTLE, &ct(Coding::EXPLICIT, "1.2.3", 300_000)), Status::OUT_OF_RESOURCES, true),
        (file(EXPLICIT_LITTLE, &bad_name.bytes()), Status::INVALID_INSTANCE, false),
        (file(EXPLICIT_LITTLE, &[0; 300_000]), Status::CANNOT_UNDERSTAND, false),
        (
            file_of("1.2.840.10008.1.3.10", EXPLICIT_LITTLE, &ct(Coding::EXPLICIT, "1.2.3", 0)),
            Status::CLASS_NOT_SUPPORTED,
            true,
        ),
    ];
    for (bytes, status, named) in refused {
        let not = take(&importer, &bytes).await.expect_err("refused");
        assert_eq!((not.refusal.status, not.names.is_some(), not.later), (status, named, false), "{not:?}");
    }
    assert_eq!((hub.entries().len(), hub.blob_count(), hub.unfinished()), (0, 0, 0));
}
