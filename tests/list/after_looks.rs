//! A table: everything that is made of a list, after everything that looks at one.

use crate::common::{PATIENCE, verdict, wakers::block_on, watched_long};
use asynckit::{AsyncList, Deferred, Failure, Outcome, Promise, map_concurrent};
use futures_core::Stream;
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::mpsc;
use std::time::Duration;

type List = AsyncList<usize, String>;
type Typed<T> = Promise<T, String>;

// ── What looks ───────────────────────────────────────────────────────────────────────────────────

/// Looks; `false`: it has taken the values.
type Look = (&'static str, fn(&mut List) -> bool);

/// It has taken nothing, whatever it has seen.
fn whole(_: bool) -> bool {
    true
}

const LOOKS: [Look; 10] = [
    ("nothing", |_| true),
    ("is_set", |list| whole(list.is_set())),
    ("is_error", |list| whole(list.is_error())),
    ("wait", |list| whole(list.wait(Duration::ZERO))),
    ("len", |list| whole(list.is_empty())),
    ("Debug", |list| !format!("{list:?}").is_empty()),
    ("a get that timed out", |list| {
        list.is_set()
            || list
                .get(Duration::ZERO)
                .is_err_and(|failure| failure.is_timed_out() || failure.is_cancelled())
    }),
    ("on_progress", |list| {
        list.on_progress(|_| ());
        true
    }),
    ("on_progress after a look", |list| {
        list.wait(Duration::ZERO);
        list.on_progress(|_| ());
        true
    }),
    ("all of them", |list| LOOKS[1..8].iter().all(|(_, look)| look(list))),
];

// ── The lists ────────────────────────────────────────────────────────────────────────────────────

/// A list, what settles the rest of it later, and what its items come to.
struct Case {
    name: &'static str,
    list: List,
    rest: Vec<Deferred<usize, String>>,
    outcomes: Vec<Result<usize, String>>,
}

/// What an item comes to: each number itself, but for one that fails.
fn outcome(n: usize) -> Result<usize, String> {
    if n == 7 { Err("seven".to_owned()) } else { Ok(n) }
}

/// A list of these items, of which those behind the first `now` settle later.
fn items(name: &'static str, numbers: &[usize], now: usize) -> Case {
    let mut rest = Vec::new();
    let item = |(index, &n): (usize, &usize)| {
        if index < now {
            return Typed::settled(outcome(n).map_err(Failure::Error));
        }
        let (deferred, promise) = Typed::deferred();
        rest.push(deferred);
        promise
    };
    let list = numbers.iter().enumerate().map(item).collect();
    Case { name, list, rest, outcomes: numbers.iter().map(|&n| outcome(n)).collect() }
}

/// Says of an iterator's length what it likes.
struct Says<I>(I, (usize, Option<usize>));

impl<I: Iterator> Iterator for Says<I> {
    type Item = I::Item;
    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.1
    }
}

/// A list that grows, with these inputs.
fn growing(
    name: &'static str,
    numbers: &[usize],
    inputs: impl Iterator<Item = usize> + Send + 'static,
) -> Case {
    let settled = |n| Typed::settled(outcome(n).map_err(Failure::Error));
    let outcomes = numbers.iter().map(|&n| outcome(n)).collect();
    Case { name, list: map_concurrent(inputs, 2, settled), rest: Vec::new(), outcomes }
}

/// The ends of a channel whose sender is gone: nobody can know how much is in it.
fn received(numbers: &[usize]) -> mpsc::IntoIter<usize> {
    let (sender, receiver) = mpsc::channel();
    numbers.iter().for_each(|&n| sender.send(n).unwrap());
    receiver.into_iter()
}

fn cases() -> Vec<Box<dyn Fn() -> Case>> {
    let mut cases: Vec<Box<dyn Fn() -> Case>> = vec![
        Box::new(|| items("empty", &[], 0)),
        Box::new(|| items("one", &[5], 1)),
        Box::new(|| items("settled", &[0, 1, 2, 3, 4], 5)),
        Box::new(|| items("partly settled", &[0, 1, 2, 3, 4], 2)),
        Box::new(|| items("pending", &[0, 1, 2], 0)),
        Box::new(|| items("failed", &[0, 7, 2], 3)),
        Box::new(|| items("failed, partly settled", &[0, 7, 2, 3], 2)),
        Box::new(|| items("fails later", &[0, 1, 7, 3], 2)),
    ];
    const INPUTS: [&[usize]; 4] = [&[], &[5], &[0, 1, 2], &[0, 7, 2, 3, 4]];
    for numbers in INPUTS {
        cases.push(Box::new(|| growing("of a slice", numbers, numbers.iter().copied())));
        cases.push(Box::new(|| growing("of a channel", numbers, received(numbers))));
        cases.push(Box::new(|| {
            let mut left = numbers.iter().copied();
            growing("of from_fn", numbers, std::iter::from_fn(move || left.next()))
        }));
        let (count, max) = (numbers.len(), usize::MAX);
        for hint in [
            (0, Some(0)),
            (1, Some(1)),
            (count + 1, Some(count + 1)),
            (5000, Some(5000)),
            (0, Some(1)),
            (max, Some(max)),
            (max, None),
            (9, Some(2)),
        ] {
            let says = move || growing("that lies", numbers, Says(received(numbers), hint));
            cases.push(Box::new(says));
        }
    }
    cases
}

