//! Lists that grow while they go on, by `map_concurrent`, in the hands of what takes any list.

use crate::common::{
    Gate, GateKey, Log, PATIENCE, eventually, is_error, one_worker, verdict, watched,
};
use asynckit::{AsyncList, Pool, Progress, Promise, map_concurrent};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type List<T> = AsyncList<T, String>;
type Typed<T> = Promise<T, String>;

/// A list of the squares of the inputs, two at a time, on `pool`. Whether it can know how many there will be depends
/// on the iterator.
fn squares(pool: &Pool, inputs: impl Iterator<Item = usize> + Send + 'static) -> List<usize> {
    let pool = pool.clone();
    map_concurrent(inputs, 2, move |n| pool.spawn(move || Ok(n * n)))
}

/// The same inputs, of which nobody can know how many there are.
fn unknown(count: usize) -> impl Iterator<Item = usize> + Send + 'static {
    (0..count * 2).filter(move |n| *n < count)
}

/// Each once, and as what it is in the order of the inputs, though places in the list are used again.
#[test]
fn as_completed_ends_where_the_inputs_end() {
    watched(|| {
        let pool = Pool::new(2);
        let lists: [List<usize>; 3] =
            [squares(&pool, 0..1_000), squares(&pool, unknown(1_000)), squares(&pool, 0..0)];
        for (list, count) in lists.into_iter().zip([1_000, 1_000, 0]) {
            let mut seen = vec![false; count];
            let mut completed = list.as_completed();
            for done in completed.by_ref() {
                assert_eq!(done.outcome.unwrap(), done.index * done.index);
                assert!(!std::mem::replace(&mut seen[done.index], true));
            }
            assert!(seen.into_iter().all(|seen| seen));
            assert!(completed.next().is_none());
        }
    });
}

/// An endless iterator is fine; what is left is dropped with the iterator.
#[test]
fn as_completed_of_an_endless_list() {
    watched(|| {
        let (pool, drawn) = (Pool::new(2), Arc::new(AtomicUsize::new(0)));
        let count = drawn.clone();
        let inputs = (0..).inspect(move |_| _ = count.fetch_add(1, Ordering::SeqCst));
        let mut completed = squares(&pool, inputs).as_completed();
        assert_eq!(completed.size_hint(), (0, None));
        for _ in 0..10_000 {
            assert!(completed.next().unwrap().outcome.is_ok());
        }
        drop(completed);
        assert!(drawn.load(Ordering::SeqCst) < 10_000 + 100);
    });
}

/// While a worker iterates another thread takes its place.
#[test]
fn a_worker_may_iterate_over_a_list_that_grows() {
    watched(|| {
        let pool = Pool::new(1);
        let again = pool.clone();
        let mut sum: Typed<usize> = pool.spawn(move || {
            let inner = again.clone();
            let list: List<usize> = map_concurrent(0..10, 20, move |n| inner.spawn(move || Ok(n)));
            Ok(list.as_completed().filter_map(|done| done.outcome.ok()).sum())
        });
        assert_eq!(sum.get(PATIENCE).unwrap(), 45);
    });
}

/// Progress: the total is what is known, inputs that were looked for in vain do not count, and the last one comes.
#[test]
fn progress_of_a_list_that_grows() {
    watched(|| {
        let pool = Pool::new(2);
        for (mut list, known) in
            [(squares(&pool, 0..500), true), (squares(&pool, unknown(500)), false)]
        {
            let reports = Log::<Progress>::new();
            let log = reports.clone();
            list.on_progress(move |progress| log.add(progress));
            let completed = list.as_completed();
            assert_eq!(completed.filter(|done| done.outcome.is_ok()).count(), 500);
            eventually("the last report", || {
                let last = reports.entries().last().copied();
                last.is_some_and(|last| (last.done, last.failed, last.total) == (500, 0, 500))
            });
            let entries = reports.entries();
            assert!(entries.is_sorted_by(|a, b| a.done <= b.done && a.total <= b.total));
            assert!(!known || entries.iter().all(|progress| progress.total == 500));
            assert!(entries.iter().all(|progress| progress.done <= progress.total));
        }
    });
}

/// A look for one more input, which takes until the gate is opened.
fn in_vain(gate: &GateKey) -> Option<usize> {
    gate.wait();
    None
}

/// Looking for an input that does not exist takes a while: meanwhile there is no more than was there.
#[test]
fn progress_while_the_iterator_looks_for_one_more() {
    watched(|| {
        let pool = Pool::new(2);
        let gate = Gate::new();
        let (key, mut left) = (gate.key(), 2..4);
        let inputs = std::iter::from_fn(move || left.next().or_else(|| in_vain(&key)));
        let pending = pool.clone();
        let mut list: List<usize> =
            map_concurrent(inputs, 1, move |n| pending.spawn(move || Ok(n)));
        let reports = Log::<Progress>::new();
        let log = reports.clone();
        list.on_progress(move |progress| log.add(progress));
        gate.await_arrival(1);
        let both = || reports.entries().last().is_some_and(|last| last.done == 2);
        eventually("both are reported", both);
        gate.open();
        assert_eq!(list.get(PATIENCE).unwrap(), [2, 3]);
        assert!(reports.entries().iter().all(|progress| progress.total <= 2));
    });
}

