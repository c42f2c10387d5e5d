//! Values and errors whose drop panics, in folds that have ended before: no worker may die of it.

use std::time::Duration;

use asynckit::{AsyncList, Pool, Shutdown};
use asynckit_hammer::loops;

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            loops::panic();
        }
    }
}

/// Values that come when the fold has failed: nobody asks for them.
fn values(pool: &Pool) {
    let list: AsyncList<Bomb, ()> = (0..5).map(|_| pool.spawn(|| Ok(Bomb))).collect();
    let fold = list.reduce_unordered((), |(), bomb| {
        std::mem::forget(bomb);
        Err(())
    });
    assert!({ fold }.get(None).is_err());
}

/// Errors that come after the first one.
fn errors(pool: &Pool) {
    let list: AsyncList<(), Bomb> = (0..5).map(|_| pool.spawn(|| Err(Bomb)).shield()).collect();
    let fold = list.reduce_unordered((), |(), ()| Ok(()));
    std::mem::forget({ fold }.get(None));
}

fn main() {
    loops::repeat("fold_panics", || {
        let pool = Pool::new(2);
        for _ in 0..100 {
            values(&pool);
            errors(&pool);
        }
        let report = pool.shutdown(Shutdown::Drain, Duration::from_secs(10));
        if report.still_running > 0 {
            loops::fail(&format!("a worker is gone, and still counted: {report:?}"));
        }
    });
}
