//! [`Line`]: what is known of one connection, and [`Watched`]: the stream that keeps it up to date.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Kept;
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Arc, Mutex};

/// So many bytes are read before the connection lets others have their turn: a tenth of a millisecond of interim
/// answers, of which there are hundreds in it.
const IN_A_ROW: usize = 16 * 1024;
/// The same for a body, of which they are some ten microseconds. With 16 KiB a body was read in so many steps, and so many
/// bodies grew at once, that large answers took more than twice the work.
const BODY_IN_A_ROW: usize = 64 * 1024;

/// One connection, for those who use it and those who may close it.
pub(in crate::http) struct Line {
    pub(in crate::http) peer: Option<SocketAddr>,
    /// When something came or went last, in milliseconds of [`Clock`].
    moved: AtomicU64,
    /// How many answers it has brought: with more than none it is reused.
    answers: AtomicUsize,
    /// A head has come since it was last given to a request: what it brings is a body.
    in_body: AtomicBool,
    /// How many requests have it.
    users: AtomicUsize,
    closed: AtomicBool,
    /// Its stream is no more.
    gone: AtomicBool,
    reader: Mutex<Option<Waker>>,
}

impl Line {
    pub(in crate::http) fn new(peer: Option<SocketAddr>) -> Arc<Self> {
        Arc::new(Self {
            peer,
            moved: AtomicU64::new(Clock::now()),
            answers: AtomicUsize::new(0),
            in_body: AtomicBool::new(false),
            users: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            reader: Mutex::new(None),
        })
    }

    /// When something came or went last.
    pub(in crate::http) fn last_moved(&self) -> u64 {
        // ORDERING: Relaxed, a time and nothing else.
        self.moved.load(Ordering::Relaxed)
    }

    fn move_now(&self) {
        // ORDERING: as in `last_moved`.
        self.moved.store(Clock::now(), Ordering::Relaxed);
    }

    /// The head of an answer has come.
    pub(in crate::http) fn answered(&self) {
        // ORDERING: Relaxed, a count and nothing else.
        self.answers.fetch_add(1, Ordering::Relaxed);
        // ORDERING: Relaxed, it decides on no more than how much is read in a row.
        self.in_body.store(true, Ordering::Relaxed);
    }

    /// How much is read of it in a row.
    fn row(&self) -> usize {
        // ORDERING: as in `answered`.
        if self.in_body.load(Ordering::Relaxed) { BODY_IN_A_ROW } else { IN_A_ROW }
    }

    /// Whether it has brought an answer before.
    pub(in crate::http) fn is_reused(&self) -> bool {
        // ORDERING: as in `answered`.
        self.answers.load(Ordering::Relaxed) > 0
    }

    /// Under the lock of [`Kept`].
    pub(super) fn enter(&self) {
        // ORDERING: Relaxed, the lock orders it.
        self.users.fetch_add(1, Ordering::Relaxed);
        // ORDERING: as in `answered`.
        self.in_body.store(false, Ordering::Relaxed);
    }

    /// Under the lock of [`Kept`]; whether that was the last one.
    pub(super) fn leave(&self) -> bool {
        // ORDERING: as in `enter`.
        self.users.fetch_sub(1, Ordering::Relaxed) == 1
    }

    /// Under the lock of [`Kept`].
    pub(super) fn go(&self) {
        // ORDERING: Relaxed, the lock orders it.
        self.gone.store(true, Ordering::Relaxed);
    }

    /// Under the lock of [`Kept`].
    pub(super) fn is_gone(&self) -> bool {
        // ORDERING: as in `go`.
        self.gone.load(Ordering::Relaxed)
    }

