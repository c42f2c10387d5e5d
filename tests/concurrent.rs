//! So much at once, results in order: `map_concurrent` (conformance E23 to E25, D4).

mod common;

use asynckit::{AsyncList, Deferred, Failure, Pool, Promise, map_concurrent};
use common::alloc::{Counter, Counting};
use common::{
    DropCounter, Gate, LONG, Log, MOMENT, PATIENCE, SMALL_STACK, eventually, flush, is_error,
    named_pool, one_worker, panic_message, run_on_small_stack, verdict, watched, watched_long,
};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Typed<T> = Promise<T, String>;
type List<T> = AsyncList<T, String>;

/// Calls that the test settles by hand.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<Call>>>);

/// What settles it, until it is taken.
type Call = Option<Deferred<usize, String>>;

impl Calls {
    /// What `map_concurrent` calls: input n is call n.
    fn call(&self) -> impl FnMut(usize) -> Typed<usize> + Send + use<> {
        let calls = self.0.clone();
        move |input| {
            let (deferred, promise) = Promise::deferred();
            let mut calls = calls.lock().unwrap();
            assert_eq!(calls.len(), input, "in the order of the inputs");
            calls.push(Some(deferred));
            promise
        }
    }

    fn made(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn take(&self, input: usize) -> Deferred<usize, String> {
        self.0.lock().unwrap()[input].take().unwrap()
    }

    fn end(&self, input: usize) {
        self.take(input).resolve(input * 10);
    }

    fn fail(&self, input: usize) {
        self.take(input).reject(format!("no {input}"));
    }

    #[track_caller]
    fn await_made(&self, count: usize) {
        eventually("the calls are made", || self.made() >= count);
        thread::yield_now();
        assert_eq!(self.made(), count);
    }
}

/// An iterator that says nothing of its length.
fn unknown(count: usize) -> impl Iterator<Item = usize> + Send {
    let mut next = 0..count;
    std::iter::from_fn(move || next.next())
}

// ── How many, and in which order ─────────────────────────────────────────────────────────────────

/// E23: never more than the limit, started in input order, results in input order.
#[test]
fn no_more_are_under_way_than_the_limit() {
    watched(|| {
        let calls = Calls::default();
        let mut list: List<usize> = map_concurrent(0..5, 2, calls.call());
        assert_eq!((calls.made(), list.len()), (2, 5), "the first calls are made inside of it");
        calls.end(1);
        calls.await_made(3);
        calls.end(2);
        calls.await_made(4);
        calls.end(0);
        calls.await_made(5);
        calls.end(4);
        calls.end(3);
        assert_eq!(list.get(PATIENCE).unwrap(), [0, 10, 20, 30, 40]);
    });
}

/// E23, with threads.
#[test]
fn no_more_run_than_the_limit() {
    watched_long(|| {
        for (count, limit) in [(100, 4), (3, 7), (1, 1), (0, 3), (50, 0), (5, usize::MAX)] {
            for exact in [true, false] {
                let (pool, now, most) = (Pool::new(6), Arc::new(AtomicUsize::new(0)), Log::new());
                let (seen, on) = (most.clone(), pool.clone());
                let work = move |n: usize| {
                    let (now, seen) = (now.clone(), seen.clone());
                    on.run(move || {
                        seen.add(now.fetch_add(1, SeqCst) + 1);
                        thread::yield_now();
                        now.fetch_sub(1, SeqCst);
                        n
                    })
                };
                let list = if exact {
                    map_concurrent(0..count, limit, work)
                } else {
                    map_concurrent(unknown(count), limit, work)
                };
                let values = list.join().get(LONG).unwrap();
                assert_eq!(values, (0..count).collect::<Vec<_>>());
                assert!(most.entries().iter().all(|&most| most <= limit.max(1)));
                assert_eq!(most.entries().len(), count);
            }
        }
    });
}

#[test]
fn the_work_goes_on_though_nobody_looks_at_the_list() {
    watched(|| {
        for exact in [true, false] {
            let (log, seen) = (Log::new(), Log::new());
            let entries = log.clone();
            let call = move |n: usize| {
                entries.add(n);
                Typed::settled(Ok(n))
            };
            let list: List<usize> = if exact {
                map_concurrent(0..40, 1, call)
            } else {
                map_concurrent(unknown(40), 1, call)
            };
            eventually("all are made", || log.entries().len() == 40);
            seen.add(list.len());
            let mut list = list;
            assert_eq!(list.get(PATIENCE).unwrap().len(), 40);
            assert_eq!(list.len(), 40);
        }
    });
}

#[test]
fn inputs_are_drawn_when_they_are_needed() {
    watched(|| {
        let (calls, drawn) = (Calls::default(), Arc::new(AtomicUsize::new(0)));
        let count = drawn.clone();
        let inputs = (0..100).inspect(move |_| _ = count.fetch_add(1, SeqCst));
        let list: List<usize> = map_concurrent(inputs, 3, calls.call());
        assert_eq!(drawn.load(SeqCst), 3);
        calls.end(0);
        calls.await_made(4);
        assert_eq!(drawn.load(SeqCst), 4);
        list.cancel();
        assert_eq!(drawn.load(SeqCst), 4);
    });
}

#[test]
fn the_others_are_called_on_the_pool_of_the_first_promise() {
    watched(|| {
        let (pool, names) = (named_pool(1, "calls"), Log::new());
        let (on, seen) = (pool.clone(), names.clone());
        let list: List<()> = map_concurrent(0..4, 2, move |n| {
            seen.add(thread::current().name().unwrap().to_owned());
            let (deferred, promise) =
                common::deferred_on(if n == 0 { &on } else { Pool::global() });
            deferred.resolve(());
            promise
        });
        let behind = list.map(|_| thread::current().name().unwrap().to_owned()).get(PATIENCE);
        assert!(behind.unwrap().starts_with("calls"));
        let here = thread::current().name().unwrap().to_owned();
        let names = names.entries();
        assert_eq!(names[..2], [here.clone(), here]);
        assert!(names[2..].iter().all(|name| name.starts_with("calls")), "{names:?}");
    });
}

/// Inputs without a known length: what was made ahead in vain is not there.
#[test]
fn items_that_were_made_in_vain_do_not_count() {
    watched(|| {
        for count in [0, 1, 5, 63, 64, 65, 200] {
            let make =
                || -> List<usize> { map_concurrent(unknown(count), 2, |n| Promise::ready(n)) };
            let expected: Vec<_> = (0..count).collect();
            assert_eq!(make().get(PATIENCE).unwrap(), expected);
            assert_eq!(make().join().get(PATIENCE).unwrap(), expected);
            assert_eq!(make().settled().get(PATIENCE).unwrap().len(), count);
            let filtered = (0..count).filter(|n| n % 3 == 0);
            let mut list: List<usize> = map_concurrent(filtered, 2, |n| Promise::ready(n));
            assert_eq!(list.get(PATIENCE).unwrap().len(), count.div_ceil(3));
            assert_eq!(list.len(), count.div_ceil(3));
        }
    });
}

#[test]
fn more_can_be_pushed_to_the_list() {
    watched(|| {
        for exact in [true, false] {
            let calls = Calls::default();
            let mut list: List<usize> = if exact {
                map_concurrent(0..3, 1, calls.call())
            } else {
                map_concurrent(unknown(3), 1, calls.call())
            };
            list.push(Promise::ready(7));
            (0..3).for_each(|n| {
                calls.await_made(n + 1);
                calls.end(n);
            });
            let mut values = list.get(PATIENCE).unwrap();
            values.sort();
            assert_eq!(values, [0, 7, 10, 20]);
        }
    });
}

// ── As they complete ─────────────────────────────────────────────────────────────────────────────

/// An endless iterator is fine: each one once, no more than the limit under way, and no more than
/// twice the limit ahead of whoever takes them.
#[test]
fn an_endless_iterator_is_taken_as_it_completes() {
    watched_long(|| {
        for limit in [1, 3] {
            let (pool, made) = (Pool::new(2), Arc::new(AtomicUsize::new(0)));
            let (on, count) = (pool.clone(), made.clone());
            let endless: List<usize> = map_concurrent(0.., limit, move |n| {
                count.fetch_add(1, SeqCst);
                on.spawn(move || if n % 3 == 1 { Err(format!("no {n}")) } else { Ok(n) })
            });
            let ahead = 64 + limit; // before it is known who takes them
            let mut seen = Vec::new();
            for (taken, done) in endless.as_completed().take(500).enumerate() {
                if taken > 200 {
                    assert!(made.load(SeqCst) <= taken + 2 * limit + 1);
                }
                assert!(made.load(SeqCst) <= taken + ahead + 2 * limit);
                match done.outcome {
                    Ok(n) => assert_eq!(n, done.index),
                    Err(Failure::Error(text)) => assert_eq!(text, format!("no {}", done.index)),
                    Err(other) => panic!("{other}"),
                }
                seen.push(done.index);
            }
            flush(&pool);
            let made_at_the_end = made.load(SeqCst);
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), 500);
            assert!(seen[499] < 500 + ahead + limit);
            thread::sleep(MOMENT);
            assert_eq!(made.load(SeqCst), made_at_the_end, "dropped, it starts no more");
        }
    });
}

