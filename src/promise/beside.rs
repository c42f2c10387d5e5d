//! What runs beside, and is waited for: `finally_then` and `inspect_then`.
//!
//! The outcome is kept apart while what was begun is waited for, with the way that a failure came: it goes on as if nothing
//! had been between.

use std::marker::PhantomData;
use std::panic::Location;

use super::{IntoPromise, Promise};
use crate::cell::{Collector, Gather, Items, Next, Origin, Producer, Step, Way};
use crate::failure::{Failure, Outcome, catch, drop_quietly};
use crate::unobserved::{is_reported, report};

impl<T: Send + 'static, E: Send + 'static> Promise<T, E> {
    /// As [`finally`](Self::finally), for what takes its time and may fail: the outcome passes through when the promise
    /// that `f` returns has settled.
    ///
    /// Its failure, as a panic of `f`, is the outcome then, in place of a value, and of a failure, too, as with JavaScript's
    /// `finally`. A failure that gives way goes to the [unobserved hook](crate::set_unobserved_hook); to have both, look
    /// at the first one by [`inspect_then`](Self::inspect_then), or [`handle`](Self::handle). A cancellation gives way to
    /// nothing, nor does a failure to one; it does not wait, and does not reach what `f` has begun: that goes on.
    ///
    /// ```
    /// use asynckit::{Pool, Promise};
    ///
    /// let (pool, cleaner) = (Pool::new(1), Pool::new(1));
    /// let mut answer = pool.run(|| 42).finally_then(move || cleaner.run(|| println!("all is put away")));
    /// assert_eq!(answer.get(None)?, 42);
    /// let mut unsaved = Promise::<u32, &str>::ready(42).finally_then(|| Err("the disk is full"));
    /// assert_eq!(unsaved.get(None).unwrap_err().to_string(), "the disk is full");
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn finally_then<R, F>(self, f: F) -> Promise<T, E>
    where
        F: FnOnce() -> R + Send + 'static,
        R: IntoPromise<Ok = (), Err = E> + 'static,
    {
        let f = move |_: &Outcome<T, E>| f();
        self.beside::<Finally, _, _>(f, Location::caller())
    }

    /// As [`finally_then`](Self::finally_then), with the outcome shown to `f`.
    #[track_caller]
    pub fn inspect_then<R, F>(self, f: F) -> Promise<T, E>
    where
        F: FnOnce(&Outcome<T, E>) -> R + Send + 'static,
        R: IntoPromise<Ok = (), Err = E> + 'static,
    {
        self.beside::<Inspect, _, _>(f, Location::caller())
    }

    /// Keeps the outcome, and puts `f` behind it.
    fn beside<K, R, F>(self, f: F, location: &'static Location<'static>) -> Promise<T, E>
    where
        K: Kind,
        F: FnOnce(&Outcome<T, E>) -> R + Send + 'static,
        R: IntoPromise<Ok = (), Err = E> + 'static,
    {
        let beside = Beside { f, location, types: PhantomData::<fn() -> (K, R)> };
        keep::<K, _, _>(self, true, location).link(beside, None, location)
    }
}

/// A promise of what has come of another one, which it reaches with a cancellation, or does not.
fn keep<K, T, E>(
    promise: Promise<T, E>,
    cancels: bool,
    location: &'static Location<'static>,
) -> Promise<Came<T, E>, E>
where
    K: Kind,
    T: Send + 'static,
    E: Send + 'static,
{
    let (source, executor) = promise.into_parts();
    let mut gather = Gather::new();
    gather.watch(source, location);
    let (mut producer, consumer) = Producer::pair::<K>(location);
    if cancels {
        producer.waits_for(gather.canceller());
    }
    gather.hand_to(Box::new(Keep { producer: Some(producer) }));
    Promise::new(consumer, executor)
}

/// Which of the two it is.
trait Kind: Origin + 'static {
    /// The outcome is shown to the function.
    const SHOWS: bool;
}

struct Finally;
struct Inspect;

impl Origin for Finally {
    const KIND: &'static str = "finally_then";
}

impl Origin for Inspect {
    const KIND: &'static str = "inspect_then";
}

impl Kind for Finally {
    const SHOWS: bool = false;
}

impl Kind for Inspect {
    const SHOWS: bool = true;
}

/// An outcome, and the way that it came. A failure that is dropped in here was not seen.
struct Came<T, E: 'static> {
    /// `None` once it goes on.
    outcome: Option<Outcome<T, E>>,
    way: Way,
}

