//! Bounds: of associations, of time, of size, and of what stands behind the door.

use std::time::Duration;

use causeway_dicom::client::ClientError;
use causeway_dicom::pdu::Rejection;
use causeway_dicom::syntax::{Coding, EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use causeway_storage::blob::folder_settings::FolderBlobSettings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::support::{CT, Hub, PATIENCE, VERIFICATION, eventually, status, store_command, uid, unit, value};
use crate::testing::ct;

#[tokio::test]
async fn catalogue_124_associations_beyond_the_limit_are_rejected_for_now_and_taken_when_one_is_over() {
    let hub = Hub::with(|config| config.limits.associations_per_peer_max = 3).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(hub.client(&[(VERIFICATION, &[IMPLICIT_LITTLE])]).await.expect("room"));
    }
    let beyond = hub.client(&[(VERIFICATION, &[IMPLICIT_LITTLE])]).await.expect_err("no room");
    assert!(matches!(beyond, ClientError::Rejected(Rejection::LIMIT)), "{beyond}");
    let there_are = |number: f64| hub.numbers.get("feed_connections[\"pacs\", \"dicom\"]") == number;
    eventually("three are there", || there_are(3.0)).await;
    drop(open.pop());
    eventually("one is over", || there_are(2.0)).await;
    let mut client = hub.client(&[(VERIFICATION, &[IMPLICIT_LITTLE])]).await.expect("room again");
    assert_eq!(client.echo().await.expect("an answer"), 0);
}

#[tokio::test]
async fn a_peer_at_its_limit_has_room_as_soon_as_its_release_is_answered() {
    let hub = Hub::with(|config| config.limits.associations_per_peer_max = 1).await;
    for _ in 0..100 {
        let client = hub.client(&[(VERIFICATION, &[IMPLICIT_LITTLE])]).await.expect("room");
        client.release().await.expect("released");
    }
}

#[tokio::test]
async fn catalogue_124_connections_that_say_nothing_are_closed_in_time() {
    let hub = Hub::with(|config| config.limits.association_timeout = Duration::from_millis(50)).await;
    let mut silent = hub.raw().await;
    let mut slow = hub.raw().await;
    slow.send(&[1, 0, 0]).await;
    silent.aborted(2, 0).await;
    slow.aborted(2, 0).await;
    // An association that says nothing, and one that stops in the middle of an instance.
    let hub = Hub::with(|config| {
        config.limits.idle_timeout = Duration::from_millis(50);
        config.limits.read_timeout = Duration::from_millis(50);
    })
    .await;
    let mut idle = hub.raw_open().await;
    idle.aborted(2, 0).await;
    let mut stuck = hub.raw_open().await;
    stuck.send(&unit(4, &value(1, 3, &store_command(CT, "1.2.3")))).await;
    stuck.aborted(2, 0).await;
    eventually("nothing is left", || hub.unfinished() == 0).await;
    assert_eq!(hub.numbers.get("dicom_associations_total[\"pacs\", \"timed_out\"]"), 2.0);
}

#[tokio::test]
async fn catalogue_127_an_instance_larger_than_the_feed_may_send_is_to_be_tried_again_and_one_without_end_is_aborted() {
    let hub = Hub::with(|config| config.feeds[0].instance_bytes_max = 10_000).await;
    let mut client = hub.client(&[(CT, &[EXPLICIT_LITTLE])]).await.expect("an association");
    let large = ct(Coding::EXPLICIT, "1.2.3", 12_000);
    let answer = client.store(&uid(CT), &uid("1.2.3"), &uid(EXPLICIT_LITTLE), &mut &large[..]).await;
    assert_eq!(answer.expect("an answer").status, Some(0xA700));
    let mut raw = hub.raw_open().await;
    raw.send(&unit(4, &value(1, 3, &store_command(CT, "1.2.3")))).await;
    for _ in 0..4 {
        raw.send(&unit(4, &value(1, 0, &[0; 9000]))).await;
    }
    raw.aborted(2, 0).await;
    // The sender hears of the end before the file it began is gone.
    eventually("nothing is left", || hub.unfinished() == 0).await;
    assert_eq!((hub.entries().len(), hub.blob_count()), (0, 0));
}

#[tokio::test]
async fn catalogue_127_a_message_that_never_ends_is_cut_at_its_time_however_small_and_whole_its_units_are() {
    let store = unit(4, &value(1, 3, &store_command(CT, "1.2.3")));
    let other_class = unit(4, &value(1, 3, &store_command(VERIFICATION, "1.2.3")));
    let pieces = unit(4, &value(1, 0, &[0; 2]));
    // Pieces of an instance, of one that is refused already, and of a command that never gets longer.
    for (begins, goes_on) in [(store, pieces.clone()), (other_class, pieces), (Vec::new(), unit(4, &value(1, 1, &[])))]
    {
        let hub = Hub::with(|config| config.limits.instance_timeout = Duration::from_millis(100)).await;
        let mut raw = hub.raw_open().await;
        raw.send(&begins).await;
        let (mut hears, mut says) = raw.0.split();
        let mut heard = Vec::new();
        let mut pace = tokio::time::interval(Duration::from_millis(1));
        let speaks = async {
            // The hub has all of each unit before it asks for the next, and never waits in the middle of one.
            while says.write_all(&goes_on).await.is_ok() {
                pace.tick().await;
            }
        };
        let cut = async {
            tokio::select! {
                read = hears.read_to_end(&mut heard) => drop(read),
                () = speaks => {}
            }
        };
        timeout(PATIENCE, cut).await.expect("it is cut");
        eventually("it is counted", || hub.numbers.get("dicom_associations_total[\"pacs\", \"timed_out\"]") == 1.0)
            .await;
        eventually("nothing is left", || hub.unfinished() == 0).await;
    }
}

#[tokio::test]
async fn a_store_without_room_is_told_as_out_of_resources_and_nothing_is_logged() {
    let full = FolderBlobSettings { free_bytes_min: u64::MAX, ..FolderBlobSettings::default() };
    let hub = Hub::behind(|_| {}, full).await;
    let mut raw = hub.raw_open().await;
    let bytes = ct(Coding::EXPLICIT, "1.2.3", 100_000);
    raw.send(&unit(4, &value(1, 3, &store_command(CT, "1.2.3")))).await;
    for piece in bytes.chunks(50_000) {
        raw.send(&unit(4, &value(1, if piece.as_ptr_range().end == bytes.as_ptr_range().end { 2 } else { 0 }, piece)))
            .await;
    }
    assert_eq!(status(&raw.unit().await.expect("an answer").1), 0xA700);
    assert_eq!((hub.entries().len(), hub.blob_count()), (0, 0));
}
