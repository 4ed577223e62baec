//! Frames cut at every place, and bytes that form none.

use proptest::prelude::*;

use super::*;

const STRICT: Framing = Framing {
    payload_bytes_max: 1 << 20,
    leading_bytes_max: 64,
    accept_missing_start: false,
    accept_missing_end_cr: false,
    accept_inner_end: false,
};

/// An [`Event`] that outlives the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Frame(Vec<u8>),
    Flawed(Vec<u8>),
    Broken(Vec<u8>),
    TooLong,
    Junk(Junk),
}

fn seen(event: Event<'_>) -> Seen {
    match event {
        Event::Frame { payload, stray_end: false } => Seen::Frame(payload.to_vec()),
        Event::Frame { payload, stray_end: true } => Seen::Flawed(payload.to_vec()),
        Event::Broken(part) => Seen::Broken(part.to_vec()),
        Event::TooLong(_) => Seen::TooLong,
        Event::Junk(junk, _) => Seen::Junk(junk),
    }
}

/// Gives the machine bytes as a socket does: no more at once than it made room for.
fn push(deframer: &mut Deframer, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let room = deframer.room();
        let (now, later) = bytes.split_at(bytes.len().min(room.capacity() - room.len()));
        room.extend_from_slice(now);
        bytes = later;
    }
}

fn drain(deframer: &mut Deframer, into: &mut Vec<Seen>) {
    while let Some(event) = deframer.next_event() {
        into.push(seen(event));
    }
}

/// What comes out when the bytes arrive in these pieces.
fn read<'p>(framing: Framing, pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<Seen> {
    let mut deframer = Deframer::new(framing);
    let mut all = Vec::new();
    for piece in pieces {
        push(&mut deframer, piece);
        drain(&mut deframer, &mut all);
    }
    all
}

fn frame(payload: &str) -> Seen {
    Seen::Frame(payload.as_bytes().to_vec())
}

#[test]
fn three_frames_in_one_read_are_three_frames() {
    let bytes = b"\x0bA\x1c\r\x0bB\x1c\r\x0bC\x1c\r".as_slice();
    assert_eq!(read(STRICT, [bytes]), [frame("A"), frame("B"), frame("C")]);
}

#[test]
fn frames_are_the_same_at_every_split_offset() {
    // Big5 許功蓋 (B3 5C, A5 5C, BB 5C), a line feed between frames, an empty frame and a second message cut anywhere.
    let bytes = b"\x0bMSH|\xb3\x5c\xa5\x5c\xbb\x5c\rPID|1\r\x1c\r\n\x0b\x1c\r\x0bMSH|second\r\x1c\r".as_slice();
    let whole = read(STRICT, [bytes]);
    assert_eq!(whole.len(), 3);
    for first in 0..=bytes.len() {
        for second in first..=bytes.len() {
            let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            assert_eq!(read(STRICT, pieces), whole, "split at {first} and {second}");
        }
    }
    assert_eq!(read(STRICT, bytes.chunks(1)), whole, "byte by byte");
}

#[test]
fn a_second_message_incomplete_after_a_line_feed_is_kept() {
    let pieces = [b"\x0bA\x1c\r\n\x0bB".as_slice(), b"B\x1c\r"];
    assert_eq!(read(STRICT, pieces), [frame("A"), frame("BB")]);
}

#[test]
fn a_start_block_inside_a_frame_breaks_the_first_and_begins_the_next() {
    let bytes = b"\x0bMSH|lost\x0bMSH|whole\x1c\r".as_slice();
    assert_eq!(read(STRICT, [bytes]), [Seen::Broken(b"MSH|lost".to_vec()), frame("MSH|whole")]);
}

#[test]
fn an_end_block_inside_the_text_flaws_the_frame_unless_it_is_taken_as_text() {
    let bytes = b"\x0bA\x1cB\x1c\x1c\r".as_slice();
    assert_eq!(read(STRICT, [bytes]), [Seen::Flawed(b"A\x1cB\x1c".to_vec())]);
    let lax = Framing { accept_inner_end: true, ..STRICT };
    assert_eq!(read(lax, [bytes]), [Seen::Frame(b"A\x1cB\x1c".to_vec())]);
    assert_eq!(read(STRICT, bytes.chunks(1)), [Seen::Flawed(b"A\x1cB\x1c".to_vec())]);
}

#[test]
fn a_missing_carriage_return_is_waited_for_and_forgiven_only_when_the_door_says_so() {
    let mut strict = Deframer::new(STRICT);
    push(&mut strict, b"\x0bA\x1c");
    assert_eq!(strict.next_event(), None);
    assert!(strict.awaits_end_cr());
    assert_eq!(strict.end_without_cr(), None);

    let framing = Framing { accept_missing_end_cr: true, ..STRICT };
    let mut lax = Deframer::new(framing);
    push(&mut lax, b"\x0bA\x1c");
    assert_eq!(lax.next_event(), None);
    assert_eq!(lax.end_without_cr(), Some(Event::Frame { payload: b"A", stray_end: false }));
    assert!(!lax.is_inside());
    assert_eq!(read(framing, [b"\x0bA\x1c\x0bB\x1c\n\x0bC\x1c\r".as_slice()]), [frame("A"), frame("B"), frame("C")]);
}

