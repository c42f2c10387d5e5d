//! Values that are made once: `AsyncOnce`, `AsyncLazy`, `SingleFlight`.

use crate::common::{Gate, PATIENCE, eventually, one_worker, watched};
use asynckit::{AsyncLazy, AsyncOnce, Failure, Pool, Promise, Shutdown, SingleFlight};
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;

type Typed<T> = Promise<T, String>;

#[test]
fn handles_go_anywhere() {
    fn anywhere<T: Send + Sync + 'static>() {}
    anywhere::<AsyncOnce<u8>>();
    anywhere::<AsyncLazy<u8>>();
    anywhere::<SingleFlight<u8, u8>>();
    static ONCE: AsyncOnce<u8, String> = AsyncOnce::new();
    assert_eq!(format!("{ONCE:?}"), "AsyncOnce(not begun)");
    ONCE.get_or_init(|| Typed::ready(1));
    assert_eq!(format!("{ONCE:?}"), "AsyncOnce(AsyncValue(set))");
    assert_eq!(
        format!("{:?}", AsyncLazy::new(|| Typed::ready(1))),
        "AsyncLazy(AsyncOnce(not begun))"
    );
    assert_eq!(format!("{:?}", SingleFlight::<u8, u8>::default()), "SingleFlight(0 under way)");
}

/// Several threads at once: one makes it, all get it.
#[test]
fn the_first_caller_begins_it_and_all_get_it() {
    watched(|| {
        for _ in 0..100 {
            let (pool, made) = (Pool::new(2), Arc::new(AtomicUsize::new(0)));
            let count = made.clone();
            let lazy = Arc::new(AsyncLazy::<usize, String>::new(move || {
                let number = count.fetch_add(1, SeqCst);
                pool.spawn(move || Ok(number))
            }));
            let start = Arc::new(Barrier::new(3));
            let callers: Vec<_> = (0..3)
                .map(|_| {
                    let (lazy, start) = (lazy.clone(), start.clone());
                    thread::spawn(move || {
                        start.wait();
                        *lazy.get().get(PATIENCE).unwrap()
                    })
                })
                .collect();
            assert!(callers.into_iter().all(|caller| caller.join().unwrap() == 0));
            assert_eq!(made.load(SeqCst), 1);
        }
    });
}

#[test]
fn a_failure_is_forgotten_and_the_next_caller_tries_again() {
    watched(|| {
        let made = Arc::new(AtomicUsize::new(0));
        let count = made.clone();
        let lazy = AsyncLazy::<usize, String>::new(move || match count.fetch_add(1, SeqCst) {
            0 => Typed::failed("down".into()),
            1 => panic!("it panics"),
            2 => Typed::settled(Err(Failure::Cancelled)),
            3 => Typed::deferred().1,
            number => Typed::ready(number),
        });
        assert!(lazy.get().get(PATIENCE).unwrap_err().is_error());
        assert!(lazy.get().get(PATIENCE).unwrap_err().is_panicked());
        assert!(lazy.get().get(PATIENCE).unwrap_err().is_cancelled());
        assert!(lazy.get().get(PATIENCE).unwrap_err().is_abandoned());
        assert_eq!(lazy.get().get(PATIENCE).unwrap(), &4);
        assert_eq!(lazy.get().get(PATIENCE).unwrap(), &4);
        lazy.forget();
        assert_eq!(lazy.get().get(PATIENCE).unwrap(), &5);
    });
}

#[test]
fn a_caller_that_cancels_does_not_end_it_for_others() {
    watched(|| {
        let once = AsyncOnce::<u8, String>::new();
        assert!(once.get().is_none());
        let (deferred, promise) = Typed::deferred();
        let first = once.get_or_init(|| promise);
        first.cancel();
        drop(first);
        assert!(!deferred.is_cancelled());
        let second = once.get_or_init(|| -> Typed<u8> { unreachable!("it is under way") });
        deferred.resolve(7);
        assert_eq!(second.get(PATIENCE).unwrap(), &7);
        assert_eq!(once.get().unwrap().get(PATIENCE).unwrap(), &7);
        assert!(once.take().is_some() && once.take().is_none());
    });
}

