//! Parts of a `multipart` body as it streams by (RFC 2046 section 5.1): bytes are pushed in, events come out, and no more is
//! held than a head and a delimiter may be long, whatever the parts are.
//!
//! A line that only begins like a delimiter is none: it belongs to the part it stands in. Nested multiparts are parts like
//! any other; nobody looks into them.

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memmem::{Finder, find};

use super::media::MediaType;

/// What may stand before the first delimiter, in bytes; it says nothing to anybody.
const PREAMBLE_BYTES_MAX: usize = 4 << 10;
/// Blanks between a delimiter and the end of its line, which transports may add.
const PADDING_MAX: usize = 64;
const LINE_END: &[u8] = b"\r\n";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Bounds of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartLimits {
    /// Parts.
    pub parts_max: u32,
    /// Bytes of the head of one part.
    pub head_bytes_max: usize,
}

/// What is said before a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartHead {
    /// `Content-Type` as it stands there.
    pub content_type: Option<String>,
    /// `Content-Transfer-Encoding`, in lower case.
    pub encoding: Option<String>,
}

impl PartHead {
    /// Its media type; `None` when it has none, or one that cannot be read.
    pub fn media_type(&self) -> Option<MediaType> {
        MediaType::parse(self.content_type.as_deref()?)
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A part begins.
    Begin(PartHead),
    /// The next bytes of it.
    Bytes(Bytes),
    /// It is over.
    End,
}

/// What is wrong with a body. Never a byte of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MultipartFault {
    /// The boundary that was announced does not come.
    #[error("the body does not begin with the boundary that Content-Type names")]
    NoDelimiter,
    /// The body ends, and not with the closing delimiter.
    #[error("the body ends in the middle of part {part}, without its closing boundary")]
    Ended {
        /// Counted from 1; 0 before the first one.
        part: u32,
    },
    /// A head that is none.
    #[error("the header of part {part} cannot be read: every line is `Name: value`, and ends with CR LF")]
    BadHead {
        /// Counted from 1.
        part: u32,
    },
    /// A head beyond the limit.
    #[error("the header of part {part} is longer than {head_bytes_max} bytes")]
    HeadTooLong {
        /// Counted from 1.
        part: u32,
        /// The limit.
        head_bytes_max: usize,
    },
    /// More parts than may be.
    #[error("there are more than {parts_max} parts")]
    TooManyParts {
        /// The limit.
        parts_max: u32,
    },
}

/// Takes a body apart.
#[derive(Debug)]
pub struct Multipart {
    delimiter: Finder<'static>,
    limits: PartLimits,
    state: State,
    held: BytesMut,
    parts: u32,
    before: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has begun.
    Preamble,
    /// A delimiter has come.
    Head,
    /// A head has come; the end of its last line is still held, because a delimiter may begin with it.
    Fresh,
    /// Within a part.
    Body,
    /// The closing delimiter has come: what follows says nothing.
    Over,
}

/// Where the next delimiter stands in what is held.
enum Found {
    /// Bytes before it, and with it; whether it is the closing one.
    Delimiter { at: usize, end: usize, closes: bool },
    /// Perhaps there; more must come to tell.
    Perhaps { at: usize },
    /// Not before there.
    NotBefore { at: usize },
}

impl Multipart {
    /// For a body with this boundary.
    pub fn new(boundary: &str, limits: PartLimits) -> Self {
        let delimiter = Finder::new(format!("\r\n--{boundary}").as_bytes()).into_owned();
        // The first delimiter needs no line before it.
        let held = BytesMut::from(LINE_END);
        Self { delimiter, limits, state: State::Preamble, held, parts: 0, before: 0 }
    }

