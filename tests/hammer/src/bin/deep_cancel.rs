//! Long lines that are cancelled on a small stack: of shared values, and of closures that own the next guard.

use asynckit::{AsyncValue, CancelOnDrop, Pool, Promise};
use asynckit_hammer::loops;

const LINE: usize = 20_000;
const STACK: usize = 256 * 1024;

fn values(pool: &Pool) {
    let (_deferred, promise) = pool.deferred::<usize, asynckit::AnyError>();
    let mut last: AsyncValue<usize> = promise.share();
    for _ in 0..LINE {
        last = last.map(|n| n + 1).share();
    }
    last.cancel();
}

fn guards() {
    let mut guard: Option<CancelOnDrop<()>> = None;
    let mut deferreds = Vec::new();
    for _ in 0..LINE {
        let (deferred, promise) = Promise::<()>::deferred();
        deferreds.push(deferred);
        let next = guard.take();
        guard = Some(promise.map(move |()| drop(next)).cancel_on_drop());
    }
    drop(guard);
}

fn main() {
    let pool = Pool::new(2);
    loops::repeat("deep_cancel", move || {
        let pool = pool.clone();
        let cancel = move || {
            values(&pool);
            guards();
        };
        let thread = std::thread::Builder::new().stack_size(STACK).spawn(cancel).expect("a thread");
        thread.join().expect("it does not panic");
    });
}
