//! Interfaces whose start gives what aborts: `Promise::on_cancel`, `from_abortable`.

use crate::common::{Bomb, DropCounter, Log, PATIENCE, watched};
use asynckit::{Deferred, Failure, Promise};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

type Typed<T> = Promise<T, String>;

/// Somebody else's: it keeps the callback, and what it gives aborts.
#[derive(Clone, Default)]
struct Camera {
    waiting: Arc<Mutex<Option<Deferred<u8, String>>>>,
    aborted: Arc<Mutex<u32>>,
}

impl Camera {
    fn shoot(&self, deferred: Deferred<u8, String>) -> impl FnOnce() + Send + 'static {
        *self.waiting.lock().unwrap() = Some(deferred);
        let camera = self.clone();
        move || *camera.aborted.lock().unwrap() += 1
    }

    fn photo(&self) -> Typed<u8> {
        let (deferred, photo) = Typed::deferred();
        let abort = self.shoot(deferred);
        photo.on_cancel(abort)
    }

    fn aborted(&self) -> u32 {
        *self.aborted.lock().unwrap()
    }
}

#[test]
fn a_hook_on_the_promise_runs_inside_a_cancel_from_behind() {
    type Cancel = fn(Typed<u8>);
    let cancels: [(&str, Cancel); 6] = [
        ("the promise", |photo| photo.cancel()),
        ("behind a map", |photo| photo.map(|n| n + 1).cancel()),
        ("a canceller", |photo| {
            let (_photo, canceller) = photo.cancellable();
            canceller.cancel();
        }),
        ("dropped", |photo| drop(photo.cancel_on_drop())),
        ("a time limit", |photo| assert!(photo.timeout(Duration::ZERO).is_error())),
        ("a list", |photo| {
            asynckit::join([photo, Promise::failed("no".to_owned())])
                .wait(None)
                .then_some(())
                .unwrap()
        }),
    ];
    watched(move || {
        for (name, cancel) in cancels {
            let camera = Camera::default();
            cancel(camera.photo());
            assert_eq!(camera.aborted(), 1, "{name}");
            assert!(camera.waiting.lock().unwrap().as_ref().unwrap().is_cancelled(), "{name}");
        }
    });
}

#[test]
fn hooks_on_the_promise_run_from_the_end_up_once() {
    watched(|| {
        let log = Log::new();
        let note = |n: u8| {
            let log = log.clone();
            move || log.add(n)
        };
        let (mut deferred, promise) = Typed::<u8>::deferred();
        deferred.on_cancel(note(1));
        let promise = promise.on_cancel(note(2)).on_cancel(note(3));
        promise.cancel();
        promise.cancel();
        assert_eq!(log.entries(), [3, 2, 1]);
    });
}

#[test]
fn a_hook_is_dropped_unrun_when_the_promise_settles() {
    watched(|| {
        let drops = DropCounter::default();
        let hook = || {
            let token = drops.token();
            move || {
                drop(token);
                panic!("it was not cancelled")
            }
        };
        let (deferred, promise) = Typed::<u8>::deferred();
        let mut promise = promise.on_cancel(hook());
        assert_eq!(drops.dropped(), 0);
        deferred.resolve(1);
        assert!(matches!(promise.get(PATIENCE), Ok(1)));
        assert_eq!(drops.dropped(), 1);
        promise.cancel();
        let mut settled = Typed::<u8>::ready(2).on_cancel(hook());
        assert_eq!(drops.dropped(), 2);
        assert!(matches!(settled.get(PATIENCE), Ok(2)));
        let (deferred, promise) = Typed::<u8>::deferred();
        drop(promise.on_cancel(hook()));
        drop(deferred);
        assert_eq!(drops.dropped(), 3);
    });
}

#[test]
fn a_hook_may_panic_when_it_runs_and_when_it_is_dropped() {
    watched(|| {
        let (_deferred, mut promise) = Typed::<u8>::deferred();
        let bomb = Bomb;
        promise = promise.on_cancel(move || {
            let _bomb = bomb;
            panic!("in the hook")
        });
        promise.cancel();
        assert!(promise.get(PATIENCE).unwrap_err().is_cancelled());
        let (deferred, mut promise) = Typed::<u8>::deferred();
        let bomb = Bomb;
        promise = promise.on_cancel(move || drop(bomb));
        deferred.resolve(1);
        assert!(matches!(promise.get(PATIENCE), Ok(1)));
    });
}

/// What an interface of two functions gives to `resolve` and `reject`.
type Ends = (Box<dyn Fn(u8) + Send + Sync>, Box<dyn Fn(String) + Send + Sync>);

#[test]
fn what_start_gives_aborts() {
    watched(|| {
        let (log, kept) = (Log::new(), Arc::new(Mutex::new(None::<Ends>)));
        let (aborts, keeps) = (log.clone(), kept.clone());
        let mut photo = Typed::<u8>::from_abortable(move |resolve, reject| {
            *keeps.lock().unwrap() = Some((resolve, reject));
            move || aborts.add(1)
        });
        assert!(!photo.is_set());
        photo.cancel();
        assert_eq!(log.entries(), [1]);
        assert!(photo.get(PATIENCE).unwrap_err().is_cancelled());
        let (resolve, reject) = kept.lock().unwrap().take().unwrap();
        resolve(1);
        reject("late".to_owned());
    });
}

#[test]
fn what_start_gives_is_dropped_when_the_promise_settles() {
    watched(|| {
        let drops = DropCounter::default();
        for early in [true, false] {
            let token = drops.token();
            let mut photo = Typed::<u8>::from_abortable(move |resolve, _| {
                if early {
                    resolve(1);
                } else {
                    thread::spawn(move || resolve(1));
                }
                move || {
                    drop(token);
                    panic!("it was not cancelled")
                }
            });
            assert!(matches!(photo.get(PATIENCE), Ok(1)));
            photo.cancel();
        }
        crate::common::eventually("both are dropped", || drops.dropped() == 2);
        let mut dropped = Typed::<u8>::from_abortable(|_, _| || ());
        assert!(dropped.get(PATIENCE).unwrap_err().is_abandoned());
        let mut panicked = Typed::<u8>::from_abortable(|_, _| -> fn() { panic!("no camera") });
        assert!(matches!(panicked.get(PATIENCE), Err(Failure::Panicked(_))));
    });
}
