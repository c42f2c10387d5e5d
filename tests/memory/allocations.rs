//! What the paths that everybody pays for may ask of the allocator: counted, not estimated.

use crate::common::alloc::Counter;
use crate::common::{Gate, LONG, PATIENCE, flush, one_worker, watchdog, watched};
use asynckit::{AsyncList, AsyncValue, Deferred, Pool, Promise, Shutdown, join};
use std::hint::spin_loop;

type Typed<T> = Promise<T, String>;

/// Counts on this thread and on every worker of `pool` (which has one), both of them warm.
fn counting(pool: &Pool) -> &'static Counter {
    let counter = Counter::leaked();
    counter.count_this_thread();
    pool.run(|| counter.count_this_thread()).get(PATIENCE).unwrap();
    counter
}

/// How many allocations `work` costs each time. The least of five tries, for a queue may grow now and then, as the
/// threads happen to run; what a job itself asks for shows in every try.
fn allocations_each(counter: &Counter, rounds: usize, mut work: impl FnMut()) -> usize {
    let mut asked = || {
        let before = counter.allocations();
        (0..rounds).for_each(|_| work());
        counter.allocations() - before
    };
    let least = (0..5).map(|_| asked()).min().expect("five tries");
    assert_eq!(least % rounds, 0, "{least} allocations in {rounds} rounds");
    least / rounds
}

/// The same for work that is done in bulk: what it costs the second time.
fn allocations_of_the_second(counter: &Counter, mut work: impl FnMut()) -> usize {
    work();
    let before = counter.allocations();
    work();
    counter.allocations() - before
}

/// A job and its promise are one allocation, on both threads together.
#[test]
fn a_spawned_job_is_one_allocation() {
    watched(|| {
        let pool = one_worker();
        let counter = counting(&pool);
        let each = allocations_each(counter, 200, || {
            let captured = [1_u64; 8];
            let mut job: Typed<u64> = pool.spawn(move || Ok(captured.iter().sum()));
            while !job.is_set() {
                spin_loop();
                std::thread::yield_now();
            }
            assert_eq!(job.get(None).unwrap(), 8);
        });
        assert_eq!(each, 1);
    });
}

/// A future and its promise are one allocation too, however often it is woken.
#[test]
fn a_spawned_future_is_one_allocation() {
    watched(|| {
        let pool = one_worker();
        let counter = counting(&pool);
        let each = allocations_each(counter, 200, || {
            let mut polls = 0;
            let mut future = pool.spawn_future(std::future::poll_fn(move |context| {
                polls += 1;
                if polls == 5 {
                    return std::task::Poll::Ready(Ok::<_, String>(polls));
                }
                let waker = context.waker().clone();
                context.waker().wake_by_ref();
                waker.wake();
                std::task::Poll::Pending
            }));
            assert_eq!(future.get(None).unwrap(), 5);
        });
        assert_eq!(each, 1);
    });
}

/// A job that nobody waits for is no more, nor is one that is waited for.
#[test]
fn a_detached_or_awaited_job_is_one_allocation() {
    watched(|| {
        let pool = one_worker();
        let counter = counting(&pool);
        assert_eq!(allocations_each(counter, 100, || drop(pool.run(|| 1))), 1);
        flush(&pool);
        let gets =
            allocations_each(counter, 100, || assert_eq!(pool.run(|| 1).get(None).unwrap(), 1));
        assert_eq!(gets, 1, "blocking in get asks for nothing after the first time");
    });
}

#[test]
fn a_deferred_and_its_promise_are_one_allocation() {
    watched(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        let each = allocations_each(counter, 100, || {
            let (deferred, mut promise) = Typed::<u64>::deferred();
            deferred.resolve(1);
            assert_eq!(promise.get(None).unwrap(), 1);
        });
        assert_eq!(each, 1);
        assert_eq!(
            allocations_each(counter, 100, || assert_eq!(Typed::ready(1).get(None).unwrap(), 1)),
            1
        );
    });
}

