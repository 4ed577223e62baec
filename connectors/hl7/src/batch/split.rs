//! A file to messages: an HL7 batch file (HL7 v2.9.1, §2.10.3), messages one after the other, or frames of MLLP.
//!
//! The lines of the file are segments, whether they end in CR, LF or both; a message gets the CR between segments that it
//! would have had on a wire, so that it is known again when it comes that way. No more than one message is in memory.

use std::io::{BufRead, Result};

use memchr::{memchr, memchr2};

use crate::frame::{CR, FS, VT};

const LF: u8 = b'\n';
/// How much of a message that is too long is shown, in bytes: enough for its MSH segment.
const HEAD_MAX: usize = 8 << 10;
/// A byte order mark in UTF-8.
pub(crate) const MARK: &[u8] = b"\xef\xbb\xbf";

/// What a file is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'b> {
    /// A message, or lines that are none and begin like none.
    Message(&'b [u8]),
    /// The last message of a file that ends too early, or a frame without its end.
    Cut(&'b [u8]),
    /// A message that is longer than allowed: its beginning.
    TooLong(&'b [u8]),
    /// FHS or BHS.
    Open(Level, &'b [u8]),
    /// FTS or BTS.
    Close(Level, &'b [u8]),
}

/// What a header or a trailer encloses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// FHS and FTS.
    File,
    /// BHS and BTS.
    Batch,
}

/// What a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Message,
    Open(Level),
    Close(Level),
    /// The end of a frame, on a line of its own.
    FrameEnd,
    Blank,
    Other,
}

/// Cuts a file.
#[derive(Debug)]
pub(crate) struct Splitter<R> {
    reader: R,
    /// The longest message, in bytes.
    max: usize,
    /// What ends a line; known after the first.
    line_end: Option<u8>,
    line: Vec<u8>,
    /// The line is longer than `line` holds.
    line_is_cut: bool,
    /// The line was read, but what came before it had to be given out first.
    is_pending: bool,
    /// The line begins with a start block.
    has_start: bool,
    message: Vec<u8>,
    state: State,
    /// Headers without their trailers.
    open: u32,
    is_first_line: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Between,
    Inside { framed: bool, too_long: bool },
}

impl<R: BufRead> Splitter<R> {
    pub(crate) const fn new(reader: R, max: usize) -> Self {
        Self {
            reader,
            max,
            line_end: None,
            line: Vec::new(),
            line_is_cut: false,
            is_pending: false,
            has_start: false,
            message: Vec::new(),
            state: State::Between,
            open: 0,
            is_first_line: true,
        }
    }

    /// The next piece; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Piece<'_>>> {
        if self.state == State::Between {
            self.message.clear();
        }
        loop {
            if !self.is_pending && !self.read_line()? {
                return Ok(self.end());
            }
            self.is_pending = false;
            let kind = kind(&self.line);
            let is_inside = self.state != State::Between;
            match kind {
                Kind::Blank => {}
                Kind::FrameEnd if is_inside => return Ok(Some(self.give(false))),
                Kind::FrameEnd => {}
                Kind::Message | Kind::Open(_) | Kind::Close(_) if is_inside => {
                    self.is_pending = true;
                    // A start block inside a frame: the sender lost the end of the one before.
                    let is_cut = self.has_start && matches!(self.state, State::Inside { framed: true, .. });
                    return Ok(Some(self.give(is_cut)));
                }
                Kind::Open(level) => {
                    self.open = self.open.saturating_add(1);
                    return Ok(Some(Piece::Open(level, &self.line)));
                }
                Kind::Close(level) => {
                    self.open = self.open.saturating_sub(1);
                    return Ok(Some(Piece::Close(level, trailer(&self.line))));
                }
                Kind::Message | Kind::Other => {
                    if self.append() {
                        return Ok(Some(self.give(false)));
                    }
                }
            }
        }
    }

    /// Adds the line to the message, or begins one with it. True when a frame ends with the line.
    fn append(&mut self) -> bool {
        let (framed, was_too_long) = match self.state {
            State::Between => {
                self.message.clear();
                (self.has_start, false)
            }
            State::Inside { framed, too_long } => (framed, too_long),
        };
        let ends = !self.line_is_cut && self.line.last() == Some(&FS);
        let line = trailer(&self.line);
        let too_long = was_too_long || self.line_is_cut || self.message.len() + line.len() >= self.max;
        if too_long {
            let room = HEAD_MAX.saturating_sub(self.message.len());
            self.message.extend(line.iter().take(room));
            self.message.truncate(HEAD_MAX);
        } else {
            self.message.extend_from_slice(line);
            self.message.push(CR);
        }
        self.state = State::Inside { framed, too_long };
        ends
    }

    /// Gives the message out.
    fn give(&mut self, is_cut: bool) -> Piece<'_> {
        let too_long = matches!(self.state, State::Inside { too_long: true, .. });
        self.state = State::Between;
        match (too_long, is_cut) {
            (true, _) => Piece::TooLong(&self.message),
            (false, true) => Piece::Cut(&self.message),
            (false, false) => Piece::Message(&self.message),
        }
    }

    /// What is left at the end of the file. A message that something should follow may lack its own end too.
    fn end(&mut self) -> Option<Piece<'_>> {
        match self.state {
            State::Between => None,
            State::Inside { framed, .. } => {
                let is_cut = framed || self.open > 0;
                Some(self.give(is_cut))
            }
        }
    }

    /// Reads a line, without what ends it. False at the end of the file.
    fn read_line(&mut self) -> Result<bool> {
        self.line.clear();
        self.line_is_cut = false;
        let mut any = false;
        loop {
            let bytes = match self.reader.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if bytes.is_empty() {
                break;
            }
            // The second half of the CRLF before.
            if !any && self.line_end == Some(CR) && bytes.first() == Some(&LF) {
                self.reader.consume(1);
                continue;
            }
            any = true;
            let found = match self.line_end {
                Some(end) => memchr(end, bytes),
                None => memchr2(CR, LF, bytes),
            };
            let text = bytes.get(..found.unwrap_or(bytes.len())).unwrap_or(bytes);
            let room = self.max.saturating_sub(self.line.len());
            self.line.extend_from_slice(text.get(..room).unwrap_or(text));
            self.line_is_cut |= text.len() > room;
            let used = text.len() + usize::from(found.is_some());
            if let Some(at) = found {
                self.line_end = self.line_end.or_else(|| bytes.get(at).copied());
                self.reader.consume(used);
                break;
            }
            self.reader.consume(used);
        }
        self.strip();
        Ok(any)
    }

    /// Takes off what stands before the first segment of a frame or of the file.
    fn strip(&mut self) {
        if std::mem::take(&mut self.is_first_line) && self.line.starts_with(MARK) {
            self.line.drain(..MARK.len());
        }
        self.has_start = self.line.first() == Some(&VT);
        if self.has_start {
            self.line.remove(0);
        }
    }
}