/// Twice the limit are done ahead of whoever takes them slowly, and then none.
#[test]
fn who_takes_slowly_holds_the_work_back() {
    watched(|| {
        let calls = Calls::default();
        let list: List<usize> = map_concurrent(0..1000, 2, calls.call());
        let mut completed = list.as_completed();
        for n in 0..4 {
            calls.await_made((n + 2).min(4));
            calls.end(n);
        }
        thread::sleep(MOMENT);
        assert_eq!(calls.made(), 4);
        assert_eq!(completed.next().unwrap().index, 0);
        calls.await_made(5);
        assert_eq!(completed.next().unwrap().index, 1);
        calls.await_made(6);
        drop(completed);
        assert!(!calls.take(4).is_cancelled());
    });
}

/// D15: nothing is kept of what was handed out, however long it goes on.
#[test]
fn taken_as_it_completes_memory_stays_flat() {
    watched_long(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        let pool = one_worker();
        pool.run(|| counter.count_this_thread()).get(PATIENCE).unwrap();
        let on = pool.clone();
        let endless = map_concurrent(0.., 4, move |n: usize| on.run(move || [n; 16]));
        let mut completed = endless.as_completed();
        completed.by_ref().take(2_000).for_each(drop);
        let before = counter.live_bytes();
        completed.by_ref().take(40_000).for_each(drop);
        let more = counter.live_bytes() - before;
        assert!(more < 8_000, "{more} bytes more");
    });
}