/// A link is one allocation, where it is attached; completing it is none, and neither is passing a failure on.
#[test]
fn a_link_is_one_allocation() {
    const LINKS: usize = 1_000;
    type Attach = fn(Typed<u64>) -> Typed<u64>;
    let attaches: [(&str, Attach, usize); 7] = [
        ("map", |p| p.map(|n| n + 1), 1),
        ("then", |p| p.then(|n| Ok(n + 1)), 1),
        (
            "then, adopting (and the promise that is adopted)",
            |p| p.then(|n| Promise::ready(n + 1)),
            2,
        ),
        ("chain", |p| p.chain(|n| Ok(n + 1)), 1),
        ("handle", |p| p.handle(|n| n.map(|n| n + 1).map_err(|_| String::new())), 1),
        ("catch", |p| p.catch(|_| Ok(0)), 1),
        ("finally", |p| p.finally(|| ()), 1),
    ];
    watched(move || {
        for (name, attach, expected) in attaches {
            let pool = one_worker();
            let counter = counting(&pool);
            let each = allocations_of_the_second(counter, || {
                let gate = Gate::new();
                let key = gate.key();
                let held: Typed<u64> = pool.spawn(move || {
                    key.wait();
                    Ok(0)
                });
                gate.await_arrival(1);
                let mut chain = (0..LINKS).fold(held, |chain, _| attach(chain));
                gate.open();
                chain.get(PATIENCE).unwrap();
            });
            // The gate and the job that waits at it are the other two.
            assert_eq!((each - 2) / LINKS, expected, "{name}: {each} for {LINKS} links");
            assert!((each - 2) % LINKS < 10, "{name}: {each} for {LINKS} links");
        }
    });
}

/// D17: a failure passes a thousand links without a new allocation.
#[test]
fn a_failure_passes_on_without_allocations() {
    const LINKS: usize = 1_000;
    watched(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        let each = allocations_of_the_second(counter, || {
            let (deferred, promise) = Typed::<u64>::deferred();
            let mut chain = (0..LINKS).fold(promise, |chain, _| chain.map(|n| n + 1));
            let attached = counter.allocations();
            deferred.reject(String::new());
            assert!(chain.get(None).unwrap_err().is_error());
            assert!(
                counter.allocations() - attached < 10,
                "the trace may take a few, not one for each link"
            );
        });
        assert!(each < LINKS + 12, "{each}");
    });
}

fn resolve(deferreds: Vec<Deferred<usize, String>>) {
    deferreds.into_iter().for_each(|deferred| deferred.resolve(1));
}

/// Joining asks for nothing for an item: here for a list, its result and its promise, however long.
#[test]
fn an_item_of_a_join_is_no_allocation() {
    const ITEMS: usize = 10_000;
    type Finish = fn(AsyncList<usize, String>, Vec<Deferred<usize, String>>) -> usize;
    watched(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        let asked = |finish: Finish| {
            let mut deferreds = Vec::with_capacity(ITEMS);
            let mut promises = Vec::with_capacity(2 * ITEMS);
            for n in 0..ITEMS {
                let (deferred, promise) = Promise::deferred();
                deferreds.push(deferred);
                promises.push(promise);
                promises.push(Promise::ready(n));
            }
            let before = counter.allocations();
            assert_eq!(finish(promises.into_iter().collect(), deferreds), 2 * ITEMS);
            counter.allocations() - before
        };
        let joined = asked(|list, deferreds| {
            let mut joined = list.join();
            resolve(deferreds);
            joined.get(None).unwrap().len()
        });
        let got = asked(|mut list, deferreds| {
            resolve(deferreds);
            list.get(None).unwrap().len()
        });
        let settled = asked(|list, deferreds| {
            let mut settled = list.settled();
            resolve(deferreds);
            settled.get(None).unwrap().len()
        });
        for (how, asked) in [("join", joined), ("get", got), ("settled", settled)] {
            assert!(
                asked <= 30,
                "{how}: {asked} allocations for {ITEMS} settled and {ITEMS} pending promises"
            );
        }
    });
}

