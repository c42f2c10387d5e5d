//! The one thread that does the input and output of every session in the process.
//!
//! It runs a current-thread tokio runtime, is started by the first request and lives for as long as the
//! process. Nobody joins it, so it never keeps the process from exiting.

use std::cell::Cell;
use std::convert::Infallible;
use std::{future, io, thread};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::sync::Mutex;

/// How many host names may be looked up at once: the system's resolver blocks a thread for each.
const RESOLVER_THREADS: usize = 8;

thread_local! {
    /// Whether this is the I/O thread.
    static IS_IO_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Gives the runtime of the I/O thread, and starts it if this is the first call.
///
/// # Errors
///
/// The system has no thread or file descriptor left. The next call tries again.
pub(super) fn handle() -> io::Result<Handle> {
    static STARTED: Mutex<Option<Handle>> = Mutex::new(None);
    let mut started = STARTED.lock();
    if let Some(handle) = started.as_ref() {
        return Ok(handle.clone());
    }
    let handle = start()?;
    *started = Some(handle.clone());
    Ok(handle)
}

/// Says whether the caller is the I/O thread, on which nothing may block.
pub(super) fn is_current() -> bool {
    IS_IO_THREAD.get()
}

fn start() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(RESOLVER_THREADS)
        .thread_name("asynckit-http-dns")
        .build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new().name("asynckit-http".to_owned()).spawn(move || drive(&runtime))?;
    Ok(handle)
}

fn drive(runtime: &Runtime) -> Infallible {
    IS_IO_THREAD.set(true);
    runtime.block_on(future::pending())
}
