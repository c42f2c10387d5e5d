//! Waiting in the pool: a pool of one worker that nobody can stand in for, where only helping can save it.
//! What a pool with spare workers does is in `spares.rs`, cycles are in `cycles.rs`, pools without a free thread in
//! `exhausted.rs`.

use crate::common::{
    DropCounter, Log, MOMENT, PATIENCE, alone, flush, on_the_only_worker, watched,
};
use asynckit::{AsyncList, AsyncValue, Failure, IntoPromise, Outcome, Pool, Promise, join};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

type Typed<T> = Promise<T, String>;

fn one(pool: &Pool) -> Typed<u8> {
    pool.spawn(|| Ok(1))
}

fn three(pool: &Pool) -> AsyncList<u8, String> {
    (0..3).map(|_| one(pool)).collect()
}

/// What a waiter does to get its value, and what that is.
type Case = (&'static str, fn(&Pool) -> Outcome<u8, String>);

#[track_caller]
fn each(cases: &[Case], value: u8) {
    for &(name, case) in cases {
        let outcome = on_the_only_worker(name, case);
        assert!(matches!(outcome, Ok(n) if n == value), "{name}: {outcome:?}");
    }
}

fn spawn_in_then(pool: &Pool) -> Typed<u8> {
    let again = pool.clone();
    one(pool).then(move |_| one(&again))
}

/// F7: the awaited job is found through whatever lies between, if no callback does.
#[test]
fn a_waiter_finds_the_job_through_whatever_is_between() {
    watched(|| {
        each(
            &[
                ("a job", |pool| one(pool).get(None)),
                ("a job, until the end of time", |pool| one(pool).get(Duration::MAX)),
                ("a job, until the clock ends", |pool| {
                    one(pool).get(Duration::MAX - Duration::from_nanos(1))
                }),
                ("links", |pool| one(pool).map(|n| n).then(Ok).inspect(|_| ()).get(None)),
                ("a job's promise", |pool| {
                    let again = pool.clone();
                    pool.spawn(move || one(&again)).get(None)
                }),
                ("a callback's promise", |pool| spawn_in_then(pool).get(None)),
                ("links behind that", |pool| spawn_in_then(pool).map(|n| n).then(Ok).get(None)),
                ("a deferred that follows", |pool| {
                    let (deferred, mut promise) = Promise::deferred();
                    deferred.follow(spawn_in_then(pool));
                    promise.get(None)
                }),
                ("a shared value", |pool| spawn_in_then(pool).share().get(None).copied()),
                ("a clone of one", |pool| one(pool).share().into_promise().get(None)),
                ("a job that borrows", |pool| pool.scope(|scope| scope.spawn(|| Ok(1)).get(None))),
            ],
            1,
        );
    });
}

/// Callbacks on the way that become ready only while the waiter helps, but not next to the job.
#[test]
fn a_waiter_runs_a_chained_job_behind_the_one_it_has_run() {
    watched(|| {
        each(&[("chain", |pool| one(pool).chain(|n| Ok(n + 1)).get(None))], 2);
    });
}

/// The same behind a job that borrows.
#[test]
fn a_waiter_runs_callbacks_behind_a_job_that_borrows() {
    watched(|| {
        each(
            &[("a job that borrows", |pool| {
                pool.scope(|scope| scope.spawn(|| Ok(1)).map(|n: u8| n + 1)).get(None)
            })],
            2,
        );
    });
}

/// However many there are: more than run in a row, so that some go through the queue.
#[test]
fn a_waiter_runs_a_long_line_of_callbacks() {
    watched(|| {
        let long = |pool: &Pool| {
            let line =
                (0..500).fold(pool.spawn(|| Ok(0)), |line: Typed<u32>, _| line.map(|n| n + 1));
            { line }.get(None)
        };
        assert!(matches!(on_the_only_worker("a long line", long), Ok(500)));
    });
}

/// The source of a shared value, for who waits for a branch of it.
#[test]
fn a_waiter_finds_the_source_of_a_branch() {
    watched(|| {
        each(
            &[
                ("map", |pool| one(pool).share().map(|n| n + 1).get(None)),
                ("then", |pool| one(pool).share().then(|n| Ok(n + 1)).get(None)),
                ("chain", |pool| one(pool).share().chain(|n| Ok(n + 1)).get(None)),
                ("then that adopts", |pool| {
                    let again = pool.clone();
                    one(pool)
                        .share()
                        .then(move |n| {
                            spawn_in_then(&again).map({
                                let n = *n;
                                move |m| n + m
                            })
                        })
                        .get(None)
                }),
                ("a branch of a branch", |pool| {
                    one(pool).share().map(|n| *n).share().map(|n| n + 1).get(None)
                }),
            ],
            2,
        );
    });
}

/// A branch that is waited for may pass over those before it, which run all the same, once each.
#[test]
fn a_waiter_for_a_later_branch_returns_and_the_others_run_once() {
    watched(|| {
        let log = Log::new();
        let all = log.clone();
        let outcome = on_the_only_worker("the last branch", move |pool| {
            let value = one(pool).share();
            let mut branches: Vec<Typed<()>> = (0..3)
                .map(|n| {
                    let log = all.clone();
                    value.map(move |_| log.add(n))
                })
                .collect();
            branches.pop().unwrap().get(None)?;
            Ok(branches)
        });
        for mut branch in outcome.unwrap_or_else(|failure: Failure<String>| panic!("{failure}")) {
            branch.get(PATIENCE).unwrap();
        }
        let mut ran = log.entries();
        ran.sort_unstable();
        assert_eq!(ran, [0, 1, 2]);
    });
}

/// Never an unrelated job: this one needs the lock that the waiter holds.
#[test]
fn a_waiter_runs_no_strangers_job() {
    let waits: [Case; 2] = [
        ("for a job", |pool| one(pool).get(None)),
        ("for a value", |pool| one(pool).share().get(None).copied()),
    ];
    watched(move || {
        for (name, wait) in waits {
            let lock = Arc::new(Mutex::new(()));
            let mut strangers = on_the_only_worker(name, move |pool| {
                let job = |lock: &Arc<Mutex<()>>| {
                    let lock = lock.clone();
                    pool.run(move || drop(lock.lock().unwrap()))
                };
                let before = job(&lock);
                let held = lock.lock().unwrap();
                assert!(wait(pool).is_ok(), "{name}");
                let after = job(&lock);
                drop(held);
                [before, after]
            });
            assert!(strangers.iter_mut().all(|job| job.get(PATIENCE).is_ok()), "{name}");
        }
    });
}

/// A callback of what the helped job settles is a stranger's, too: it is queued.
#[test]
fn what_else_becomes_ready_while_helping_is_queued() {
    watched(|| {
        let lock = Arc::new(Mutex::new(()));
        let mut callback = on_the_only_worker("a callback beside", move |pool| {
            let (deferred, promise) = pool.deferred::<u8, String>();
            let needs = lock.clone();
            let callback = promise.map(move |_| drop(needs.lock().unwrap()));
            let held = lock.lock().unwrap();
            pool.run(move || deferred.resolve(1)).get(None).unwrap();
            drop(held);
            callback
        });
        callback.get(PATIENCE).unwrap();
    });
}

/// A timed wait never starts the job itself, wherever that is upstream.
#[test]
fn a_timed_wait_starts_nothing() {
    watched(|| {
        let started = Arc::new(AtomicUsize::new(0));
        let seen = started.clone();
        let mut jobs = on_the_only_worker("timed waits", move |pool| {
            let job = || {
                let started = seen.clone();
                pool.spawn(move || Ok::<_, String>(started.fetch_add(1, SeqCst)))
            };
            let timed_out = |failure: Failure<String>| failure.is_timed_out();
            let mut bare = job();
            assert!(bare.get(MOMENT).is_err_and(timed_out));
            assert!(!bare.wait(MOMENT));
            let mut behind = job().map(|n| n).chain(Ok);
            assert!(behind.get(MOMENT).is_err_and(timed_out));
            let value: AsyncValue<usize, String> = job().share();
            assert!(value.get(MOMENT).is_err_and(timed_out));
            let mut list: AsyncList<usize, String> = [job()].into_iter().collect();
            assert!(list.get(MOMENT).is_err_and(timed_out));
            let mut join = [job()].into_iter().collect::<AsyncList<usize, String>>().join();
            assert!(!join.wait(MOMENT));
            assert_eq!(seen.load(SeqCst), 0);
            (bare, behind, value, list, join)
        });
        assert!(jobs.0.wait(PATIENCE) && jobs.1.wait(PATIENCE) && jobs.2.wait(PATIENCE));
        assert!(jobs.3.wait(PATIENCE) && jobs.4.wait(PATIENCE));
        assert_eq!(started.load(SeqCst), 5);
    });
}

/// A job that a waiter has run itself is run once: the queue lets go of it.
#[test]
fn what_a_waiter_has_run_does_not_run_again() {
    watched(|| {
        let (runs, drops) = (Arc::new(AtomicUsize::new(0)), DropCounter::default());
        let (count, tokens) = (runs.clone(), drops.clone());
        on_the_only_worker("a thousand jobs", move |pool| {
            for _ in 0..1_000 {
                let (count, token) = (count.clone(), tokens.token());
                let mut job = pool.run(move || {
                    drop(token);
                    count.fetch_add(1, SeqCst)
                });
                job.get(None).unwrap();
            }
        });
        assert_eq!((runs.load(SeqCst), drops.dropped()), (1_000, 1_000));
    });
}

/// Helping nests on one stack only so deep; then, with nobody else to go on, the wait ends. The worker lives on.
#[test]
fn helping_too_deep_with_nobody_else_would_deadlock() {
    fn nest(pool: &Pool, depth: usize, reached: &Arc<AtomicUsize>) -> Outcome<usize> {
        reached.fetch_add(1, SeqCst);
        if depth == 0 {
            return Ok(0);
        }
        let (again, reached) = (pool.clone(), reached.clone());
        pool.spawn(move || Ok(nest(&again, depth - 1, &reached)? + 1)).get(None)
    }
    watched(|| {
        let pool = alone();
        for (depth, returns) in [(100, true), (500, false), (100, true)] {
            let (own, reached) = ((*pool).clone(), Arc::new(AtomicUsize::new(0)));
            let count = reached.clone();
            let outcome: Outcome<usize> =
                pool.spawn(move || Ok(nest(&own, depth, &count)?)).get(PATIENCE);
            match outcome {
                Ok(levels) => assert!(returns && levels == depth),
                Err(failure) => assert!(!returns && failure.is_would_deadlock(), "{failure}"),
            }
            assert!(reached.load(SeqCst) > 100);
        }
        flush(&pool);
    });
}

/// A waiter that is told of a deadlock keeps its promise: whoever is outside gets the value.
#[test]
fn a_promise_outlives_the_deadlock_that_was_refused() {
    watched(|| {
        let (send, receive) = mpsc::channel::<Typed<u8>>();
        let pool = alone();
        let (tell, told) = mpsc::channel();
        let job = pool.spawn(move || {
            let mut own = receive.recv().unwrap();
            tell.send((own.get(None).is_err_and(|f| f.is_would_deadlock()), own)).unwrap();
            Ok(7)
        });
        send.send(job.map(|n| n)).unwrap();
        let (refused, mut own) = told.recv_timeout(PATIENCE).unwrap();
        assert!(refused);
        assert!(matches!(own.get(PATIENCE), Ok(7)));
    });
}

/// What is waited for through lists, joins and relays, and what is queued already, is left to another thread, which
/// takes the waiter's place.
#[test]
fn what_is_not_waited_for_directly_is_left_to_a_spare_thread() {
    let cases: [Case; 13] = [
        ("a list", |pool| three(pool).get(None).map(|all| all[2])),
        ("a join", |pool| three(pool).join().get(None).map(|all| all[2])),
        ("all outcomes", |pool| {
            three(pool).settled().get(None).map(|mut all| all.remove(2).unwrap())
        }),
        ("a join of joins", |pool| {
            let joins: AsyncList<Vec<u8>, String> = (0..3).map(|_| three(pool).join()).collect();
            joins.join().get(None).map(|all| all[2][2])
        }),
        ("a tuple", |pool| join((one(pool), spawn_in_then(pool))).get(None).map(|all| all.1)),
        ("an array of tuples", |pool| {
            let pair = || join((one(pool), three(pool)));
            join([pair(), pair()]).get(None).map(|all| all[1].1[2])
        }),
        ("work with a token", |pool| pool.spawn_cancellable(|_| Ok(1)).get(None)),
        ("a time limit", |pool| one(pool).timeout(PATIENCE).get(None)),
        ("a callback that is queued", |pool| {
            let mut job = one(pool);
            assert!(job.wait(None));
            job.then(Ok).get(None)
        }),
        ("a chained job that is queued", |pool| {
            let mut job = one(pool);
            assert!(job.wait(None));
            job.chain(Ok).get(None)
        }),
        ("a job for another pool", |pool| Promise::ready(1).chain_on(pool, Ok).get(None)),
        ("a callback behind a clone of a value", |pool| {
            one(pool).share().into_promise().map(|n| n).get(None)
        }),
        ("a branch of a set value", |pool| {
            let value = one(pool).share();
            assert!(value.wait(None));
            value.chain(|n| Ok(*n)).get(None)
        }),
    ];
    watched(move || {
        for (name, case) in cases {
            let pool = Pool::new(1);
            let again = pool.clone();
            let outcome = pool.run(move || case(&again)).get(PATIENCE).unwrap();
            assert!(matches!(outcome, Ok(1)), "{name}: {outcome:?}");
        }
    });
}