impl<T, E: 'static> Came<T, E> {
    fn new(outcome: Outcome<T, E>, way: Way) -> Self {
        Came { outcome: Some(outcome), way }
    }

    fn is_cancelled(&self) -> bool {
        matches!(&self.outcome, Some(Err(failure)) if failure.is_cancelled())
    }

    fn is_failed(&self) -> bool {
        matches!(self.outcome, Some(Err(_)))
    }

    fn was_shown(&mut self) {
        if self.is_failed() {
            let way = self.way.get_or_insert_default();
            way.set_seen(true);
            way.show();
        }
    }

    /// It is what becomes of the promise.
    fn go_on(mut self) -> Next<T, E> {
        match self.outcome.take() {
            Some(Ok(value)) => Next::Settled(Ok(value)),
            Some(Err(failure)) => failed(failure, self.way.take()),
            None => Next::Settled(Err(Failure::Taken)), // not reachable: it goes on once
        }
    }
}

impl<T, E: 'static> Drop for Came<T, E> {
    fn drop(&mut self) {
        if let Some(Err(failure)) = &self.outcome {
            let way = self.way.take().unwrap_or_default();
            if is_reported(failure) && !way.is_seen() {
                report(failure, *way);
            }
        }
    }
}

/// A failure goes on by the way that it came.
fn failed<T, E>(failure: Failure<E>, way: Way) -> Next<T, E> {
    match way {
        Some(way) => Next::Failed(failure, way),
        None => Next::Settled(Err(failure)),
    }
}

/// Passes on what has come, as a value.
struct Keep<T, E: 'static> {
    /// `None` once it is settled.
    producer: Option<Producer<Came<T, E>, E>>,
}

impl<T: Send + 'static, E: Send + 'static> Collector<T, E> for Keep<T, E> {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        let Some(producer) = self.producer.take() else { return items.discard(index) };
        if let Some((outcome, way)) = items.take_with_trace(index) {
            producer.settle(Ok(Came::new(outcome, way)));
        }
    }

    fn complete(&mut self, _: &mut Items<T, E>) {}

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        self.producer = None;
        items.cancel_pending();
    }
}

/// Calls `f`, and waits for what that has begun.
struct Beside<F, K, R> {
    f: F,
    location: &'static Location<'static>,
    types: PhantomData<fn() -> (K, R)>,
}

impl<T, E, F, K, R> Step<Came<T, E>, E> for Beside<F, K, R>
where
    F: FnOnce(&Outcome<T, E>) -> R + Send + 'static,
    R: IntoPromise<Ok = (), Err = E> + 'static,
    K: Kind,
    T: Send + 'static,
    E: Send + 'static,
{
    type Ok = T;
    type Err = E;
    type Wanted = Outcome<Came<T, E>, E>;
    const KIND: &'static str = K::KIND;
    const IN_WAY: bool = false; // `After` is
    const ALWAYS: bool = true;

    fn wants(_: &Outcome<Came<T, E>, E>) -> bool {
        true
    }

    fn sort(came: Outcome<Came<T, E>, E>) -> Result<Self::Wanted, Outcome<T, E>> {
        Ok(came)
    }

    fn run(self, came: Outcome<Came<T, E>, E>) -> Next<T, E> {
        let mut came = came.unwrap_or_else(|failure| Came::new(Err(failure), None));
        let Some(outcome) = &came.outcome else { return came.go_on() }; // not reachable: it has come
        let begun = catch(|| (self.f)(outcome).into_promise());
        if K::SHOWS {
            came.was_shown();
        }
        match begun {
            begun if came.is_cancelled() => {
                drop_quietly(begun);
                came.go_on()
            }
            Err(panic) => {
                drop_quietly(came);
                Next::Settled(Err(Failure::Panicked(panic)))
            }
            Ok(beside) => {
                let after = After::<K, _, _>(came, PhantomData);
                let begun = keep::<K, _, _>(beside, false, self.location);
                Next::Follow(begun.link(after, None, self.location).into_parts().0)
            }
        }
    }
}

/// Behind what is waited for: the outcome goes on.
struct After<K, T, E: 'static>(Came<T, E>, PhantomData<fn() -> K>);

impl<K: Kind, T, E> Step<Came<(), E>, E> for After<K, T, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    type Ok = T;
    type Err = E;
    type Wanted = Outcome<Came<(), E>, E>;
    const KIND: &'static str = K::KIND;

    fn wants(_: &Outcome<Came<(), E>, E>) -> bool {
        true
    }

    fn sort(begun: Outcome<Came<(), E>, E>) -> Result<Self::Wanted, Outcome<T, E>> {
        Ok(begun)
    }

    fn run(self, begun: Outcome<Came<(), E>, E>) -> Next<T, E> {
        let mut begun = begun.unwrap_or_else(|failure| Came::new(Err(failure), None));
        // A cancellation is no failure: it was given up.
        if !begun.is_failed() || (begun.is_cancelled() && self.0.is_failed()) {
            return self.0.go_on();
        }
        drop_quietly(self.0);
        match begun.outcome.take() {
            Some(Err(failure)) => failed(failure, begun.way.take()),
            _ => Next::Settled(Err(Failure::Taken)), // not reachable: it has failed
        }
    }
}
