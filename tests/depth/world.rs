//! What the lines of a cell run on: a pool of one small worker, a thread with a queue, the thread of the test.

use crate::common::{PATIENCE, SMALL_STACK, one_small_worker};
use crate::things::{Ledger, Link, Thing};
use asynckit::{Deferred, Job, LocalQueue, Outcome, Pool, Shutdown};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Made anew for each cell.
pub(crate) struct World {
    /// How many promises are in a line.
    pub(crate) depth: usize,
    pub(crate) pool: Pool,
    /// A pool that runs nothing.
    pub(crate) paused: Pool,
    pub(crate) ledger: Ledger,
    /// Run by the thread of the test, whenever it waits.
    pub(crate) local: LocalQueue,
    jobs: Sender<Job>,
}

impl World {
    pub(crate) fn new(depth: usize) -> Self {
        let (jobs, queue) = channel::<Job>();
        let run = move || queue.into_iter().for_each(Job::run);
        thread::Builder::new().stack_size(SMALL_STACK).spawn(run).expect("a thread");
        World {
            depth,
            pool: one_small_worker(),
            paused: Pool::new(0),
            ledger: Ledger::default(),
            local: LocalQueue::new(),
            jobs,
        }
    }

    pub(crate) fn thing(&self) -> Thing {
        self.ledger.thing()
    }

    pub(crate) fn deferred(&self) -> (Deferred<Thing, Thing>, Link) {
        self.pool.deferred()
    }

    /// Returns when the worker has done what was queued before.
    pub(crate) fn flush(&self) {
        crate::common::flush(&self.pool);
    }

    /// An executor that owns `carried`: a thread with a queue.
    pub(crate) fn thread(&self, carried: Thing) -> impl Fn(Job) + Send + Sync + use<> {
        let jobs = self.jobs.clone();
        move |job| {
            _ = &carried;
            drop(jobs.send(job));
        }
    }

    /// Waits until `condition` holds, and runs what is queued for this thread.
    #[track_caller]
    fn until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut pause = Duration::from_micros(50);
        while !condition() {
            assert!(Instant::now() < deadline, "never: {what}");
            if self.local.run_pending() == 0 {
                thread::sleep(pause);
                pause = Duration::from_millis(2).min(pause * 2);
            }
        }
    }

    /// Waits for the tail of a line.
    #[track_caller]
    pub(crate) fn wait(&self, tail: &Link) {
        self.until("the tail is settled", || tail.is_set());
    }

    #[track_caller]
    pub(crate) fn get(&self, mut tail: Link) -> Outcome<Thing, Thing> {
        self.wait(&tail);
        tail.try_get().expect("it is settled")
    }

    #[track_caller]
    pub(crate) fn await_cancellation(&self, deferred: &Deferred<Thing, Thing>) {
        self.until("the cancellation comes to the root", || deferred.is_cancelled());
    }

    /// The end: every thing is dropped, once.
    #[track_caller]
    pub(crate) fn check(self) {
        self.paused.shutdown(Shutdown::CancelQueued, None);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (made, dropped) = self.ledger.counts();
            if dropped >= made {
                break;
            }
            assert!(Instant::now() < deadline, "{dropped} things of {made} were dropped");
            if self.local.run_pending() == 0 {
                thread::sleep(Duration::from_micros(200));
            }
        }
        self.pool.shutdown(Shutdown::Drain, PATIENCE);
        self.ledger.check();
    }
}
