//! A failure knows its way: the places of spawn, then, chain … that it passed, in order.

use crate::common::wakers::block_on;
use crate::common::{
    Gate, MOMENT, PATIENCE, held, on_the_only_worker, one_worker, three_cases, watched,
};
use asynckit::{AnyError, AsyncList, AsyncValue, Failure, IntoPromise, Pool, Promise, Trace, join};
use std::time::{Duration, Instant};

type Typed<T> = Promise<T, String>;

/// The kinds of the steps, each with how many lines it stands below the `line!()` before.
fn way(trace: &Trace, from: u32) -> Vec<(String, u32)> {
    let step = |step: &asynckit::TraceStep| {
        assert_eq!(step.file(), file!());
        let item = step.item().map_or(String::new(), |index| format!("[{index}]"));
        (format!("{}{item}", step.kind()), step.line() - from)
    };
    trace.steps().map(step).collect()
}

fn steps<const N: usize>(expected: [(&str, u32); N]) -> Vec<(String, u32)> {
    expected.map(|(kind, line)| (kind.to_owned(), line)).into()
}

fn kinds(trace: &Trace) -> Vec<&'static str> {
    trace.steps().map(|step| step.kind()).collect()
}

fn no() -> Result<u8, String> {
    Err("no".to_owned())
}

/// B32: every link that a failure passes, also those whose closures it skips, in the order of the way.
#[test]
#[rustfmt::skip] // lines are counted
fn the_way_is_every_link_in_order() {
    watched(|| {
        let pool = one_worker();
        let here = line!();
        let mut failed = pool.spawn(no)
            .then(Ok)
            .map(|n| n)
            .chain(Ok)
            .chain_on(&pool, Ok)
            .finally(|| ())
            .inspect(|_| ())
            .catch_if(|_| false, |_| Ok(1))
            .map_err(|text| text + "!");
        assert!(matches!(failed.get(PATIENCE), Err(Failure::Error(text)) if text == "no!"));
        let expected = steps([
            ("spawn", 1), ("then", 2), ("map", 3), ("chain", 4), ("chain", 5), ("finally", 6),
            ("inspect", 7), ("catch_if", 8), ("map_err", 9),
        ]);
        assert_eq!(way(&failed.trace(), here), expected);
    });
}

/// A failure that a link makes begins there; a panic, an error and `?` alike.
#[test]
fn the_way_begins_where_the_failure_was_made() {
    watched(|| {
        let pool = one_worker();
        let fine = || pool.spawn(|| Ok::<u8, String>(1));
        let mut failed = fine().then(|_| no()).map(|n| n);
        assert!(failed.get(PATIENCE).is_err());
        assert_eq!(kinds(&failed.trace()), ["then", "map"]);
        let mut panicked = fine().map(|_| -> u8 { panic!("on purpose") }).then(Ok).map(|n| n);
        assert!(panicked.get(PATIENCE).unwrap_err().is_panicked());
        assert_eq!(kinds(&panicked.trace()), ["map", "then", "map"]);
        let mut any = pool.spawn(|| Ok("x".parse::<u8>()?)).map(|n: u8| n);
        let failure: Failure<AnyError> = any.get(PATIENCE).unwrap_err();
        assert!(failure.is_error());
        assert_eq!(kinds(&any.trace()), ["spawn", "map"]);
        let mut ran: Promise<u8> = pool.run(|| panic!("on purpose"));
        assert!(ran.wait(PATIENCE));
        assert_eq!(kinds(&ran.trace()), ["run"]);
    });
}

/// What was caught begins anew; what a handler passes on, or makes of it, keeps its way.
#[test]
fn a_handler_that_fails_keeps_the_way() {
    watched(|| {
        let pool = one_worker();
        let mut again = pool.spawn(no).catch(|_| Err("again".to_owned())).map(|n| n);
        assert!(again.get(PATIENCE).is_err());
        assert_eq!(kinds(&again.trace()), ["spawn", "catch", "map"]);
        let mut panics = pool.spawn(no).or_else(|_| -> Result<u8, String> { panic!("on purpose") });
        assert!(panics.get(PATIENCE).unwrap_err().is_panicked());
        assert_eq!(kinds(&panics.trace()), ["spawn", "or_else"]);
        let mut recovered = pool.spawn(no).catch(|_| Ok(1)).then(|_| no());
        assert!(recovered.get(PATIENCE).is_err());
        assert_eq!(kinds(&recovered.trace()), ["then"], "the first failure is over");
    });
}

