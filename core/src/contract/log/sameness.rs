//! Which envelopes are the same: the log tells, or it says that it does not tell and then keeps every copy, unflagged
//! and in order, for the repository to tell.

use jiff::Timestamp;

use super::{LANE, New, at, envelope, feed, fresh, held, one_lane, put, put_all, read_all, receive, send};
use crate::envelope::{Envelope, Refusal};
use crate::port::{Freshness, Log};
use crate::reason::Reason;

/// What a log that does not tell resends promises instead: every copy is new, none is flagged, and all stand in the one
/// lane in the order they were sent.
fn every_copy_is_kept(log: &dyn Log, copies: Vec<Envelope>) {
    let begin = log.state().expect("state").first().expect("a lane").end.0;
    let sent: Vec<_> = copies.iter().map(|copy| send(log, copy.clone()).expect("room")).collect();
    for (offset, answer) in (begin..).zip(&sent) {
        let answer = receive(answer).expect("durable");
        assert_eq!((answer.position, answer.freshness), (at(offset), Freshness::New));
    }
    let entries = read_all(log, LANE).into_iter().filter(|entry| entry.position.offset.0 >= begin);
    let (kept, flags): (Vec<_>, Vec<_>) = entries.map(|entry| (entry.envelope, entry.control_id_reused)).unzip();
    assert!(kept == copies, "{} were sent, {} are kept, or in another order", copies.len(), kept.len());
    assert!(flags.iter().all(|flag| !flag), "{flags:?}");
}

/// Promise 1: a resend is answered with the place of the first, and nothing is written.
pub fn a_resend_gets_the_first_position_and_is_stored_once(new: New) {
    let (_subject, log) = fresh(new, &one_lane());
    // Another trace and time: a resend comes in another envelope.
    let again = Envelope { trace: envelope(9, b"").trace, received_at: Timestamp::MAX, ..envelope(1, b"one") };
    if !log.tells_resends() {
        return every_copy_is_kept(&*log, vec![envelope(1, b"one"), envelope(2, b"two"), again.clone(), again]);
    }
    let first = put(&*log, envelope(1, b"one"));
    put(&*log, envelope(2, b"two"));
    for _ in 0..3 {
        let again = put(&*log, again.clone());
        assert_eq!((again.position, again.freshness), (first.position, Freshness::Resent));
    }
    assert_eq!(held(&*log), 2);
    assert_eq!(read_all(&*log, LANE).first().map(|entry| entry.envelope.clone()), Some(envelope(1, b"one")));
}

/// Also when the first is still on its way.
pub fn a_resend_within_one_burst_is_stored_once(new: New) {
    let (_subject, log) = fresh(new, &one_lane());
    if !log.tells_resends() {
        return every_copy_is_kept(&*log, (0..500).map(|number| envelope(number % 10, b"x")).collect());
    }
    let sent: Vec<_> = (0..500).map(|number| send(&*log, envelope(number % 10, b"x")).expect("room")).collect();
    let answers: Vec<_> = sent.iter().map(|answer| receive(answer).expect("durable")).collect();
    assert_eq!(held(&*log), 10);
    for (number, answer) in (0_u64..).zip(&answers) {
        assert_eq!(answer.position, at(number % 10));
        let expected = if number < 10 { Freshness::New } else { Freshness::Resent };
        assert_eq!(answer.freshness, expected, "{number}");
    }
}

/// Also when the log was closed and opened in between.
pub fn a_resend_is_known_after_reopening(new: New) {
    let subject = new(&one_lane());
    let first = put_all(&*subject.open(), 0..300);
    let log = subject.open();
    if !log.tells_resends() {
        let again = (0..300).map(|number: u64| envelope(number, number.to_string().as_bytes()));
        every_copy_is_kept(&*log, again.chain([envelope(7, b"other")]).collect());
        return assert_eq!(held(&*log), 601);
    }
    for (again, first) in put_all(&*log, 0..300).iter().zip(&first) {
        assert_eq!((again.position, again.freshness), (first.position, Freshness::Resent));
    }
    assert_eq!(put(&*log, envelope(7, b"other")).freshness, Freshness::ControlIdReused);
    assert_eq!(held(&*log), 301);
}