// ── What is made of them ─────────────────────────────────────────────────────────────────────────

/// Looks at what has come of it.
type Check = Box<dyn FnOnce(&[Result<usize, String>]) -> bool>;
type Use = (&'static str, fn(List) -> Check);

fn all(outcomes: &[Result<usize, String>]) -> Result<Vec<usize>, String> {
    outcomes.iter().cloned().collect()
}

fn sum(outcomes: &[Result<usize, String>]) -> Result<usize, String> {
    all(outcomes).map(|values| values.into_iter().sum())
}

/// Whether it is that value, or that error.
fn is<T: PartialEq>(outcome: Outcome<T, String>, expected: Result<T, String>) -> bool {
    match outcome {
        Ok(value) => expected.is_ok_and(|expected| expected == value),
        Err(Failure::Error(error)) => expected.err().is_some_and(|expected| expected == error),
        Err(_) => false,
    }
}

fn check_all(mut all_of: Typed<Vec<usize>>) -> Check {
    Box::new(move |outcomes| is(all_of.get(PATIENCE), all(outcomes)))
}

fn check_sum(mut total: Typed<usize>) -> Check {
    Box::new(move |outcomes| is(total.get(PATIENCE), sum(outcomes)))
}

/// Each of them once, whatever their order.
fn each_once(
    found: Vec<(usize, Outcome<usize, String>)>,
    outcomes: &[Result<usize, String>],
) -> bool {
    let mut places: Vec<_> = outcomes.iter().cloned().map(Some).collect();
    found.len() == outcomes.len()
        && found.into_iter().all(|(index, outcome)| {
            places[index].take().is_some_and(|expected| is(outcome, expected))
        })
}

fn some(list: List, n: usize) -> Check {
    let mut few = list.some(n);
    Box::new(move |outcomes| {
        let values = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        match few.get(PATIENCE) {
            Ok(found) => n <= values && found.len() == n,
            Err(Failure::Error(_)) => n > values,
            Err(_) => false,
        }
    })
}

const USES: [Use; 19] = [
    ("get", |mut list| Box::new(move |outcomes| is(list.get(PATIENCE), all(outcomes)))),
    ("join", |list| check_all(list.join())),
    ("then", |list| check_all(list.then(Ok))),
    ("chain", |list| check_all(list.chain(Ok))),
    ("map", |list| check_sum(list.map(|values| values.into_iter().sum()))),
    ("share", |list| check_all(list.share().then(|values| Ok(values.clone())))),
    ("await", |list| {
        let future = async { list.await };
        let mut boxed = Box::pin(future);
        Box::new(move |outcomes| is(block_on(boxed.as_mut()), all(outcomes)))
    }),
    ("settled", |list| {
        let mut settled = list.settled();
        Box::new(move |outcomes| {
            let found = settled.get(PATIENCE).unwrap().into_iter().enumerate();
            each_once(found.collect(), outcomes)
        })
    }),
    ("any", |list| {
        let mut any = list.any();
        Box::new(move |outcomes| match any.get(PATIENCE) {
            Ok(value) => outcomes.contains(&Ok(value)),
            Err(Failure::Empty) => outcomes.is_empty(),
            Err(_) => outcomes.iter().all(Result::is_err),
        })
    }),
    ("race", |list| {
        let mut race = list.race();
        Box::new(move |outcomes| match race.get(PATIENCE) {
            Err(Failure::Empty) => outcomes.is_empty(),
            first => outcomes.iter().any(|outcome| is(first.clone(), outcome.clone())),
        })
    }),
    ("some(0)", |list| some(list, 0)),
    ("some(2)", |list| some(list, 2)),
    ("some(MAX)", |list| some(list, usize::MAX)),
    ("reduce", |list| check_sum(list.reduce(0, |a, b| Ok(a + b)))),
    ("reduce_unordered", |list| check_sum(list.reduce_unordered(0, |a, b| Ok(a + b)))),
    ("as_completed", |list| {
        let completed = list.as_completed();
        Box::new(move |outcomes| {
            each_once(completed.map(|done| (done.index, done.outcome)).collect(), outcomes)
        })
    }),
    ("stream", |list| {
        let mut stream = Box::pin(list.as_completed().stream());
        Box::new(move |outcomes| {
            let mut found = Vec::new();
            let next = || block_on(pin!(poll_fn(|context| stream.as_mut().poll_next(context))));
            found.extend(std::iter::from_fn(next).map(|done| (done.index, done.outcome)));
            each_once(found, outcomes)
        })
    }),
    ("a list of it", |list| {
        let mut outer: AsyncList<Vec<usize>, String> = [list.join()].into_iter().collect();
        Box::new(move |outcomes| {
            is(outer.get(PATIENCE).map(|mut all| all.remove(0)), all(outcomes))
        })
    }),
    ("a keyed list of what it comes to", |list| {
        let mut settled = list.settled();
        Box::new(move |outcomes| {
            let items = settled.get(PATIENCE).unwrap().into_iter().map(Typed::settled);
            let mut keyed = AsyncList::keyed((0..).zip(items));
            keyed.on_progress(|_| ());
            assert!(format!("{keyed:?}").starts_with("Keyed"));
            let found = keyed.settled().get(PATIENCE).unwrap();
            each_once(found, outcomes)
        })
    }),
];

/// Settles what is left, in the order of the items.
fn settle(rest: Vec<Deferred<usize, String>>, outcomes: &[Result<usize, String>]) {
    let first = outcomes.len() - rest.len();
    for (deferred, outcome) in rest.into_iter().zip(&outcomes[first..]) {
        deferred.settle(outcome.clone().map_err(Failure::Error));
    }
}

/// Whatever looked at a list, what is made of it comes to the same.
#[test]
fn what_looks_at_a_list_changes_nothing() {
    watched_long(|| {
        for (look_name, look) in LOOKS {
            for (use_name, make) in USES {
                for case in cases() {
                    let Case { name, mut list, rest, outcomes } = case();
                    let what =
                        format!("{use_name} of a list {name} {outcomes:?} after {look_name}");
                    if !look(&mut list) {
                        continue;
                    }
                    let check = make(list);
                    settle(rest, &outcomes);
                    assert!(check(&outcomes), "{what}");
                }
            }
        }
    });
}

/// The same looks while it settles.
#[test]
fn what_looks_at_a_list_while_it_settles_changes_nothing() {
    watched_long(|| {
        for (look_name, look) in LOOKS {
            for (use_name, make) in USES {
                let Case { mut list, rest, outcomes, .. } = items("", &[0, 1, 2, 3], 1);
                let expected = outcomes.clone();
                let settler = std::thread::spawn(move || settle(rest, &outcomes));
                if look(&mut list) {
                    assert!(make(list)(&expected), "{use_name} after {look_name}");
                }
                settler.join().unwrap();
            }
        }
    });
}

/// What is made of a list that was cancelled: what had come, and the rest as cancelled; nothing hangs, or is
/// counted twice.
fn comes_to_an_end(what: &str, list: impl Fn() -> List) {
    let outcomes = list().settled().get(PATIENCE).unwrap();
    let verdicts: Vec<_> = outcomes.iter().map(verdict).collect();
    let known = ["Ok", "Error", "Abandoned", "Cancelled"];
    assert!(verdicts.iter().all(|verdict| known.contains(verdict)), "{what}: {verdicts:?}");
    let completed: Vec<_> = list().as_completed().map(|done| done.index).collect();
    let mut once = completed.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), completed.len(), "{what}: {completed:?}");
    assert!(list().join().wait(PATIENCE), "{what}: join");
    assert!(list().race().wait(PATIENCE), "{what}: race");
    assert!(list().any().wait(PATIENCE), "{what}: any");
    assert!(list().some(2).wait(PATIENCE), "{what}: some");
    assert!(list().some(usize::MAX).wait(PATIENCE), "{what}: some");
    assert!(list().reduce(0, |a, b| Ok(a + b)).wait(PATIENCE), "{what}: reduce");
    assert!(list().reduce_unordered(0, |a, b| Ok(a + b)).wait(PATIENCE), "{what}: reduce");
    assert!(list().wait(PATIENCE), "{what}: wait");
}

