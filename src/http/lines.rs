//! [`Lines`]: a streamed body line by line.

use std::fmt;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::async_body::LineStream;
use super::{Error, ErrorKind, Streamed};

/// A line is held in memory, so it may not be endless.
const LONGEST: usize = 1 << 20;

/// The lines of a [`Streamed`] body, as they come: an [`Iterator`] in plain code, and with [`stream`](Lines::stream) a stream in async code.
///
/// A line ends with `\n` or `\r\n`, which it is given without; the last one may end with the body. It is read as
/// UTF-8, and what is not valid in it becomes `U+FFFD`. A line of more than 1 MiB is an error of kind
/// [`BodyTooLarge`](ErrorKind::BodyTooLarge); behind an error there is nothing more.
#[must_use = "lines that are not read are thrown away"]
pub struct Lines {
    /// `None` behind the end.
    body: Option<Streamed>,
    piece: Bytes,
    line: Vec<u8>,
}

pub(super) type Line = Result<String, Error>;

impl Lines {
    pub(super) fn new(body: Streamed) -> Self {
        Self { body: Some(body), piece: Bytes::new(), line: Vec::new() }
    }

    /// Gives the lines to async code, on any runtime.
    pub fn stream(self) -> LineStream {
        LineStream::new(self)
    }

    pub(super) fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Option<Line>> {
        loop {
            if let Some(line) = self.complete() {
                return Poll::Ready(Some(line));
            }
            let Some(body) = &mut self.body else { return Poll::Ready(None) };
            let Poll::Ready(next) = body.poll_piece(cx) else { return Poll::Pending };
            if let Some(end) = self.arrived(next) {
                return Poll::Ready(end);
            }
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.body.is_none()
    }

    /// A line, if the whole of it has come.
    fn complete(&mut self) -> Option<Line> {
        let end = self.piece.iter().position(|byte| *byte == b'\n');
        let part = self.piece.split_to(end.unwrap_or(self.piece.len()));
        self.line.extend_from_slice(&part);
        if self.line.len() > LONGEST {
            let url = self.body.take()?.url().clone();
            self.piece = Bytes::new();
            let text = format!("a line of more than {LONGEST} bytes");
            return Some(Err(Error::new(ErrorKind::BodyTooLarge).of(&url).saying(text)));
        }
        end?;
        let _line_feed = self.piece.split_to(1);
        Some(Ok(self.take_line()))
    }

    fn take_line(&mut self) -> String {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        String::from_utf8_lossy(line).into_owned()
    }

    /// Takes what has come next. `Some`: it was the end.
    fn arrived(&mut self, next: Option<Result<Bytes, Error>>) -> Option<Option<Line>> {
        match next {
            Some(Ok(piece)) => {
                self.piece = piece;
                None
            }
            Some(Err(error)) => {
                self.body = None;
                self.line.clear();
                Some(Some(Err(error)))
            }
            None => {
                self.body = None;
                Some((!self.line.is_empty()).then(|| Ok(self.take_line())))
            }
        }
    }
}

/// Each step waits for the next line.
impl Iterator for Lines {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(line) = self.complete() {
                return Some(line);
            }
            let next = self.body.as_mut()?.next();
            if let Some(end) = self.arrived(next) {
                return end;
            }
        }
    }
}

impl std::iter::FusedIterator for Lines {}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("body", &self.body).finish_non_exhaustive()
    }
}
