//! Bytes to frames: an incremental MLLP state machine that does no I/O.
//!
//! A frame is `0x0B payload 0x1C 0x0D` (HL7 v2, MLLP release 1). The machine keeps what follows a frame for the next
//! one, looks at every byte once, never holds more than one frame beyond what was read with it, and says of everything
//! else what it was. It knows nothing of what the payload means.

use memchr::{memchr, memchr2};

/// Start block.
pub const VT: u8 = 0x0B;
/// End block, first byte.
pub const FS: u8 = 0x1C;
/// End block, second byte.
pub const CR: u8 = 0x0D;

/// What is read at once from a quiet connection, in bytes.
const CHUNK_MIN: usize = 4 << 10;
/// What is read at once from a busy one, in bytes.
const CHUNK_MAX: usize = 256 << 10;
/// The buffer a connection keeps while it has nothing to read, in bytes.
const KEPT_MAX: usize = 8 << 10;
/// How much of a frame that is too long is shown, in bytes: enough for any MSH segment seen in the field.
const HEAD_MAX: usize = 8 << 10;

/// How strictly frames are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing {
    /// The longest payload, in bytes.
    pub payload_bytes_max: usize,
    /// White space taken before a start block, in bytes.
    pub leading_bytes_max: usize,
    /// Take a message that begins with `M` instead of a start block.
    pub accept_missing_start: bool,
    /// Take an end block without its carriage return when a start block or a line feed follows, or nothing in time.
    pub accept_missing_end_cr: bool,
    /// Take an end-block byte that is not followed by a carriage return as part of the text.
    pub accept_inner_end: bool,
}

/// What bytes that form no frame look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Junk {
    /// A message without a start block.
    NoStartBlock,
    /// An HTTP request.
    Http,
    /// A TLS handshake.
    Tls,
    /// Nothing but white space, for too long.
    Blank,
    /// Anything else.
    Other,
}

impl Junk {
    /// The stable word, for a metric label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoStartBlock => "no_start_block",
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Blank => "blank",
            Self::Other => "junk",
        }
    }
}

