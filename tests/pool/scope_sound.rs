//! Scopes: that nothing borrowed is used, or dropped, after the scope; and scopes on a pool's only worker.

use crate::common::{
    Bomb, DropCounter, Gate, PATIENCE, Token, eventually, flush, on_the_only_worker, one_worker,
    panic_message, watched,
};
use asynckit::{AnyError, Pool, Promise, Shutdown};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

type Typed<T> = Promise<T, String>;

/// What a job has captured is dropped before the scope returns, however the job ends.
#[test]
fn captures_are_dropped_before_the_scope_returns() {
    watched(|| {
        for round in 0..200 {
            let (pool, drops) = (Pool::new(2), DropCounter::default());
            let job = |fails: bool, panics: bool| {
                let token: Token = drops.token();
                move || -> Result<u8, String> {
                    let _kept = token;
                    assert!(!panics, "on purpose");
                    if fails { Err("no".to_owned()) } else { Ok(1) }
                }
            };
            let made = 8;
            pool.scope(|scope| {
                for n in 0..made {
                    let promise =
                        scope.spawn(job(n == 3 && round % 3 == 1, n == 3 && round % 3 == 2));
                    if n == 5 {
                        promise.cancel();
                    }
                }
            });
            assert_eq!(drops.dropped(), made, "round {round}");
        }
    });
}

/// D20: slow drops of captures are waited for: run, skipped because a sibling failed, cancelled, abandoned.
#[test]
fn slow_drops_of_captures_are_waited_for() {
    struct Slow<'a>(&'a AtomicUsize);
    impl Drop for Slow<'_> {
        fn drop(&mut self) {
            thread::sleep(std::time::Duration::from_millis(5));
            self.0.fetch_add(1, SeqCst);
        }
    }
    watched(|| {
        let dropped = AtomicUsize::new(0);
        let pool = Pool::new(2);
        pool.scope(|scope| {
            let job = || {
                let slow = Slow(&dropped);
                move || {
                    let _slow = &slow;
                    Ok::<_, String>(())
                }
            };
            drop(scope.spawn(job()));
            scope.spawn(job()).cancel();
            pool.shutdown(Shutdown::CancelQueued, PATIENCE);
            drop(scope.spawn(job()));
        });
        assert_eq!(dropped.load(SeqCst), 3);
    });
}

/// A job that panics is its promise's failure, with its payload; the scope does not panic, the worker lives.
#[test]
fn a_job_that_panics_fails_its_promise_only() {
    watched(|| {
        let pool = one_worker();
        let message = "borrowed".to_owned();
        let mut promise: Typed<u8> =
            pool.scope(|scope| scope.spawn(|| -> Result<u8, String> { panic!("{message}") }));
        assert_eq!(panic_message(promise.get(PATIENCE)), "borrowed");
        flush(&pool);
    });
}

/// A capture that panics when it is dropped does no harm: not to the count of jobs, not to the worker.
#[test]
fn captures_that_panic_when_dropped_are_contained() {
    watched(|| {
        let pool = one_worker();
        let drops = DropCounter::default();
        pool.scope(|scope| {
            let gate = Gate::new();
            let key = gate.key();
            drop(scope.spawn(move || {
                key.wait();
                Ok::<_, String>(())
            }));
            let job = || {
                let captured = (Bomb, drops.token());
                move || {
                    let _captured = &captured;
                    Ok::<u8, String>(1)
                }
            };
            let cancelled = scope.spawn(job());
            let runs = scope.spawn(job());
            cancelled.cancel();
            gate.open();
            drop(runs.catch(|_| Ok(2)));
        });
        assert_eq!(drops.dropped(), 2);
        flush(&pool);
    });
}

/// What a job spawns in its scope while the body has long ended is waited for, to any depth.
#[test]
fn jobs_of_jobs_are_waited_for() {
    fn tree<'scope>(
        scope: &'scope asynckit::Scope<'scope, '_>,
        depth: u32,
        leaves: &'scope AtomicUsize,
    ) {
        if depth == 0 {
            leaves.fetch_add(1, SeqCst);
            return;
        }
        for _ in 0..2 {
            drop(scope.spawn(move || {
                tree(scope, depth - 1, leaves);
                Ok::<_, String>(())
            }));
        }
    }
    watched(|| {
        for workers in [1, 2] {
            let (pool, leaves) = (Pool::new(workers), AtomicUsize::new(0));
            pool.scope(|scope| tree(scope, 8, &leaves));
            assert_eq!(leaves.load(SeqCst), 256);
        }
    });
}