#[test]
fn a_list_that_was_cancelled_comes_to_an_end() {
    watched_long(|| {
        for (look_name, look) in LOOKS {
            for case in cases() {
                let kept = RefCell::new(Vec::new());
                let new = || {
                    let Case { list, rest, .. } = case();
                    kept.borrow_mut().push(rest); // it stays pending
                    list
                };
                comes_to_an_end(look_name, || {
                    let mut list = new();
                    if !look(&mut list) {
                        list = new(); // a `get` that came in time has taken that one
                    }
                    list.cancel();
                    if !look(&mut list) {
                        list = new();
                        list.cancel();
                    }
                    list
                });
            }
        }
    });
}

#[test]
fn an_endless_list_that_was_cancelled_comes_to_an_end() {
    watched_long(|| {
        for (look_name, look) in LOOKS {
            let kept = RefCell::new(Vec::new());
            comes_to_an_end(look_name, || {
                let (deferred, never) = Typed::deferred();
                let mut never = Some(never);
                let item = move |n: usize| never.take().unwrap_or_else(|| Typed::ready(n));
                let mut list: List = map_concurrent(0.., 3, item);
                look(&mut list);
                list.cancel();
                look(&mut list);
                kept.borrow_mut().push(deferred);
                list
            });
        }
    });
}
