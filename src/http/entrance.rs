//! [`Entrance`]: how requests come onto the common I/O thread.
//!
//! A task that is spawned from another thread costs a call of the system that wakes the I/O thread, each time, even if that
//! thread is awake. So requests are put into a queue, and one task of the I/O thread takes all that have come.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, yield_now};

use crate::sync::{Arc, Mutex};

/// So many start before other tasks have their turn.
const AT_ONCE: usize = 64;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The queue before the common I/O thread.
pub(super) struct Entrance {
    waiting: Mutex<VecDeque<(Work, Arc<Abort>)>>,
    come: Notify,
}

impl Entrance {
    /// Lets the requests onto the runtime of `handle` for as long as that is there.
    pub(super) fn open(handle: &Handle) -> Arc<Self> {
        let new = Arc::new(Self { waiting: Mutex::new(VecDeque::new()), come: Notify::new() });
        handle.spawn(Arc::clone(&new).admit());
        new
    }

    /// Starts `work` on the I/O thread.
    pub(super) fn enter(&self, work: Work, abort: Arc<Abort>) {
        self.waiting.lock().push_back((work, abort));
        self.come.notify_one();
    }

    async fn admit(self: Arc<Self>) {
        loop {
            self.come.notified().await;
            while self.admit_some() {
                yield_now().await;
            }
        }
    }

    /// Whether there are more.
    fn admit_some(&self) -> bool {
        let (some, is_rest) = {
            let mut waiting = self.waiting.lock();
            let some = waiting.len().min(AT_ONCE);
            let some: Vec<_> = waiting.drain(..some).collect();
            (some, !waiting.is_empty())
        };
        for (work, abort) in some {
            abort.runs(tokio::spawn(work).abort_handle());
        }
        is_rest
    }
}

/// Ends a request, wherever it is.
#[derive(Default)]
pub(super) struct Abort(Mutex<Stage>);

#[derive(Default)]
enum Stage {
    #[default]
    Waiting,
    Running(AbortHandle),
    Aborted,
}

impl Abort {
    pub(super) fn runs(&self, task: AbortHandle) {
        let mut stage = self.0.lock();
        match *stage {
            Stage::Aborted => task.abort(),
            _ => *stage = Stage::Running(task),
        }
    }

    pub(super) fn abort(&self) {
        let before = std::mem::replace(&mut *self.0.lock(), Stage::Aborted);
        if let Stage::Running(task) = before {
            task.abort();
        }
    }
}