    /// Takes the next bytes. Ask for [`Self::event`] until there is none.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.state != State::Over {
            self.held.extend_from_slice(bytes);
        }
    }

    /// The next event; `None` when more must be pushed, or the closing delimiter has come.
    ///
    /// # Errors
    /// The body is none. Nothing more can be asked then.
    pub fn event(&mut self) -> Result<Option<Event>, MultipartFault> {
        loop {
            let event = match self.state {
                State::Over => return Ok(None),
                State::Preamble => match self.preamble()? {
                    true => continue,
                    false => return Ok(None),
                },
                State::Head => self.head()?,
                State::Fresh => match self.fresh() {
                    Some(event) => event,
                    None => return Ok(None),
                },
                State::Body => self.body(),
            };
            match event {
                Some(Event::Bytes(bytes)) if bytes.is_empty() => {}
                other => return Ok(other),
            }
        }
    }

    /// Whether the closing delimiter has come.
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// How many parts have begun.
    pub const fn parts(&self) -> u32 {
        self.parts
    }

    /// The body has ended.
    ///
    /// # Errors
    /// Something is missing.
    pub fn finish(&self) -> Result<(), MultipartFault> {
        match self.state {
            State::Over => Ok(()),
            State::Preamble => Err(MultipartFault::NoDelimiter),
            State::Head => Err(MultipartFault::Ended { part: self.parts.saturating_add(1) }),
            State::Fresh | State::Body => Err(MultipartFault::Ended { part: self.parts }),
        }
    }

    /// Whether the first delimiter has come.
    fn preamble(&mut self) -> Result<bool, MultipartFault> {
        let (gone, found) = match self.find() {
            Found::Delimiter { end, closes, .. } => {
                self.state = if closes { State::Over } else { State::Head };
                (end, true)
            }
            Found::Perhaps { at } | Found::NotBefore { at } => {
                self.before = self.before.saturating_add(at);
                (at, false)
            }
        };
        self.held.advance(gone);
        if self.before > PREAMBLE_BYTES_MAX { Err(MultipartFault::NoDelimiter) } else { Ok(found) }
    }

    fn head(&mut self) -> Result<Option<Event>, MultipartFault> {
        let (part, head_bytes_max) = (self.parts.saturating_add(1), self.limits.head_bytes_max);
        if part > self.limits.parts_max {
            return Err(MultipartFault::TooManyParts { parts_max: self.limits.parts_max });
        }
        // A part without any header begins with the empty line.
        let lines = if self.held.starts_with(LINE_END) { Some(0) } else { find(&self.held, HEAD_END).map(|at| at + 2) };
        match lines {
            Some(lines) if lines <= head_bytes_max => {
                let head = read(&self.held.split_to(lines)).ok_or(MultipartFault::BadHead { part })?;
                (self.parts, self.state) = (part, State::Fresh);
                Ok(Some(Event::Begin(head)))
            }
            None if self.held.len() <= head_bytes_max => Ok(None),
            Some(_) | None => Err(MultipartFault::HeadTooLong { part, head_bytes_max }),
        }
    }

    /// The first bytes of a part; the outer `None` when more must come.
    #[expect(clippy::option_option, reason = "no event yet is not the same as no event here")]
    fn fresh(&mut self) -> Option<Option<Event>> {
        match self.find() {
            Found::Delimiter { at: 0, end, closes } => Some(self.end(end, closes)),
            Found::Perhaps { at: 0 } | Found::NotBefore { at: 0 } => None,
            Found::Delimiter { .. } | Found::Perhaps { .. } | Found::NotBefore { .. } => {
                self.held.advance(LINE_END.len());
                self.state = State::Body;
                Some(Some(Event::Bytes(Bytes::new())))
            }
        }
    }

    fn body(&mut self) -> Option<Event> {
        match self.find() {
            Found::Delimiter { at: 0, end, closes } => self.end(end, closes),
            Found::Perhaps { at: 0 } | Found::NotBefore { at: 0 } => None,
            Found::Delimiter { at, .. } | Found::Perhaps { at } | Found::NotBefore { at } => {
                Some(Event::Bytes(self.held.split_to(at).freeze()))
            }
        }
    }

    fn end(&mut self, end: usize, closes: bool) -> Option<Event> {
        self.held.advance(end);
        self.state = if closes { State::Over } else { State::Head };
        if closes {
            self.held = BytesMut::new();
        }
        Some(Event::End)
    }

    /// Looks for the next delimiter.
    fn find(&self) -> Found {
        let length = self.delimiter.needle().len();
        let mut from = 0;
        loop {
            let rest = self.held.get(from..).unwrap_or_default();
            let Some(at) = self.delimiter.find(rest).map(|at| at.saturating_add(from)) else {
                return Found::NotBefore { at: self.before_a_beginning() };
            };
            let after = at.saturating_add(length);
            match line(self.held.get(after..).unwrap_or_default()) {
                Line::Ends { bytes, closes } => {
                    return Found::Delimiter { at, end: after.saturating_add(bytes), closes };
                }
                Line::Open => return Found::Perhaps { at },
                Line::Other => from = at.saturating_add(1),
            }
        }
    }

    /// Where the longest end of what is held stands that a delimiter could begin with.
    fn before_a_beginning(&self) -> usize {
        let needle = self.delimiter.needle();
        let tail = needle.len().saturating_sub(1).min(self.held.len());
        let first = self.held.len().saturating_sub(tail);
        (first..self.held.len())
            .find(|at| self.held.get(*at..).is_some_and(|end| needle.starts_with(end)))
            .unwrap_or(self.held.len())
    }
}

