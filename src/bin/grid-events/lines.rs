//! Lines of JSON from a file or pipe, in bounded memory whatever the input holds.

use std::io::{self, BufRead, BufReader, Read};

use sutra_grid_events::event::{EVENT_BYTES_MAX, EventError};

/// The longest line that is read, in bytes. Longer than an event may be, so that the field that makes
/// an event too large can be named.
pub(crate) const LINE_BYTES_MAX: usize = 16 * EVENT_BYTES_MAX;

/// Bytes asked of the operating system at once.
const READ_BYTES: usize = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a line is not text that can be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LineError {
    /// It was skipped without being kept.
    #[error("the line is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// It is binary, or text in another encoding.
    #[error("not valid UTF-8 at byte {at}")]
    NotUtf8 {
        /// The first byte that does not fit, from 1.
        at: usize,
    },
}

/// A line that is not blank, with its number from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) number: u64,
    /// The length in bytes.
    pub(crate) bytes: usize,
    pub(crate) text: Result<&'a str, LineError>,
}

/// Reads lines. Blank ones are passed over; a byte order mark and carriage returns at the ends are dropped.
#[derive(Debug)]
pub(crate) struct LineReader<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    number: u64,
    bytes: u64,
}

impl<R: Read> LineReader<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader: BufReader::with_capacity(READ_BYTES, reader), line: Vec::new(), number: 0, bytes: 0 }
    }

    /// How many bytes were read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether another line is there without waiting for the input.
    pub(crate) fn has_line_ready(&self) -> bool {
        self.reader.buffer().contains(&b'\n')
    }

    /// The next line that is not blank, or nothing at the end of the input.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        let fits = loop {
            let Some(fits) = self.fill_line()? else { return Ok(None) };
            self.number += 1;
            if self.number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
                self.line.drain(..BYTE_ORDER_MARK.len());
            }
            if !fits || !self.line.trim_ascii().is_empty() {
                break fits;
            }
        };
        let text = match std::str::from_utf8(&self.line) {
            _ if !fits => Err(LineError::TooLong),
            Ok(text) => Ok(text.strip_suffix('\r').unwrap_or(text)),
            Err(error) => Err(LineError::NotUtf8 { at: error.valid_up_to() + 1 }),
        };
        Ok(Some(Line { number: self.number, bytes: self.line.len(), text }))
    }

    /// Reads one line without its newline. Answers whether all of it fits, or nothing at the end of the input.
    fn fill_line(&mut self) -> io::Result<Option<bool>> {
        self.line.clear();
        let (mut fits, mut read_any) = (true, false);
        loop {
            let available = match self.reader.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                return Ok(read_any.then_some(fits));
            }
            read_any = true;
            let end = available.iter().position(|&byte| byte == b'\n');
            let piece = &available[..end.unwrap_or(available.len())];
            fits = fits && self.line.len() + piece.len() <= LINE_BYTES_MAX;
            if fits {
                self.line.extend_from_slice(piece);
            } else {
                self.line = Vec::new();
            }
            let consumed = piece.len() + usize::from(end.is_some());
            self.reader.consume(consumed);
            self.bytes += consumed as u64;
            if end.is_some() {
                return Ok(Some(fits));
            }
        }
    }
}

/// What is wrong with an event, as `reason (field)`. The field is left out where the error is about none.
pub(crate) fn rejection(error: &EventError) -> String {
    // The text is one line of a file, whose number is named already.
    let reason = error.to_string().replace(" at line 1 column ", " at column ");
    match error.field() {
        Some(field) => format!("{reason} ({field})"),
        None => reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> Vec<(u64, Result<String, LineError>)> {
        let mut reader = LineReader::new(input);
        let mut lines = Vec::new();
        while let Some(line) = reader.next_line().expect("memory can be read") {
            lines.push((line.number, line.text.map(str::to_owned)));
        }
        assert_eq!(reader.bytes(), input.len() as u64);
        lines
    }

    #[test]
    fn marks_returns_and_blank_lines_are_dropped_but_counted() {
        let lines = read(b"\xef\xbb\xbfone\r\n\r\n  \t\ntwo\n\n three");
        assert_eq!(lines, [(1, Ok("one".into())), (4, Ok("two".into())), (6, Ok(" three".into()))]);
        assert_eq!(read(b""), []);
        assert_eq!(read(b"\n\n"), []);
    }

    #[test]
    fn a_bad_line_is_named_and_the_next_one_read() {
        let mut input = b"a\xffb\n".to_vec();
        input.extend(std::iter::repeat_n(b'x', LINE_BYTES_MAX + 1));
        input.extend(b"\nnext\n");
        input.extend(std::iter::repeat_n(b'y', LINE_BYTES_MAX));
        let lines = read(&input);
        assert_eq!(lines[0], (1, Err(LineError::NotUtf8 { at: 2 })));
        assert_eq!(lines[1], (2, Err(LineError::TooLong)));
        assert_eq!(lines[2], (3, Ok("next".into())));
        assert_eq!(lines[3].1.as_ref().map(String::len), Ok(LINE_BYTES_MAX));
    }

    #[test]
    fn lines_that_wait_in_the_buffer_are_known() {
        let mut reader = LineReader::new(&b"one\ntwo\nthree"[..]);
        assert!(!reader.has_line_ready(), "nothing was read yet");
        reader.next_line().expect("memory can be read");
        assert!(reader.has_line_ready());
        reader.next_line().expect("memory can be read");
        assert!(!reader.has_line_ready(), "the last line has no newline yet");
    }

    #[test]
    fn a_rejection_names_its_field() {
        assert_eq!(
            rejection(&EventError::MissingField { field: "node_id".into() }),
            "missing field `node_id` (node_id)"
        );
        assert_eq!(
            rejection(&EventError::Json { reason: "expected value at line 1 column 7".into() }),
            "not valid JSON: expected value at column 7"
        );
    }
}
