//! Failures, panics and cancellation of `map_concurrent`: what is started still, and what is not (conformance E3, E23 to E25).

use crate::common::{
    Calls, DropCounter, MOMENT, PATIENCE, eventually, is_error, one_worker, panic_message, unknown,
    verdict, watched,
};
use asynckit::{AsyncList, Pool, Promise, Shutdown, map_concurrent};
use std::sync::Mutex;
use std::thread;

type Typed<T> = Promise<T, String>;
type List<T> = AsyncList<T, String>;
// ── Failures ─────────────────────────────────────────────────────────────────────────────────────

/// E25: with `settled` a failure stops nothing.
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
        let (mut call, token) = (calls.in_order(), counter.token());
        let list: List<usize> = map_concurrent(0..9, 3, move |n| {
            let _held = &token;
            call(n)
        });
        let mut joined = list.join();
        calls.fail(1);
        assert!(is_error(joined.get(PATIENCE), "no 1"));
        eventually("the closure is dropped", || counter.dropped() == 1);
        assert_eq!(calls.count(), 3);
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
            let mut call = calls.in_order();
            let mut list: List<usize> = map_concurrent(0..9, 2, move |n| {
                let promise = call(n);
                if ready && n == 0 { Promise::failed("no 0".to_owned()) } else { promise }
            });
            if !ready {
                calls.fail(0);
            }
            assert!(is_error(list.get(PATIENCE), "no 0"));
            assert_eq!(calls.count(), 2);
            calls.end(1);
            thread::sleep(MOMENT);
            assert_eq!(calls.count(), 2);
            let rest = list.settled().get(PATIENCE).unwrap();
            let verdicts: Vec<_> = rest.iter().map(verdict).collect();
            assert_eq!(verdicts[..2], ["Taken", "Ok"]);
            assert_eq!(verdicts[2..], ["Abandoned"; 7]);
        }
    });
}

/// E24: behind a failure nothing is started before it is known who takes the results.
#[test]
fn who_takes_the_results_decides_what_a_failure_stops() {
    watched(|| {
        let calls = Calls::default();
        let list: List<usize> = map_concurrent(0..4, 1, calls.in_order());
        calls.fail(0);
        thread::sleep(MOMENT);
        assert_eq!(calls.count(), 1);
        let mut settled = list.settled();
        calls.await_count(2);
        calls.end(1);
        calls.await_count(3);
        calls.fail(2);
        calls.await_count(4);
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
fn when_the_pool_is_shut_down_the_rest_is_abandoned() {
    watched(|| {
        let (pool, calls) = (one_worker(), Calls::default());
        let (on, mut call) = (Mutex::new(Some(pool.clone())), calls.in_order());
        let list: List<usize> = map_concurrent(0..5, 1, move |n| {
            let promise = call(n);
            match on.lock().unwrap().take() {
                Some(pool) => pool.spawn(move || promise),
                None => promise,
            }
        });
        pool.shutdown(Shutdown::Drain, None);
        calls.end(0);
        let outcomes = list.settled().get(PATIENCE).unwrap();
        let verdicts: Vec<_> = outcomes.iter().map(verdict).collect();
        assert_eq!(verdicts, ["Ok", "Abandoned", "Abandoned", "Abandoned", "Abandoned"]);
        assert_eq!(calls.count(), 1);
    });
}

// ── Giving up ────────────────────────────────────────────────────────────────────────────────────

#[test]
fn cancelling_the_list_or_the_join_starts_nothing_more() {
    watched(|| {
        for by_join in [true, false] {
            for exact in [true, false] {
                let (calls, counter) = (Calls::default(), DropCounter::default());
                let (mut call, token) = (calls.in_order(), counter.token());
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
                calls.await_count(3);
                if by_join {
                    let mut joined = list.join();
                    joined.cancel();
                    assert!(joined.get(None).unwrap_err().is_cancelled());
                } else {
                    list.cancel();
                    assert!(list.get(PATIENCE).unwrap_err().is_cancelled());
                }
                assert!(calls.take(1).is_cancelled() && calls.take(2).is_cancelled());
                assert_eq!(calls.count(), 3);
                // The call under way may have the closure still.
                eventually("the closure is dropped", || counter.dropped() == 1);
            }
        }
    });
}

#[test]
fn a_dropped_list_starts_nothing_more_and_what_is_under_way_goes_on() {
    watched(|| {
        let calls = Calls::default();
        drop::<List<usize>>(map_concurrent(0..9, 2, calls.in_order()));
        let first = calls.take(0);
        assert!(!first.is_cancelled());
        first.resolve(0);
        thread::sleep(MOMENT);
        assert_eq!(calls.count(), 2);
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
