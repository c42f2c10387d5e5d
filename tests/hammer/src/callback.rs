//! What every closure of the hammer owns, and does when it is called: it uses what it has brought, panics now and then, and
//! does another operation.

use crate::finding::{finding, panic_on_purpose};
use crate::luggage::{self, Luggage};
use crate::ops;
use crate::options::options;
use crate::random::Random;
use crate::value::{Canary, Fault, Value};
use crate::watch::{depth, within};

pub(crate) struct Callback {
    canary: Canary,
    luggage: Option<Luggage>,
    random: Random,
    /// It is a finding if it is dropped without having been called.
    must_be_called: bool,
}

/// For a closure that is attached to what is after this number.
#[track_caller]
pub(crate) fn callback(r: &mut Random, after: u64) -> Callback {
    let luggage = Some(luggage::pack(r, after));
    let random = Random::new(r.next());
    Callback { canary: Canary::new(), luggage, random, must_be_called: false }
}

impl Callback {
    /// For a closure that is called whatever happens.
    pub(crate) fn must_be_called(mut self) -> Self {
        self.must_be_called = true;
        self
    }

    /// A call of a closure that is called once. It may panic.
    pub(crate) fn call(mut self, name: &'static str) -> Random {
        self.call_again(name);
        Random::new(self.random.next())
    }

    /// A call of a closure that wants nothing more of it. It may panic.
    pub(crate) fn run(mut self, name: &'static str) {
        self.call_again(name);
    }

    /// A call of a closure that may be called often. It may panic.
    pub(crate) fn call_again(&mut self, name: &'static str) {
        self.canary.check();
        self.must_be_called = false;
        within(name, || {
            if let Some(luggage) = self.luggage.take() {
                luggage.unpack(&mut self.random);
            }
            self.re_enter();
            self.canary.check();
            if self.random.one_in(40) {
                panic_on_purpose();
            }
        });
    }

    /// Does another operation in here.
    fn re_enter(&mut self) {
        if depth() < 4 && self.random.one_in(4) {
            ops::step(&mut self.random, true);
        }
    }

    /// A call that ends with a value, or with an error.
    pub(crate) fn result(self, name: &'static str, value: Option<Value>) -> Result<Value, Fault> {
        let mut r = self.call(name);
        if let Some(value) = &value {
            value.check();
        }
        if r.one_in(6) {
            drop(value); // not later, see `without`
            return Err(Fault::new(&mut r));
        }
        Ok(value.unwrap_or_else(|| Value::new(&mut r)))
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        if self.must_be_called && !options().panics {
            finding("a callback that has to be called was dropped");
        }
    }
}
