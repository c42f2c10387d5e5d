//! What every test file shares: the watchdog, ways to hold a job and to meet it, and counters.

#![allow(dead_code, unused_imports, reason = "each test file uses a part of this")]

pub(crate) mod alloc;
pub(crate) mod by_hand;
mod calls;
mod outcomes;
pub(crate) mod tasks;
pub(crate) mod wakers;
mod workers;

pub(crate) use calls::*;
pub(crate) use outcomes::*;
pub(crate) use workers::*;

use asynckit::{Deferred, Failure, Outcome, Pool, Promise};
use std::io::Write;
use std::panic::{Location, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything takes that does not hang, on a busy machine and in a debug build.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// What a test has: more, so that a wait that ends in vain is told by its assertion, not by the [`watchdog`].
const LIMIT: Duration = Duration::from_secs(90);
/// The same for the tests that do something a million times.
pub(crate) const LONG: Duration = Duration::from_secs(300);
/// Long enough for something forbidden to happen, if it is going to.
pub(crate) const MOMENT: Duration = Duration::from_millis(30);
/// The stack on which depth must not matter.
pub(crate) const SMALL_STACK: usize = 64 * 1024;

/// Runs `body`; when it is not through after `limit`, prints `name` and aborts: a hang is a failure with a name.
pub(crate) fn watchdog<R: Send + 'static>(
    name: &str,
    limit: Duration,
    body: impl FnOnce() -> R + Send + 'static,
) -> R {
    let (done, finished) = channel::<()>();
    let runner = named_thread(name, move || {
        let _done = done; // dropped also when the body panics
        body()
    });
    if finished.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
        // Not `eprintln!`: what the harness captures is lost in an abort.
        _ = writeln!(std::io::stderr(), "\nHANG: {name} was not through after {limit:?}");
        std::process::abort();
    }
    runner.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// A test body under the [`watchdog`], named after the place where it stands.
#[track_caller]
pub(crate) fn watched(body: impl FnOnce() + Send + 'static) {
    watchdog(&caller(Location::caller()), LIMIT, body);
}

/// As [`watched`], for the tests that do something a million times.
#[track_caller]
pub(crate) fn watched_long(body: impl FnOnce() + Send + 'static) {
    watchdog(&caller(Location::caller()), LONG, body);
}

fn caller(place: &Location<'_>) -> String {
    let test = thread::current().name().unwrap_or("?").to_owned();
    format!("{test} ({}:{})", place.file(), place.line())
}

/// A thread with a name, so that a debugger and `/proc` can tell it.
pub(crate) fn named_thread<R: Send + 'static>(
    name: &str,
    f: impl FnOnce() -> R + Send + 'static,
) -> thread::JoinHandle<R> {
    thread::Builder::new().name(name.to_owned()).spawn(f).expect("a thread")
}

/// Runs `f` on a thread that has `bytes` of stack.
pub(crate) fn run_on_small_stack<R: Send + 'static>(
    bytes: usize,
    f: impl FnOnce() -> R + Send + 'static,
) -> R {
    let runner = thread::Builder::new()
        .name("small stack".to_owned())
        .stack_size(bytes)
        .spawn(f)
        .expect("a thread");
    runner.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Waits until `condition` holds, and fails the test when it never does.
#[track_caller]
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A door that is shut until it is opened, or dropped: a failed assertion leaves no job behind it for ever.
/// Declare it after the pool whose jobs wait at it.
pub(crate) struct Gate(Arc<Door>);

/// What a job takes along in order to wait at a [`Gate`].
#[derive(Clone)]
pub(crate) struct GateKey(Arc<Door>);

#[derive(Default)]
struct Door {
    waiting: AtomicUsize,
    open: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Gate(Arc::default())
    }

    pub(crate) fn key(&self) -> GateKey {
        GateKey(self.0.clone())
    }

    pub(crate) fn open(&self) {
        *self.0.open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }

    /// How many are waiting at it, or have passed it.
    pub(crate) fn arrived(&self) -> usize {
        self.0.waiting.load(Ordering::SeqCst)
    }

    /// Returns once `n` have come to the gate.
    #[track_caller]
    pub(crate) fn await_arrival(&self, n: usize) {
        eventually("the jobs come to the gate", || self.arrived() >= n);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

impl GateKey {
    pub(crate) fn wait(&self) {
        self.0.waiting.fetch_add(1, Ordering::SeqCst);
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        while !*open {
            open = self.0.changed.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Counts how many of its tokens have been dropped.
#[derive(Clone, Default)]
pub(crate) struct DropCounter(Arc<AtomicUsize>);

/// Its drop is counted.
#[derive(Debug)]
pub(crate) struct Token(Arc<AtomicUsize>);

impl DropCounter {
    pub(crate) fn token(&self) -> Token {
        Token(self.0.clone())
    }

    pub(crate) fn dropped(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A list that jobs write and the test reads: order is shown, not guessed.
pub(crate) struct Log<T>(Arc<Mutex<Vec<T>>>);

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Log(self.0.clone())
    }
}

impl<T: Clone> Log<T> {
    pub(crate) fn new() -> Self {
        Log(Arc::default())
    }

    pub(crate) fn add(&self, entry: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    pub(crate) fn entries(&self) -> Vec<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Panics when it is dropped (but not while unwinding, which would abort).
#[derive(Debug)]
pub(crate) struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("a bomb was dropped");
        }
    }
}

/// When the source settles, as seen from the call that attaches to it: the three cases of Promises/A+.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    RightAfter,
    Later,
}

/// The mode matrix: `attach` gets a promise that settles with `outcome` at each of the three times; `check` gets what it made of it.
pub(crate) fn three_cases<T, E, R>(
    outcome: impl Fn() -> Outcome<T, E>,
    attach: impl Fn(Promise<T, E>) -> R,
    check: impl Fn(R),
) where
    T: Send + 'static,
    E: Send + 'static,
{
    for when in [When::Before, When::RightAfter, When::Later] {
        let (deferred, promise) = Promise::deferred();
        let value = outcome();
        match when {
            When::Before => {
                deferred.settle(value);
                check(attach(promise));
            }
            When::RightAfter => {
                let attached = attach(promise);
                deferred.settle(value);
                check(attached);
            }
            When::Later => {
                let attached = attach(promise);
                let settler = named_thread("settler", move || deferred.settle(value));
                check(attached);
                settler.join().expect("settle does not panic");
            }
        }
    }
}