/// Every way to begin has its name.
#[test]
fn every_beginning_is_told() {
    watched(|| {
        let pool = one_worker();
        let kinds_of = |mut promise: Typed<u8>| {
            assert!(promise.wait(PATIENCE) && promise.is_error());
            kinds(&promise.trace())
        };
        assert_eq!(kinds_of(Promise::failed("no".to_owned())), ["settled"]);
        assert_eq!(kinds_of(Promise::settled(Err(Failure::Empty))), ["settled"]);
        let (deferred, promise) = Typed::deferred();
        deferred.reject("no".to_owned());
        assert_eq!(kinds_of(promise.map(|n| n)), ["deferred", "map"]);
        let (deferred, promise) = Typed::deferred();
        drop(deferred);
        assert_eq!(kinds_of(promise), ["deferred"], "abandoned");
        let event = AsyncValue::<u8, String>::new();
        event.fail("no".to_owned()).unwrap();
        assert_eq!(kinds(&event.trace()), ["value"]);
        assert_eq!(kinds_of(pool.spawn_cancellable(|_| no())), ["spawn_cancellable"]);
        assert_eq!(kinds_of(pool.try_spawn(no).unwrap_or_else(|_| panic!("full"))), ["spawn"]);
        assert_eq!(kinds_of(asynckit::spawn(no)), ["spawn"]);
    });
}

/// Adoption: first the way inside, then the link, or the job, that adopted.
#[test]
fn the_way_of_an_adopted_promise_comes_first() {
    watched(|| {
        let pool = one_worker();
        let again = pool.clone();
        let mut then = pool.spawn(|| Ok(1)).then(move |_: u8| again.spawn(no).map(|n| n)).chain(Ok);
        assert!(then.get(PATIENCE).is_err());
        assert_eq!(kinds(&then.trace()), ["spawn", "map", "then", "chain"]);
        let again = pool.clone();
        let mut job = pool.spawn(move || again.spawn(no).map(|n| n)).then(Ok);
        assert!(job.get(PATIENCE).is_err());
        assert_eq!(kinds(&job.trace()), ["spawn", "map", "spawn", "then"]);
        let (deferred, mut promise) = Typed::<u8>::deferred();
        deferred.follow(pool.spawn(no).map(|n| n));
        assert!(promise.get(PATIENCE).is_err());
        assert_eq!(kinds(&promise.trace()), ["spawn", "map", "deferred"]);
    });
}

/// Adoption by work with a token
#[test]
fn the_way_of_what_work_with_a_token_adopts_comes_first() {
    watched(|| {
        let pool = one_worker();
        let again = pool.clone();
        let mut job = pool.spawn_cancellable(move |_| again.spawn(no).map(|n| n)).then(Ok);
        assert!(job.get(PATIENCE).is_err());
        assert_eq!(kinds(&job.trace()), ["spawn", "map", "spawn_cancellable", "then"]);
    });
}

/// A job that borrows: its spawn is one step.
#[test]
fn a_job_of_a_scope_is_one_step() {
    watched(|| {
        let pool = one_worker();
        let (mut bare, mut adopting) = pool.scope(|scope| {
            let again = &pool;
            (scope.spawn(no), scope.spawn(|| again.spawn(no).map(|n| n)))
        });
        let _ = (bare.get(PATIENCE), adopting.get(PATIENCE));
        let trace = bare.trace();
        let places: Vec<_> = trace.steps().map(|step| (step.line(), step.column())).collect();
        assert_eq!(places.len(), 1, "{trace}");
    });
}

/// A join tells the index of the item; joins of joins tell one after the other.
#[test]
fn a_join_tells_the_index() {
    watched(|| {
        let pool = one_worker();
        let inner = || -> AsyncList<u8, String> {
            [Promise::ready(1), Promise::ready(2), pool.spawn(no).map(|n| n)].into_iter().collect()
        };
        let mut join = inner().join().chain(Ok);
        assert!(join.get(PATIENCE).is_err());
        let here = join.trace();
        assert_eq!(kinds(&here), ["spawn", "map", "join", "chain"]);
        assert_eq!(
            here.steps().map(|step| step.item()).collect::<Vec<_>>(),
            [None, None, Some(2), None]
        );
        assert!(here.to_string().contains("\njoin[2] at tests/promise/trace.rs:"), "{here}");
        let mut outer: Promise<usize, String> =
            [inner().join()].into_iter().collect::<AsyncList<_, _>>().map(|all| all.len());
        assert!(outer.get(PATIENCE).is_err());
        let items: Vec<_> = outer.trace().steps().filter_map(|step| step.item()).collect();
        assert_eq!(items, [2, 0]);
        let mut then = inner().then(|all| Ok(all.len()));
        assert!(then.get(PATIENCE).is_err());
        assert_eq!(kinds(&then.trace()), ["spawn", "map", "join", "then"]);
    });
}

