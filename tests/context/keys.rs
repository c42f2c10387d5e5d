//! Values by keys: set, nested, left, dropped.

use crate::common::alloc::Counter;
use crate::common::{PATIENCE, SMALL_STACK, eventually, one_worker, run_on_small_stack, watched};
use asynckit::{ContextKey, Pool, Promise};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

static NUMBER: ContextKey<u32> = ContextKey::new();
static NAME: ContextKey<String> = ContextKey::new();

#[test]
fn a_value_is_current_inside_and_the_innermost_counts() {
    assert_eq!(NUMBER.get(), None);
    NUMBER.with(1, || {
        NAME.with("one".to_owned(), || {
            NUMBER.with(2, || {
                assert_eq!((NUMBER.get(), NAME.get().as_deref()), (Some(2), Some("one")))
            });
            assert_eq!(NUMBER.get(), Some(1));
            assert_eq!(NAME.read(|name| name.map(String::len)), Some(3));
        });
        assert_eq!(NAME.get(), None);
    });
    assert_eq!(NUMBER.get(), None);
}

#[test]
fn a_panic_inside_leaves_the_value() {
    let panic = catch_unwind(AssertUnwindSafe(|| NUMBER.with(1, || panic!("inside"))));
    assert!(panic.is_err());
    assert_eq!(NUMBER.get(), None);
}

/// Counts its drops, and panics in each.
struct Bomb(Arc<AtomicUsize>);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("a value was dropped");
    }
}

#[test]
fn a_value_is_dropped_once_when_nothing_has_it_any_more_and_its_panic_is_contained() {
    static BOMB: ContextKey<Bomb> = ContextKey::new();
    watched(|| {
        let (drops, pool) = (Arc::new(AtomicUsize::new(0)), one_worker());
        let (deferred, promise) = Promise::<u8>::deferred();
        let mut last = BOMB.with(Bomb(Arc::clone(&drops)), || {
            promise.via(&pool).map(|n| n + 1).map(|n| (n, BOMB.read(|bomb| bomb.is_some())))
        });
        assert_eq!(drops.load(Ordering::SeqCst), 0);
        deferred.resolve(1);
        assert_eq!(last.get(PATIENCE).unwrap(), (2, true));
        eventually("the value is dropped", || drops.load(Ordering::SeqCst) == 1);
        assert_eq!(pool.run(|| 7).get(PATIENCE).unwrap(), 7, "the worker lives");
    });
}

#[test]
fn a_cancelled_or_abandoned_promise_lets_go_of_the_value() {
    static HELD: ContextKey<Arc<()>> = ContextKey::new();
    watched(|| {
        let (held, pool) = (Arc::new(()), Pool::new(0));
        let attach = || HELD.with(Arc::clone(&held), || pool.run(|| ()).map(|()| ()));
        attach().cancel();
        let left = attach();
        assert!(Arc::strong_count(&held) > 1);
        pool.shutdown(asynckit::Shutdown::CancelQueued, PATIENCE);
        drop((left, pool));
        eventually("nothing holds the value", || Arc::strong_count(&held) == 1);
    });
}

/// Also where the context that holds it is dropped by the pool's own worker.
#[test]
fn a_value_may_hold_the_last_handle_of_the_pool_that_runs_the_job() {
    static POOL: ContextKey<Pool> = ContextKey::new();
    watched(|| {
        let pool = one_worker();
        let gate = crate::common::Gate::new();
        let key = gate.key();
        let mut job = POOL.with(pool.clone(), || {
            pool.run(move || {
                key.wait();
                POOL.read(|pool| pool.is_some())
            })
        });
        drop(pool);
        drop(gate);
        assert!(job.get(PATIENCE).unwrap());
    });
}

/// Each value holds what holds the next one.
#[test]
fn a_long_line_of_values_that_hold_promises_needs_no_stack() {
    static NEXT: ContextKey<Promise<u8>> = ContextKey::new();
    watched(|| {
        run_on_small_stack(SMALL_STACK, || {
            let mut front = Promise::<u8>::deferred().1;
            for _ in 0..20_000 {
                let (_, behind) = Promise::<u8>::deferred();
                front = NEXT.with(front, || behind.map(|n| n));
            }
            drop(front);
        });
    });
}

#[test]
fn a_chain_of_nested_values_of_one_key_keeps_the_last_one_only() {
    static HELD: ContextKey<Arc<()>> = ContextKey::new();
    watched(|| {
        let (first, pool) = (Arc::new(()), one_worker());
        fn again(left: u32, pool: &Pool) -> Promise<()> {
            let next = pool.clone();
            HELD.with(Arc::new(()), || {
                pool.spawn(move || match left {
                    0 => Promise::ready(()),
                    left => again(left - 1, &next),
                })
            })
        }
        let mut all = HELD.with(Arc::clone(&first), || again(1000, &pool));
        eventually("the outer value is gone", || Arc::strong_count(&first) == 1);
        all.get(PATIENCE).unwrap();
    });
}

#[test]
fn attaching_asks_for_no_allocation_more() {
    watched(|| {
        let attached = || {
            let (deferred, promise) = Promise::<u8, ()>::deferred();
            (deferred, promise.map(|n| n + 1))
        };
        drop(attached());
        let counter = Counter::leaked();
        counter.count_this_thread();
        let plain = attached();
        let without = counter.allocations();
        let carrying = NUMBER.with(1, || {
            let before = counter.allocations();
            let carrying = attached();
            assert_eq!(counter.allocations() - before, without);
            carrying
        });
        assert!(counter.allocations() <= 2 * without + 4, "the value, its list, what carries it");
        drop((plain, carrying));
    });
}

/// What carries the clock.
#[cfg(feature = "test-clock")]
#[test]
fn attaching_by_a_clock_that_is_set_asks_for_one_allocation_more() {
    watched(|| {
        let clock = asynckit::TestClock::manual();
        let counter = Counter::leaked();
        counter.count_this_thread();
        let asks = || {
            let (deferred, promise) = Promise::<u8, ()>::deferred();
            let before = counter.allocations();
            let promise = promise.map(|n| n + 1);
            let asked = counter.allocations() - before;
            drop((deferred, promise));
            asked
        };
        let inside = || {
            let _entered = clock.enter();
            asks()
        };
        inside(); // what is made once
        let plain = asks();
        assert_eq!((inside(), asks()), (plain + 1, plain));
    });
}
