//! Faults of values and of what is chained to them.

use crate::common::{
    DropCounter, Gate, Log, MOMENT, PATIENCE, flush, is_error, named_thread, one_worker, verdict,
    watched,
};
use asynckit::{AnyError, AsyncList, AsyncValue, Failure, Promise, Shutdown};
use std::sync::{Arc, Barrier};
use std::time::Duration;

type Typed<T> = Promise<T, String>;
type List<T> = AsyncList<T, String>;

/// `get` without a limit waits as long as it takes: more than the second that `get(True)` waited.
#[test]
fn get_for_ever_waits_one_second() {
    watched(|| {
        let pool = one_worker();
        let gate = Gate::new();
        let key = gate.key();
        let mut job = pool.run(move || {
            key.wait();
            1
        });
        let mut list: List<u8> = std::iter::empty().collect();
        let key = gate.key();
        list.push(pool.spawn(move || {
            key.wait();
            Ok(2)
        }));
        let getters = (
            named_thread("promise", move || job.get(None)),
            named_thread("list", move || list.get(None)),
        );
        std::thread::sleep(Duration::from_millis(1_200));
        assert!(!getters.0.is_finished() && !getters.1.is_finished());
        gate.open();
        assert_eq!(getters.0.join().unwrap().unwrap(), 1);
        assert_eq!(getters.1.join().unwrap().unwrap(), [2]);
    });
}

/// A zero duration polls, in every call that takes a timeout.
#[test]
fn zero_means_three_things() {
    watched(|| {
        let (_deferred, mut promise) = Typed::<u8>::deferred();
        assert!(promise.get(Duration::ZERO).unwrap_err().is_timed_out());
        assert!(!promise.wait(Duration::ZERO));
        let value = AsyncValue::<u8, String>::new();
        assert!(value.get(Duration::ZERO).unwrap_err().is_timed_out());
        assert!(!value.wait(Duration::ZERO));
        let mut list: List<u8> = [promise].into_iter().collect();
        assert!(list.get(Duration::ZERO).unwrap_err().is_timed_out());
        assert!(!list.wait(Duration::ZERO));
        let pool = one_worker();
        let gate = Gate::new();
        let key = gate.key();
        let _running = pool.run(move || key.wait());
        gate.await_arrival(1);
        assert_eq!(pool.shutdown(Shutdown::Drain, Duration::ZERO).still_running, 1);
    });
}

/// A timeout looks like nothing else, above all not like a job that returns nothing.
#[test]
fn timeout_looks_like_none() {
    watched(|| {
        let (_deferred, mut pending) = Typed::<()>::deferred();
        assert!(matches!(pending.get(MOMENT), Err(Failure::TimedOut)));
        let mut nothing: Typed<()> = one_worker().spawn(|| Ok(()));
        assert!(matches!(nothing.get(PATIENCE), Ok(())));
        let mut none: Typed<Option<u8>> = one_worker().spawn(|| Ok(None));
        assert!(matches!(none.get(PATIENCE), Ok(None)));
    });
}

/// After a timeout the value still comes, once.
#[test]
fn value_after_a_timeout() {
    watched(|| {
        let pool = one_worker();
        let gate = Gate::new();
        let key = gate.key();
        let mut job = pool.run(move || {
            key.wait();
            5
        });
        assert!(job.get(MOMENT).unwrap_err().is_timed_out());
        gate.open();
        assert_eq!(job.get(PATIENCE).unwrap(), 5);
        assert!(job.get(PATIENCE).unwrap_err().is_taken());
    });
}

/// After a failure no continuation runs, and the failure arrives as it was, through several steps.
#[test]
fn chain_runs_after_a_failure() {
    watched(|| {
        let calls = Log::new();
        let (a, b, c) = (calls.clone(), calls.clone(), calls.clone());
        let mut end = Typed::<u8>::failed("upstream".to_owned())
            .chain(move |n| {
                a.add(1);
                Ok(n)
            })
            .chain(move |n| {
                b.add(2);
                Ok(n)
            })
            .then(move |n| {
                c.add(3);
                Ok(n)
            });
        assert!(is_error(end.get(PATIENCE), "upstream"));
        assert!(end.is_error());
        assert_eq!(calls.entries(), [0; 0]);
    });
}

/// A chained step gets the value.
#[test]
fn chain_gets_no_value() {
    watched(|| {
        assert_eq!(Typed::ready(41).chain(|x| Ok(x + 1)).get(PATIENCE).unwrap(), 42);
        assert_eq!(Typed::ready(41).then(|x| Ok(x + 1)).get(PATIENCE).unwrap(), 42);
        assert_eq!(Typed::ready(41).share().chain(|x| Ok(x + 1)).get(PATIENCE).unwrap(), 42);
    });
}

