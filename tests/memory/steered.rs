//! What else of every day asks of the allocator: blocking, scopes, limiters that are steered, queues, looks at a pool.

use super::timers::ALONE;
use crate::common::alloc::Counter;
use crate::common::{Gate, PATIENCE, flush, one_worker, watched};
use asynckit::{AsyncList, AsyncValue, KeyedList, Limiter, Pool, Promise, Serial, blocking};
use std::time::Duration;

type Typed<T> = Promise<T, String>;

/// The least that `work` asks for in a round, of some batches of a hundred behind a first one: on all threads that count.
/// (A queue may grow now and then.)
fn each(counter: &Counter, mut work: impl FnMut()) -> usize {
    const ROUNDS: usize = 100;
    let mut batch = || {
        let before = counter.allocations();
        (0..ROUNDS).for_each(|_| work());
        counter.allocations() - before
    };
    batch();
    (0..10).map(|_| batch()).min().expect("ten").div_ceil(ROUNDS)
}

/// Counts on this thread and on the pool's only worker.
fn counting(pool: &Pool) -> &'static Counter {
    let counter = Counter::leaked();
    counter.count_this_thread();
    pool.run(|| counter.count_this_thread()).get(PATIENCE).unwrap();
    counter
}

/// Neither on a thread of the program, nor on a worker whose queue is empty.
#[test]
fn blocking_asks_for_nothing() {
    watched(|| {
        let pool = one_worker();
        let counter = counting(&pool);
        assert_eq!(each(counter, || assert_eq!(blocking(|| 1), 1)), 0);
        let own = pool.clone();
        let on_a_worker = move || each(counter, || assert_eq!(blocking(|| own.worker_count()), 1));
        assert_eq!(pool.run(on_a_worker).get(PATIENCE).unwrap(), 0);
    });
}

/// A call that need not wait is its link; one that waits, also its turn: a promise, what cancels it, its place in the queue.
#[test]
fn a_call_of_a_limiter_asks_for_little() {
    watched(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        let limiter = Limiter::new(1);
        let at_once = each(counter, || {
            assert_eq!(limiter.run(|| Typed::ready(1)).get(None).unwrap(), 1);
        });
        assert!(at_once <= 1 + 2, "{at_once}, with the promise itself");
        let (deferred, busy) = Typed::<u8>::deferred();
        let busy = limiter.run(|| busy);
        let waits = each(counter, || limiter.run(|| Typed::ready(1)).cancel());
        let with_priority =
            each(counter, || limiter.run_with_priority(7, || Typed::ready(1)).cancel());
        assert!(waits <= 5, "{waits}");
        assert!(with_priority <= waits, "{with_priority}, and {waits} without a priority");
        let cleared = each(counter, || {
            let waits = limiter.run(|| Typed::ready(1));
            assert_eq!(limiter.clear(), 1);
            drop(waits);
        });
        assert!(cleared <= waits + 3, "{cleared}, and {waits} of one that is cancelled alone");
        deferred.resolve(1);
        assert_eq!({ busy }.get(PATIENCE).unwrap(), 1);
    });
}

/// What steers a limiter, and what looks at it.
#[test]
fn steering_a_limiter_asks_for_nothing() {
    watched(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        let limiter = Limiter::new(1);
        let steered = each(counter, || {
            limiter.set_limit(3);
            limiter.pause();
            assert!(limiter.is_paused());
            limiter.resume();
            assert_eq!((limiter.clear(), limiter.under_way(), limiter.waiting()), (0, 0, 0));
        });
        assert_eq!(steered, 0);
        let idle = each(counter, || assert!(limiter.wait_idle(None)));
        assert!(idle <= 1, "{idle}: its promise");
    });
}

/// The job's promise, its link, and its way into the queue; a turn of the queue is one job of the pool for many of them.
#[test]
fn a_job_of_a_serial_queue_asks_for_little() {
    watched(|| {
        let pool = one_worker();
        let (counter, serial) = (counting(&pool), Serial::new(&pool));
        let alone = each(counter, || assert_eq!(serial.run(|| 1).get(PATIENCE).unwrap(), 1));
        assert!(alone <= 9, "{alone}, with a turn for each");
        let in_a_row = each(counter, || {
            let gate = Gate::new();
            let key = gate.key();
            serial.run(move || key.wait()).detach();
            gate.await_arrival(1);
            (0..50).for_each(|_| serial.run(|| ()).detach());
            gate.open();
            serial.run(|| ()).get(PATIENCE).unwrap();
        });
        assert!(in_a_row <= 52 * 5 + 10, "{in_a_row} for 52");
    });
}

/// Hooks run when a thread begins and ends; a job is one allocation with them as without.
#[test]
fn a_job_of_a_pool_with_hooks_is_one_allocation() {
    watched(|| {
        let builder = Pool::builder().workers(1).keep_alive(PATIENCE);
        let pool = builder.on_thread_start(|| ()).on_thread_stop(|| ()).build().unwrap();
        let counter = counting(&pool);
        assert_eq!(each(counter, || assert_eq!(pool.run(|| 1).get(None).unwrap(), 1)), 1);
    });
}

