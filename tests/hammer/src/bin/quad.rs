//! Dropped branches of a shared value: many more must not make a cancellation dearer.

use std::time::{Duration, Instant};

use asynckit::{AsyncValue, Promise};
use asynckit_hammer::loops;

/// More than a cancellation takes on a busy machine, under valgrind, too.
const LIMIT: Duration = Duration::from_millis(2);

fn main() {
    const BRANCHES: u32 = 10_000;
    loops::repeat("quad", || {
        let (_deferred, promise) = Promise::<u32>::deferred();
        let value: AsyncValue<u32> = promise.share();
        let dropped: Vec<_> = (0..BRANCHES).map(|_| value.map(|n| *n)).collect();
        let cancelled: Vec<_> = (0..BRANCHES).map(|_| value.map(|n| *n)).collect();
        drop(dropped);
        drop(value);
        let begin = Instant::now();
        cancelled.iter().for_each(Promise::cancel);
        let each = begin.elapsed() / BRANCHES;
        if begin.elapsed() > LIMIT * 500 && each > Duration::from_micros(100) {
            loops::fail(&format!("a cancellation takes {each:?}"));
        }
    });
}
