//! One value, many that hang on it, of every kind (conformance D5).

use crate::common::{LONG, eventually, one_worker, watched_long};
use asynckit::{AsyncList, AsyncValue, IntoPromise, Pool, Promise, join, retry};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

type Event = AsyncValue<usize, String>;
type Typed = Promise<usize, String>;

/// Hangs something on the value, whose last step counts.
type Kind = (&'static str, fn(&Event, &Pool) -> Typed);

fn copy(event: &Event) -> Typed {
    event.clone().into_promise()
}

fn two(event: &Event) -> AsyncList<usize, String> {
    [copy(event), event.map(|n| *n)].into_iter().collect()
}

fn first(values: Vec<usize>) -> usize {
    values[0]
}

const KINDS: [Kind; 18] = [
    ("map", |event, _| event.map(|n| *n)),
    ("then", |event, _| event.then(|n| Ok(*n))),
    ("chain", |event, _| event.chain(|n| Ok(*n))),
    ("chain_on", |event, pool| event.chain_on(pool, |n| Ok(*n))),
    ("a promise that is adopted", |event, _| event.then(|n| Promise::ready(*n))),
    ("into_promise", |event, _| copy(event)),
    ("catch", |event, _| copy(event).catch(|_| Ok(0))),
    ("handle", |event, _| copy(event).handle(|outcome| outcome.or(Ok::<_, String>(0)))),
    ("finally", |event, _| copy(event).finally(|| {})),
    ("timeout", |event, _| copy(event).timeout(LONG)),
    ("cancellable", |event, _| copy(event).cancellable().0),
    ("shield", |event, _| copy(event).shield()),
    ("join of a tuple", |event, _| join((copy(event), event.map(|n| *n))).map(|both| both.0)),
    ("join", |event, _| two(event).map(first)),
    ("some", |event, _| two(event).some(1).map(first).map_err(|e| e.to_string())),
    ("any", |event, _| two(event).any().map_err(|e| e.to_string())),
    ("race", |event, _| two(event).race()),
    ("retry", |event, _| {
        let event = event.clone();
        retry([], move |_| copy(&event))
    }),
];

/// D5: each runs once, however many there are.
#[test]
fn a_value_reaches_all_kinds_of_dependents_once() {
    const EACH: usize = 2_000;
    watched_long(|| {
        let (event, pool) = (Event::new(), one_worker());
        let runs: Arc<[AtomicUsize; KINDS.len()]> = Arc::new(Default::default());
        for (kind, (_, hang)) in KINDS.iter().enumerate() {
            for _ in 0..EACH {
                let runs = runs.clone();
                drop(hang(&event, &pool).map(move |n| runs[kind].fetch_add(n, SeqCst)));
            }
        }
        assert!(runs.iter().all(|count| count.load(SeqCst) == 0));
        event.set(1).unwrap();
        for ((name, _), count) in KINDS.iter().zip(runs.iter()) {
            eventually(name, || count.load(SeqCst) >= EACH);
        }
        crate::common::flush(&pool);
        crate::common::flush(Pool::global());
        for ((name, _), count) in KINDS.iter().zip(runs.iter()) {
            assert_eq!(count.load(SeqCst), EACH, "{name}");
        }
    });
}
