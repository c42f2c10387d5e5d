//! Executors: callbacks after `via` run there and nowhere else, and what an executor refuses settles
//! (conformance B19, B20, B22).

mod lifetime;
mod refused;
mod via;

use crate::common::{Log, named_thread};
use asynckit::{Executor, Job, Promise};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, ThreadId};

type Typed<T> = Promise<T, String>;

/// A thread of somebody else's, which runs jobs until its executor is dropped.
struct OneThread {
    jobs: Sender<Job>,
    id: ThreadId,
    count: AtomicUsize,
}

impl OneThread {
    fn start() -> Arc<OneThread> {
        let (jobs, queue) = channel::<Job>();
        let thread = named_thread("foreign", move || queue.into_iter().for_each(Job::run));
        Arc::new(OneThread { jobs, id: thread.thread().id(), count: AtomicUsize::new(0) })
    }
}

impl Executor for OneThread {
    fn execute(&self, job: Job) {
        self.count.fetch_add(1, Ordering::SeqCst);
        drop(self.jobs.send(job));
    }
}

/// Adds callbacks of every kind, each of which notes its thread.
fn all_callbacks(promise: Typed<u8>, log: &Log<ThreadId>) -> Typed<u8> {
    let note = || {
        let log = log.clone();
        move || log.add(thread::current().id())
    };
    let (map, then, chain, change, look, end) = (note(), note(), note(), note(), note(), note());
    let (test, caught, other, handle) = (note(), note(), note(), note());
    promise
        .map(move |n| (map(), n).1)
        .then(move |n| (then(), Ok(n)).1)
        .chain(move |n| (chain(), Ok(n)).1)
        .map_err(move |e| (change(), e).1)
        .inspect(move |_| look())
        .finally(end)
        .catch_if(move |_| (test(), false).1, |_| Ok(0))
        .or_else(move |e| (other(), Err(e)).1)
        .catch(move |failure| (caught(), Err(failure.to_string())).1)
        .handle(move |outcome| (handle(), outcome.map_err(|failure| failure.to_string())).1)
}

#[track_caller]
fn only(log: &Log<ThreadId>, id: ThreadId) {
    let threads = log.entries();
    assert!(!threads.is_empty());
    assert!(threads.iter().all(|thread| *thread == id), "{threads:?} instead of {id:?}");
}
