//! The threads that do the input and output: one for all sessions of the process, or a session's own.
//!
//! The common one runs a current-thread tokio runtime, is started by the first request and lives for as long as
//! the process. Nobody joins it, so it never keeps the process from exiting.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::{future, io, thread};

use tokio::runtime::{Builder, Handle, Runtime};

use super::entrance::{Abort, Entrance};
use crate::sync::{Arc, Mutex};

/// Threads for what blocks: looking up names, one each, and reading files that are sent. Never more than there
/// are requests under way, and gone after ten idle seconds.
const BLOCKING_THREADS: usize = 512;

/// So many tasks run before sockets are asked again. tokio's 61 let small answers wait behind as many pieces of a
/// large one, of 64 KiB each; with 2, small requests ask two and a half times each, a call of the system each time.
const BETWEEN_LOOKS: u32 = 8;

thread_local! {
    /// Whether this is an I/O thread.
    static IS_IO_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Where work is done for sessions.
pub(super) enum Io {
    /// The common I/O thread.
    Common(Arc<Entrance>),
    /// A session's own.
    Own(Handle),
}

impl Io {
    /// Runs `work` there, which `abort` ends.
    pub(super) fn run(&self, work: impl Future<Output = ()> + Send + 'static, abort: &Arc<Abort>) {
        match self {
            Self::Common(entrance) => entrance.enter(Box::pin(work), Arc::clone(abort)),
            Self::Own(runtime) => abort.runs(runtime.spawn(work).abort_handle()),
        }
    }
}

/// Gives the common I/O thread, and starts it if this is the first call.
///
/// # Errors
///
/// The system has no thread or file descriptor left. The next call tries again.
pub(super) fn common() -> io::Result<Io> {
    static STARTED: Mutex<Option<Arc<Entrance>>> = Mutex::new(None);
    let mut started = STARTED.lock();
    if let Some(entrance) = started.as_ref() {
        return Ok(Io::Common(Arc::clone(entrance)));
    }
    let entrance = start()?;
    *started = Some(Arc::clone(&entrance));
    Ok(Io::Common(entrance))
}

/// Says whether the caller is an I/O thread, on which nothing may block.
pub(super) fn is_current() -> bool {
    IS_IO_THREAD.get()
}

fn start() -> io::Result<Arc<Entrance>> {
    let runtime = with_all(&mut Builder::new_current_thread())?;
    let entrance = Entrance::open(runtime.handle());
    thread::Builder::new().name("asynckit-http".to_owned()).spawn(move || drive(&runtime))?;
    Ok(entrance)
}

fn with_all(builder: &mut Builder) -> io::Result<Runtime> {
    builder
        .enable_io()
        .enable_time()
        .event_interval(BETWEEN_LOOKS)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("asynckit-http-dns")
        .build()
}

fn drive(runtime: &Runtime) -> Infallible {
    IS_IO_THREAD.set(true);
    runtime.block_on(future::pending())
}

/// The I/O threads of one session. They end with it and its last request.
pub(super) struct OwnThreads(Option<Runtime>);

impl OwnThreads {
    pub(super) fn start(threads: usize) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads).on_thread_start(|| IS_IO_THREAD.set(true));
        with_all(&mut builder).map(|runtime| Self(Some(runtime)))
    }

    pub(super) fn io(&self) -> Io {
        Io::Own(self.0.as_ref().expect("there until it is dropped").handle().clone())
    }
}

impl Drop for OwnThreads {
    /// Also on one of them, where the last request ends.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