/// A control id that comes with other bytes is no resend: it is stored, and every reader sees the flag.
pub fn a_control_id_used_for_other_bytes_is_stored_and_flagged(new: New) {
    let (_subject, log) = fresh(new, &one_lane());
    if !log.tells_resends() {
        let bodies: [&[u8]; 4] = [b"one", b"other", b"third", b"other"];
        return every_copy_is_kept(&*log, bodies.iter().map(|body| envelope(1, body)).collect());
    }
    put(&*log, envelope(1, b"one"));
    let other = put(&*log, envelope(1, b"other"));
    assert_eq!((other.position, other.freshness), (at(1), Freshness::ControlIdReused));
    let third = put(&*log, envelope(1, b"third"));
    assert_eq!((third.position, third.freshness), (at(2), Freshness::ControlIdReused));
    let again = put(&*log, envelope(1, b"other"));
    assert_eq!((again.position, again.freshness), (at(1), Freshness::Resent));
    let flags: Vec<_> = read_all(&*log, LANE).iter().map(|entry| entry.control_id_reused).collect();
    assert_eq!(flags, [false, true, true]);
}

/// Control ids are a sender's own.
pub fn another_feed_or_sender_may_use_the_same_control_id(new: New) {
    let (_subject, log) = fresh(new, &one_lane());
    put(&*log, envelope(1, b"one"));
    let sender = Envelope { sender: "LAB|PMH".to_owned(), ..envelope(1, b"one") };
    let feed = Envelope { feed: feed("ward"), ..envelope(1, b"one") };
    // Feed and sender are apart: moving text from one to the other makes neither the same.
    let moved = Envelope { sender: "LAB|QM".to_owned(), control_id: "HM1".to_owned(), ..envelope(1, b"one") };
    for envelope in [sender, feed, moved] {
        assert_eq!(put(&*log, envelope).freshness, Freshness::New);
    }
    assert_eq!(held(&*log), 4);
}

/// What was refused once and is taken later, or the other way round, is kept twice: the answers differ.
pub fn a_refused_and_an_accepted_copy_are_two_entries(new: New) {
    let (_subject, log) = fresh(new, &one_lane());
    let refused = |reason, place: &str| Envelope {
        refusal: Some(Refusal { reason, place: place.to_owned() }),
        ..envelope(1, b"one")
    };
    if !log.tells_resends() {
        let (first, second) = (refused(Reason::Undecodable, "MSH-18"), refused(Reason::Undecodable, "PID-5"));
        let plain = || envelope(1, b"one");
        return every_copy_is_kept(&*log, vec![first, second, plain(), refused(Reason::Paused, ""), plain()]);
    }
    let first = put(&*log, refused(Reason::Undecodable, "MSH-18"));
    assert_eq!(put(&*log, refused(Reason::Undecodable, "PID-5")).position, first.position, "the reason counts");
    assert_eq!(put(&*log, envelope(1, b"one")).freshness, Freshness::ControlIdReused);
    assert_eq!(put(&*log, refused(Reason::Paused, "")).freshness, Freshness::ControlIdReused);
    assert_eq!(put(&*log, envelope(1, b"one")).position, at(1));
    assert_eq!(held(&*log), 3);
}

/// An empty control id says nothing: the same bytes are a resend, other bytes are new.
pub fn without_a_control_id_only_the_bytes_tell(new: New) {
    let (_subject, log) = fresh(new, &one_lane());
    let nameless = |body: &[u8]| Envelope { control_id: String::new(), ..envelope(1, body) };
    let refused = |body: &[u8]| Envelope {
        refusal: Some(Refusal { reason: Reason::Unreadable, place: String::new() }),
        ..nameless(body)
    };
    if !log.tells_resends() {
        let copies = vec![nameless(b"one"), nameless(b"two"), refused(b"one"), nameless(b"one")];
        return every_copy_is_kept(&*log, copies);
    }
    assert_eq!(put(&*log, nameless(b"one")).freshness, Freshness::New);
    assert_eq!(put(&*log, nameless(b"two")).freshness, Freshness::New);
    assert_eq!(put(&*log, refused(b"one")).freshness, Freshness::New);
    let again = put(&*log, nameless(b"one"));
    assert_eq!((again.position, again.freshness), (at(0), Freshness::Resent));
    assert_eq!(held(&*log), 3);
}

/// Resends are known for as long as the log holds the first.
pub fn a_pruned_entry_is_no_longer_known(new: New) {
    let (_subject, log) = fresh(new, &one_lane());
    put_all(&*log, 0..3);
    assert_eq!(log.prune(Timestamp::MAX, &[at(2)]).expect("prune"), 2);
    if !log.tells_resends() {
        return every_copy_is_kept(
            &*log,
            (0..3).map(|number| envelope(number, number.to_string().as_bytes())).collect(),
        );
    }
    let again = put_all(&*log, 0..3);
    let freshness: Vec<_> = again.iter().map(|answer| answer.freshness).collect();
    assert_eq!(freshness, [Freshness::New, Freshness::New, Freshness::Resent]);
}
