//! `debounce` and `throttle`: of the calls of a while one is made.

use crate::common::{
    Bomb, DropCounter, Gate, Log, MOMENT, PATIENCE, eventually, one_worker, watched,
};
use asynckit::{AnyError, AsyncValue, Paced, Pool, Shutdown};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// No test waits for it: what waits is made by `flush`.
const HOUR: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(20);

/// A function that notes its arguments.
fn noted(log: &Log<u32>) -> impl Fn(u32) -> Result<u32, AnyError> + Send + Sync + 'static + use<> {
    let log = log.clone();
    move |n| {
        log.add(n);
        Ok(n)
    }
}

fn value(value: &AsyncValue<u32>) -> u32 {
    *value.get(PATIENCE).unwrap()
}

#[test]
fn handles_go_anywhere() {
    fn anywhere<T: Send + Sync + 'static>() {}
    anywhere::<Paced<std::cell::Cell<u8>, u8>>();
    let pool = one_worker();
    let paced = pool.debounce(HOUR, Ok::<u8, AnyError>);
    assert_eq!(format!("{paced:?}"), "Paced(no call waits)");
    let _waits = paced.call(1);
    assert_eq!(format!("{:?}", paced.clone()), "Paced(a call waits)");
    paced.cancel();
}

#[test]
fn the_last_call_is_made_when_it_was_quiet() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let paced = pool.debounce(SHORT, noted(&log));
        let begin = Instant::now();
        let all: Vec<_> = (0..10).map(|n| paced.call(n)).collect();
        assert!(all.iter().all(|one| value(one) == 9), "all of them get its value");
        assert!(begin.elapsed() >= SHORT);
        assert_eq!(log.entries(), [9]);
        assert_eq!(value(&paced.call(10)), 10);
        assert_eq!(log.entries(), [9, 10]);
    });
}

/// Longer than the quiet as a whole, but never quiet for so long: measured by the clock of those that call.
#[test]
fn each_call_begins_the_quiet_anew() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let paced = pool.debounce(10 * SHORT, noted(&log));
        let (begin, mut last, mut longest) = (Instant::now(), Instant::now(), Duration::ZERO);
        for n in 0.. {
            let before = Instant::now();
            paced.call(n);
            longest = longest.max(last.elapsed());
            last = before;
            if begin.elapsed() > 30 * SHORT {
                break;
            }
            thread::sleep(SHORT / 4);
        }
        let made = log.entries();
        if longest.max(last.elapsed()) < 10 * SHORT {
            assert!(made.is_empty(), "it was quiet for {longest:?} at the most, and {made:?} made");
        }
        eventually("the last one is made", || !log.entries().is_empty());
    });
}

#[test]
fn the_first_call_may_be_the_one() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let paced = pool.debounce(HOUR, noted(&log)).edges(true, false);
        let (first, second) = (paced.call(1), paced.call(2));
        assert_eq!((value(&first), value(&second)), (1, 1));
        paced.flush(); // nothing waits
        assert_eq!(log.entries(), [1]);
        paced.cancel(); // the while is over
        assert_eq!(value(&paced.call(3)), 3);
    });
}

#[test]
fn first_and_last_may_be_made() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let paced = pool.debounce(HOUR, noted(&log)).edges(true, true);
        let all: Vec<_> = (0..4).map(|n| paced.call(n)).collect();
        assert_eq!(value(&all[0]), 0);
        assert!(!all[1].is_set());
        paced.flush();
        assert_eq!((value(&all[1]), value(&all[3])), (3, 3));
        assert_eq!(log.entries(), [0, 3]);
        assert_eq!(value(&paced.call(5)), 5, "a new while");
    });
}

#[test]
fn no_more_than_one_is_made_in_an_interval() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let paced = pool.throttle(HOUR, noted(&log));
        let all: Vec<_> = (0..4).map(|n| paced.call(n)).collect();
        assert_eq!(value(&all[0]), 0, "the first one at once");
        assert!(!all[3].is_set());
        paced.flush();
        assert_eq!((value(&all[1]), value(&all[3])), (3, 3));
        let next = paced.call(4);
        thread::sleep(MOMENT);
        assert!(!next.is_set(), "the interval begins with the call before");
        paced.flush();
        assert_eq!(value(&next), 4);
        assert_eq!(log.entries(), [0, 3, 4]);
    });
}

#[test]
fn intervals_pass_by_themselves() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let paced = pool.throttle(SHORT, noted(&log));
        let begin = Instant::now();
        assert_eq!(value(&paced.call(0)), 0);
        assert_eq!(value(&paced.call(1)), 1);
        assert_eq!(value(&paced.call(2)), 2);
        assert!(begin.elapsed() >= 2 * SHORT);
        eventually("the interval is over", || {
            paced.flush();
            value(&paced.call(3)) == 3
        });
    });
}

#[test]
fn what_is_left_out_is_dropped_at_once() {
    watched(|| {
        let (pool, drops) = (one_worker(), DropCounter::default());
        let paced = pool.debounce(HOUR, |token| {
            drop(token);
            Ok::<(), AnyError>(())
        });
        let value = paced.call(drops.token());
        paced.call(drops.token());
        assert_eq!(drops.dropped(), 1);
        paced.cancel();
        assert_eq!(drops.dropped(), 2);
        assert!(value.get(None).unwrap_err().is_cancelled());
        paced.cancel(); // nothing waits
    });
}

#[test]
fn what_waits_is_made_also_when_the_handles_are_gone() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let waits = pool.debounce(SHORT, noted(&log)).call(1);
        assert_eq!(value(&waits), 1);
        drop(waits);
        drop(pool.debounce(SHORT, noted(&log)).call(2)); // nothing looks at it
        eventually("it is made", || log.entries() == [1, 2]);
    });
}

