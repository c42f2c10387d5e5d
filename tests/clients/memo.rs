//! Promises that are made once.

use crate::common::*;
use asynckit::{Failure, Memo, Pool, Promise, Shutdown};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

/// Calls that count themselves: each gives its number.
#[derive(Clone)]
struct Calls(Pool, Arc<AtomicUsize>);

impl Calls {
    fn new(pool: &Pool) -> Self {
        Calls(pool.clone(), Arc::default())
    }

    fn call(&self) -> Promise<usize, String> {
        let number = self.1.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.spawn(move || Ok(number))
    }
}

fn get(memo: &Memo<u8, usize, String>, key: u8, calls: &Calls) -> usize {
    memo.run(key, || calls.call()).get(PATIENCE).expect("a number")
}

#[test]
fn thirty_two_callers_at_once_make_one_call() {
    watched(|| {
        let (memo, runs) = (Memo::<&str, u32, String>::new(), Arc::new(AtomicUsize::new(0)));
        let (pool, gate, barrier) = (one_worker(), Gate::new(), Arc::new(Barrier::new(32)));
        let callers: Vec<_> = (0..32)
            .map(|_| {
                let (memo, runs, pool) = (memo.clone(), runs.clone(), pool.clone());
                let (key, barrier) = (gate.key(), barrier.clone());
                thread::spawn(move || {
                    barrier.wait();
                    let call = || {
                        runs.fetch_add(1, Ordering::SeqCst);
                        pool.spawn(move || {
                            key.wait();
                            Ok(7)
                        })
                    };
                    memo.run("key", call).get(PATIENCE)
                })
            })
            .collect();
        gate.await_arrival(1);
        gate.open();
        for caller in callers {
            assert_eq!(caller.join().unwrap().unwrap(), 7);
        }
        assert_eq!((runs.load(Ordering::SeqCst), memo.len()), (1, 1));
    });
}

#[test]
fn a_value_is_kept_as_long_as_was_said() {
    watched(|| {
        let calls = Calls::new(&one_worker());
        let forever = Memo::new();
        assert_eq!((get(&forever, 1, &calls), get(&forever, 1, &calls)), (1, 1));
        assert_eq!(get(&forever, 2, &calls), 2);
        let hour = Memo::new().time_to_live(Duration::from_secs(3600));
        assert_eq!((get(&hour, 1, &calls), get(&hour, 1, &calls)), (3, 3));
        let not_at_all = Memo::new().time_to_live(Duration::ZERO);
        assert_eq!((get(&not_at_all, 1, &calls), get(&not_at_all, 1, &calls)), (4, 5));
        let short = Memo::new().time_to_live(Duration::from_millis(5));
        let first = get(&short, 1, &calls);
        eventually("a new call is made", || get(&short, 1, &calls) > first);
    });
}

#[test]
fn a_failure_goes_to_all_that_wait_and_is_not_kept() {
    watched(|| {
        let memo = Memo::<u8, u8, String>::new();
        let (deferred, promise) = Promise::deferred();
        let mut first = memo.run(1, || promise);
        let mut second = memo.run(1, || -> Promise<u8, String> { unreachable!() });
        deferred.reject("down".to_owned());
        assert!(is_error(first.get(PATIENCE), "down") && is_error(second.get(PATIENCE), "down"));
        assert_eq!(memo.run(1, || Ok(7)).get(PATIENCE).unwrap(), 7);
    });
}

#[test]
fn failures_are_kept_for_a_time_of_their_own() {
    watched(|| {
        let calls = Arc::new(AtomicUsize::new(0));
        let fails = |memo: &Memo<u8, u8, usize>| {
            let call = || Err::<u8, _>(calls.fetch_add(1, Ordering::SeqCst));
            match memo.run(1, call).get(PATIENCE) {
                Err(Failure::Error(number)) => number,
                other => panic!("{other:?}"),
            }
        };
        let kept = Memo::new().keep_failures(Duration::from_secs(3600));
        assert_eq!((fails(&kept), fails(&kept)), (0, 0));
        let short = Memo::new().keep_failures(Duration::from_millis(5));
        let first = fails(&short);
        eventually("a new call is made", || fails(&short) > first);
    });
}

#[test]
fn what_was_used_least_recently_goes_first() {
    watched(|| {
        let (memo, calls) = (Memo::new().capacity(2), Calls::new(&one_worker()));
        assert_eq!((get(&memo, 1, &calls), get(&memo, 2, &calls)), (1, 2));
        assert_eq!(get(&memo, 1, &calls), 1); // used again
        assert_eq!(get(&memo, 3, &calls), 3); // 2 goes
        assert_eq!((get(&memo, 1, &calls), memo.len()), (1, 2));
        assert_eq!(get(&memo, 2, &calls), 4);
    });
}

