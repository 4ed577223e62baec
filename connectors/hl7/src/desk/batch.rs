//! A batch in one frame: its messages are taken one by one, as the window allows, and answered by one batch in one frame.

use std::io::Cursor;

use causeway_core::reason::Reason;
use tokio::time::Instant;
use tracing::warn;

use super::Desk;
use super::flight::{Fate, Flight};
use crate::ack::{Echo, Mode};
use crate::batch::{Answers, Count, Level, MARK, Piece, Splitter, field};
use crate::budget::Lease;
use crate::frame::{Event, write_frame};
use crate::seal::has_msa;
use crate::tally::Cause;

/// A batch being read.
pub(super) struct Batch {
    splitter: Splitter<Cursor<Vec<u8>>>,
    count: Count,
    /// The first thing wrong with its counts.
    fault: Option<Reason>,
    /// For its bytes.
    _lease: Lease,
}

/// What stands between the answers to the messages of a batch.
#[derive(Debug)]
pub(super) enum Mark {
    /// The answer begins.
    Begin,
    /// A header was read, and whether it came where it must not.
    Open(Level, Box<[u8]>, Option<Reason>),
    /// A trailer was read, and whether its number is wrong.
    Close(Level, Option<Reason>),
    /// The answer ends.
    End(Option<Reason>),
}

/// The answer to a batch, until it is whole.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) answers: Answers,
    pub(super) out: Vec<u8>,
}

/// Whether a frame holds a batch: it begins with a header of one.
pub(super) fn is_batch(payload: &[u8]) -> bool {
    let begins = payload.strip_prefix(MARK).unwrap_or(payload);
    matches!(begins, [b'F' | b'B', b'H', b'S', separator, ..] if separator.is_ascii_punctuation())
}

impl Desk {
    /// Begins with a batch; [`Desk::collect`] goes on with it. One of answers is not answered.
    pub(super) fn take_batch(&mut self, payload: &[u8], now: Instant) {
        let messages = messages_in(payload);
        if has_msa(payload) || (messages == 0 && refers(payload)) {
            return self.door.tally.refused(None, Cause::Acknowledgement);
        }
        let is_too_long = messages > self.door.config.limits.batch_messages_max;
        let lease = if is_too_long { None } else { self.door.budget.lease(payload.len()) };
        let reason = if is_too_long { Reason::TooManyParts } else { Reason::Busy };
        match lease.ok_or(reason) {
            Ok(lease) => {
                let splitter = Splitter::new(Cursor::new(payload.to_vec()), self.door.framing.payload_bytes_max);
                self.mark(Mark::Begin, now);
                self.batch = Some(Batch { splitter, count: Count::default(), fault: None, _lease: lease });
            }
            Err(reason) => self.push_refused(None, reason, String::new(), Echo::unreadable(), Mode::Original, now),
        }
    }

    /// Takes what the window allows of the batch that is being read. True when there was something.
    pub(super) fn read_batch(&mut self, now: Instant) -> bool {
        let Some(mut batch) = self.batch.take() else { return false };
        let mut took = false;
        while self.has_room() {
            took = true;
            match batch.splitter.next() {
                Ok(Some(piece)) => {
                    let fault = self.take_piece(&mut batch.count, piece, now);
                    batch.fault = batch.fault.or(fault);
                }
                // Memory does not fail to be read.
                Ok(None) | Err(_) => {
                    self.end_batch(&batch, batch.count.end(), now);
                    return true;
                }
            }
        }
        if self.is_over() {
            self.end_batch(&batch, Some(Reason::BatchCut), now);
            return true;
        }
        self.batch = Some(batch);
        took
    }

    fn take_piece(&mut self, count: &mut Count, piece: Piece<'_>, now: Instant) -> Option<Reason> {
        match piece {
            Piece::Message(payload) => {
                count.message();
                self.take_message(Event::Frame { payload, stray_end: false }, now);
                None
            }
            Piece::Cut(payload) => {
                count.message();
                self.take_message(Event::Broken(payload), now);
                None
            }
            Piece::TooLong(head) => {
                count.message();
                self.take_head(head, now);
                None
            }
            Piece::Open(level, header) => {
                let fault = count.open(level);
                self.mark(Mark::Open(level, header.into(), fault), now);
                fault
            }
            Piece::Close(level, trailer) => {
                let fault = count.close(level, trailer);
                self.mark(Mark::Close(level, fault), now);
                fault
            }
        }
    }

    fn end_batch(&mut self, batch: &Batch, fault: Option<Reason>, now: Instant) {
        self.mark(Mark::End(fault), now);
        if let Some(reason) = batch.fault.or(fault) {
            let feed = self.feeds.last().copied();
            warn!(peer = %self.peer.address, %reason, "a batch does not hold what its trailers say; its answer tells");
            self.door.tally.batch_fault(feed, reason);
        }
    }

    fn mark(&mut self, mark: Mark, now: Instant) {
        self.queue.push_back(Flight::new(None, Echo::unreadable(), Mode::Original, now, Fate::Mark(mark)));
    }

    /// It is the turn of a mark: what came before it is answered.
    pub(super) fn answer_mark(&mut self, mark: &Mark) {
        let mut collected = self.collected.take().unwrap_or_default();
        let Collected { answers, out } = &mut collected;
        match mark {
            Mark::Begin => {}
            Mark::Open(level, header, fault) => {
                let zone = self.feeds.last().and_then(|feed| self.door.feeds.get(*feed)).map(|feed| &feed.zone);
                let at = self.stamp.text(self.door.ports.clock.now(), self.feeds.last().copied(), zone);
                answers.header(out, *level, header, *fault, &self.door.ids, at);
            }
            Mark::Close(level, fault) => answers.trailer(out, *level, *fault),
            Mark::End(fault) => {
                answers.end(out, *fault);
                return write_frame(&mut self.out, |frame| frame.append(out));
            }
        }
        self.collected = Some(collected);
    }
}

/// How many lines begin a message.
fn messages_in(payload: &[u8]) -> usize {
    payload.split(is_line_end).filter(|line| line.starts_with(b"MSH")).count()
}

/// Whether the first header refers to another batch (FHS-12, BHS-12), as an answer does.
fn refers(payload: &[u8]) -> bool {
    let header = payload.split(is_line_end).next().unwrap_or_default();
    !field(header.strip_prefix(MARK).unwrap_or(header), 11).is_empty()
}

const fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}