/// Many threads have scopes on one pool at a time, some of which fail or unwind: each waits for its own jobs.
#[test]
fn scopes_of_many_threads_are_apart() {
    watched(|| {
        let pool = Pool::new(2);
        thread::scope(|threads| {
            for seed in 0..4_usize {
                let pool = &pool;
                threads.spawn(move || {
                    for round in 0..100 {
                        let counts: Vec<AtomicUsize> =
                            (0..6).map(|_| AtomicUsize::new(0)).collect();
                        let (fails, unwinds) = ((seed + round) % 3 == 0, (seed + round) % 5 == 0);
                        let outcome = catch_unwind(AssertUnwindSafe(|| {
                            pool.scope(|scope| {
                                for (n, count) in counts.iter().enumerate() {
                                    let job: Typed<()> = scope.spawn(move || {
                                        count.fetch_add(1, SeqCst);
                                        if fails && n == 2 { Err("no".to_owned()) } else { Ok(()) }
                                    });
                                    drop(job.catch(|_| Ok(())));
                                }
                                if unwinds {
                                    std::panic::resume_unwind(Box::new(()));
                                }
                            });
                        }));
                        assert_eq!(outcome.is_err(), unwinds);
                        let ran: usize = counts.iter().map(|count| count.load(SeqCst)).sum();
                        assert!(ran == 6 || fails || unwinds, "{ran} of 6 ran");
                        assert!(counts.iter().all(|count| count.load(SeqCst) <= 1));
                    }
                });
            }
        });
        eventually("no more workers than there should be", || pool.live_workers() <= 2);
    });
}

// ── A scope in a job of a pool of one worker, for which nobody can stand in ──────────────────────────────────────

/// The waiting worker runs the scope's queued jobs itself.
#[test]
fn the_only_worker_runs_the_jobs_of_its_scope() {
    watched(|| {
        let sum = on_the_only_worker("a scope in a job", |pool| {
            let (sum, numbers) = (AtomicUsize::new(0), [1, 2, 3]);
            pool.scope(|scope| {
                for n in &numbers {
                    drop(scope.spawn(|| {
                        sum.fetch_add(*n, SeqCst);
                        Ok::<_, String>(())
                    }));
                }
            });
            sum.into_inner()
        });
        assert_eq!(sum, 6);
    });
}

/// And those that are added while it does so.
#[test]
fn the_only_worker_runs_the_jobs_that_jobs_of_its_scope_add() {
    watched(|| {
        let ran = on_the_only_worker("jobs of jobs", |pool| {
            let ran = AtomicUsize::new(0);
            pool.scope(|scope| {
                drop(scope.spawn(|| {
                    for _ in 0..10 {
                        drop(scope.spawn(|| {
                            ran.fetch_add(1, SeqCst);
                            Ok::<_, String>(())
                        }));
                    }
                    Ok::<_, String>(())
                }));
            });
            ran.into_inner()
        });
        assert_eq!(ran, 10);
    });
}

/// But no stranger's: this one needs the lock that the job with the scope holds.
#[test]
fn the_only_worker_runs_no_strangers_job_in_its_scope() {
    watched(|| {
        let mut stranger = on_the_only_worker("a stranger", |pool| {
            let lock = Arc::new(Mutex::new(()));
            let needs = lock.clone();
            let stranger = pool.run(move || drop(needs.lock().unwrap()));
            let held = lock.lock().unwrap();
            let mut number = 0;
            pool.scope(|scope| {
                drop(scope.spawn(|| {
                    number = 1;
                    Ok::<_, AnyError>(())
                }));
            });
            assert_eq!(number, 1);
            drop(held);
            stranger
        });
        stranger.get(PATIENCE).unwrap();
    });
}

fn nest(pool: &Pool, depth: usize) -> usize {
    if depth == 0 {
        return 0;
    }
    let below = AtomicUsize::new(0);
    pool.scope(|scope| {
        drop(scope.spawn(|| {
            below.store(nest(pool, depth - 1) + 1, SeqCst);
            Ok::<_, String>(())
        }));
    });
    below.into_inner()
}

/// Scopes in scopes, deeper than helping nests on one stack: spare workers go on.
#[test]
fn deep_scopes_return() {
    watched(|| {
        let pool = one_worker();
        let own = pool.clone();
        assert_eq!(pool.run(move || nest(&own, 300)).get(PATIENCE).unwrap(), 300);
    });
}

/// The same without spare workers: a scope cannot give up, as a `get` can, so it has to go on.
#[test]
fn deep_scopes_on_the_only_worker_return() {
    watched(|| assert_eq!(on_the_only_worker("140 scopes", |pool| nest(pool, 140)), 140));
}
