//! What several workloads need: pools that stay, work of a known length, an order that is none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use asynckit::Pool;

/// How many workers a pool has, where nothing else is said.
pub(crate) const WORKERS: usize = 2;

/// A pool for the rest of the process, so that jobs can refer to it at no cost.
pub(crate) fn pool(workers: usize) -> &'static Pool {
    Box::leak(Box::new(Pool::new(workers)))
}

/// As [`pool`].
pub(crate) fn rayon_pool() -> &'static rayon::ThreadPool {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(WORKERS).build();
    Box::leak(Box::new(pool.expect("rayon starts its threads")))
}

/// As [`pool`].
pub(crate) fn tokio_runtime(workers: usize) -> &'static tokio::runtime::Runtime {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_time().build();
    Box::leak(Box::new(runtime.expect("tokio starts its threads")))
}

type Task = Box<dyn FnOnce() + Send>;

/// The pool that one writes oneself: threads around a queue.
#[derive(Clone)]
pub(crate) struct HandMade(crossbeam_channel::Sender<Task>);

impl HandMade {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = crossbeam_channel::unbounded::<Task>();
        for _ in 0..WORKERS {
            let receiver = receiver.clone();
            std::thread::spawn(move || receiver.into_iter().for_each(|task| task()));
        }
        HandMade(sender)
    }

    pub(crate) fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        self.0.send(Box::new(task)).expect("the threads live as long as there is a sender");
    }
}

/// The numbers below `count`, each once, in an order that no cache foresees; always the same.
pub(crate) fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for end in (1..count).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        order.swap(end, (random % (end as u64 + 1)) as usize);
    }
    order
}

/// A waker as a runtime has it: shared, and it does something.
#[derive(Default)]
pub(crate) struct Flag(AtomicUsize);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// Has glibc's allocator put together what was freed in small pieces: it does so when a large block is freed, and would
/// else do it in the sample of whoever comes next.
pub(crate) fn tidy_up() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(100 << 10)));
}