/// Promises that were pushed by hand come in between.
#[test]
fn pushed_ones_are_taken_too() {
    watched(|| {
        let mut list: List<usize> = map_concurrent(unknown(100), 1, |n| Promise::ready(n));
        list.push(Promise::ready(1000));
        list.push(Promise::ready(1001));
        let mut values: Vec<_> = list.as_completed().map(|done| done.outcome.unwrap()).collect();
        values.sort();
        assert_eq!(values[..100], (0..100).collect::<Vec<_>>());
        assert_eq!(values[100..], [1000, 1001]);
    });
}

// ── Failures ─────────────────────────────────────────────────────────────────────────────────────

/// With `settled` a failure stops nothing.
#[test]
fn settled_goes_on_behind_a_failure() {
    watched(|| {
        for exact in [true, false] {
            let call = |n: usize| -> Typed<usize> {
                if n % 2 == 0 { Promise::failed(format!("no {n}")) } else { Promise::ready(n) }
            };
            let list = if exact {
                map_concurrent(0..100, 3, call)
            } else {
                map_concurrent(unknown(100), 3, call)
            };
            let outcomes = list.settled().get(PATIENCE).unwrap();
            assert_eq!(outcomes.len(), 100);
            for (n, outcome) in outcomes.into_iter().enumerate() {
                assert_eq!(verdict(&outcome), if n % 2 == 0 { "Error" } else { "Ok" });
            }
        }
    });
}

