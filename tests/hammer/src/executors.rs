//! Foreign executors: they drop jobs, keep them, run them here, or on another thread, or panic.

use std::sync::Arc;

use asynckit::{Executor, ExecutorRef, Inline, Job, Serial};

use crate::finding::panic_on_purpose;
use crate::held::{Kept, number};
use crate::pools::Handle;
use crate::random::{Random, mix};
use crate::sync;
use crate::value::Canary;
use crate::world::world;

struct Foreign {
    canary: Canary,
    number: u64,
    seed: u64,
}

impl Executor for Foreign {
    fn execute(&self, job: Job) {
        self.canary.check();
        let mut r = Random::new(mix(self.seed ^ number()));
        match self.seed % 6 {
            0 => drop(job),
            1 => job.run(),
            2 => elsewhere(job, &mut r),
            3 if r.one_in(4) => panic_on_purpose(),
            _ => world().jobs.put(Kept { it: job, number: self.number }, &mut r),
        }
        self.canary.check();
    }
}

/// A thread of its own now and then, which costs much; else another pool.
fn elsewhere(job: Job, r: &mut Random) {
    if r.one_in(20) {
        sync::start("elsewhere", move || job.run());
    } else {
        drop(Handle::resident(r).run(move || job.run()));
    }
}

/// Any executor, and the number of what comes after it.
pub(crate) fn any(r: &mut Random) -> (ExecutorRef, u64) {
    let number = number();
    let foreign = Foreign { canary: Canary::new(), number, seed: r.next() };
    let executor: ExecutorRef = match r.below(11) {
        0 => Inline.into(),
        1 => ExecutorRef::new(foreign),
        2 => Arc::new(foreign).into(),
        3 => (Arc::new(foreign) as Arc<dyn Executor>).into(),
        4 => (move |job: Job| foreign.execute(job)).into(),
        5 => world().queues.copy(r).unwrap_or_default().into(),
        6 => (&*Handle::any(r)).into(),
        7 => ExecutorRef::new(world().residents[0].clone()),
        8 => Serial::new(&*Handle::any(r)).into(),
        9 => (&Serial::new(ExecutorRef::new(foreign))).into(),
        _ => ExecutorRef::new(Inline),
    };
    (executor, number)
}
