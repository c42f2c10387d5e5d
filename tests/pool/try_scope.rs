//! `try_scope`: jobs that stand and fall together.

use crate::common::{
    DropCounter, Gate, PATIENCE, eventually, is_error, named_thread, one_worker, panic_message,
    verdict, watched,
};
use asynckit::{AsyncList, Failure, Outcome, Pool, Promise, TryScope, join};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

fn no() -> Result<u32, String> {
    Err("the cause".to_owned())
}

#[test]
fn without_a_failure_it_gives_what_its_body_gives() {
    watched(|| {
        let pool = Pool::new(2);
        let words = ["one".to_owned(), "three".to_owned()];
        let lengths: Outcome<Vec<usize>, String> = pool.try_scope(|scope| {
            let all: AsyncList<usize, String> =
                words.iter().map(|word| scope.spawn(|| Ok(word.len()))).collect();
            all.join().get(None)
        });
        assert_eq!(lengths.unwrap(), [3, 5]);
        let nothing: Outcome<(), String> = pool.try_scope(|_| Ok(()));
        nothing.unwrap();
    });
}

/// What fails is the result, though its body looks at none of the promises; jobs may end after their scope's body.
#[test]
fn the_failure_of_a_job_is_the_result_whatever_the_body_gives() {
    watched(|| {
        let pool = Pool::new(2);
        for _ in 0..200 {
            let result = pool.try_scope(|scope| {
                drop(scope.spawn(|| Ok::<u32, String>(1)));
                drop(scope.spawn(no));
                Ok(7)
            });
            assert!(is_error(result, "the cause"));
        }
        let result: Outcome<u32, String> = pool.try_scope(|scope| {
            let job = scope.spawn(|| -> Result<u32, String> { panic!("on purpose") });
            drop(job);
            Ok(7)
        });
        assert_eq!(panic_message(result), "on purpose");
    });
}

/// Queued jobs never run, and their captures are dropped; one that runs goes on to its end, which the scope awaits.
#[test]
fn a_failure_cancels_the_others() {
    watched(|| {
        let (pool, dropped, ended) = (Pool::new(2), DropCounter::default(), AtomicUsize::new(0));
        let (running, failing) = (Gate::new(), Gate::new());
        let result = pool.try_scope(|scope| {
            let (key, count) = (running.key(), &ended);
            let slow = scope.spawn(move || {
                key.wait();
                count.fetch_add(1, SeqCst);
                Ok(1)
            });
            let key = failing.key();
            let fails = scope.spawn(move || {
                key.wait();
                no()
            });
            running.await_arrival(1);
            failing.await_arrival(1);
            let queued: Vec<_> = (0..10)
                .map(|_| {
                    let token = dropped.token();
                    scope.spawn(move || -> Result<u32, String> {
                        let _token = token;
                        unreachable!("it is cancelled before a worker is free")
                    })
                })
                .collect();
            failing.open();
            let mut all: AsyncList<u32, String> = queued.into_iter().collect();
            all.push(slow);
            all.push(fails);
            let outcomes = all.settled().get(PATIENCE)?;
            // A promise may be seen to be cancelled just before its closure is dropped.
            eventually("the captures are dropped", || dropped.dropped() == 10);
            assert_eq!(ended.load(SeqCst), 0, "it runs");
            assert_eq!(outcomes.iter().map(verdict).filter(|it| *it == "Cancelled").count(), 11);
            let late = scope.spawn(|| -> Result<u32, String> { unreachable!("too late") });
            assert_eq!(verdict(&{ late }.get(PATIENCE)), "Cancelled");
            running.open();
            Ok(())
        });
        assert_eq!(ended.load(SeqCst), 1);
        assert!(is_error(result, "the cause"));
    });
}

/// A list, a tuple or a race of the cause and its consequence, made before or after: the cause is its failure.
#[test]
fn what_is_made_of_both_fails_with_the_cause() {
    type Make = fn(Promise<u32, String>, Promise<u32, String>) -> Promise<(), String>;
    const MAKES: [Make; 4] = [
        |slow, fails| AsyncList::from_iter([slow, fails]).join().map(drop),
        |slow, fails| join((slow, fails)).map(drop),
        |slow, fails| AsyncList::from_iter([slow.map(|n| n), fails.map(|n| n)]).race().map(drop),
        |slow, fails| join([slow, fails]).map(drop),
    ];
    watched(|| {
        let pool = Pool::new(2);
        for make in MAKES {
            for after in [false, true] {
                let gate = Gate::new();
                let mut seen = None;
                let result = pool.try_scope(|scope| {
                    let key = gate.key();
                    let slow = scope.spawn(move || {
                        key.wait();
                        Ok(1)
                    });
                    gate.await_arrival(1);
                    let mut fails = scope.spawn(no);
                    assert!(!after || fails.wait(PATIENCE));
                    seen = Some(make(slow, fails).get(PATIENCE));
                    gate.open();
                    Ok(())
                });
                assert!(is_error(seen.unwrap(), "the cause"));
                assert!(is_error(result, "the cause"));
            }
        }
    });
}