/// E3 and E23: with `join` no more are started, and those under way are cancelled.
#[test]
fn join_stops_at_the_first_failure() {
    watched(|| {
        let (calls, counter) = (Calls::default(), DropCounter::default());
        let (mut call, token) = (calls.call(), counter.token());
        let list: List<usize> = map_concurrent(0..9, 3, move |n| {
            let _held = &token;
            call(n)
        });
        let mut joined = list.join();
        calls.fail(1);
        assert!(is_error(joined.get(PATIENCE), "no 1"));
        eventually("the closure is dropped", || counter.dropped() == 1);
        assert_eq!(calls.made(), 3);
        assert!(calls.take(0).is_cancelled() && calls.take(2).is_cancelled());
        let way = joined.trace();
        let steps: Vec<_> = way.steps().map(|step| (step.kind(), step.item())).collect();
        assert_eq!(steps, [("deferred", None), ("map_concurrent", None), ("join", Some(1))]);
    });
}

/// With `get` no more are started, those under way go on, and the others are abandoned.
#[test]
fn get_stops_at_the_first_failure() {
    watched(|| {
        for ready in [true, false] {
            let calls = Calls::default();
            let mut call = calls.call();
            let mut list: List<usize> = map_concurrent(0..9, 2, move |n| {
                let promise = call(n);
                if ready && n == 0 { Promise::failed("no 0".to_owned()) } else { promise }
            });
            if !ready {
                calls.fail(0);
            }
            assert!(is_error(list.get(PATIENCE), "no 0"));
            assert_eq!(calls.made(), 2);
            calls.end(1);
            thread::sleep(MOMENT);
            assert_eq!(calls.made(), 2);
            let rest = list.settled().get(PATIENCE).unwrap();
            let verdicts: Vec<_> = rest.iter().map(verdict).collect();
            assert_eq!(verdicts[..2], ["Taken", "Ok"]);
            assert_eq!(verdicts[2..], ["Abandoned"; 7]);
        }
    });
}

/// Behind a failure nothing is started before it is known who takes the results.
#[test]
fn who_takes_the_results_decides_what_a_failure_stops() {
    watched(|| {
        let calls = Calls::default();
        let list: List<usize> = map_concurrent(0..4, 1, calls.call());
        calls.fail(0);
        thread::sleep(MOMENT);
        assert_eq!(calls.made(), 1);
        let mut settled = list.settled();
        calls.await_made(2);
        calls.end(1);
        calls.await_made(3);
        calls.fail(2);
        calls.await_made(4);
        calls.end(3);
        let outcomes = settled.get(PATIENCE).unwrap();
        let verdicts: Vec<_> = outcomes.iter().map(verdict).collect();
        assert_eq!(verdicts, ["Error", "Ok", "Error", "Ok"]);
    });
}

/// E24 and E25: a panic of the function fails its item only.
#[test]
fn a_panic_of_the_function_fails_its_item() {
    watched(|| {
        let call = |n: usize| if n >= 2 { panic!("call {n}") } else { Typed::settled(Ok(n)) };
        let outcomes = map_concurrent(0..4, 1, call).settled().get(PATIENCE).unwrap();
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
        let [.., third, fourth] = <[_; 4]>::try_from(outcomes).unwrap();
        assert_eq!([panic_message(third), panic_message(fourth)], ["call 2", "call 3"]);

        let all: List<usize> = map_concurrent(0..4, 4, |_| panic!("each"));
        assert_eq!(panic_message(all.join().get(PATIENCE)), "each");
    });
}

#[test]
fn a_panic_of_the_iterator_ends_it() {
    watched(|| {
        let inputs = (0..9).map(|n| if n == 2 { panic!("input {n}") } else { n });
        let list: List<usize> = map_concurrent(inputs, 1, |n| Promise::ready(n));
        let outcomes = list.settled().get(PATIENCE).unwrap();
        let verdicts: Vec<_> = outcomes.iter().map(verdict).collect();
        assert_eq!(verdicts, ["Ok", "Ok", "Panicked"]);
    });
}