#[test]
fn a_function_may_come_back_in() {
    watched(|| {
        let once = AsyncOnce::<u8, String>::new();
        let value = once.get_or_init(|| {
            assert!(!once.get().unwrap().is_set(), "it is under way");
            assert!(!format!("{once:?}").is_empty());
            Ok(1)
        });
        assert_eq!(value.get(PATIENCE).unwrap(), &1);
        let pool = Pool::new(0);
        once.take();
        let value = once.get_or_init(|| pool.spawn(|| Ok(2)));
        pool.shutdown(Shutdown::CancelQueued, PATIENCE);
        assert!(value.get(PATIENCE).unwrap_err().is_abandoned());
        assert_eq!(once.get_or_init(|| Ok(3)).get(PATIENCE).unwrap(), &3);
    });
}

/// All keys have the same hash, and compare by looking into the flights.
#[derive(Clone)]
struct Key(u8, Option<SingleFlight<Key, u8, String>>);

impl Hash for Key {
    fn hash<H: Hasher>(&self, _: &mut H) {
        _ = self.1.as_ref().map(SingleFlight::under_way);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        _ = other.1.as_ref().map(SingleFlight::under_way);
        self.0 == other.0
    }
}

impl Eq for Key {}

#[test]
fn callers_with_the_same_key_share_a_call_while_it_is_under_way() {
    watched(|| {
        let flights = SingleFlight::<Key, u8, String>::new();
        let key = |n| Key(n, Some(flights.clone()));
        let (a, promise) = Typed::deferred();
        let first = flights.run(key(1), || promise);
        let (b, promise) = Typed::deferred();
        let other = flights.run(key(2), || promise);
        let second = flights.run(key(1), || -> Typed<u8> { unreachable!("it is under way") });
        assert_eq!(flights.under_way(), 2);
        first.cancel();
        assert!(!a.is_cancelled(), "it goes on");
        a.resolve(1);
        b.reject("no".to_owned());
        assert_eq!((first.get(PATIENCE).unwrap(), second.get(PATIENCE).unwrap()), (&1, &1));
        assert!(other.get(PATIENCE).unwrap_err().is_error());
        assert_eq!(flights.under_way(), 0);
        assert_eq!(flights.run(key(1), || Ok(3)).get(PATIENCE).unwrap(), &3, "made anew");
        let panics = flights.run(key(1), || -> Typed<u8> { panic!("it panics") });
        assert!(panics.get(PATIENCE).unwrap_err().is_panicked());
        let lost = flights.run(key(1), || Typed::deferred().1);
        assert!(lost.get(PATIENCE).unwrap_err().is_abandoned());
        assert_eq!(flights.under_way(), 0, "also where it came to nothing");
    });
}

#[test]
fn a_flight_is_forgotten_when_its_pool_is_shut_down() {
    watched(|| {
        let (pool, flights) = (Pool::new(0), SingleFlight::<u8, u8, String>::new());
        let value = flights.run(1, || pool.spawn(|| Ok(1)));
        pool.shutdown(Shutdown::CancelQueued, PATIENCE);
        assert!(value.get(PATIENCE).unwrap_err().is_abandoned());
        eventually("it is forgotten", || flights.under_way() == 0);
    });
}

#[test]
fn many_callers_make_one_call() {
    watched(|| {
        let (pool, flights, gate) =
            (one_worker(), SingleFlight::<u8, usize, String>::new(), Gate::new());
        let made = Arc::new(AtomicUsize::new(0));
        let start = Arc::new(Barrier::new(5));
        let callers: Vec<_> = (0..4)
            .map(|_| {
                let (flights, pool, key) = (flights.clone(), pool.clone(), gate.key());
                let (made, start) = (made.clone(), start.clone());
                thread::spawn(move || {
                    start.wait();
                    let job = || {
                        let number = made.fetch_add(1, SeqCst);
                        pool.spawn(move || {
                            key.wait();
                            Ok(number)
                        })
                    };
                    let value = flights.run(7, job);
                    start.wait();
                    *value.get(PATIENCE).unwrap()
                })
            })
            .collect();
        start.wait();
        start.wait();
        gate.open();
        assert!(callers.into_iter().all(|caller| caller.join().unwrap() == 0));
        assert_eq!(made.load(SeqCst), 1);
    });
}