/// What is made by hand, with no pool, can be continued, and setting it never fails for a listener's sake.
#[test]
fn chain_without_a_pool() {
    watched(|| {
        let (deferred, promise) = Typed::<u8>::deferred();
        let mut early = promise.chain(|n| Ok(n + 1));
        deferred.resolve(1);
        assert_eq!(early.get(PATIENCE).unwrap(), 2);
        let event = AsyncValue::<u8, String>::new();
        let mut early = event.chain(|n| Ok(n + 1));
        event.set(1).unwrap();
        assert_eq!(early.get(PATIENCE).unwrap(), 2);
        assert_eq!(event.chain(|n| Ok(n + 2)).get(PATIENCE).unwrap(), 3);
    });
}

/// A continuation that fails or panics stops none of its siblings.
#[test]
fn one_bad_chain_entry_drops_the_rest() {
    watched(|| {
        let event = AsyncValue::<u8, String>::new();
        let mut branches = [
            event.chain(|_| Err("bad".to_owned())),
            event.chain(|n| Ok(*n)),
            event.chain(|_| -> Result<u8, String> { panic!("worse") }),
            event.chain(|n| Ok(*n)),
        ];
        event.set(1).unwrap();
        let ends = branches.each_mut().map(|branch| verdict(&branch.get(PATIENCE)));
        assert_eq!(ends, ["Error", "Ok", "Panicked", "Ok"]);
    });
}

/// No error of a job is taken for a sign to the pool: the job runs once, and fails with it.
#[test]
fn an_error_that_means_reschedule() {
    watched(|| {
        let pool = one_worker();
        for (name, failure) in crate::common::every_failure() {
            let runs = DropCounter::default();
            let token = runs.token();
            let failure: Failure<AnyError> = match failure {
                Failure::Error(text) => Failure::Error(AnyError::msg(text)),
                Failure::Cancelled => Failure::Cancelled,
                Failure::TimedOut => Failure::TimedOut,
                Failure::Abandoned => Failure::Abandoned,
                Failure::Taken => Failure::Taken,
                Failure::WouldDeadlock => Failure::WouldDeadlock,
                _ => Failure::Empty,
            };
            let mut job: Promise<u8> = pool.spawn(move || {
                drop(token);
                Err(failure.into())
            });
            assert_eq!(verdict(&job.get(PATIENCE)), name);
            flush(&pool);
            assert_eq!(runs.dropped(), 1);
        }
    });
}

/// Of many that set a value at once exactly one succeeds, and everybody sees that one.
#[test]
fn set_is_not_atomic() {
    const THREADS: usize = 4;
    watched(|| {
        for _ in 0..500 {
            let (value, start) =
                (AsyncValue::<usize, String>::new(), Arc::new(Barrier::new(THREADS)));
            let setters: Vec<_> = (0..THREADS)
                .map(|n| {
                    let (value, start) = (value.clone(), start.clone());
                    named_thread("setter", move || {
                        start.wait();
                        (value.set(n).is_ok(), *value.get(None).unwrap())
                    })
                })
                .collect();
            let seen: Vec<_> = setters.into_iter().map(|s| s.join().unwrap()).collect();
            let winner = *value.get(None).unwrap();
            assert_eq!(seen.iter().filter(|(won, _)| *won).count(), 1);
            assert!(seen.iter().all(|(_, value)| *value == winner) && seen[winner].0);
        }
    });
}

/// An error keeps its type, its source and its text; a panic keeps its message.
#[test]
fn the_traceback_is_lost() {
    watched(|| {
        let pool = one_worker();
        let mut job: Promise<u32> = pool.spawn(|| Ok("no number".parse::<u32>()?));
        let failure = job.get(PATIENCE).unwrap_err();
        let parse = failure.downcast_ref::<std::num::ParseIntError>().expect("its type").clone();
        assert!(failure.to_string().contains(&parse.to_string()), "{failure}");
        let typed =
            Promise::<u8, std::num::ParseIntError>::failed(parse.clone()).get(None).unwrap_err();
        let source = std::error::Error::source(&typed);
        let shown = [Some(typed.to_string()), source.map(ToString::to_string)];
        assert!(shown.iter().flatten().any(|text| text.contains(&parse.to_string())), "{shown:?}");
        let panic =
            pool.run(|| -> u8 { panic!("the {} frame", "deep") }).get(PATIENCE).unwrap_err();
        assert!(panic.to_string().contains("the deep frame"), "{panic}");
    });
}

/// Many getters of an error that cannot be cloned all get it: the same one.
#[test]
fn one_mutable_error_for_many_getters() {
    #[derive(Debug)]
    struct NoClone;
    watched(|| {
        let shared = Promise::<u8, NoClone>::failed(NoClone).map_err(Arc::new).share();
        let errors: Vec<Arc<NoClone>> = (0..4)
            .map(|_| {
                let shared = shared.clone();
                named_thread("getter", move || match shared.get(PATIENCE) {
                    Err(Failure::Error(e)) => e,
                    other => panic!("{other:?}"),
                })
            })
            .map(|getter| getter.join().unwrap())
            .collect();
        assert!(errors.windows(2).all(|pair| Arc::ptr_eq(&pair[0], &pair[1])));
    });
}
