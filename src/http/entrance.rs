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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Counts as dropped when it is.
    struct Told(mpsc::Sender<(usize, &'static str)>, usize);

    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.send((self.1, "dropped"));
        }
    }

    #[test]
    fn all_that_come_run_in_their_order_but_those_that_were_aborted_before() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let entrance = Entrance::open(runtime.handle());
        let (tell, told) = mpsc::channel();
        let count = 2 * AT_ONCE + 1;
        for number in 0..count {
            let (abort, work) = (Arc::new(Abort::default()), Told(tell.clone(), number));
            entrance.enter(
                Box::pin(async move {
                    let _ = work.0.send((work.1, "runs"));
                    if work.1 == 1 {
                        std::future::pending::<()>().await;
                    }
                }),
                Arc::clone(&abort),
            );
            if number == 0 {
                abort.abort();
            }
        }
        drop(tell);
        let hears = |what| {
            runtime.block_on(async {
                loop {
                    match told.try_recv() {
                        Ok(heard) if heard.1 == what => return heard.0,
                        Ok(_) => {}
                        Err(mpsc::TryRecvError::Empty) => yield_now().await,
                        Err(mpsc::TryRecvError::Disconnected) => panic!("none {what}"),
                    }
                }
            })
        };
        assert_eq!(hears("dropped"), 0, "without having run");
        (1..count).for_each(|number| assert_eq!(hears("runs"), number));
    }

    #[test]
    fn what_runs_is_aborted_and_what_is_over_is_left_alone() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let entrance = Entrance::open(runtime.handle());
        let (tell, told) = mpsc::channel();
        let (abort, work) = (Arc::new(Abort::default()), Told(tell, 7));
        let forever = async move {
            let _ = work.0.send((work.1, "runs"));
            std::future::pending().await
        };
        entrance.enter(Box::pin(forever), Arc::clone(&abort));
        let hears = || {
            runtime.block_on(async {
                loop {
                    match told.try_recv() {
                        Ok(heard) => return Some(heard.1),
                        Err(mpsc::TryRecvError::Empty) => yield_now().await,
                        Err(mpsc::TryRecvError::Disconnected) => return None,
                    }
                }
            })
        };
        assert_eq!(hears(), Some("runs"));
        abort.abort();
        assert_eq!((hears(), hears()), (Some("dropped"), None));
        abort.abort();
    }
}