/// An iterator that says that it has more, or less, than it has.
#[test]
fn an_iterator_that_is_wrong_about_its_length_does_no_harm() {
    struct Liar(usize, usize);
    impl Iterator for Liar {
        type Item = usize;
        fn next(&mut self) -> Option<usize> {
            self.0 = self.0.checked_sub(1)?;
            Some(self.0)
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (self.1, Some(self.1))
        }
    }
    watched(|| {
        for claimed in [2, 5, 90] {
            let make =
                || -> List<usize> { map_concurrent(Liar(5, claimed), 2, |n| Promise::ready(n)) };
            let values = make().get(PATIENCE).unwrap();
            assert_eq!(values, [4, 3, 2, 1, 0]);
            assert_eq!(make().settled().get(PATIENCE).unwrap().len(), 5);
        }
    });
}

#[test]
fn when_the_pool_is_gone_the_rest_is_abandoned() {
    watched(|| {
        let (pool, calls) = (one_worker(), Calls::default());
        let (on, mut call) = (Mutex::new(Some(pool.clone())), calls.call());
        let list: List<usize> = map_concurrent(0..5, 1, move |n| {
            let promise = call(n);
            match on.lock().unwrap().take() {
                Some(pool) => pool.spawn(move || promise),
                None => promise,
            }
        });
        drop(pool);
        calls.end(0);
        let outcomes = list.settled().get(PATIENCE).unwrap();
        let verdicts: Vec<_> = outcomes.iter().map(verdict).collect();
        assert_eq!(verdicts, ["Ok", "Abandoned", "Abandoned", "Abandoned", "Abandoned"]);
        assert_eq!(calls.made(), 1);
    });
}

// ── Giving up ────────────────────────────────────────────────────────────────────────────────────

#[test]
fn cancelling_the_list_or_the_join_starts_nothing_more() {
    watched(|| {
        for by_join in [true, false] {
            for exact in [true, false] {
                let (calls, counter) = (Calls::default(), DropCounter::default());
                let (mut call, token) = (calls.call(), counter.token());
                let call = move |n| {
                    let _held = &token;
                    call(n)
                };
                let mut list: List<usize> = if exact {
                    map_concurrent(0..9, 2, call)
                } else {
                    map_concurrent(unknown(9), 2, call)
                };
                calls.end(0);
                calls.await_made(3);
                if by_join {
                    let mut joined = list.join();
                    joined.cancel();
                    assert!(joined.get(None).unwrap_err().is_cancelled());
                } else {
                    list.cancel();
                    assert!(list.get(PATIENCE).unwrap_err().is_cancelled());
                }
                assert!(calls.take(1).is_cancelled() && calls.take(2).is_cancelled());
                assert_eq!((calls.made(), counter.dropped()), (3, 1));
            }
        }
    });
}

#[test]
fn a_dropped_list_starts_nothing_more_and_what_is_under_way_goes_on() {
    watched(|| {
        let calls = Calls::default();
        drop::<List<usize>>(map_concurrent(0..9, 2, calls.call()));
        let first = calls.take(0);
        assert!(!first.is_cancelled());
        first.resolve(0);
        thread::sleep(MOMENT);
        assert_eq!(calls.made(), 2);
    });
}

#[test]
fn a_worker_can_wait_for_it() {
    watched(|| {
        let pool = one_worker();
        let on = pool.clone();
        let sum = pool.run(move || {
            let inner = on.clone();
            let mut list: AsyncList<usize> =
                map_concurrent(0..20, 3, move |n| inner.run(move || n));
            list.get(None).map(|values| values.len())
        });
        let mut sum = sum;
        assert!(matches!(sum.get(PATIENCE), Ok(Ok(20))));
    });
}