/// A line without the end of the frame that it may have.
fn trailer(line: &[u8]) -> &[u8] {
    line.strip_suffix(&[FS]).unwrap_or(line)
}

fn kind(line: &[u8]) -> Kind {
    let opens = line.get(3).is_none_or(|mark| !mark.is_ascii_alphanumeric());
    match line.get(..3) {
        Some(b"MSH") if opens => Kind::Message,
        Some(b"FHS") if opens => Kind::Open(Level::File),
        Some(b"BHS") if opens => Kind::Open(Level::Batch),
        Some(b"FTS") if opens => Kind::Close(Level::File),
        Some(b"BTS") if opens => Kind::Close(Level::Batch),
        Some(_) | None if line == [FS] => Kind::FrameEnd,
        Some(_) | None if line.iter().all(u8::is_ascii_whitespace) => Kind::Blank,
        Some(_) | None => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// The pieces of a file read so many bytes at a time, one line each: a letter for the kind, and the text.
    fn pieces(file: &[u8], chunk: usize, max: usize) -> Vec<String> {
        let mut splitter = Splitter::new(BufReader::with_capacity(chunk, file), max);
        let mut pieces = Vec::new();
        while let Some(piece) = splitter.next().expect("memory does not fail") {
            let (letter, text) = match piece {
                Piece::Message(text) => ('M', text),
                Piece::Cut(text) => ('C', text),
                Piece::TooLong(text) => ('L', text),
                Piece::Open(_, text) => ('O', text),
                Piece::Close(_, text) => ('T', text),
            };
            pieces.push(format!("{letter} {}", String::from_utf8_lossy(text).replace('\r', "/")));
        }
        pieces
    }

    /// The same whatever is read at once.
    fn cut(file: &str) -> Vec<String> {
        let whole = pieces(file.as_bytes(), 8192, 1000);
        for chunk in 1..20 {
            assert_eq!(pieces(file.as_bytes(), chunk, 1000), whole, "{chunk} bytes at a time");
        }
        whole
    }

    #[test]
    fn messages_are_the_same_whatever_ends_their_lines() {
        let wanted = ["M MSH|1/PID|1/", "M MSH|2/PID|2/"];
        for end in ["\r", "\n", "\r\n"] {
            let file = ["MSH|1", "PID|1", "MSH|2", "PID|2", ""].join(end);
            assert_eq!(cut(&file), wanted, "{end:?}");
            assert_eq!(cut(file.trim_end()), wanted, "{end:?}, without the last");
            assert_eq!(cut(&format!("\u{feff}{file}{end}{end}")), wanted, "{end:?}, with a mark and blank lines");
        }
    }

    #[test]
    fn a_line_feed_inside_a_segment_stays_when_segments_end_in_carriage_returns() {
        assert_eq!(cut("MSH|1\rOBX|a\nMSH|b\rMSH|2\r"), ["M MSH|1/OBX|a\nMSH|b/", "M MSH|2/"]);
    }

    #[test]
    fn batches_open_and_close() {
        let file = "FHS|^\rBHS|^\rMSH|1\rPID|1\rMSH|2\rBTS|2\rFTS|1\r";
        assert_eq!(cut(file), ["O FHS|^", "O BHS|^", "M MSH|1/PID|1/", "M MSH|2/", "T BTS|2", "T FTS|1"]);
    }

    #[test]
    fn frames_are_taken_off_alone_and_around_a_batch() {
        assert_eq!(cut("\u{b}MSH|1\rPID|1\r\u{1c}\r\u{b}MSH|2\r\u{1c}\r"), ["M MSH|1/PID|1/", "M MSH|2/"]);
        assert_eq!(cut("\u{b}MSH|1\rPID|1\u{1c}\r\n\u{b}MSH|2\u{1c}\r\n"), ["M MSH|1/PID|1/", "M MSH|2/"]);
        assert_eq!(cut("\u{b}BHS|^\rMSH|1\rBTS|1\r\u{1c}\r"), ["O BHS|^", "M MSH|1/", "T BTS|1"]);
    }

    #[test]
    fn the_last_message_of_what_ends_too_early_is_known_to_be_cut() {
        assert_eq!(cut("BHS|^\rMSH|1\rMSH|2\rPI"), ["O BHS|^", "M MSH|1/", "C MSH|2/PI/"]);
        assert_eq!(cut("\u{b}MSH|1\rPID"), ["C MSH|1/PID/"]);
        assert_eq!(cut("\u{b}MSH|1\rPID\r\u{b}MSH|2\r\u{1c}\r"), ["C MSH|1/PID/", "M MSH|2/"]);
    }

    #[test]
    fn what_is_no_message_is_given_out_as_it_is() {
        assert_eq!(cut("hello\rworld\rMSH|1\r"), ["M hello/world/", "M MSH|1/"]);
        assert_eq!(cut("MSHH0|\rMSH|1\r"), ["M MSHH0|/", "M MSH|1/"]);
        assert!(cut("").is_empty() && cut("\r\n\r\n").is_empty());
    }

    #[test]
    fn a_message_that_is_too_long_is_passed_by_without_being_held() {
        let file = format!("MSH|1\rOBX|{}\rOBX|more\rMSH|2\r", "x".repeat(100_000));
        let found = pieces(file.as_bytes(), 64, 1000);
        assert!(found[0].starts_with("L MSH|1/OBX|xxx") && found[0].len() < 10_000, "{}", found[0].len());
        assert_eq!(&found[1..], ["M MSH|2/"]);
        let mut splitter = Splitter::new(BufReader::with_capacity(64, file.as_bytes()), 1000);
        while splitter.next().expect("memory does not fail").is_some() {
            assert!(splitter.line.capacity() + splitter.message.capacity() < 20_000);
        }
    }
}
