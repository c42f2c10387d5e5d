//! The pieces of a body on their way from an I/O thread to their reader, and never many.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::io_thread;
use super::{Error, ErrorKind};
use crate::sync::{Arc, Mutex, MutexGuard};
use crate::{AnyError, Deferred, Failure, Promise};

/// With so much or more on the way, no more is read from the connection.
const ROOM: usize = 64 * 1024;

#[derive(Default)]
struct State {
    pieces: VecDeque<Bytes>,
    held: usize,
    end: Option<Result<(), Error>>,
    reader: Option<Reader>,
    writer: Option<Waker>,
    /// The reader is no more.
    is_left: bool,
}

/// How the reader waits.
enum Reader {
    Task(Waker),
    Thread(Deferred<(), AnyError>),
}

impl Reader {
    fn wake(self) {
        match self {
            Reader::Task(waker) => waker.wake(),
            Reader::Thread(told) => told.resolve(()),
        }
    }
}

#[derive(Default)]
struct Pipe(Mutex<State>);

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

/// The end on the I/O thread.
pub(super) struct Inlet(Arc<Pipe>);

/// The reader's end.
pub(super) struct Outlet(Arc<Pipe>);

pub(super) fn pipe() -> (Inlet, Outlet) {
    let pipe = Arc::new(Pipe::default());
    (Inlet(Arc::clone(&pipe)), Outlet(pipe))
}

impl Inlet {
    /// Waits until there is room for a piece.
    pub(super) async fn room(&self) {
        poll_fn(|cx| self.poll(cx, |state| state.held < ROOM)).await;
    }

    /// Waits until the reader is no more.
    pub(super) async fn left(&self) {
        poll_fn(|cx| self.poll(cx, |state| state.is_left)).await;
    }

    fn poll(&self, cx: &mut Context<'_>, is_there: impl FnOnce(&State) -> bool) -> Poll<()> {
        let mut state = self.0.lock();
        if is_there(&state) {
            return Poll::Ready(());
        }
        if !state.writer.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            state.writer = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    pub(super) fn give(&self, piece: Bytes) {
        self.change(|state| {
            state.held += piece.len();
            state.pieces.push_back(piece);
        });
    }

    /// Says how the body has ended.
    pub(super) fn end(self, end: Result<(), Error>) {
        self.change(|state| state.end = Some(end));
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.0.lock();
        if state.is_left {
            return;
        }
        change(&mut state);
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Reader::wake);
    }
}

/// Without an end, it was the end of the thread that fed it.
impl Drop for Inlet {
    fn drop(&mut self) {
        self.change(|state| {
            state.end.get_or_insert_with(|| {
                Err(Error::new(ErrorKind::Body).saying("the I/O threads have ended"))
            });
        });
    }
}

impl Outlet {
    /// The next piece, or the end, which is told once and is `None` from then on.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let mut state = self.0.lock();
        if let Some(next) = Self::next(&mut state) {
            return Poll::Ready(Self::given(state, next));
        }
        let before = state.reader.replace(Reader::Task(cx.waker().clone()));
        drop((state, before));
        Poll::Pending
    }

    /// The same; waits for it.
    pub(super) fn wait(&self) -> Option<Result<Bytes, Error>> {
        loop {
            let (told, mut there) = Promise::<()>::deferred();
            {
                let mut state = self.0.lock();
                if let Some(next) = Self::next(&mut state) {
                    return Self::given(state, next);
                }
                let before = state.reader.replace(Reader::Thread(told));
                drop((state, before));
            }
            if io_thread::is_current() {
                return Some(Err(would_hang()));
            }
            if let Err(Failure::WouldDeadlock) = there.get(None) {
                return Some(Err(would_hang()));
            }
        }
    }

    fn next(state: &mut State) -> Option<Option<Result<Bytes, Error>>> {
        if let Some(piece) = state.pieces.pop_front() {
            state.held -= piece.len();
            return Some(Some(Ok(piece)));
        }
        match state.end.as_mut()? {
            Ok(()) => Some(None),
            end => Some(std::mem::replace(end, Ok(())).err().map(Err)),
        }
    }

    fn given<T>(mut state: MutexGuard<'_, State>, next: T) -> T {
        let writer = if state.held < ROOM { state.writer.take() } else { None };
        drop(state);
        writer.into_iter().for_each(Waker::wake);
        next
    }
}

fn would_hang() -> Error {
    Error::new(ErrorKind::Body).saying("the thread that waits for it is the one it waits for")
}

impl Drop for Outlet {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_left = true;
        let pieces = std::mem::take(&mut state.pieces);
        let writer = state.writer.take();
        drop((state, pieces));
        writer.into_iter().for_each(Waker::wake);
    }
}