/// A function that uses the list's pool, other lists and itself in whatever way locks nothing.
#[test]
fn the_function_may_do_what_it_likes() {
    watched(|| {
        let pool = Pool::new(2);
        let on = pool.clone();
        let list: List<usize> = map_concurrent(0..8, 2, move |n| {
            let (one, two) = (on.clone(), on.clone());
            drop(map_concurrent(0..3, 1, move |m| two.spawn(move || Ok::<_, String>(m))));
            map_concurrent(0..n, 2, move |m| one.spawn(move || Ok::<_, String>(m)))
                .map(|all| all.len())
        });
        assert_eq!(list.join().get(PATIENCE).unwrap(), (0..8).collect::<Vec<_>>());
    });
}

// ── Size ─────────────────────────────────────────────────────────────────────────────────────────

/// D4: what is ready at once nests nowhere.
#[test]
fn many_that_are_ready_cost_no_stack() {
    watched_long(|| {
        run_on_small_stack(SMALL_STACK, || {
            let pool = common::one_small_worker();
            let count = 20_000;
            let (deferred, promise) = common::deferred_on::<usize, String>(&pool);
            let first = Mutex::new(Some(promise));
            let list = map_concurrent(0..count, 1, move |n| {
                first.lock().unwrap().take().unwrap_or_else(|| Promise::ready(n))
            });
            deferred.resolve(0);
            assert_eq!(list.join().get(LONG).unwrap().len(), count);
        });
    });
}

/// More than are ever made ahead, in every way to take them.
#[test]
fn long_lists_come_through_whoever_drains_them() {
    watched_long(|| {
        let count = 5_000;
        for exact in [true, false] {
            let make = || -> List<usize> {
                if exact {
                    map_concurrent(0..count, 3, |n| Promise::ready(n))
                } else {
                    map_concurrent(unknown(count), 3, |n| Promise::ready(n))
                }
            };
            assert_eq!(make().get(LONG).unwrap().len(), count);
            assert_eq!(make().join().get(LONG).unwrap().len(), count);
            assert_eq!(make().settled().get(LONG).unwrap().len(), count);
            let mut asked = make();
            while !asked.is_set() {
                thread::yield_now();
            }
            assert_eq!(asked.get(None).unwrap().len(), count);
        }
    });
}

#[test]
fn lists_leave_no_memory_behind() {
    watched_long(|| {
        let counter = Counter::leaked();
        counter.count_this_thread();
        let pool = one_worker();
        pool.run(|| counter.count_this_thread()).get(PATIENCE).unwrap();
        let round = || {
            let on = pool.clone();
            let list = map_concurrent(unknown(10), 2, move |n| on.spawn(move || Ok(n)));
            assert_eq!(List::join(list).get(PATIENCE).unwrap().len(), 10);
            let on = pool.clone();
            let mut list = map_concurrent(0..10, 2, move |n| {
                on.spawn(move || if n == 3 { Err(Box::new(n)) } else { Ok(n) })
            });
            assert!(matches!(list.get(PATIENCE), Err(Failure::Error(_))));
            drop(list);
            let on = pool.clone();
            drop(map_concurrent(0..10, 2, move |n| on.spawn(move || Ok::<_, String>(n))));
            flush(&pool);
            flush(&pool);
        };
        (0..200).for_each(|_| round());
        let before = counter.live_bytes();
        (0..500).for_each(|_| round());
        let more = counter.live_bytes() - before;
        assert!(more < 1024, "{more} bytes more");
    });
}

#[test]
fn all_kinds_of_things_at_once() {
    watched_long(|| {
        let pool = Pool::new(3);
        for round in 0..300 {
            let gate = Gate::new();
            let on = pool.clone();
            let list: List<usize> = map_concurrent(unknown(30), 1 + round % 5, move |n| {
                on.spawn(move || if n == round % 40 { Err("no".to_owned()) } else { Ok(n) })
            });
            match round % 4 {
                0 => drop(list),
                1 => list.cancel(),
                2 => {
                    let joined = list.join();
                    gate.open();
                    joined.cancel();
                }
                _ => {
                    let failed = list.join().get(LONG).is_err();
                    assert_eq!(failed, round % 40 < 30);
                }
            }
        }
    });
}