/// The body's own failure cancels the jobs, too; its cancellation is none.
#[test]
fn a_failure_of_the_body_cancels_the_jobs() {
    watched(|| {
        let pool = one_worker();
        pool.set_worker_count(0);
        let result: Outcome<u32, String> = pool.try_scope(|scope| {
            let _never = scope.spawn(|| -> Result<u32, String> { unreachable!("cancelled") });
            Err(Failure::Error("of the body".to_owned()))
        });
        assert!(is_error(result, "of the body"));
        pool.set_worker_count(1);
        let result: Outcome<u32, String> = pool.try_scope(|scope| {
            let mut job = scope.spawn(|| Ok::<u32, String>(1));
            job.cancel();
            job.get(None)
        });
        assert!(result.is_ok() || result.is_err_and(|failure| failure.is_cancelled()));
    });
}

/// A job that was cancelled has not failed.
#[test]
fn a_cancelled_job_has_not_failed() {
    watched(|| {
        let pool = one_worker();
        let gate = Gate::new();
        let result: Outcome<u32, String> = pool.try_scope(|scope| {
            let key = gate.key();
            let mut first = scope.spawn(move || {
                key.wait();
                Ok(1)
            });
            let second = scope.spawn(|| -> Result<u32, String> { unreachable!("cancelled") });
            second.cancel();
            gate.open();
            first.get(None)
        });
        assert_eq!(result.unwrap(), 1);
    });
}

/// It waits for the promises that jobs have returned, and their failures count.
#[test]
fn the_promise_that_a_job_returns_belongs_to_it() {
    watched(|| {
        let pool = one_worker();
        let (deferred, promise) = Promise::<u32, String>::deferred();
        let settler = named_thread("settler", move || {
            std::thread::sleep(Duration::from_millis(5));
            deferred.reject("the cause".to_owned());
        });
        let result = pool.try_scope(|scope| {
            drop(scope.spawn(move || promise));
            Ok(())
        });
        assert!(is_error(result, "the cause"));
        settler.join().unwrap();
    });
}

/// Jobs may spawn others, and wait for them.
#[test]
fn jobs_spawn_others() {
    fn count(scope: &TryScope<'_, '_, String>, ran: &'static AtomicUsize, depth: u32) {
        ran.fetch_add(1, SeqCst);
        if depth == 0 {
            return;
        }
        drop(scope.spawn(move || {
            ran.fetch_add(1, SeqCst);
            if depth == 1 { no() } else { Ok(depth) }
        }));
    }
    static RAN: AtomicUsize = AtomicUsize::new(0);
    watched(|| {
        let pool = one_worker();
        let result = pool.try_scope(|scope| {
            let inner = scope.clone();
            drop(scope.spawn(move || {
                count(&inner, &RAN, 1);
                Ok::<u32, String>(0)
            }));
            Ok(())
        });
        assert!(is_error(result, "the cause"));
        assert_eq!(RAN.load(SeqCst), 2);
    });
}

/// On a worker of the same pool it costs no deadlock.
#[test]
fn on_a_worker_of_the_same_pool() {
    watched(|| {
        let pool = one_worker();
        let own = pool.clone();
        let mut outer = pool.spawn(move || {
            own.try_scope(|scope| {
                let parts: AsyncList<u32, String> =
                    (0..10).map(|n| scope.spawn(move || Ok(n))).collect();
                parts.map(|all| all.iter().sum::<u32>()).get(None)
            })
            .map_err(|failure| failure.to_string())
        });
        assert_eq!(outer.get(PATIENCE).unwrap(), 45);
    });
}

/// A body that panics, or gives up because it was cancelled, needs the others no more; a failure of a job still wins.
#[test]
fn a_body_that_gives_up_cancels_the_others() {
    watched(|| {
        let (pool, dropped) = (Pool::new(0), DropCounter::default());
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.try_scope(|scope| -> Outcome<(), String> {
                let token = dropped.token();
                drop(scope.spawn(move || {
                    drop(token);
                    Ok(())
                }));
                std::panic::panic_any("the body")
            })
        }));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"the body"));
        let source = asynckit::CancelSource::new();
        source.cancel_for("enough");
        let outcome: Outcome<u8, String> = pool.try_scope(|scope| {
            let token = dropped.token();
            drop(scope.spawn(move || {
                drop(token);
                Ok(())
            }));
            Promise::<u8, String>::deferred().1.cancel_by(&source.token()).get(None)
        });
        assert!(matches!(outcome, Err(Failure::CancelledFor(why)) if why.as_str() == "enough"));
        assert_eq!(dropped.dropped(), 2, "a pool without workers has run none");
    });
}