/// What follows a delimiter in its line.
enum Line {
    /// The line ends after so many bytes; or two hyphens say that it closes the body.
    Ends { bytes: usize, closes: bool },
    /// More must come to tell.
    Open,
    /// It goes on: no delimiter.
    Other,
}

fn line(rest: &[u8]) -> Line {
    match rest {
        [b'-', b'-', ..] => return Line::Ends { bytes: 2, closes: true },
        [b'-'] => return Line::Open,
        _ => {}
    }
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match rest.get(blanks..).unwrap_or_default() {
        _ if blanks > PADDING_MAX => Line::Other,
        [b'\r', b'\n', ..] => Line::Ends { bytes: blanks.saturating_add(LINE_END.len()), closes: false },
        [] | [b'\r'] => Line::Open,
        _ => Line::Other,
    }
}

/// Reads the lines of a head; `None` when they are none.
fn read(lines: &[u8]) -> Option<PartHead> {
    let text = std::str::from_utf8(lines).ok()?;
    let mut head = PartHead::default();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.split_terminator("\r\n") {
        if line.contains(|c: char| c.is_control() && c != '\t') {
            return None;
        }
        // A line that goes on in the next one (RFC 5322 section 2.2.3).
        if let (true, Some((_, value))) = (line.starts_with([' ', '\t']), fields.last_mut()) {
            value.push_str(line);
            continue;
        }
        let (name, value) = line.split_once(':')?;
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !is_name {
            return None;
        }
        fields.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    for (name, value) in fields {
        let value = value.trim();
        match name.as_str() {
            "content-type" => head.content_type = Some(value.to_owned()),
            "content-transfer-encoding" => head.encoding = Some(value.to_ascii_lowercase()),
            _ => {}
        }
    }
    Some(head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: PartLimits = PartLimits { parts_max: 5, head_bytes_max: 200 };

    /// The parts of a body that comes in pieces of these sizes, over and over.
    fn parts(body: &[u8], sizes: &[usize]) -> Result<Vec<(PartHead, Vec<u8>)>, MultipartFault> {
        let mut multipart = Multipart::new("b", LIMITS);
        let (mut parts, mut open) = (Vec::<(PartHead, Vec<u8>)>::new(), false);
        let (mut rest, mut sizes) = (body, sizes.iter().cycle());
        while !rest.is_empty() {
            let (now, later) = rest.split_at((*sizes.next().expect("sizes")).clamp(1, rest.len()));
            rest = later;
            multipart.push(now);
            while let Some(event) = multipart.event()? {
                match event {
                    Event::Begin(head) => {
                        assert!(!std::mem::replace(&mut open, true), "one at a time");
                        parts.push((head, Vec::new()));
                    }
                    Event::Bytes(bytes) => parts.last_mut().expect("begun").1.extend_from_slice(&bytes),
                    Event::End => assert!(std::mem::replace(&mut open, false), "what begins ends"),
                }
            }
            assert!(multipart.held.len() <= LIMITS.head_bytes_max + PADDING_MAX + 10, "{}", multipart.held.len());
        }
        multipart.finish()?;
        assert!(!open);
        Ok(parts)
    }

    fn bodies(text: &str) -> Result<Vec<String>, MultipartFault> {
        let parts = parts(text.as_bytes(), &[3])?;
        Ok(parts.into_iter().map(|(_, body)| String::from_utf8(body).expect("UTF-8")).collect())
    }

    #[test]
    fn parts_have_their_heads_and_their_bytes() {
        let text = "ignored\r\n--b \t\r\nContent-Type: application/dicom;\r\n transfer-syntax=1.2\r\nX-Y: z\r\n\r\none\r\n--b\r\n\r\n\
                    two\r\n--b\r\nContent-Transfer-Encoding: BASE64\r\n\r\n--b--epilogue";
        let parts = parts(text.as_bytes(), &[1]).expect("parts");
        let kind = parts[0].0.media_type().expect("a type");
        assert_eq!((kind.kind.as_str(), kind.parameter("transfer-syntax")), ("application/dicom", Some("1.2")));
        assert_eq!(parts[2].0.encoding.as_deref(), Some("base64"));
        assert_eq!(parts.iter().map(|(_, body)| body.as_slice()).collect::<Vec<_>>(), [&b"one"[..], b"two", b""]);
        assert_eq!(bodies("--b--"), Ok(Vec::new()));
    }

    #[test]
    fn what_only_begins_like_a_delimiter_belongs_to_its_part() {
        let text = "--b\r\n\r\na\r\n--bc\r\n--b-x\r\n--b  y\r\n--\r\n\r\n--b--";
        assert_eq!(bodies(text), Ok(vec!["a\r\n--bc\r\n--b-x\r\n--b  y\r\n--\r\n".to_owned()]));
    }

    #[test]
    fn a_nested_multipart_is_one_part() {
        let inner = "--inner\r\nContent-Type: application/dicom\r\n\r\nx\r\n--inner--";
        let text = format!("--b\r\nContent-Type: multipart/related; boundary=inner\r\n\r\n{inner}\r\n--b--");
        assert_eq!(bodies(&text), Ok(vec![inner.to_owned()]));
    }

    #[test]
    fn what_is_no_body_says_where() {
        let long = format!("--b\r\nX: {}\r\n\r\n\r\n--b--", "x".repeat(300));
        let many = format!("{}--b--", "--b\r\n\r\n\r\n".repeat(6));
        let (head_bytes_max, parts_max) = (200, 5);
        let wrong = [
            ("", MultipartFault::NoDelimiter),
            ("--c\r\n\r\nx\r\n--c--", MultipartFault::NoDelimiter),
            ("--b", MultipartFault::NoDelimiter),
            ("--b\r\n\r\nx", MultipartFault::Ended { part: 1 }),
            ("--b\r\n\r\nx--b--", MultipartFault::Ended { part: 1 }),
            ("--b\r\n\r\nx\r\n--b\r\nA: b", MultipartFault::Ended { part: 2 }),
            ("--b\r\nno colon\r\n\r\nx\r\n--b--", MultipartFault::BadHead { part: 1 }),
            ("--b\r\nA: b\nC: d\r\n\r\nx\r\n--b--", MultipartFault::BadHead { part: 1 }),
            (&long, MultipartFault::HeadTooLong { part: 1, head_bytes_max }),
            (&many, MultipartFault::TooManyParts { parts_max }),
        ];
        for (text, fault) in wrong {
            assert_eq!(bodies(text), Err(fault), "{text}");
        }
        let endless = "x".repeat(PREAMBLE_BYTES_MAX * 2);
        assert_eq!(bodies(&endless), Err(MultipartFault::NoDelimiter));
    }

    proptest! {
        #[test]
        fn whatever_the_pieces_the_parts_are_the_same(
            written in prop::collection::vec(prop::collection::vec(prop::sample::select(b"\r\n-b x".to_vec()), 0..60), 0..5),
            sizes in prop::collection::vec(1_usize..40, 1..8),
        ) {
            // Only what holds no delimiter can be written as a part.
            let holds = |part: &Vec<u8>| parts(&[b"--b\r\n\r\n", part.as_slice(), b"\r\n--b--"].concat(), &[7])
                .is_ok_and(|read| read.len() == 1 && read[0].1 == *part);
            let written: Vec<Vec<u8>> = written.into_iter().filter(holds).collect();
            let mut body = Vec::new();
            for part in &written {
                body.extend_from_slice(b"--b\r\nA: b\r\n\r\n");
                body.extend_from_slice(part);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"--b--\r\n");
            let read = parts(&body, &sizes).expect("well formed");
            prop_assert_eq!(read.into_iter().map(|(_, part)| part).collect::<Vec<_>>(), written);
        }

        #[test]
        fn whatever_comes_is_taken_apart_alike_in_any_pieces(
            body in prop::collection::vec(prop::sample::select(b"\r\n-b: x\t".to_vec()), 0..300),
            sizes in prop::collection::vec(1_usize..40, 1..8),
        ) {
            let body = [b"--b".as_slice(), &body].concat();
            prop_assert_eq!(parts(&body, &sizes), parts(&body, &[1]));
        }
    }
}
