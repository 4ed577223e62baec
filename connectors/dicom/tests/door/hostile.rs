//! Peers that lie, by the numbers of the catalogue of bad input.

use causeway_dicom::syntax::Coding;

use crate::support::{CT, Hub, eventually, request, status, store_command, unit, value};
use crate::testing::ct;

#[tokio::test]
async fn catalogue_120_a_request_of_four_gigabytes_is_aborted_before_it_is_read() {
    let hub = Hub::start().await;
    let mut raw = hub.raw().await;
    raw.send(&[1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 1]).await;
    raw.aborted(2, 6).await;
}

#[tokio::test]
async fn catalogue_121_units_of_no_type_or_out_of_turn_are_aborted() {
    let hub = Hub::start().await;
    for (first, reason) in [
        (unit(9, &[0; 4]), 1),
        (unit(0, &[]), 1),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 1),
        (unit(4, &value(1, 3, b"xx")), 2),
        (unit(5, &[0; 4]), 2),
        (unit(2, &[0; 4]), 2),
    ] {
        let mut raw = hub.raw().await;
        raw.send(&first).await;
        raw.aborted(2, reason).await;
    }
    // The same while an association is open: a second request, an acceptance, an unknown type.
    for (second, reason) in [(request("CT1", "CAUSEWAY"), 2), (unit(2, &[0; 4]), 2), (unit(8, &[0; 4]), 1)] {
        let mut raw = hub.raw_open().await;
        raw.send(&second).await;
        raw.aborted(2, reason).await;
    }
}

#[tokio::test]
async fn catalogue_122_items_that_reach_beyond_their_unit_are_aborted() {
    let hub = Hub::start().await;
    let whole = request("CT1", "CAUSEWAY");
    let body = &whole[6..];
    let mut longer = body.to_vec();
    // The length of the application context, the first item.
    longer[70] = 0xFF;
    for body in [&longer[..], &body[..body.len() - 1], &body[..40], &[]] {
        let mut raw = hub.raw().await;
        raw.send(&unit(1, body)).await;
        raw.aborted(2, 6).await;
    }
}

#[tokio::test]
async fn catalogue_123_strangers_are_rejected_and_told_why() {
    let hub = Hub::start().await;
    for (calling, called, reason) in [("EVIL", "CAUSEWAY", 3), ("CT1", "OTHER", 7), ("", "CAUSEWAY", 3)] {
        let mut raw = hub.raw().await;
        raw.send(&request(calling, called)).await;
        raw.rejected(1, 1, reason).await;
    }
    assert_eq!(hub.numbers.get("dicom_associations_total[\"-\", \"rejected\"]"), 3.0);
}

#[tokio::test]
async fn catalogue_125_values_that_do_not_fit_their_unit_are_aborted() {
    let hub = Hub::start().await;
    let of_length = |length: u32, rest: usize| {
        let mut body = length.to_be_bytes().to_vec();
        body.extend([1, 3]);
        body.resize(6 + rest, 0);
        unit(4, &body)
    };
    let bodies =
        [unit(4, &[]), unit(4, &[0; 5]), of_length(0, 0), of_length(1, 0), of_length(5, 3), of_length(1000, 10)];
    for body in bodies.into_iter().chain([unit(4, &value(3, 3, b"xx"))]) {
        let mut raw = hub.raw_open().await;
        raw.send(&body).await;
        raw.aborted(2, 6).await;
    }
    // A unit longer than we said we take: not even its head is waited for.
    let mut raw = hub.raw_open().await;
    raw.send(&[4, 0, 0x7F, 0xFF, 0xFF, 0xFF]).await;
    raw.aborted(2, 6).await;
    // Fragments of nothing are odd, and harmless.
    let mut raw = hub.raw_open().await;
    for _ in 0..100 {
        raw.send(&unit(4, &value(1, 1, b""))).await;
    }
    raw.send(&unit(5, &[0; 4])).await;
    raw.aborted(2, 2).await;
}