/// A time that never comes ends with the handles.
#[test]
fn what_can_never_be_made_is_abandoned() {
    watched(|| {
        let (pool, drops) = (one_worker(), DropCounter::default());
        let owned = drops.token();
        let paced = pool.debounce(Duration::MAX, move |n: u8| {
            _ = &owned;
            Ok::<_, AnyError>(n)
        });
        let (made, clone) = (paced.call(1), paced.clone());
        paced.flush();
        assert_eq!(made.get(PATIENCE).unwrap(), &1);
        let waits = clone.call(2);
        drop((paced, clone));
        assert!(waits.get(PATIENCE).unwrap_err().is_abandoned());
        eventually("the function is dropped", || drops.dropped() == 1);
    });
}

#[test]
fn failures_and_panics_are_those_of_all_its_calls() {
    watched(|| {
        let pool = one_worker();
        let paced = pool.debounce(Duration::ZERO, |n: u32| match n {
            0 => Err(AnyError::msg("no")),
            1 => panic!("on purpose"),
            n => Ok(n),
        });
        assert!(paced.call(0).get(PATIENCE).unwrap_err().is_error());
        assert!(paced.call(1).get(PATIENCE).unwrap_err().is_panicked());
        assert_eq!(value(&paced.call(2)), 2);
    });
}

#[test]
fn a_shutdown_abandons_what_waits() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let paced = pool.debounce(SHORT, noted(&log));
        let waits = paced.call(1);
        pool.shutdown(Shutdown::Drain, None);
        let outcome = waits.get(PATIENCE);
        assert!(outcome.is_ok() || outcome.unwrap_err().is_abandoned());
        assert!(paced.call(2).get(PATIENCE).unwrap_err().is_abandoned());
        assert!(paced.call(3).get(PATIENCE).unwrap_err().is_abandoned(), "and again");
    });
}

/// A panic of a drop is contained, and leaves the rest in order.
#[test]
fn arguments_may_panic_when_they_are_dropped() {
    watched(|| {
        let pool = one_worker();
        let paced = pool.debounce(HOUR, |bomb: Option<Bomb>| Ok::<_, AnyError>(bomb.is_none()));
        paced.call(Some(Bomb));
        paced.call(Some(Bomb));
        let value = paced.call(None);
        paced.flush();
        assert_eq!(value.get(PATIENCE).unwrap(), &true);
        paced.call(Some(Bomb));
        paced.cancel();
    });
}

/// The function calls itself, and drops the last handle on itself.
#[test]
fn the_function_may_call_itself() {
    watched(|| {
        let pool = one_worker();
        let slot = std::sync::Arc::new(std::sync::Mutex::new(None::<Paced<u32, u32>>));
        let own = slot.clone();
        let paced = pool.debounce(Duration::ZERO, move |n| {
            if n < 3 {
                let again = own.lock().unwrap().clone().unwrap().call(n + 1);
                return asynckit::IntoPromise::into_promise(again);
            }
            drop(own.lock().unwrap().take());
            asynckit::Promise::ready(n)
        });
        *slot.lock().unwrap() = Some(paced.clone());
        let first = paced.call(0);
        drop(paced);
        assert_eq!(value(&first), 3);
        assert!(slot.lock().unwrap().is_none());
    });
}

#[test]
fn calls_from_many_threads_are_made_or_left_out() {
    watched(|| {
        let (pool, log) = (Pool::new(2), Log::new());
        let paced = pool.throttle(Duration::from_micros(50), noted(&log));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for n in 0..300 {
                        if n % 50 == 0 {
                            paced.flush();
                        }
                        let made = paced.call(n);
                        if n % 10 == 0 {
                            value(&made);
                        }
                    }
                });
            }
        });
        assert!(log.entries().len() <= 900 && !log.entries().is_empty());
    });
}

#[test]
fn a_pool_that_is_busy_delays_the_call_and_not_the_callers() {
    watched(|| {
        let (pool, log) = (one_worker(), Log::new());
        let gate = Gate::new();
        let key = gate.key();
        let busy = pool.run(move || key.wait());
        gate.await_arrival(1);
        let paced = pool.debounce(Duration::ZERO, noted(&log));
        let all: Vec<_> = (0..5).map(|n| paced.call(n)).collect();
        gate.open();
        assert!(
            all.iter().all(|one| value(one) == 4),
            "a quiet of zero lasts until a worker is free"
        );
        drop(busy);
    });
}

/// A value whose last handle the period has: its drop looks at what is paced.
#[test]
fn a_value_may_use_it_when_it_is_dropped() {
    struct Looks(Arc<Mutex<Option<Paced<u8, Looks>>>>, Log<String>);
    impl Drop for Looks {
        fn drop(&mut self) {
            let paced = self.0.lock().unwrap().clone();
            paced.into_iter().for_each(|paced| self.1.add(format!("{paced:?}")));
        }
    }
    watched(|| {
        let (pool, slot, log) = (one_worker(), Arc::new(Mutex::new(None)), Log::new());
        let (own, seen) = (Arc::clone(&slot), log.clone());
        let paced =
            pool.throttle(HOUR, move |_: u8| Ok::<_, AnyError>(Looks(own.clone(), seen.clone())));
        *slot.lock().unwrap() = Some(paced.clone());
        paced.call(1).get(PATIENCE).map(|_| ()).unwrap();
        let second = paced.call(2);
        paced.flush(); // the second period has no handle on the first one's value
        assert!(second.get(PATIENCE).is_ok());
        eventually("the first value is dropped", || log.entries() == ["Paced(no call waits)"]);
        let own = slot.lock().unwrap().take();
        drop(own);
    });
}