#[test]
fn white_space_before_a_frame_is_skipped_up_to_its_limit() {
    for (count, whole) in [(0, true), (63, true), (64, true), (65, false)] {
        let bytes = [" ".repeat(count).into_bytes(), b"\x0bA\x1c\r".to_vec()].concat();
        let expected = if whole { frame("A") } else { Seen::Junk(Junk::Blank) };
        assert_eq!(read(STRICT, [bytes.as_slice()]), std::slice::from_ref(&expected), "{count}");
        assert_eq!(read(STRICT, bytes.chunks(1)), [expected], "{count} byte by byte");
    }
    // The count starts anew after each frame.
    let many = [" ".repeat(64).as_bytes(), b"\x0bA\x1c\r"].concat().repeat(3);
    assert_eq!(read(STRICT, [many.as_slice()]).len(), 3);
}

#[test]
fn what_is_no_frame_is_named_by_its_kind_and_ends_the_stream() {
    for (bytes, kind) in [
        (b"MSH|^~\\&|A".as_slice(), Junk::NoStartBlock),
        (b"GET / HTTP/1.1\r\n", Junk::Http),
        (b"\x16\x03\x01\x02\x00\x01", Junk::Tls),
        (b"\x00\x00", Junk::Other),
    ] {
        let followed = [bytes, b"\x0bA\x1c\r"].concat();
        assert_eq!(read(STRICT, [followed.as_slice()]), [Seen::Junk(kind)]);
    }
}

#[test]
fn a_message_without_start_block_is_taken_only_when_the_door_says_so() {
    let framing = Framing { accept_missing_start: true, ..STRICT };
    assert_eq!(read(framing, [b"MSH|A\x1c\r\x0bMSH|B\x1c\r".as_slice()]), [frame("MSH|A"), frame("MSH|B")]);
}

#[test]
fn the_limit_holds_at_one_less_exactly_and_one_more() {
    let framing = Framing { payload_bytes_max: 10, ..STRICT };
    for (length, fits) in [(9, true), (10, true), (11, false)] {
        let bytes = [b"\x0b".as_slice(), &vec![b'x'; length], b"\x1c\r"].concat();
        let expected = if fits { Seen::Frame(vec![b'x'; length]) } else { Seen::TooLong };
        assert_eq!(read(framing, [bytes.as_slice()]), std::slice::from_ref(&expected), "{length} at once");
        assert_eq!(read(framing, bytes.chunks(1)), [expected], "{length} byte by byte");
    }
}

#[test]
fn a_hundred_megabyte_frame_is_refused_at_its_limit_and_holds_no_more() {
    let framing = Framing { payload_bytes_max: 1 << 20, ..STRICT };
    let mut deframer = Deframer::new(framing);
    push(&mut deframer, b"\x0bMSH|^~\\&|");
    let block = vec![b'x'; 64 << 10];
    let (mut sent, mut held_max) = (0, 0);
    let refused = loop {
        let room = deframer.room();
        let read = block.len().min(room.capacity() - room.len());
        room.extend_from_slice(&block[..read]);
        sent += read;
        held_max = held_max.max(deframer.held_bytes());
        match deframer.next_event() {
            Some(event) => break seen(event),
            None => assert!(sent < 100 << 20, "never refused"),
        }
    };
    assert_eq!(refused, Seen::TooLong);
    assert!(sent <= (1 << 20) + (128 << 10), "read on for {sent} bytes");
    assert!(held_max <= (1 << 20) + CHUNK_MAX, "held {held_max} bytes");
}

#[test]
fn a_megabyte_byte_by_byte_is_looked_at_once() {
    // A machine that begins anew at every read would look at half a million million bytes here and never end.
    let payload = vec![b'x'; 1 << 20];
    let mut deframer = Deframer::new(STRICT);
    push(&mut deframer, b"\x0b");
    for byte in &payload {
        push(&mut deframer, std::slice::from_ref(byte));
        assert_eq!(deframer.next_event(), None);
    }
    push(&mut deframer, b"\x1c\r");
    assert_eq!(deframer.next_event(), Some(Event::Frame { payload: &payload, stray_end: false }));
}

#[test]
fn a_connection_gives_its_memory_back_after_a_large_frame() {
    let mut deframer = Deframer::new(STRICT);
    push(&mut deframer, &[b"\x0b".as_slice(), &vec![b'x'; 900_000], b"\x1c\r"].concat());
    assert!(matches!(deframer.next_event(), Some(Event::Frame { .. })));
    assert_eq!(deframer.next_event(), None);
    let kept = deframer.room().capacity();
    assert!(kept <= KEPT_MAX, "an idle connection keeps {kept} bytes");
}

#[test]
fn a_frame_is_written_strictly() {
    let mut out = Vec::new();
    write_frame(&mut out, |out| out.extend_from_slice(b"MSA|AA|1\r"));
    assert_eq!(out, b"\x0bMSA|AA|1\r\x1c\r");
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_give_the_same_frames(
        bytes in proptest::collection::vec(prop_oneof![Just(VT), Just(FS), Just(CR), Just(b'\n'), any::<u8>()], 0..200),
        cuts in proptest::collection::vec(0_usize..200, 0..8),
        accept_missing_start: bool, accept_missing_end_cr: bool, accept_inner_end: bool,
    ) {
        let framing = Framing {
            payload_bytes_max: 50, leading_bytes_max: 4, accept_missing_start, accept_missing_end_cr, accept_inner_end,
        };
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        // What junk looks like depends on how much of it was seen; that it is junk does not.
        let kinds = |all: Vec<Seen>| -> Vec<Seen> {
            all.into_iter().map(|seen| if let Seen::Junk(_) = seen { Seen::Junk(Junk::Other) } else { seen }).collect()
        };
        prop_assert_eq!(kinds(read(framing, pieces)), kinds(read(framing, [bytes.as_slice()])));
    }
}