/// A shared value tells the way of its source.
#[test]
fn a_shared_value_tells_the_way_of_its_source() {
    watched(|| {
        let pool = one_worker();
        let value = pool.spawn(no).map(|n| n).share();
        assert!(value.trace().is_empty() || value.is_set());
        assert!(value.get(PATIENCE).is_err());
        assert_eq!(kinds(&value.trace()), ["spawn", "map"]);
        assert_eq!(kinds(&value.clone().trace()), ["spawn", "map"]);
    });
}

/// And so do its branches, attached before and after, and its clones as promises.
#[test]
fn a_branch_tells_the_way_of_its_source() {
    watched(|| {
        let pool = one_worker();
        for late in [false, true] {
            let gate = Gate::new();
            let value = held(&pool, &gate, no).map(|n| n).share();
            if late {
                gate.open();
                assert!(value.wait(PATIENCE));
            }
            let mut then = value.then(|n| Ok(*n)).map(|n| n);
            let mut chain = value.chain(|n| Ok(*n));
            let mut copy = value.clone().into_promise();
            gate.open();
            for promise in [&mut then, &mut chain, &mut copy] {
                assert!(promise.get(PATIENCE).is_err());
            }
            let of_source = |promise: &Typed<u8>| kinds(&promise.trace())[..2] == ["spawn", "map"];
            assert!(of_source(&then), "{late}: {:?}", then.trace());
            assert!(of_source(&chain), "{late}: {:?}", chain.trace());
            assert!(of_source(&copy), "{late}: {:?}", copy.trace());
            assert_eq!(kinds(&then.trace())[2..], ["then", "map"]);
        }
    });
}

/// Before a failure there is no way, nor is there for a value; after `get`, `try_get` and `await` it stays.
#[test]
fn the_way_is_there_as_long_as_the_promise() {
    watched(|| {
        let pool = one_worker();
        let (deferred, mut promise) = Typed::<u8>::deferred();
        assert!(promise.trace().is_empty() && promise.trace().to_string().is_empty());
        assert!(promise.get(Duration::ZERO).unwrap_err().is_timed_out());
        assert!(promise.trace().is_empty(), "a timeout of `get` is no failure of the promise");
        deferred.resolve(1);
        assert!(promise.trace().is_empty());
        let failed = || {
            let mut promise = pool.spawn(no).map(|n| n);
            assert!(promise.wait(PATIENCE));
            assert_eq!(kinds(&promise.trace()), ["spawn", "map"]);
            promise
        };
        let mut got = failed();
        assert!(got.get(None).is_err());
        let mut tried = failed();
        assert!(tried.try_get().unwrap().is_err());
        let mut awaited = failed();
        assert!(block_on(&mut awaited).is_err());
        for mut promise in [got, tried, awaited] {
            assert_eq!(kinds(&promise.trace()), ["spawn", "map"]);
            assert!(promise.get(None).unwrap_err().is_taken());
            assert_eq!(kinds(&promise.trace()), ["spawn", "map"]);
        }
    });
}

/// B32: of a very long way the first 8 and the last 56; the text says how many were left out.
#[test]
fn of_a_very_long_way_both_ends_are_told() {
    watched(|| {
        let pool = one_worker();
        for links in [63, 64, 65, 10_000] {
            let mut line = pool.spawn(no).then(Ok);
            for _ in 1..links {
                line = line.map(|n| n);
            }
            assert!(line.get(PATIENCE).is_err());
            let trace = line.trace();
            let left_out = (1 + links) - (1 + links).min(64);
            assert_eq!(trace.left_out(), left_out, "{links} links");
            assert_eq!(trace.steps().count(), (1 + links).min(64));
            assert_eq!(kinds(&trace)[..3], ["spawn", "then", "map"]);
            let text = trace.to_string();
            assert_eq!(text.lines().count(), (1 + links).min(64) + usize::from(left_out > 0));
            assert_eq!(text.contains(&format!("… {left_out} step")), left_out > 0, "{text}");
        }
    });
}