    /// Ends it, as if the server had.
    pub(super) fn close(&self) {
        // ORDERING: Relaxed, the lock below orders it before the reader's next look.
        self.closed.store(true, Ordering::Relaxed);
        let reader = self.reader.lock().take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// It is used after all.
    pub(super) fn reopen(&self) {
        // ORDERING: Relaxed, the next look of the reader is behind the request that this is for.
        self.closed.store(false, Ordering::Relaxed);
    }

    /// Whether it was closed; if not, `reader` is told when it is.
    fn is_closed(&self, reader: &Waker) -> bool {
        let mut waiting = self.reader.lock();
        // ORDERING: Relaxed, under the lock that `close` takes after its store.
        if self.closed.load(Ordering::Relaxed) {
            return true;
        }
        if !waiting.as_ref().is_some_and(|known| known.will_wake(reader)) {
            *waiting = Some(reader.clone());
        }
        false
    }
}

/// Milliseconds since the process made its first connection: a time in one word.
pub(in crate::http) struct Clock;

impl Clock {
    pub(in crate::http) fn now() -> u64 {
        static START: crate::sync::OnceLock<Instant> = crate::sync::OnceLock::new();
        let start = *START.get_or_init(crate::sync::now);
        let since = crate::sync::now() - start;
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    pub(in crate::http) fn since(then: u64) -> Duration {
        Duration::from_millis(Self::now().saturating_sub(then))
    }
}

/// A TCP stream that says when it moves, and lets others have their turn.
///
/// hyper reads for as long as there is something, and a flood of interim answers or a large body is always
/// there: other connections of the same thread would wait until tokio's budget is used up, after tens of
/// megabytes.
pub(super) struct Watched {
    stream: TcpStream,
    line: Arc<Line>,
    kept: Arc<Kept>,
    in_a_row: usize,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, line: Arc<Line>, kept: Arc<Kept>) -> Self {
        Self { stream, line, kept, in_a_row: 0 }
    }
}

impl Watched {
    /// Reads no more than is to be read in a row.
    fn read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let before = buffer.filled().len();
        if buffer.remaining() <= most {
            let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
            return read.map_ok(|()| buffer.filled().len() - before);
        }
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut part);
        let count = part.filled().len();
        buffer.advance(count);
        read.map_ok(|()| count)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.kept.gone(&self.line);
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = self.line.row().saturating_sub(self.in_a_row);
        if most == 0 {
            self.in_a_row = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.read(cx, buffer, most) {
            Poll::Ready(Ok(count)) => {
                self.in_a_row += count;
                self.line.move_now();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.in_a_row = 0;
                // An end, as if the server had closed it.
                if self.line.is_closed(cx.waker()) { Poll::Ready(Ok(())) } else { Poll::Pending }
            }
        }
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if written.is_ready() {
            self.line.move_now();
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        if written.is_ready() {
            self.line.move_now();
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// What is there, however much, is read in short rows, each of which ends with a wake-up of the reader's own.
    #[test]
    fn a_connection_that_has_more_lets_others_have_their_turn() {
        let line = Line::new(None);
        line.enter();
        assert!(longest_row(100_000, &line) <= 16 * 1024);
        line.answered();
        assert!(longest_row(400_000, &line) <= 64 * 1024);
        assert!(line.row() > 16 * 1024, "a body is read in longer ones");
        line.enter();
        assert!(longest_row(100_000, &line) <= 16 * 1024, "before the next head");
    }

    /// How much of `count` bytes is read in a row at most.
    fn longest_row(count: usize, line: &Arc<Line>) -> usize {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let writer = std::thread::spawn(move || {
            let (mut peer, _) = listener.accept().expect("a client");
            peer.write_all(&vec![7; count]).expect("it is read");
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let (total, longest) = runtime.expect("a runtime").block_on(async {
            let stream = TcpStream::connect(address).await.expect("a server");
            let mut watched = Watched::new(stream, Arc::clone(line), Kept::new(1));
            let (mut total, mut in_a_row, mut longest) = (0, 0, 0);
            let mut memory = vec![0; 2 * count];
            std::future::poll_fn(|cx| {
                loop {
                    let mut buffer = ReadBuf::new(&mut memory);
                    match Pin::new(&mut watched).poll_read(cx, &mut buffer) {
                        Poll::Ready(read) => {
                            read.expect("bytes");
                            if buffer.filled().is_empty() {
                                return Poll::Ready((total, longest));
                            }
                            total += buffer.filled().len();
                            in_a_row += buffer.filled().len();
                            longest = longest.max(in_a_row);
                        }
                        Poll::Pending => {
                            in_a_row = 0;
                            return Poll::Pending;
                        }
                    }
                }
            })
            .await
        });
        assert_eq!(total, count);
        writer.join().expect("it has written");
        longest
    }
}