/// What came out of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'b> {
    /// A whole frame.
    Frame {
        /// Between the blocks. May be empty.
        payload: &'b [u8],
        /// An end-block byte stands inside it, and the settings do not take that as text.
        stray_end: bool,
    },
    /// A start block came before the end block: the sender lost the end of this one. The next frame has begun.
    Broken(&'b [u8]),
    /// The payload is longer than allowed. These are its first bytes; nothing more comes of this stream.
    TooLong(&'b [u8]),
    /// Bytes before a start block. These are the ones seen; nothing more comes of this stream.
    Junk(Junk, &'b [u8]),
}

/// Where the machine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a start block, having skipped so many bytes of white space.
    Between { skipped: usize },
    /// In a payload.
    Inside { stray_end: bool },
    /// Given up: framing is lost.
    Lost,
}

/// Cuts a stream of bytes into frames.
#[derive(Debug)]
pub struct Deframer {
    framing: Framing,
    state: State,
    buffer: Vec<u8>,
    /// Where the payload begins, or the first byte not yet looked at between frames.
    start: usize,
    /// Payload bytes before this one hold no start block and no end of frame.
    scanned: usize,
    /// How much room the next read gets.
    chunk: usize,
    /// The buffer's length when room was last made.
    length_before_read: usize,
}

impl Deframer {
    /// A machine before its first byte. Allocates nothing yet.
    pub const fn new(framing: Framing) -> Self {
        Self {
            framing,
            state: State::Between { skipped: 0 },
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            chunk: CHUNK_MIN,
            length_before_read: 0,
        }
    }

    /// Makes room for one read; [`Self::room`] does it too. Call it only after [`Self::next_event`] has given `None`.
    pub fn reserve(&mut self) {
        self.forget_consumed();
        let held = self.buffer.len();
        if held.saturating_sub(self.length_before_read) >= self.chunk {
            self.chunk = (self.chunk * 2).min(CHUNK_MAX);
        }
        if self.buffer.capacity() - held < CHUNK_MIN {
            // Half as much again keeps copying linear; the bound keeps a hostile frame from taking more than its limit.
            let left = (self.framing.payload_bytes_max.saturating_add(3)).saturating_sub(held).max(CHUNK_MIN);
            self.buffer.reserve_exact(self.chunk.max(held / 2).min(left));
        }
        self.length_before_read = held;
    }

    /// The buffer to append newly read bytes to, with spare capacity for one read.
    pub fn room(&mut self) -> &mut Vec<u8> {
        self.reserve();
        &mut self.buffer
    }

    /// The payload read so far of the frame that has begun; empty between frames.
    pub fn unfinished(&self) -> &[u8] {
        match self.state {
            State::Inside { .. } => self.slice(self.start, self.buffer.len().min(self.start + HEAD_MAX)),
            State::Between { .. } | State::Lost => &[],
        }
    }

    /// The next thing in the bytes read so far, or `None` when more bytes are needed.
    pub fn next_event(&mut self) -> Option<Event<'_>> {
        loop {
            match self.state {
                State::Lost => return None,
                State::Between { skipped } => {
                    let step = self.seek_start(skipped)?;
                    if let Step::Junk(junk) = step {
                        self.state = State::Lost;
                        return Some(Event::Junk(junk, self.slice(self.start, self.buffer.len())));
                    }
                }
                State::Inside { stray_end } => return self.seek_end(stray_end),
            }
        }
    }

    /// A frame has begun and not ended.
    pub const fn is_inside(&self) -> bool {
        matches!(self.state, State::Inside { .. })
    }

    /// The last byte read is an end block that still lacks its carriage return.
    pub fn awaits_end_cr(&self) -> bool {
        self.is_inside() && self.scanned + 1 == self.buffer.len() && self.buffer.last() == Some(&FS)
    }

    /// Ends the frame whose end block lacks its carriage return, when the settings allow that; for when the time to
    /// wait for it is over.
    pub fn end_without_cr(&mut self) -> Option<Event<'_>> {
        let State::Inside { stray_end } = self.state else { return None };
        if !self.framing.accept_missing_end_cr || !self.awaits_end_cr() {
            return None;
        }
        let (from, to) = (self.start, self.scanned);
        Some(self.finish(from, to, to + 1, stray_end))
    }

    /// The memory the buffer takes, in bytes.
    pub const fn held_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    /// Drops the bytes of finished frames, and memory that a quiet connection does not need.
    fn forget_consumed(&mut self) {
        if self.start == 0 {
            return;
        }
        if self.start >= self.buffer.len() {
            self.buffer.clear();
            if self.buffer.capacity() > KEPT_MAX {
                self.buffer = Vec::new();
            }
            self.chunk = CHUNK_MIN;
        } else {
            self.buffer.drain(..self.start);
        }
        self.scanned = self.scanned.saturating_sub(self.start);
        self.length_before_read = self.length_before_read.saturating_sub(self.start).min(self.buffer.len());
        self.start = 0;
    }

    /// Looks for a start block. `None`: more bytes are needed.
    fn seek_start(&mut self, mut skipped: usize) -> Option<Step> {
        while let Some(byte) = self.buffer.get(self.start).copied() {
            match byte {
                VT => return Some(self.begin(self.start + 1)),
                b'M' if self.framing.accept_missing_start => return Some(self.begin(self.start)),
                b'\n' | b'\r' | b' ' | b'\t' if skipped < self.framing.leading_bytes_max => {
                    skipped += 1;
                    self.start += 1;
                }
                b'\n' | b'\r' | b' ' | b'\t' => return Some(Step::Junk(Junk::Blank)),
                _ => return Some(Step::Junk(junk(self.slice(self.start, self.buffer.len())))),
            }
        }
        self.state = State::Between { skipped };
        None
    }

    /// Enters a payload.
    fn begin(&mut self, at: usize) -> Step {
        self.start = at;
        self.scanned = at;
        self.state = State::Inside { stray_end: false };
        Step::Begun
    }

    /// Looks for the end of the payload.
    fn seek_end(&mut self, mut stray_end: bool) -> Option<Event<'_>> {
        loop {
            let rest = self.buffer.get(self.scanned..).unwrap_or_default();
            let Some(found) = memchr2(VT, FS, rest) else {
                self.scanned = self.buffer.len();
                return self.pending(stray_end);
            };
            let at = self.scanned + found;
            self.scanned = at;
            if self.buffer.get(at) == Some(&VT) {
                return Some(self.broken(at));
            }
            match (self.buffer.get(at + 1).copied(), self.framing) {
                (None, _) => return self.pending(stray_end),
                (Some(CR), _) => return Some(self.finish(self.start, at, at + 2, stray_end)),
                (Some(VT | b'\n'), Framing { accept_missing_end_cr: true, .. }) => {
                    return Some(self.finish(self.start, at, at + 1, stray_end));
                }
                (Some(_), Framing { accept_inner_end, .. }) => {
                    stray_end |= !accept_inner_end;
                    self.scanned = at + 1;
                }
            }
        }
    }

    /// No end in sight: fine, unless the payload is already too long.
    fn pending(&mut self, stray_end: bool) -> Option<Event<'_>> {
        self.state = State::Inside { stray_end };
        if self.scanned.saturating_sub(self.start) > self.framing.payload_bytes_max {
            return Some(self.too_long(self.start));
        }
        None
    }

    /// Leaves a payload by its end block.
    fn finish(&mut self, from: usize, to: usize, next: usize, stray_end: bool) -> Event<'_> {
        if to.saturating_sub(from) > self.framing.payload_bytes_max {
            return self.too_long(from);
        }
        self.state = State::Between { skipped: 0 };
        self.start = next;
        self.scanned = next;
        Event::Frame { payload: self.slice(from, to), stray_end }
    }

    /// Leaves a payload because another start block stands at `at`.
    fn broken(&mut self, at: usize) -> Event<'_> {
        let from = self.start;
        self.begin(at + 1);
        Event::Broken(self.slice(from, at))
    }

    /// Gives up on a payload that is too long.
    fn too_long(&mut self, from: usize) -> Event<'_> {
        self.state = State::Lost;
        let to = self.buffer.len().min(from + HEAD_MAX);
        Event::TooLong(self.slice(from, to))
    }

    /// Bytes of the buffer; empty when the range is not in it.
    fn slice(&self, from: usize, to: usize) -> &[u8] {
        self.buffer.get(from..to).unwrap_or_default()
    }
}