/// Where the executor is, and who helps, makes no difference.
#[test]
fn the_way_is_the_same_for_who_helps() {
    watched(|| {
        let trace = on_the_only_worker("a failure", |pool| {
            let mut failed = pool.spawn(no).map(|n| n);
            assert!(failed.get(None).is_err());
            failed.trace()
        });
        assert_eq!(kinds(&trace), ["spawn", "map"]);
        let closed = Pool::new(0);
        let queued = closed.spawn(|| Ok::<u8, String>(1)).map(|n| n);
        closed.shutdown(asynckit::Shutdown::CancelQueued, PATIENCE);
        let trace = queued.trace();
        assert_eq!(kinds(&trace), ["shutdown", "spawn", "map"], "abandoned, and where");
        assert!(trace.to_string().contains("shutdown at tests/promise/trace.rs:"), "{trace}");
    });
}

/// `Debug` of a trace is its steps; of a pending promise what it waits for.
#[test]
fn debug_tells_the_way_and_what_is_waited_for() {
    watched(|| {
        let failed = Typed::<u8>::failed("no".to_owned());
        let debug = format!("{:?}", failed.trace());
        assert!(debug.starts_with("Trace { steps: [settled at tests/promise/trace.rs:"), "{debug}");
        let (deferred, pending) = Typed::<u8>::deferred();
        let pending = pending.map(|n| n);
        let debug = format!("{pending:?}");
        assert!(
            debug.starts_with("Promise(pending, waits for deferred at tests/promise/trace.rs:"),
            "{debug}"
        );
        deferred.resolve(1);
        let list: AsyncList<u8, String> = [pending].into_iter().collect();
        assert!(list.join().wait(PATIENCE));
    });
}

/// Each failure keeps the way that it came, however many there are at once and whoever drops them.
#[test]
fn very_many_failures_keep_their_ways_apart() {
    const MANY: usize = 1_000;
    fn failures() -> Vec<(usize, Promise<u8, String>)> {
        let failed = |steps| {
            let first = Promise::failed("no".to_owned());
            (steps, (0..steps).fold(first, |promise, _| promise.map(|n: u8| n)))
        };
        (0..MANY).map(|n| failed(n % 5)).collect()
    }
    fn check(failures: &mut Vec<(usize, Promise<u8, String>)>) {
        for (steps, promise) in failures {
            assert!(promise.wait(None));
            assert_eq!(promise.trace().steps().count(), *steps + 1);
            assert_eq!(
                promise.trace().steps().skip(1).filter(|step| step.kind() == "map").count(),
                *steps
            );
        }
    }
    watched(|| {
        let threads = [0, 1].map(|_| {
            std::thread::spawn(|| {
                let mut all = failures();
                check(&mut all);
                // Every other one goes, and its place is used again.
                all = all
                    .into_iter()
                    .enumerate()
                    .filter_map(|(n, one)| (n % 2 == 0).then_some(one))
                    .collect();
                all.extend(failures());
                check(&mut all);
                all
            })
        });
        for thread in threads {
            let mut all = thread.join().unwrap();
            check(&mut all);
            for (_, mut promise) in all {
                assert!(promise.get(None).is_err());
            }
        }
    });
}

/// The way does not depend on whether the failure had come before the step was made.
#[test]
fn the_same_way_gives_the_same_trace() {
    type Make = fn(Typed<u8>) -> Typed<u8>;
    const MAKES: [(&str, Make); 11] = [
        ("timeout", |promise| promise.timeout(PATIENCE)),
        ("deadline", |promise| promise.deadline(Instant::now() + PATIENCE)),
        ("cancellable", |promise| promise.cancellable().0),
        ("shield", |promise| promise.shield()),
        ("delay_value", |promise| promise.delay_value(MOMENT)),
        ("map", |promise| promise.map(|n| n)),
        ("finally", |promise| promise.finally(|| ())),
        ("join", |promise| AsyncList::from_iter([promise]).join().map(|all| all[0])),
        ("race", |promise| AsyncList::from_iter([promise]).race()),
        ("join", |promise| join([promise]).map(|[n]| n)),
        ("then", |promise| promise.share().then(|n| Ok(*n))),
    ];
    watched(|| {
        for (kind, make) in MAKES {
            let failed = || Err(Failure::Error("no".to_owned()));
            three_cases(failed, make, |mut promise| {
                assert!(promise.get(PATIENCE).is_err_and(|failure| failure.is_error()));
                let steps = kinds(&promise.trace());
                assert!(steps[0] == "deferred" && steps[1] == kind, "{kind}: {steps:?}");
            });
        }
    });
}
