//! Dropped branches of a shared value: many more must not make a cancellation dearer.

use std::time::Duration;

use asynckit::{AsyncValue, Promise};
use asynckit_hammer::loops;

/// More than a cancellation takes of a core, under valgrind and the sanitizers, too.
const LIMIT: Duration = Duration::from_micros(100);

fn main() {
    const BRANCHES: u32 = 10_000;
    loops::repeat("quad", || {
        let (_deferred, promise) = Promise::<u32>::deferred();
        let value: AsyncValue<u32> = promise.share();
        let dropped: Vec<_> = (0..BRANCHES).map(|_| value.map(|n| *n)).collect();
        let cancelled: Vec<_> = (0..BRANCHES).map(|_| value.map(|n| *n)).collect();
        drop(dropped);
        drop(value);
        let begin = loops::on_core();
        cancelled.iter().for_each(Promise::cancel);
        let each = (loops::on_core() - begin) / BRANCHES;
        if each > LIMIT {
            loops::fail(&format!("a cancellation takes {each:?}"));
        }
    });
}
