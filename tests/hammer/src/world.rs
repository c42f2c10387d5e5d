//! What the threads share, and how it comes to its end.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use asynckit::{
    AsCompleted, CancelOnDrop, CancelSource, CancelToken, Canceller, Limiter, LocalQueue,
};
use asynckit::{KeyedList, Pool, Shutdown, TaskSet};

use crate::finding::finding;
use crate::futures::Kept as Woken;
use crate::heap::Heap;
use crate::held::{Held, Kept, List, Many, Settler};
use crate::living::{living, what_lives};
use crate::ops::Remembered;
use crate::options::options;
use crate::pools::Handle;
use crate::random::Random;
use crate::value::{Fault, Value};
use crate::watch::within;

pub(crate) struct World {
    pub(crate) promises: Heap<Held>,
    pub(crate) deferreds: Heap<Settler>,
    pub(crate) values: Heap<Many>,
    pub(crate) lists: Heap<List>,
    pub(crate) keyed: Heap<(KeyedList<u64, Value, Fault>, u64)>,
    pub(crate) completed: Heap<AsCompleted<Value, Fault>>,
    pub(crate) sets: Heap<TaskSet<Value, Fault>>,
    pub(crate) cancellers: Heap<Canceller>,
    pub(crate) guards: Heap<CancelOnDrop<Value, Fault>>,
    pub(crate) tokens: Heap<CancelToken>,
    pub(crate) sources: Heap<CancelSource>,
    pub(crate) jobs: Heap<Kept>,
    pub(crate) wakers: Heap<Woken>,
    pub(crate) limiters: Heap<Limiter>,
    pub(crate) memos: Heap<Remembered>,
    pub(crate) queues: Heap<LocalQueue>,
    /// Pools that come and go.
    pub(crate) guests: Heap<Handle>,
    /// Pools that stay.
    pub(crate) residents: Vec<Pool>,
}

static WORLD: OnceLock<World> = OnceLock::new();

/// The one world of the process.
pub(crate) fn world() -> &'static World {
    WORLD.get_or_init(|| World {
        promises: Heap::new(80),
        deferreds: Heap::new(60),
        values: Heap::new(20),
        lists: Heap::new(10),
        keyed: Heap::new(5),
        completed: Heap::new(5),
        sets: Heap::new(5),
        cancellers: Heap::new(30),
        guards: Heap::new(10),
        tokens: Heap::new(10),
        sources: Heap::new(6),
        jobs: Heap::new(20),
        wakers: Heap::new(40),
        limiters: Heap::new(4),
        memos: Heap::new(4),
        queues: Heap::new(3),
        guests: Heap::new(4),
        residents: crate::pools::residents(),
    })
}

impl World {
    /// Settles what outside hands have to settle, and drops the rest.
    fn clear(&self, r: &mut Random) {
        crate::ops::drop_hook(); // each time: jobs that still run may set others
        for queue in self.queues.clear() {
            queue.run_pending();
        }
        for kept in self.jobs.clear() {
            if r.one_in(3) {
                drop(kept.it);
            } else {
                kept.it.run();
            }
        }
        drop(self.wakers.clear());
        drop(self.deferreds.clear());
        drop(self.promises.clear());
        drop(self.values.clear());
        drop(self.lists.clear());
        drop(self.keyed.clear());
        drop(self.completed.clear());
        drop(self.sets.clear());
        drop(self.cancellers.clear());
        drop(self.guards.clear());
        drop(self.tokens.clear());
        drop(self.sources.clear());
        drop(self.limiters.clear());
        drop(self.memos.clear());
        drop(self.guests.clear());
    }

    /// Comes to the end: all is let go of, and all pools that can be are shut down; what is alive then is a finding.
    pub(crate) fn end(&self, r: &mut Random) {
        within("the end: letting go", || {
            for _ in 0..20 {
                self.clear(r);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        within("the end: shutting down", || {
            for pool in &self.residents {
                let how = if r.one_in(2) { Shutdown::Drain } else { Shutdown::CancelQueued };
                let report = pool.shutdown(how, options().hang / 2);
                if report.still_running > 0 {
                    finding(&format!("a pool does not come to its end: {report:?}"));
                }
            }
        });
        within("the end: waiting for the last values", || self.wait_for_last(r));
    }

    fn wait_for_last(&self, r: &mut Random) {
        let begin = Instant::now();
        let limit = begin + options().hang / 2;
        while living() > 0 {
            self.clear(r);
            if options().panics && Instant::now() > begin + Duration::from_secs(1) {
                // The compiler lets what a function returns leak when a drop panics behind it: see `without`.
                println!("{} values and callbacks are alive, as drops have panicked", living());
                return;
            }
            if Instant::now() > limit {
                finding(&format!(
                    "{} values and callbacks are alive at the end{}",
                    living(),
                    what_lives()
                ));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
