//! What closures and values own: dropped, or used, wherever and whenever the library lets go of the closure.

use std::any::Any;

use asynckit::{CancelOnDrop, Canceller, Promise};

use crate::held::{Held, Kept, Many, Plain, Settler};
use crate::ops;
use crate::pools::Handle;
use crate::random::Random;
use crate::value::{Fault, Value};
use crate::world::world;

pub(crate) enum Luggage {
    Nothing,
    Value(Value),
    Promise(Plain),
    Guard(CancelOnDrop<Value, Fault>),
    Settler(Settler),
    Event(Many),
    Job(Kept),
    Pool(Handle),
    Canceller(Canceller),
}

/// Something for a closure that is attached to what is after this number.
pub(crate) fn pack(r: &mut Random, after: u64) -> Luggage {
    let packed = match r.below(16) {
        0 => world().promises.take(r).map(|held| Luggage::Promise(held.it)),
        1 => world().guards.take(r).map(Luggage::Guard),
        2 => world().deferreds.take_if(r, |one| one.number > after).map(Luggage::Settler),
        3 => world().values.take_if(r, |one| one.after > after).map(Luggage::Event),
        4 => world().jobs.take_if(r, |one| one.number > after).map(Luggage::Job),
        5 => Some(Luggage::Pool(Handle::guest(r))),
        6 => world().cancellers.take(r).map(Luggage::Canceller),
        7 | 8 => Some(Luggage::Value(Value::new(r))),
        _ => None,
    };
    packed.unwrap_or(Luggage::Nothing)
}

impl Luggage {
    /// What a closure does with it when it runs.
    pub(crate) fn unpack(self, r: &mut Random) {
        if r.one_in(3) {
            return; // dropped
        }
        match self {
            Luggage::Nothing => {}
            Luggage::Value(value) => value.check(),
            Luggage::Promise(promise) => drop(promise.map(|value| value)),
            Luggage::Guard(guard) => guard.cancel(),
            Luggage::Settler(settler) => ops::settle(settler, r),
            Luggage::Event(many) => drop(many.it.set(Value::new(r))),
            Luggage::Job(kept) => kept.it.run(),
            Luggage::Pool(pool) => drop(pool.run(|| ())),
            Luggage::Canceller(canceller) => canceller.cancel(),
        }
    }
}

/// Something for a value, which may get anywhere: so it owns nothing that anything else waits for.
pub(crate) fn for_value(r: &mut Random) -> Box<dyn Any + Send + Sync> {
    match r.below(4) {
        0 => Box::new(Handle::any(r).run(|| 1)),
        1 => Box::new(Promise::<u8>::deferred()),
        2 => Box::new(Promise::<u8>::deferred().1.map(|n| n).cancel_on_drop()),
        _ => Box::new(Promise::<u8>::ready(1).share()),
    }
}

/// A promise of the heap that something after this number may follow.
pub(crate) fn before(r: &mut Random, number: u64) -> Held {
    let found = world().promises.take_if(r, |held| held.after < number);
    found.unwrap_or_else(|| ops::sure_source(r))
}
