//! Values and errors that notice misuse: each use looks at a canary, which the drop poisons.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use asynckit::{Failure, Outcome};

use crate::finding::{finding, panic_on_purpose};
use crate::living::Living;
use crate::random::{Random, mix};
use crate::sync::Arc;

const ALIVE: u64 = 0xa11c_e000_a11c_e000;
const DEAD: u64 = 0xdead_0000_dead_0000;

static DROPS_PANIC: AtomicBool = AtomicBool::new(false);

/// Whether some drops panic from now on.
pub(crate) fn let_drops_panic(yes: bool) {
    DROPS_PANIC.store(yes, Ordering::SeqCst);
}

/// A word in a box that tells whether its owner is alive.
pub(crate) struct Canary {
    state: Box<AtomicU64>,
    _living: Living,
}

impl Canary {
    #[track_caller]
    pub(crate) fn new() -> Self {
        Canary { state: Box::new(AtomicU64::new(ALIVE)), _living: Living::new() }
    }

    pub(crate) fn check(&self) {
        // Relaxed: whoever gets a value has to be told of it by the library.
        let state = self.state.load(Ordering::Relaxed);
        if state != ALIVE {
            finding(&format!("used after its drop: {state:#x}"));
        }
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        let state = self.state.swap(DEAD, Ordering::Relaxed);
        if state != ALIVE {
            finding(&format!("dropped twice, or from memory that is not its own: {state:#x}"));
        }
    }
}

/// What the promises are of.
pub(crate) struct Value {
    canary: Canary,
    number: u64,
    /// Something that is dropped with it.
    inner: Option<Box<dyn Any + Send + Sync>>,
}

impl Value {
    #[track_caller]
    pub(crate) fn new(r: &mut Random) -> Self {
        let inner = r.one_in(10).then(|| crate::luggage::for_value(r));
        Value { canary: Canary::new(), number: r.next(), inner }
    }

    pub(crate) fn check(&self) {
        self.canary.check();
    }
}

impl Clone for Value {
    #[track_caller]
    fn clone(&self) -> Self {
        self.check();
        Value { canary: Canary::new(), number: mix(self.number), inner: None }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.check();
        drop(self.inner.take());
        if DROPS_PANIC.load(Ordering::Relaxed)
            && mix(self.number) % 61 == 0
            && !std::thread::panicking()
        {
            panic_on_purpose();
        }
    }
}

/// Gives back the one, and drops the others before. What a function returns leaks if the drop of one of its locals
/// panics afterwards, as the compiler has it; so closures leave no such drop to the end.
pub(crate) fn without<X, O>(one: X, others: O) -> X {
    drop(others);
    one
}

/// The last of these, or that one.
pub(crate) fn last_or(mut values: Vec<Value>, or: Value) -> Value {
    values.iter().for_each(Value::check);
    match values.pop() {
        Some(last) => without(last, (values, or)),
        None => or,
    }
}

/// What the promises fail with.
#[derive(Clone)]
pub(crate) struct Fault(Arc<Value>);

impl Fault {
    #[track_caller]
    pub(crate) fn new(r: &mut Random) -> Self {
        Fault(Arc::new(Value::new(r)))
    }

    pub(crate) fn check(&self) {
        self.0.check();
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.check();
        f.write_str("Fault")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Error for Fault {}

/// Looks at all that is in an outcome.
pub(crate) fn check(outcome: &Outcome<Value, Fault>) {
    match outcome {
        Ok(value) => value.check(),
        Err(failure) => check_failure(failure),
    }
}

/// Looks at all that is in a failure.
pub(crate) fn check_failure(failure: &Failure<Fault>) {
    match failure {
        Failure::Error(fault) => fault.check(),
        Failure::Panicked(panic) => drop(std::hint::black_box(panic.message().len())),
        _ => {}
    }
}
