//! Threads whose handles are never freed: the standard library gives up the last one behind a fence.

use std::io;
use std::thread::JoinHandle;

pub(crate) use std::thread::Thread;

/// The handle of this thread, one more of which is kept for ever.
pub(crate) fn current() -> Thread {
    let thread = std::thread::current();
    std::mem::forget(thread.clone());
    thread
}

/// The standard library's, for threads that keep their handle.
pub(crate) struct Builder(std::thread::Builder);

impl Builder {
    pub(crate) fn new() -> Self {
        Builder(std::thread::Builder::new())
    }

    pub(crate) fn name(self, name: String) -> Self {
        Builder(self.0.name(name))
    }

    pub(crate) fn stack_size(self, size: usize) -> Self {
        Builder(self.0.stack_size(size))
    }

    pub(crate) fn spawn<R: Send + 'static>(
        self,
        f: impl FnOnce() -> R + Send + 'static,
    ) -> io::Result<JoinHandle<R>> {
        self.0.spawn(move || {
            drop(current());
            f()
        })
    }
}
