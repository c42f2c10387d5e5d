//! What lists ask of the allocator, and what they leave behind (conformance D6 to D8, D11).

use crate::common::alloc::Counter;
use crate::common::{LONG, watchdog, watched};
use asynckit::{AsyncList, AsyncValue, Deferred, IntoPromise, Promise, join};

type List<T> = AsyncList<T, String>;
type Typed<T> = Promise<T, String>;
type Event = AsyncValue<u64, String>;

/// Runs `round` often; what it holds must not grow meanwhile.
fn holds_flat(name: &str, rounds: usize, mut round: impl FnMut()) {
    let counter = Counter::leaked();
    counter.count_this_thread();
    (0..1_000).for_each(|_| round());
    let before = counter.live_bytes();
    (0..rounds).for_each(|_| round());
    let grown = counter.live_bytes() - before;
    assert!(grown.abs() < 1_000, "{name}: {grown} bytes more after {rounds} rounds");
}

/// D6: a million races against one promise that never settles.
#[test]
fn races_against_one_that_never_settles_hold_memory_flat() {
    const ROUNDS: usize = 250_000;
    watchdog("list_memory.rs: D6", LONG, || {
        let never = Event::new();
        let race = |items: [Typed<u64>; 2]| {
            assert_eq!(AsyncList::from_iter(items).race().get(None).unwrap(), 1);
        };
        let branch = || never.map(|n| *n);
        holds_flat("winner first", ROUNDS, || race([Promise::ready(1), branch()]));
        holds_flat("winner last", ROUNDS, || race([branch(), Promise::ready(1)]));
        holds_flat("a copy", ROUNDS, || race([never.clone().into_promise(), Promise::ready(1)]));
        holds_flat("a winner that was pending", ROUNDS, || {
            let (deferred, promise) = Typed::deferred();
            let longer = branch().map(|n| n + 1).map(|n| n + 1);
            let mut race = AsyncList::from_iter([longer, promise]).race();
            deferred.resolve(1);
            assert_eq!(race.get(None).unwrap(), 1);
        });
        never.set(1).unwrap();
    });
}

/// D6: the other combinators that have losers.
#[test]
fn what_has_losers_leaves_nothing_on_them() {
    const ROUNDS: usize = 20_000;
    watchdog("list_memory.rs: losers", LONG, || {
        let never = Event::new();
        let branch = || never.map(|n| *n);
        let with =
            |last: Typed<u64>| -> List<u64> { [branch(), branch(), last].into_iter().collect() };
        let failed = || Typed::<u64>::failed(String::new());
        holds_flat("any", ROUNDS, || drop(with(Promise::ready(1)).any().get(None)));
        holds_flat("some", ROUNDS, || drop(with(Promise::ready(1)).some(1).get(None)));
        holds_flat("some, impossible", ROUNDS, || drop(with(failed()).some(3).get(None)));
        holds_flat("join", ROUNDS, || drop(with(failed()).join().get(None)));
        holds_flat("join of a tuple", ROUNDS, || drop(join((branch(), failed())).get(None)));
        holds_flat("join of an array", ROUNDS, || drop(join([branch(), failed()]).get(None)));
    });
}

/// D7
#[test]
fn any_of_a_hundred_holds_memory_flat() {
    watchdog("list_memory.rs: D7", LONG, || {
        let never = Event::new();
        holds_flat("any", 2_000, || {
            let list: List<u64> =
                (0..99).map(|_| never.map(|n| *n)).chain([Promise::ready(1)]).collect();
            assert_eq!(list.any().get(None).unwrap(), 1);
        });
    });
}

/// D8
#[test]
fn cancelled_joins_hold_memory_flat() {
    watchdog("list_memory.rs: D8", LONG, || {
        let never = Event::new();
        holds_flat("map", 20_000, || never.map(|n| *n).cancel());
        let hundred = || (0..100).map(|_| never.map(|n| *n)).collect::<List<u64>>();
        holds_flat("join", 2_000, || hundred().join().cancel());
        holds_flat("settled", 2_000, || hundred().settled().cancel());
        holds_flat("race", 2_000, || hundred().race().cancel());
        holds_flat("the list itself", 2_000, || {
            let mut list = hundred();
            list.cancel();
            assert!(list.get(None).unwrap_err().is_cancelled());
        });
        holds_flat("a tuple", 20_000, || {
            let joined = join((never.map(|n| *n), never.map(|n| *n), never.map(|n| *n)));
            joined.cancel();
        });
    });
}