/// E7: a tuple, or an array, that is joined is one, however many inputs it has: what watches them is beside the result.
/// Its end asks for nothing, nor does its cancellation.
#[test]
fn a_joined_tuple_is_one_allocation() {
    watched(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        let pair = allocations_each(counter, 100, || {
            let (deferred, promise) = Typed::<u64>::deferred();
            let mut joined = join((promise, Typed::ready("b")));
            deferred.resolve(1);
            assert_eq!(joined.get(None).unwrap(), (1, "b"));
        });
        assert_eq!(pair, 2 + 1, "the inputs, and the join");
        let array = allocations_each(counter, 100, || {
            assert_eq!(join([1, 2, 3, 4, 5].map(Typed::ready)).get(None).unwrap(), [1, 2, 3, 4, 5]);
        });
        assert_eq!(array, 5 + 1, "the inputs, and the join");
        let cancelled = allocations_each(counter, 100, || {
            let (deferred, promise) = Typed::<u64>::deferred();
            join((Typed::ready("a"), promise)).cancel();
            assert!(deferred.is_cancelled());
        });
        assert_eq!(cancelled, 2 + 1, "the inputs, and the join");
    });
}

/// Nor does a job ask for more that is a fork and a join: it looks upstream of what it gives for itself.
#[test]
fn a_job_that_gives_a_joined_tuple_asks_for_no_more() {
    watched(|| {
        let pool: &'static Pool = Box::leak(Box::new(one_worker()));
        let counter = counting(pool);
        let each = allocations_each(counter, 100, || {
            let mut fork: Typed<u64> = pool.spawn(|| {
                let (left, right) = (pool.spawn(|| Ok(1)), pool.spawn(|| Ok::<u64, String>(2)));
                join((left, right)).map(|(left, right)| left + right)
            });
            assert_eq!(fork.get(None).unwrap(), 3);
        });
        assert_eq!(each, 3 + 1 + 1, "the jobs, the join and the link");
    });
}

/// Of a list that is joined: what watches its items, the collector, the result and its cancellation handler.
#[test]
fn a_joined_list_is_four_allocations() {
    watched(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        let each = allocations_each(counter, 100, || {
            let (deferred, promise) = Typed::<u64>::deferred();
            let mut joined = AsyncList::from_iter([promise]).join();
            deferred.resolve(1);
            assert_eq!(joined.get(None).unwrap(), [1]);
        });
        assert_eq!(each, 1 + 4 + 1, "the item, the join and the `Vec`");
    });
}

/// `share()` is one; handles and readers are none.
#[test]
fn sharing_is_one_allocation() {
    watched(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        let read = |value: AsyncValue<u64, String>| {
            let copies = [value.clone(), value.clone(), value.clone()];
            assert!(copies.iter().all(|copy| *copy.get(None).unwrap() == 1));
        };
        let settled = allocations_each(counter, 100, || read(Typed::ready(1).share()));
        assert_eq!(settled, 2, "the promise and what it is shared in");
        let pending = allocations_each(counter, 100, || {
            let (deferred, promise) = Typed::deferred();
            let value = promise.share();
            deferred.resolve(1);
            read(value);
        });
        assert_eq!(pending, 2, "the promise and what it is shared in");
        let event = allocations_each(counter, 100, || {
            let value = AsyncValue::new();
            value.set(1).unwrap();
            read(value);
        });
        assert!(event <= 2, "{event}: the event, and what sets it");
    });
}

/// The queue: what a million waiting jobs hold, beyond what their closures capture.
#[test]
fn a_queued_job_holds_at_most_eighty_bytes() {
    const JOBS: isize = 1_000_000;
    fn bytes_each<const N: usize>() -> [isize; 2] {
        let pool = one_worker();
        let counter = Counter::leaked();
        pool.set_worker_count(0);
        let captured = [7_u8; N];
        counter.count_this_thread();
        for _ in 0..JOBS {
            drop(pool.run(move || assert_eq!(captured.iter().filter(|b| **b != 7).count(), 0)));
        }
        let held = [counter.live_bytes() / JOBS, counter.live_chunk_bytes() / JOBS];
        let gone = pool.shutdown(Shutdown::CancelQueued, None);
        assert_eq!(gone.abandoned, 1_000_000);
        held
    }
    watchdog("allocations.rs: a million queued jobs", LONG, || {
        let [asked, held] = bytes_each::<0>();
        assert!(
            asked <= 80 && held <= 80,
            "{asked} bytes asked for, {held} held, for a closure of none"
        );
        let [asked, held] = bytes_each::<64>();
        assert!(
            asked <= 144 && held <= 144 + 16,
            "{asked} bytes asked for, {held} held, for a closure of 64"
        );
    });
}
