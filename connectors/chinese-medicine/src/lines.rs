//! Lines of a batch, from bytes as they come: one line in memory at a time, and never more of it than a record may have.

/// A line, or that it was too long.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line without its end; blank ones are passed over but counted.
    Whole {
        /// Its number, from 1.
        number: u64,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// More bytes than a record may have; the rest of it is passed over.
    TooLong {
        /// Its number, from 1.
        number: u64,
    },
}

/// Whether a file that begins so has a record a line: it is not one value of JSON, and its first line is.
pub fn are_lines(head: &[u8]) -> bool {
    let head = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head);
    let is_json = |bytes: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
    let first = head.split(|byte| *byte == b'\n').find(|line| !line.iter().all(u8::is_ascii_whitespace));
    !is_json(head) && first.is_some_and(|first| first.len() < head.len() && is_json(first))
}

/// Parts bytes into lines.
#[derive(Debug)]
pub struct Lines {
    bytes_max: usize,
    kept: Vec<u8>,
    number: u64,
    skipping: bool,
}

impl Lines {
    /// A reader of lines of at most so many bytes.
    pub const fn new(bytes_max: usize) -> Self {
        Self { bytes_max, kept: Vec::new(), number: 1, skipping: false }
    }

    /// Takes more bytes, and gives the lines that end in them.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (head, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            lines.extend(self.keep(head));
            lines.extend(self.end());
        }
        lines.extend(self.keep(bytes));
        lines
    }

    /// The last line, which nothing ends. A batch that was cut in the middle ends like this too: what is whole is a
    /// record, and what is not is refused as cut short.
    pub fn finish(mut self) -> Option<Line> {
        self.end()
    }

    fn keep(&mut self, bytes: &[u8]) -> Option<Line> {
        if self.skipping {
            return None;
        }
        if self.kept.len().saturating_add(bytes.len()) > self.bytes_max.saturating_add(1) {
            self.skipping = true;
            self.kept = Vec::new();
            return Some(Line::TooLong { number: self.number });
        }
        self.kept.extend_from_slice(bytes);
        None
    }

    fn end(&mut self) -> Option<Line> {
        let number = self.number;
        self.number = number.saturating_add(1);
        if std::mem::take(&mut self.skipping) {
            return None;
        }
        let bytes = std::mem::take(&mut self.kept);
        let blank = bytes.iter().all(u8::is_ascii_whitespace);
        (!blank).then_some(Line::Whole { number, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of bytes that arrive so many at a time.
    fn parted(bytes: &[u8], at_a_time: usize) -> Vec<Line> {
        let mut lines = Lines::new(4);
        let mut found: Vec<Line> = bytes.chunks(at_a_time).flat_map(|part| lines.feed(part)).collect();
        found.extend(lines.finish());
        found
    }

    #[test]
    fn lines_are_the_same_however_their_bytes_arrive() {
        let text = b"ab\r\n\n0123456789\ncd\n   \n01234\r\n56";
        let whole = |number, bytes: &[u8]| Line::Whole { number, bytes: bytes.to_vec() };
        let expected = [
            whole(1, b"ab\r"),
            Line::TooLong { number: 3 },
            whole(4, b"cd"),
            Line::TooLong { number: 6 },
            whole(7, b"56"),
        ];
        for at_a_time in 1..=text.len() {
            assert_eq!(parted(text, at_a_time), expected, "{at_a_time}");
        }
    }

    #[test]
    fn a_file_has_a_record_a_line_when_its_first_line_is_one() {
        assert!(are_lines(b"\xef\xbb\xbf\n{\"a\":1}\n{\"a\""));
        assert!(!are_lines(b"{\n\"a\":1\n}"), "one over several lines");
        assert!(!are_lines(b"{\n\"a\":1\n"), "one that is cut");
        assert!(!are_lines(b""));
    }

    #[test]
    fn a_line_of_any_length_takes_no_more_than_a_record() {
        let mut lines = Lines::new(1000);
        let part = vec![b'x'; 64 << 10];
        let told = (0..800).flat_map(|_| lines.feed(&part)).count();
        assert_eq!(told, 1);
        assert!(lines.kept.capacity() < 2000);
        assert_eq!(lines.feed(b"\nab\n"), [Line::Whole { number: 2, bytes: b"ab".to_vec() }]);
    }
}
