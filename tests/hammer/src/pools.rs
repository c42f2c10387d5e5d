//! The pools of the world: residents, guests that come and go, and the global one.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use asynckit::{Pool, Shutdown};

use crate::callback::callback;
use crate::held::LAST;
use crate::options::options;
use crate::random::Random;
use crate::sync::Lock;
use crate::world::world;

/// The names of the guests' threads begin with this.
const GUEST: &str = "guest";

static GUESTS: AtomicUsize = AtomicUsize::new(0);

/// The last has a small stack.
pub(crate) fn residents() -> Vec<Pool> {
    let count = options().pools;
    let build = |n: usize| {
        let builder = Pool::builder().workers(1 + n % 2).name(&format!("resident{n}"));
        let builder = if n + 1 == count { builder.stack_size(options().stack) } else { builder };
        builder.build().expect("threads")
    };
    (0..count).map(build).collect()
}

/// A handle on a pool that may be the last one of a guest.
///
/// That drop waits for the pool's jobs. Two pools whose jobs drop the last handle of the other would wait for each
/// other; so a guest's worker drops none of another guest, but puts it into the heap.
pub(crate) struct Handle {
    /// There until it is dropped.
    pool: Option<Pool>,
    /// The number of a guest.
    guest: Option<usize>,
}

impl Handle {
    /// Any pool.
    pub(crate) fn any(r: &mut Random) -> Self {
        match r.below(8) {
            0 => Handle::new(Pool::global().clone(), None),
            1 | 2 => Handle::guest(r),
            _ => Handle::resident(r),
        }
    }

    /// One that stays, and whose jobs may wait.
    pub(crate) fn resident(r: &mut Random) -> Self {
        let residents = &world().residents;
        Handle::new(residents[r.below(residents.len())].clone(), None)
    }

    /// One that is there, or a new one.
    pub(crate) fn guest(r: &mut Random) -> Self {
        let there = if r.one_in(20) { None } else { world().guests.copy(r) };
        there.unwrap_or_else(|| Handle::built(r))
    }

    /// A new pool, which goes to the heap, too.
    pub(crate) fn built(r: &mut Random) -> Self {
        let number = GUESTS.fetch_add(1, Ordering::Relaxed);
        let builder = Pool::builder()
            .workers(1 + r.below(3))
            .name(&format!("{GUEST}{number}"))
            .queue_limit(1 + r.below(20))
            .max_spare_workers(r.below(4));
        let builder = match r.below(4) {
            0 => builder.on_drop(Shutdown::CancelQueued),
            _ => builder,
        };
        let builder = match r.below(4) {
            0 => builder.keep_alive(Duration::from_micros(r.below(300) as u64)),
            _ => builder,
        };
        let builder = if r.one_in(4) {
            let (begin, end) = (hook(r), hook(r));
            builder.on_thread_start(begin).on_thread_stop(end)
        } else {
            builder
        };
        let builder = if r.one_in(2) { builder.stack_size(options().stack) } else { builder };
        let handle = Handle::new(builder.build().expect("threads"), Some(number));
        world().guests.put(handle.clone(), r);
        handle
    }

    fn new(pool: Pool, guest: Option<usize>) -> Self {
        Handle { pool: Some(pool), guest }
    }

    fn may_be_dropped_here(&self) -> bool {
        let thread = crate::sync::current();
        let here = thread.name().and_then(|name| name.strip_prefix(GUEST));
        match (self.guest, here) {
            (Some(number), Some(here)) => {
                let digits = here.split(|c: char| !c.is_ascii_digit()).next();
                digits == Some(number.to_string().as_str())
            }
            _ => true,
        }
    }
}

impl Deref for Handle {
    type Target = Pool;

    fn deref(&self) -> &Pool {
        self.pool.as_ref().expect("it is there until it is dropped")
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        Handle::new(Pool::clone(self), self.guest)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            if self.may_be_dropped_here() {
                drop(pool);
            } else {
                world().guests.force(Handle::new(pool, self.guest));
            }
        }
    }
}

/// What a thread does at its begin, or at its end, the first time.
fn hook(r: &mut Random) -> impl Fn() + Send + Sync + use<> {
    let callback = Lock::new(Some(callback(r, LAST)));
    move || {
        let callback = callback.lock().take();
        if let Some(callback) = callback {
            callback.run("hook of a thread");
        }
    }
}