/// The iterator had promised more: the last report comes nevertheless.
#[test]
fn progress_of_an_iterator_that_ends_too_early() {
    struct Liar(usize, GateKey);
    impl Iterator for Liar {
        type Item = usize;
        fn next(&mut self) -> Option<usize> {
            self.0 = self.0.checked_sub(1).or_else(|| in_vain(&self.1))?;
            Some(self.0)
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (self.0 + 3, Some(self.0 + 3))
        }
    }
    watched(|| {
        let pool = Pool::new(2);
        let gate = Gate::new();
        let mut list = squares(&pool, Liar(2, gate.key()));
        let reports = Log::<Progress>::new();
        let log = reports.clone();
        list.on_progress(move |progress| log.add(progress));
        gate.await_arrival(1);
        let is_last = |done, total| {
            let last = reports.entries().last().copied();
            last.is_some_and(|last| (last.done, last.total) == (done, total))
        };
        eventually("both are reported", || is_last(2, 5));
        gate.open();
        eventually("there are no more", || is_last(2, 2));
        assert_eq!(list.get(PATIENCE).unwrap(), [1, 0]);
    });
}

/// What wants only some of the items starts no more when it has them.
#[test]
fn what_has_enough_starts_no_more() {
    type Take = fn(List<usize>) -> usize;
    let takes: [(&str, Take); 3] = [
        ("race", |list| list.race().get(PATIENCE).unwrap()),
        ("any", |list| list.any().get(PATIENCE).unwrap()),
        ("some", |list| list.some(3).get(PATIENCE).unwrap().into_iter().sum()),
    ];
    watched(move || {
        for (name, take) in takes {
            let (pool, drawn) = (one_worker(), Arc::new(AtomicUsize::new(0)));
            let count = drawn.clone();
            let inputs = (0..).inspect(move |_| _ = count.fetch_add(1, Ordering::SeqCst));
            take(squares(&pool, inputs));
            let after = drawn.load(Ordering::SeqCst);
            assert!(after < 5_000, "{name}: {after}");
            crate::common::flush(&pool);
            assert!(drawn.load(Ordering::SeqCst) <= after + 2, "{name}");
        }
    });
}

/// However slow the thread is that sees that it is enough: the others are twice the limit ahead of it at most.
#[test]
fn what_has_enough_is_no_more_than_twice_the_limit_behind() {
    type Take = fn(List<usize>) -> Promise<(), String>;
    let takes: [Take; 3] = [
        |list| list.race().map(drop),
        |list| list.any().map(drop).map_err(|all| all.to_string()),
        |list| list.some(1).map(drop).map_err(|all| all.to_string()),
    ];
    watched(move || {
        let pool = Pool::new(4);
        for round in 0..300 {
            let (gate, drawn) = (Gate::new(), Arc::new(AtomicUsize::new(0)));
            let (own, key, count) = (pool.clone(), gate.key(), drawn.clone());
            let list = map_concurrent(0.., 2, move |n: usize| {
                count.fetch_add(1, Ordering::SeqCst);
                let key = (n < 2).then(|| key.clone());
                own.spawn(move || {
                    key.into_iter().for_each(|key| key.wait());
                    Ok(n)
                })
            });
            let mut taken = takes[round % 3](list);
            gate.open();
            taken.get(PATIENCE).unwrap();
            let drawn = drawn.load(Ordering::SeqCst);
            assert!(drawn <= 4, "round {round}: {drawn}");
        }
    });
}

/// A failure stops nothing where all that comes is wanted; `some` and `any` fail when all inputs are through.
#[test]
fn failures_in_a_list_that_grows() {
    watched(|| {
        let odd_fails = |n: usize| match n % 2 {
            0 => Typed::ready(n),
            _ => Promise::failed(n.to_string()),
        };
        let list = || map_concurrent(unknown(10), 3, odd_fails);
        let completed: Vec<_> = list().as_completed().collect();
        assert_eq!(completed.len(), 10);
        assert!(completed.iter().all(|done| done.outcome.is_ok() == (done.index % 2 == 0)));
        assert!(completed.iter().all(|done| done.trace().is_some() == (done.index % 2 == 1)));
        assert_eq!(list().some(5).get(PATIENCE).unwrap().len(), 5);
        let failure = list().some(6).get(PATIENCE).unwrap_err();
        assert!(
            failure.to_string().starts_with("6 values were wanted of 10 promises, 5 failed: 1; 3;")
        );
        let all = map_concurrent(unknown(3), 2, |n| Typed::<()>::failed(n.to_string()));
        let failure = all.any().get(PATIENCE).unwrap_err();
        assert_eq!(failure.to_string(), "all 3 promises failed: 0; 1; 2");
        let none = map_concurrent(unknown(0), 2, |_| Typed::<()>::ready(()));
        assert_eq!(verdict(&none.any().get(PATIENCE)), "Empty");
        let mut joined = list().join();
        assert!(is_error(joined.get(PATIENCE), "1"));
        let trace = joined.trace();
        assert_eq!(trace.steps().last().and_then(|step| step.item()), Some(1));
    });
}

/// A list that was looked at, and is looked at once more by what it is given to: what does not count is not counted twice.
#[test]
fn a_list_that_was_looked_at_is_handed_on() {
    watched(|| {
        let pool = Pool::new(2);
        type Use = fn(List<usize>) -> usize;
        let uses: [(&str, Use); 3] = [
            ("join", |list| list.join().get(PATIENCE).unwrap().len()),
            ("settled", |list| list.settled().get(PATIENCE).unwrap().len()),
            ("as_completed", |list| list.as_completed().count()),
        ];
        for (name, each) in uses {
            for inputs in [0, 3] {
                let mut list = squares(&pool, unknown(inputs));
                assert!(list.wait(PATIENCE), "{name}");
                assert!(format!("{list:?}").contains("List"), "{name}");
                assert_eq!(each(list), inputs, "{name}");
            }
        }
    });
}
