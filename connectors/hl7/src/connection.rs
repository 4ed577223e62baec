//! One connection: its bytes, its deadlines, its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::budget::Lease;
use crate::desk::Desk;
use crate::door::Shared;
use crate::frame::Deframer;
use crate::inbox::Inbox;
use crate::peer::Peer;
use crate::seal::Flaw;
use crate::tally::Cause;

/// The part of a read buffer that every connection may have without a lease, in bytes.
const UNLEASED: usize = 64 << 10;
/// For a peer to read our last answer when we close first.
const LINGER: Duration = Duration::from_secs(1);

/// A connection from its acceptance to its close. Generic over the stream, so that TLS is only another stream.
pub(crate) struct Connection<S> {
    stream: S,
    door: Arc<Shared>,
    inbox: Arc<Inbox>,
    deframer: Deframer,
    desk: Desk,
    /// For the read buffer, beyond the part that needs none.
    lease: Option<Lease>,
    input: Input,
    /// Something was answered, which the peer should be able to read to the end.
    answered: bool,
    clock: FrameClock,
}

/// Whether more is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    /// The peer has closed its side, or is gone.
    Ended,
    /// We want no more; the peer may still be sending.
    Unwanted,
}

/// What ended a wait.
enum Woken {
    /// Something was put into the inbox.
    Letters,
    /// So many bytes came; none at the end of the stream, or when it broke.
    Read(usize),
    /// Something is overdue.
    Deadline,
}

/// When the current frame began and when its latest byte came.
#[derive(Debug, Clone, Copy)]
struct FrameClock {
    began: Option<Instant>,
    latest: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn new(stream: S, peer: Peer, door: Arc<Shared>, inbox: Arc<Inbox>) -> Self {
        let deframer = Deframer::new(door.framing);
        let desk = Desk::new(Arc::clone(&door), peer, Arc::clone(&inbox));
        let clock = FrameClock { began: None, latest: Instant::now() };
        Self { stream, door, inbox, deframer, desk, lease: None, input: Input::Open, answered: false, clock }
    }

    /// Serves the peer until it goes or has to go.
    pub(crate) async fn run(mut self) {
        let mut now = Instant::now();
        loop {
            let took = self.take_frames(now);
            let changed = self.desk.collect(now);
            if self.door.is_halted() {
                // What the log said before may still be true, but nothing positive leaves after a failed sync.
                return;
            }
            if !self.desk.out().is_empty() {
                let Some(after) = self.write(now).await else { return };
                now = after;
            }
            if took || changed {
                continue;
            }
            self.decide_input();
            if self.input != Input::Open && self.desk.is_idle() {
                return self.close().await;
            }
            now = self.wait(now).await;
        }
    }

    /// Hands finished frames to the desk, as many as it has room for. True when there was one.
    fn take_frames(&mut self, now: Instant) -> bool {
        let mut took = false;
        while self.desk.has_room()
            && let Some(event) = self.deframer.next_event()
        {
            self.desk.take(event, now);
            self.clock.began = None;
            took = true;
        }
        if self.desk.has_room() && self.deframer.is_inside() {
            self.clock.began.get_or_insert(now);
        }
        took
    }

    /// Stops reading when there is a reason to. The end of a frame that has begun is waited for.
    fn decide_input(&mut self) {
        if self.desk.is_over() || (self.inbox.is_stopping() && !self.deframer.is_inside()) {
            self.stop_reading();
        }
    }

    fn stop_reading(&mut self) {
        if self.input == Input::Open {
            self.input = Input::Unwanted;
        }
    }

    /// Waits for bytes, letters or a deadline; gives when it ended.
    async fn wait(&mut self, now: Instant) -> Instant {
        let reading = self.input == Input::Open && self.desk.has_room();
        if reading && !self.make_room(now) {
            return now;
        }
        let deadline = self.deadline(reading);
        let inbox = Arc::clone(&self.inbox);
        let woken = tokio::select! {
            biased;
            () = inbox.changed() => Woken::Letters,
            read = self.stream.read_buf(self.deframer.room()), if reading => Woken::Read(read.unwrap_or(0)),
            () = sleep_until(deadline.unwrap_or(now)), if deadline.is_some() => Woken::Deadline,
        };
        let after = Instant::now();
        match woken {
            Woken::Letters => {}
            Woken::Read(count) => self.has_read(count, after),
            Woken::Deadline => self.expire(reading, after),
        }
        if !reading {
            self.clock.pause(after.saturating_duration_since(now));
        }
        after
    }