#[test]
fn what_is_invalidated_is_asked_for_anew_and_who_waits_gets_the_old() {
    watched(|| {
        let memo = Memo::<u8, u8, String>::new();
        let (deferred, promise) = Promise::deferred();
        let mut waits = memo.run(1, || promise);
        memo.invalidate(&1);
        assert_eq!(memo.run(1, || Ok(2)).get(PATIENCE).unwrap(), 2);
        deferred.resolve(1);
        assert_eq!(waits.get(PATIENCE).unwrap(), 1);
        assert_eq!(memo.run(1, || Ok(3)).get(PATIENCE).unwrap(), 2);
        memo.clear();
        assert!(memo.is_empty());
        assert_eq!(memo.run(1, || Ok(4)).get(PATIENCE).unwrap(), 4);
    });
}

#[test]
fn a_caller_that_cancels_or_is_dropped_stops_nothing_for_the_others() {
    watched(|| {
        let memo = Memo::<u8, u8, String>::new();
        let (deferred, promise) = Promise::deferred();
        let (first, mut second) = (memo.run(1, || promise), memo.run(1, || Ok(9)));
        first.cancel();
        drop(memo.run(1, || Ok(9)).cancel_on_drop());
        assert!(!deferred.is_cancelled());
        deferred.resolve(7);
        assert_eq!(second.get(PATIENCE).unwrap(), 7);
        assert!({ first }.get(PATIENCE).unwrap_err().is_cancelled());
    });
}

#[test]
fn a_call_that_all_have_given_up_is_kept_all_the_same() {
    watched(|| {
        let memo = Memo::<u8, u8, String>::new();
        let (deferred, promise) = Promise::deferred();
        memo.run(1, || promise).cancel();
        assert!(!deferred.is_cancelled());
        deferred.resolve(7);
        assert_eq!(memo.run(1, || Ok(9)).get(PATIENCE).unwrap(), 7);
    });
}

#[test]
fn a_panic_of_the_call_is_the_failure_of_all_and_is_not_kept() {
    watched(|| {
        let memo = Memo::<u8, u8, String>::new();
        let mut panicked = memo.run(1, || -> Promise<u8, String> { panic!("boom") });
        assert_eq!(panic_message(panicked.get(PATIENCE)), "boom");
        let mut job =
            memo.run(1, || one_worker().spawn(|| -> Result<u8, String> { panic!("in the job") }));
        assert_eq!(panic_message(job.get(PATIENCE)), "in the job");
        assert_eq!(memo.run(1, || Ok(7)).get(PATIENCE).unwrap(), 7);
    });
}

#[test]
fn a_call_may_use_the_memo_for_other_keys() {
    watched(|| {
        let memo = Memo::<u8, u8, String>::new();
        let inner = memo.clone();
        let call = || inner.run(2, || Ok(2)).map(|n| n + 1);
        assert_eq!(memo.run(1, call).get(PATIENCE).unwrap(), 3);
        assert_eq!(memo.len(), 2);
    });
}

/// Its drop uses the memo that has kept it.
#[derive(Clone)]
struct Uses(#[expect(dead_code, reason = "it is dropped")] Arc<Using>);

struct Using(Memo<u8, Uses, String>, DropCounter);

impl Drop for Using {
    fn drop(&mut self) {
        self.0.invalidate(&9);
        drop(self.1.token());
        panic!("a drop panics");
    }
}

#[test]
fn what_is_kept_is_dropped_without_the_lock_and_may_panic() {
    watched(|| {
        let (memo, drops) = (Memo::<u8, Uses, String>::new().capacity(1), DropCounter::default());
        let put = |key: u8| {
            let value = Uses(Arc::new(Using(memo.clone(), drops.clone())));
            let mut kept = memo.run(key, || Ok(value));
            assert!(kept.wait(PATIENCE));
            drop(kept);
        };
        let uses =
            |step: &dyn Fn()| _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(step));
        uses(&|| put(1));
        uses(&|| put(2)); // 1 goes
        uses(&|| memo.invalidate(&2));
        uses(&|| put(3));
        uses(&|| memo.clear());
        eventually("all are dropped", || drops.dropped() >= 3);
        assert!(memo.is_empty());
    });
}

#[test]
fn callbacks_run_on_the_pool_that_was_named_and_its_shutdown_strands_nothing() {
    watched(|| {
        let pool = named_pool(1, "memo pool");
        let memo = Memo::<u8, u8, String>::new().on(&pool);
        let name = || thread::current().name().unwrap_or_default().to_owned();
        let mut on = memo.run(1, || Ok(1)).map(move |_| name());
        assert!(on.get(PATIENCE).unwrap().starts_with("memo pool"));
        let (deferred, promise) = Promise::deferred();
        let mut waits = memo.run(2, || promise);
        pool.shutdown(Shutdown::CancelQueued, PATIENCE);
        deferred.resolve(2);
        assert!(waits.wait(PATIENCE));
        assert!(memo.run(3, || Ok(3)).wait(PATIENCE));
    });
}