/// How the search for a start block ended.
enum Step {
    Begun,
    Junk(Junk),
}

/// What bytes that do not begin with a start block look like.
fn junk(bytes: &[u8]) -> Junk {
    const METHODS: [&[u8]; 8] = [b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"CONNECT ", b"DELETE ", b"PRI "];
    let line = bytes.get(..memchr(b'\r', bytes).unwrap_or(bytes.len())).unwrap_or_default();
    match line {
        // TLS record: handshake (22), major version 3 (RFC 8446, section 5.1).
        [0x16, 0x03, ..] => Junk::Tls,
        [b'M', b'S', b'H', ..] => Junk::NoStartBlock,
        _ if METHODS.iter().any(|method| line.starts_with(method)) => Junk::Http,
        _ => Junk::Other,
    }
}

/// Appends `payload` to `out` as a frame. Always strict.
pub fn write_frame(out: &mut Vec<u8>, payload: impl FnOnce(&mut Vec<u8>)) {
    out.push(VT);
    payload(out);
    out.extend_from_slice(&[FS, CR]);
}

/// Gives the payloads of frames of ours, which are whole, one after the other.
pub(crate) fn each_payload(frames: &[u8], mut give: impl FnMut(&[u8])) {
    if frames.is_empty() {
        return;
    }
    let framing = Framing {
        payload_bytes_max: frames.len(),
        leading_bytes_max: 0,
        accept_missing_start: false,
        accept_missing_end_cr: false,
        accept_inner_end: true,
    };
    let mut deframer = Deframer::new(framing);
    deframer.room().extend_from_slice(frames);
    while let Some(event) = deframer.next_event() {
        match event {
            Event::Frame { payload, .. } => give(payload),
            Event::Broken(_) | Event::TooLong(_) | Event::Junk(..) => return,
        }
    }
}

#[cfg(test)]
mod tests;