    /// Grows the read buffer within the door's budget. False when there is no memory for this frame.
    fn make_room(&mut self, now: Instant) -> bool {
        self.deframer.reserve();
        let needed = self.deframer.held_bytes().saturating_sub(UNLEASED);
        let granted = match &mut self.lease {
            _ if needed == 0 => {
                self.lease = None;
                true
            }
            Some(lease) => lease.resize(needed),
            None => {
                self.lease = self.door.budget.lease(needed);
                self.lease.is_some()
            }
        };
        if !granted {
            self.desk.give_up(self.deframer.unfinished(), Flaw::Busy, Cause::NoMemory, now);
            self.stop_reading();
        }
        granted
    }

    /// So many bytes were read; none at the end of the stream, or when it broke.
    fn has_read(&mut self, count: usize, now: Instant) {
        self.clock.latest = now;
        if count > 0 {
            return;
        }
        self.input = Input::Ended;
        if self.deframer.is_inside() {
            self.door.tally.refused(None, Cause::Cut);
        }
    }

    /// The next moment at which something is overdue.
    fn deadline(&self, reading: bool) -> Option<Instant> {
        let input = if reading { self.input_deadline() } else { None };
        [input, self.desk.deadline()].into_iter().flatten().min()
    }

    fn input_deadline(&self) -> Option<Instant> {
        let limits = &self.door.config.limits;
        let FrameClock { began, latest } = self.clock;
        let Some(began) = began else { return limits.idle_timeout.map(|idle| latest + idle) };
        let end_cr = self.deframer.awaits_end_cr().then(|| latest + limits.end_cr_timeout);
        let frame = (began + limits.frame_timeout).min(latest + limits.idle_in_frame);
        Some(end_cr.map_or(frame, |end_cr| end_cr.min(frame)))
    }

    /// A deadline has passed. One of the desk's is seen to there; one of ours ends the connection.
    fn expire(&mut self, reading: bool, now: Instant) {
        if !reading || self.input_deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        if self.clock.began.is_some() {
            let awaited_cr = self.deframer.awaits_end_cr();
            if let Some(event) = self.deframer.end_without_cr() {
                self.clock.began = None;
                return self.desk.take(event, now);
            }
            self.door.tally.refused(None, if awaited_cr { Cause::MissingEndCr } else { Cause::Timeout });
        }
        self.stop_reading();
    }

    /// Writes what is due; gives when it was written. `None` when the peer does not take it.
    async fn write(&mut self, now: Instant) -> Option<Instant> {
        let writing = async {
            self.stream.write_all(self.desk.out()).await?;
            self.stream.flush().await
        };
        let written = timeout_at(now + self.door.config.limits.write_timeout, writing).await;
        let after = Instant::now();
        self.desk.written(after);
        self.answered = true;
        matches!(written, Ok(Ok(()))).then_some(after)
    }

    /// Closes the connection. When the peer may still be sending, its bytes are read for a moment and dropped: closing
    /// over unread bytes would reset the connection and take our last answer with it.
    async fn close(mut self) {
        let is_shut = matches!(timeout(LINGER, self.stream.shutdown()).await, Ok(Ok(())));
        if !is_shut || !self.answered || self.input == Input::Ended {
            return;
        }
        let until = Instant::now() + LINGER;
        let mut waste = [0; 1024];
        while let Ok(Ok(1..)) = timeout_at(until, self.stream.read(&mut waste)).await {}
    }
}

impl FrameClock {
    /// Time in which we did not read is not the peer's.
    fn pause(&mut self, paused: Duration) {
        self.latest += paused;
        self.began = self.began.map(|began| began + paused);
    }
}