#[test]
fn looking_at_promises_and_pools_asks_for_next_to_nothing() {
    watched(|| {
        let (pool, gate) = (one_worker(), Gate::new());
        let (counter, key) = (counting(&pool), gate.key());
        let runs = pool.run(move || key.wait());
        gate.await_arrival(1);
        let (_deferred, waits) = Typed::<u8>::deferred();
        let (queued, linked) = (pool.run(|| 1), pool.run(|| 1).map(|n| n + 1));
        let looked = each(counter, || {
            for state in [runs.state(), queued.state(), linked.state(), waits.state()] {
                assert_ne!(state, asynckit::PromiseState::Settled);
            }
            assert_eq!((pool.metrics().workers, pool.live_workers()), (1, 1));
        });
        assert_eq!(looked, 0);
        let counted = each(counter, || assert_eq!(pool.queued(), 2));
        assert!(counted <= 4, "{counted}: what it counts is taken out and put back");
        gate.open();
        flush(&pool);
    });
}

/// A scope, and each job in it, beside what a plain job is.
#[test]
fn a_scope_asks_for_little() {
    watched(|| {
        let pool = one_worker();
        let counter = counting(&pool);
        const JOBS: usize = 10;
        let plain = each(counter, || {
            pool.scope(|scope| {
                (0..JOBS).for_each(|n| scope.spawn(move || Ok::<_, String>(n)).detach());
            });
        });
        assert!(plain <= 3 + 3 * JOBS, "{plain} for {JOBS} jobs");
        let together = each(counter, || {
            let sum = pool.try_scope(|scope| {
                (0..JOBS).for_each(|n| scope.spawn(move || Ok::<_, String>(n)).detach());
                Ok(1)
            });
            assert_eq!(sum.unwrap(), 1);
        });
        assert!(together <= 4 + 9 * JOBS, "{together} for {JOBS} jobs");
    });
}

/// A promise of a value: its branch, and what is behind that.
#[test]
fn what_goes_on_from_a_value_asks_for_little() {
    watched(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        let value: AsyncValue<u8, String> = Typed::ready(1).share();
        let map = each(counter, || drop(value.map(|n| *n)));
        let cloned = each(counter, || assert_eq!(value.cloned().get(None).unwrap(), 1));
        assert!(cloned <= map, "{cloned}, and {map} of `map`");
        let pending = || AsyncValue::<u8, String>::new();
        let event = each(counter, || drop(pending()));
        let mapped = each(counter, || drop(pending().map(|n| *n))) - event;
        let handled = each(counter, || drop(pending().handle(|_| Ok(())))) - event;
        assert!(handled <= mapped + 2, "{handled}, and {mapped} of `map`");
        let looked = each(counter, || drop(pending().inspect(|_| ()))) - event;
        assert!(looked <= handled + 1, "{looked}, and {handled} of `handle`");
        let caught = each(counter, || drop(pending().catch(|_| Ok(1)))) - event;
        assert!(caught <= mapped + 2, "{caught}, and {mapped} of `map`");
    });
}

/// What is there is a link, as `finally` is; what is waited for, also a relay that keeps the outcome meanwhile.
#[test]
fn what_finally_waits_for_asks_for_little() {
    watched(|| {
        let pool = one_worker();
        let counter = counting(&pool);
        let finally = each(counter, || {
            pool.run(|| 1).finally(|| ()).get(PATIENCE).unwrap();
        });
        let there = each(counter, || {
            pool.run(|| 1).finally_then(|| Ok(())).get(PATIENCE).unwrap();
        });
        assert!(there <= finally, "{there}, and {finally} of `finally`");
        let waited = each(counter, || {
            let (deferred, begun) = Promise::<()>::deferred();
            let through = pool.run(|| 1).finally_then(move || begun);
            deferred.resolve(());
            { through }.get(PATIENCE).unwrap();
        });
        let begun = each(counter, || Promise::<()>::deferred().0.resolve(()));
        assert!(waited <= finally + begun + 4, "{waited}, {finally} of `finally`, {begun} begun");
    });
}

/// With keys: a `Vec` of them, and one of the pairs.
#[test]
fn keys_of_a_list_ask_for_little() {
    watched(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        const ITEMS: usize = 16;
        let promises = || (0..ITEMS).map(Typed::ready);
        let plain = || promises().collect::<AsyncList<usize, String>>();
        let keyed = || promises().enumerate().collect::<KeyedList<usize, usize, String>>();
        let pairs: [(&str, usize, usize); 4] = [
            (
                "join",
                each(counter, || drop(plain().join().get(None))),
                each(counter, || drop(keyed().join().get(None))),
            ),
            (
                "some",
                each(counter, || drop(plain().some(9).get(None))),
                each(counter, || drop(keyed().some(9).get(None))),
            ),
            (
                "any",
                each(counter, || drop(plain().any().get(None))),
                each(counter, || drop(keyed().any().get(None))),
            ),
            (
                "join_all",
                each(counter, || drop(plain().join_all().get(None))),
                each(counter, || drop(keyed().join_all().get(None))),
            ),
        ];
        for (name, plain, keyed) in pairs {
            assert!(keyed <= plain + 8, "{name}: {keyed} with keys, {plain} without");
        }
    });
}

/// A promise with a limit of time is a relay and an entry of the timer, which it takes with it.
#[test]
fn a_promise_with_a_limit_of_time_asks_for_little() {
    watched(|| {
        let _alone = ALONE.lock();
        let counter = Counter::leaked();
        counter.count_this_thread();
        let day = Duration::from_secs(86_400);
        let plain = each(counter, || drop(Typed::<u8>::deferred().1.cancellable()));
        let limited = each(counter, || drop(Typed::<u8>::deferred().1.timeout(day)));
        assert!(limited <= plain + 3, "{limited}, and {plain} of a relay");
        let value = AsyncValue::<u8, String>::new();
        let of_a_value = each(counter, || drop(value.timeout(day)));
        assert!(of_a_value <= limited + 2, "{of_a_value}, and {limited} of a promise");
    });
}