#[test]
fn callers_that_race_with_all_there_is_get_the_values_of_their_keys() {
    watched(|| {
        let (memo, pool) = (Memo::<u64, u64, String>::new().capacity(3), Pool::new(2));
        let threads: Vec<_> = (0..4_u64)
            .map(|thread| {
                let (memo, pool) = (memo.clone(), pool.clone());
                thread::spawn(move || {
                    for n in 0..500 {
                        let key = (n * 7 + thread) % 5;
                        let run = pool.clone();
                        let mut value = memo.run(key, || run.spawn(move || Ok(key * 10)));
                        match n % 11 {
                            0 => memo.invalidate(&((key + 1) % 5)),
                            1 => drop(value),
                            2 => value.cancel(),
                            3 => memo.clear(),
                            _ => assert_eq!(value.get(PATIENCE).unwrap(), key * 10),
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(memo.len() <= 3);
    });
}

/// `Hash` and `Eq` of a key are the user's: a panic there leaves the memo as it was.
#[test]
fn a_key_that_panics_costs_its_own_caller_alone() {
    use std::hash::{Hash, Hasher};

    /// Panics when it is hashed, if it is odd; when it is compared, if it is more than 9.
    struct Key(u8);
    impl Hash for Key {
        fn hash<H: Hasher>(&self, hasher: &mut H) {
            assert!(self.0 % 2 == 0, "a key that panics");
            hasher.write_u8(0); // all are compared
        }
    }
    impl PartialEq for Key {
        fn eq(&self, other: &Self) -> bool {
            assert!(self.0 < 10 && other.0 < 10, "a comparison that panics");
            self.0 == other.0
        }
    }
    impl Eq for Key {}

    watched(|| {
        let (pool, memo) = (one_worker(), Memo::<Key, usize, String>::new());
        let calls = Calls::new(&pool);
        let get = |key| memo.run(Key(key), || calls.call()).get(PATIENCE).unwrap();
        assert_eq!((get(0), get(2)), (1, 2));
        for key in [1, 10] {
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| get(key)));
            assert!(caught.is_err(), "{key}");
        }
        assert_eq!((get(0), get(2), get(4), memo.len()), (1, 2, 3, 3));
    });
}

/// All keys have the same hash; hashing and comparing them uses the memo that they are in.
struct Curious(u8, Memo<Curious, usize, String>, Arc<AtomicUsize>);

impl Curious {
    fn look(&self) {
        // What it asks for would look again, without end.
        if self.2.fetch_add(1, Ordering::SeqCst) == 0 {
            _ = self.1.len();
            self.1.invalidate(&Curious(9, self.1.clone(), self.2.clone()));
            drop(self.1.run(Curious(8, self.1.clone(), self.2.clone()), || Ok(8)));
        }
        self.2.fetch_sub(1, Ordering::SeqCst);
    }
}

impl std::hash::Hash for Curious {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {
        self.look();
    }
}

impl PartialEq for Curious {
    fn eq(&self, other: &Self) -> bool {
        self.look();
        self.0 == other.0
    }
}

impl Eq for Curious {}

#[test]
fn a_key_may_use_the_memo_where_it_is_hashed_or_compared() {
    watched(|| {
        let (memo, within) = (Memo::new().capacity(3), Arc::<AtomicUsize>::default());
        let calls = Calls::new(&one_worker());
        let get = |key: u8| {
            let key = Curious(key, memo.clone(), within.clone());
            memo.run(key, || calls.call()).get(PATIENCE).unwrap()
        };
        assert_eq!((get(1), get(2), get(1), get(2)), (1, 2, 1, 2));
        memo.invalidate(&Curious(1, memo.clone(), within.clone()));
        assert_eq!((get(2), get(1)), (2, 3));
        assert!(memo.len() <= 3);
        memo.clear(); // a key has a handle on the memo
    });
}

/// Places that were used are forgotten with their entries: what is invalidated takes no room from what is kept.
#[test]
fn what_is_invalidated_takes_no_room() {
    watched(|| {
        let (memo, calls) = (Memo::new().capacity(2), Calls::new(&one_worker()));
        assert_eq!((get(&memo, 1, &calls), get(&memo, 2, &calls)), (1, 2));
        memo.invalidate(&2);
        assert_eq!((get(&memo, 3, &calls), get(&memo, 1, &calls)), (3, 1));
        memo.clear();
        assert_eq!((get(&memo, 4, &calls), get(&memo, 5, &calls)), (4, 5));
        assert_eq!((get(&memo, 4, &calls), memo.len()), (4, 2));
    });
}

/// It is the memo that wants the call, for those that come later.
#[test]
fn a_call_that_its_last_caller_has_cancelled_goes_on() {
    watched(|| {
        let memo = Memo::<u8, u8, String>::new();
        let (deferred, promise) = Promise::deferred();
        let callers = [memo.run(1, || promise), memo.run(1, || Ok(9)), memo.run(1, || Ok(9))];
        callers.iter().for_each(Promise::cancel);
        drop(callers);
        assert!(!deferred.is_cancelled());
        // Nothing wants it any more where it was forgotten, too.
        memo.invalidate(&1);
        eventually("the call is cancelled", || deferred.is_cancelled());
    });
}
