//! One file: its messages to the desk, the desk's answers to the report.

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

use causeway_core::reason::Reason;
use causeway_pickup::{Bell, Stopped};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use super::writer;
use crate::batch::{Answers, Count, Piece, Splitter};
use crate::desk::{Desk, Stamp};
use crate::door::Shared;
use crate::frame::{Event, each_payload};
use crate::inbox::Inbox;

/// Bytes of a file read at once.
const CHUNK: usize = 256 << 10;

/// What a file held.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) messages: u64,
    /// Messages that were answered and are not in the log.
    pub(super) unkept: u64,
    /// It has a header or a trailer.
    pub(super) has_envelope: bool,
    /// The first thing wrong with its counts.
    pub(super) fault: Option<Reason>,
}

/// Why a file was not read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The disk gives no more of it.
    Unreadable,
    /// It is to be read again.
    Stopped(Stopped),
}

/// A file being read.
pub(super) struct Reading<'w> {
    shared: Arc<Shared>,
    runtime: &'w Handle,
    bell: &'w Bell,
    inbox: Arc<Inbox>,
    desk: Desk,
    count: Count,
    answers: Answers,
    stamp: Stamp,
    out: Vec<u8>,
    summary: Summary,
}

/// Where the report goes.
type Sink<'s, E> = dyn FnMut(&[u8]) -> Result<(), E> + 's;

impl<'w> Reading<'w> {
    pub(super) fn new(shared: Arc<Shared>, runtime: &'w Handle, bell: &'w Bell) -> Self {
        let inbox = Inbox::new();
        let desk = Desk::new(Arc::clone(&shared), writer(), Arc::clone(&inbox));
        Self {
            shared,
            runtime,
            bell,
            inbox,
            desk,
            count: Count::default(),
            answers: Answers::default(),
            stamp: Stamp::default(),
            out: Vec::new(),
            summary: Summary::default(),
        }
    }

    /// Reads it to its end. The outer error is that of the report.
    pub(super) fn run<E>(mut self, file: File, sink: &mut Sink<'_, E>) -> Result<Result<Summary, Trouble>, E> {
        let max = self.shared.framing.payload_bytes_max;
        let mut splitter = Splitter::new(BufReader::with_capacity(CHUNK, file), max);
        loop {
            let piece = match splitter.next() {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(_) => return Ok(Err(Trouble::Unreadable)),
            };
            let room = match piece {
                Piece::Message(bytes) | Piece::Cut(bytes) | Piece::TooLong(bytes) => {
                    self.make_room(bytes.len(), sink)?
                }
                // What answers a header or a trailer stands after the answers to what came before it.
                Piece::Open(..) | Piece::Close(..) => self.settle(sink)?,
            };
            if let Err(stopped) = room {
                return Ok(Err(Trouble::Stopped(stopped)));
            }
            self.take(piece);
        }
        if let Err(stopped) = self.settle(sink)? {
            return Ok(Err(Trouble::Stopped(stopped)));
        }
        let fault = self.count.end();
        self.answers.end(&mut self.out, fault);
        sink(&self.out)?;
        self.note(fault);
        self.summary.messages = self.count.messages;
        self.summary.unkept = self.desk.unkept();
        Ok(Ok(self.summary))
    }

    fn take(&mut self, piece: Piece<'_>) {
        let now = Instant::now();
        match piece {
            Piece::Message(payload) => {
                self.count.message();
                self.desk.take(Event::Frame { payload, stray_end: false }, now);
            }
            Piece::Cut(payload) => {
                self.count.message();
                self.desk.take(Event::Broken(payload), now);
            }
            Piece::TooLong(head) => {
                self.count.message();
                self.desk.take_head(head, now);
            }
            Piece::Open(level, header) => {
                self.summary.has_envelope = true;
                let fault = self.count.open(level);
                let zone = self.shared.feeds.first().map(|feed| &feed.zone);
                let at = self.stamp.text(self.shared.ports.clock.now(), Some(0), zone);
                self.answers.header(&mut self.out, level, header, fault, &self.shared.ids, at);
                self.note(fault);
            }
            Piece::Close(level, trailer) => {
                self.summary.has_envelope = true;
                let fault = self.count.close(level, trailer);
                self.answers.trailer(&mut self.out, level, fault);
                self.note(fault);
            }
        }
    }

    fn note(&mut self, fault: Option<Reason>) {
        self.summary.fault = self.summary.fault.or(fault);
    }

    /// Waits until the desk may take so many bytes more.
    fn make_room<E>(&mut self, bytes: usize, sink: &mut Sink<'_, E>) -> Result<Result<(), Stopped>, E> {
        self.wait_until(sink, |reading| {
            reading.desk.is_idle() || (reading.desk.has_room() && reading.shared.budget.has(bytes))
        })
    }

    /// Waits for every answer.
    fn settle<E>(&mut self, sink: &mut Sink<'_, E>) -> Result<Result<(), Stopped>, E> {
        self.wait_until(sink, |reading| reading.desk.is_idle())
    }

    /// Writes the answers that come until something is so.
    fn wait_until<E>(
        &mut self,
        sink: &mut Sink<'_, E>,
        is_so: impl Fn(&Self) -> bool,
    ) -> Result<Result<(), Stopped>, E> {
        loop {
            let now = Instant::now();
            self.desk.collect(now);
            if self.shared.is_halted() {
                return Ok(Err(Stopped::Halted));
            }
            if self.desk.has_missed() {
                return Ok(Err(Stopped::NotNow));
            }
            if self.bell.has_rung() {
                return Ok(Err(Stopped::Bell));
            }
            let (answers, out) = (&mut self.answers, &mut self.out);
            each_payload(self.desk.out(), |payload| answers.message(out, payload));
            self.desk.written(now);
            sink(&self.out)?;
            self.out.clear();
            if is_so(self) {
                return Ok(Ok(()));
            }
            let (inbox, bell, deadline) = (&self.inbox, self.bell, self.desk.deadline());
            self.runtime.block_on(async {
                tokio::select! {
                    () = inbox.changed() => {}
                    () = bell.heard() => {}
                    () = sleep_until(deadline.unwrap_or(now)), if deadline.is_some() => {}
                }
            });
        }
    }
}