#[tokio::test]
async fn catalogue_126_commands_that_lie_are_answered_or_aborted() {
    let hub = Hub::start().await;
    let long = "1".repeat(5000);
    let mut no_instance = causeway_dicom::dimse::CommandWriter::request(1, 7, true);
    no_instance.uid(0x0002, &crate::support::uid(CT));
    let mut path = causeway_dicom::dimse::CommandWriter::request(1, 7, true);
    path.uid(0x0002, &crate::support::uid(CT)).comment(0x1000, "../../etc/x");
    let mut no_data = causeway_dicom::dimse::CommandWriter::request(1, 7, false);
    no_data.uid(0x0002, &crate::support::uid(CT)).uid(0x1000, &crate::support::uid("1.2.3"));
    let find = causeway_dicom::dimse::CommandWriter::request(0x0020, 7, true);
    for (command, data, expected) in [
        (no_instance.bytes(), true, 0x0117),
        (path.bytes(), true, 0x0117),
        (store_command("1.2.840.10008.5.1.4.1.1.4", "1.2.3"), true, 0x0122),
        (no_data.bytes(), false, 0xC000),
        (find.bytes(), true, 0x0211),
    ] {
        let mut raw = hub.raw_open().await;
        raw.send(&unit(4, &value(1, 3, &command))).await;
        if data {
            raw.send(&unit(4, &value(1, 2, &ct(Coding::EXPLICIT, "1.2.3", 10)))).await;
        }
        let (kind, body) = raw.unit().await.expect("an answer");
        assert_eq!((kind, status(&body)), (4, expected));
    }
    for command in [vec![], b"not a command at all".to_vec(), [store_command(CT, "1.2"), long.into_bytes()].concat()] {
        let mut raw = hub.raw_open().await;
        raw.send(&unit(4, &value(1, 3, &command))).await;
        raw.aborted(2, 6).await;
    }
    // A command without end.
    let mut raw = hub.raw_open().await;
    for _ in 0..5 {
        raw.send(&unit(4, &value(1, 1, &[0; 4000]))).await;
    }
    raw.aborted(2, 6).await;
    assert_eq!(hub.entries().len(), 0);
}

#[tokio::test]
async fn data_where_a_command_is_due_and_a_command_where_data_is_due_are_aborted() {
    let hub = Hub::start().await;
    let mut raw = hub.raw_open().await;
    raw.send(&unit(4, &value(1, 2, b"xx"))).await;
    raw.aborted(2, 2).await;
    let mut raw = hub.raw_open().await;
    raw.send(&unit(4, &value(1, 3, &store_command(CT, "1.2.3")))).await;
    raw.send(&unit(4, &value(1, 3, &store_command(CT, "1.2.3")))).await;
    raw.aborted(2, 2).await;
    eventually("nothing is left", || hub.unfinished() == 0).await;
}

#[tokio::test]
async fn command_and_data_may_share_a_unit_and_a_command_may_come_in_pieces() {
    let hub = Hub::start().await;
    let (command, data) = (store_command(CT, "1.2.3"), ct(Coding::EXPLICIT, "1.2.3", 100));
    let mut raw = hub.raw_open().await;
    raw.send(&unit(4, &[value(1, 3, &command), value(1, 2, &data)].concat())).await;
    assert_eq!(status(&raw.unit().await.expect("an answer").1), 0);
    let mut units = Vec::new();
    for (place, piece) in command.chunks(10).enumerate() {
        units.extend(unit(4, &value(1, if (place + 1) * 10 >= command.len() { 3 } else { 1 }, piece)));
    }
    for (place, piece) in data.chunks(50).enumerate() {
        units.extend(unit(4, &value(1, if (place + 1) * 50 >= data.len() { 2 } else { 0 }, piece)));
    }
    for byte in units.chunks(7) {
        raw.send(byte).await;
    }
    assert_eq!(status(&raw.unit().await.expect("an answer").1), 0);
    raw.send(&unit(5, &[0; 4])).await;
    assert_eq!(raw.unit().await, Some((6, vec![0; 4])));
    assert_eq!(hub.entries().len(), 1, "the second was the first again");
}