/// A million items whose values are handed out one by one: each goes with its cell.
#[test]
fn as_completed_holds_nothing_of_what_it_has_handed_out() {
    const ITEMS: usize = 100_000;
    watched(|| {
        let counter = Counter::leaked();
        let list: AsyncList<Box<[u8; 256]>> =
            (0..ITEMS).map(|_| Promise::ready(Box::new([0; 256]))).collect();
        counter.count_this_thread();
        let mut completed = list.as_completed();
        for n in 1..=ITEMS {
            drop(completed.next());
            let freed = usize::try_from(-counter.live_bytes()).unwrap();
            assert!(freed >= n * 256, "{freed} bytes were freed after {n} items");
        }
        assert!(counter.allocations() < 10, "handing out asks for nothing");
    });
}

fn resolve(deferreds: Vec<Deferred<usize, String>>) {
    deferreds.into_iter().for_each(|deferred| deferred.resolve(1));
}

fn reject(deferreds: Vec<Deferred<usize, String>>) {
    deferreds.into_iter().for_each(|deferred| deferred.reject(String::new()));
}

/// No allocation for an item of a race, of `any`, `some`, `as_completed`, nor of a join that fails; for `join` and `settled` see
/// `allocations.rs`.
#[test]
fn an_item_is_no_allocation() {
    const ITEMS: usize = 10_000;
    type Finish = fn(List<usize>, Vec<Deferred<usize, String>>);
    let uses: [(&str, Finish); 7] = [
        ("race", |list, deferreds| {
            let mut race = list.race();
            resolve(deferreds);
            assert_eq!(race.get(None).unwrap(), 1);
        }),
        ("any", |list, deferreds| {
            let mut any = list.any();
            resolve(deferreds);
            assert_eq!(any.get(None).unwrap(), 1);
        }),
        ("any, all failed", |list, deferreds| {
            let mut any = list.any();
            reject(deferreds);
            assert!(any.get(None).unwrap_err().is_error());
        }),
        ("some", |list, deferreds| {
            let mut some = list.some(ITEMS / 2);
            resolve(deferreds);
            assert_eq!(some.get(None).unwrap().len(), ITEMS / 2);
        }),
        ("join, fails", |list, deferreds| {
            let mut joined = list.join();
            reject(deferreds);
            assert!(joined.get(None).unwrap_err().is_error());
        }),
        ("cancelled", |list, _deferreds| {
            let joined = list.join();
            joined.cancel();
            assert!(joined.is_error());
        }),
        ("as_completed", |list, deferreds| {
            let completed = list.as_completed();
            resolve(deferreds);
            assert_eq!(completed.filter(|done| done.outcome.is_ok()).count(), ITEMS);
        }),
    ];
    watched(move || {
        let counter = Counter::leaked();
        counter.count_this_thread();
        for (name, finish) in uses {
            let (mut deferreds, mut promises) =
                (Vec::with_capacity(ITEMS), Vec::with_capacity(ITEMS));
            for _ in 0..ITEMS {
                let (deferred, promise) = Promise::deferred();
                deferreds.push(deferred);
                promises.push(promise);
            }
            let before = counter.allocations();
            finish(promises.into_iter().collect(), deferreds);
            let asked = counter.allocations() - before;
            // Blocks of slots and growing vectors: a few for each doubling.
            assert!(asked <= 70, "{name}: {asked} allocations for {ITEMS} items");
        }
    });
}

/// A million items, of a list of lists and of one list.
#[test]
fn a_million_items() {
    const ITEMS: usize = 1_000_000;
    watchdog("list_memory.rs: a million", LONG, || {
        let (deferreds, promises): (Vec<_>, Vec<_>) =
            (0..ITEMS).map(|_| Typed::<usize>::deferred()).unzip();
        let mut joined = AsyncList::from_iter(promises).join();
        for (n, deferred) in deferreds.into_iter().enumerate().rev() {
            deferred.resolve(n);
        }
        assert!(joined.get(None).unwrap().into_iter().eq(0..ITEMS));

        let nested: List<Vec<usize>> = (0..1_000)
            .map(|row| (0..1_000).map(|n| Promise::ready(row * 1_000 + n)).collect::<List<_>>())
            .map(AsyncList::join)
            .collect();
        assert!(nested.join().get(None).unwrap().into_iter().flatten().eq(0..ITEMS));

        let (deferreds, promises): (Vec<_>, Vec<_>) =
            (0..ITEMS).map(|_| Typed::<usize>::deferred()).unzip();
        let mut race = AsyncList::from_iter(promises).race();
        let mut deferreds = deferreds.into_iter().rev();
        deferreds.next().unwrap().resolve(7);
        assert!(deferreds.all(|deferred| deferred.is_cancelled()));
        assert_eq!(race.get(None).unwrap(), 7);

        let list: List<usize> = (0..ITEMS).map(Promise::ready).collect();
        assert!(list.as_completed().map(|done| done.index).eq(0..ITEMS));
    });
}
