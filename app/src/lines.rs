//! Lines of bounded length from a byte stream.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// One line of input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line without its end.
    Whole(Vec<u8>),
    /// A line longer than allowed. It was read to its end and not kept.
    TooLong,
}

/// Cuts a stream into lines of at most `max` bytes.
pub(crate) struct Lines<R> {
    input: R,
    max: usize,
    line: Vec<u8>,
    too_long: bool,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(crate) fn new(input: R, max: usize) -> Self {
        Self { input, max, line: Vec::new(), too_long: false }
    }

    /// The next line; `None` at the end of the stream. Loses nothing when it is dropped half-way.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let ready = self.input.fill_buf().await?;
            if ready.is_empty() {
                return Ok(self.take_rest());
            }
            let end = ready.iter().position(|byte| *byte == b'\n');
            let piece = &ready[..end.unwrap_or(ready.len())];
            if self.too_long || self.line.len() + piece.len() > self.max {
                self.too_long = true;
                self.line = Vec::new();
            } else {
                self.line.extend_from_slice(piece);
            }
            let used = piece.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                return Ok(Some(self.take()));
            }
        }
    }

    fn take(&mut self) -> Line {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.too_long) { Line::TooLong } else { Line::Whole(line) }
    }

    /// What stands after the last line end, if anything.
    fn take_rest(&mut self) -> Option<Line> {
        (self.too_long || !self.line.is_empty()).then(|| self.take())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    async fn lines_of(input: &[u8], max: usize) -> Vec<Line> {
        let mut lines = Lines::new(BufReader::with_capacity(3, input), max);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            assert!(lines.line.capacity() <= 2 * max, "the buffer grew to {}", lines.line.capacity());
            found.push(line);
        }
        found
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn lines_come_whole_and_the_last_needs_no_end() {
        assert_eq!(lines_of(b"first\n\nlast", 8).await, [whole("first"), whole(""), whole("last")]);
        assert_eq!(lines_of(b"", 8).await, []);
    }

    #[tokio::test]
    async fn a_long_line_is_skipped_and_the_next_one_read() {
        let input = [&[b'x'; 10_000][..], b"\n12345678\n", &[b'y'; 9]].concat();
        assert_eq!(lines_of(&input, 8).await, [Line::TooLong, whole("12345678"), Line::TooLong]);
    }

    #[tokio::test]
    async fn nothing_is_lost_when_a_read_is_dropped_half_way() {
        use tokio::io::AsyncWriteExt;
        let (mut writer, reader) = tokio::io::duplex(64);
        let mut lines = Lines::new(BufReader::new(reader), 64);
        writer.write_all(b"he").await.unwrap();
        let dropped = futures::poll!(std::pin::pin!(lines.next()));
        assert!(dropped.is_pending());
        writer.write_all(b"llo\n").await.unwrap();
        assert_eq!(lines.next().await.unwrap(), Some(whole("hello")));
    }
}
