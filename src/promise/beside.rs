//! What runs beside, and is waited for: `finally_then` and `inspect_then`.
//!
//! The outcome is kept while what was begun is waited for, with the way that a failure came: it goes on as if nothing had been
//! between.

use std::marker::PhantomData;
use std::panic::Location;

use super::{IntoPromise, Promise};
use crate::cell::{
    Collector, Consumer, Gather, Items, Next, Origin, Producer, Step, ThisThread, Way,
};
use crate::failure::{Failure, Outcome, catch, drop_quietly};
use crate::trace::Trace;
use crate::unobserved::{is_reported, report};

impl<T: Send + 'static, E: Send + 'static> Promise<T, E> {
    /// As [`finally`](Self::finally), for what takes its time and may fail: the outcome passes through when the promise
    /// that `f` returns has settled.
    ///
    /// Its failure, as a panic of `f`, turns a value into that failure, and leaves a failure as it is: that one is why.
    /// The one that came later, if it is an error or a panic, is not lost: it goes to the
    /// [unobserved hook](crate::set_unobserved_hook). Where it shall replace the first one, as with JavaScript's
    /// `finally`, there is [`handle`](Self::handle). A cancellation does not wait, and does not reach what `f` has begun:
    /// that goes on.
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

    fn beside<K, R, F>(self, f: F, location: &'static Location<'static>) -> Promise<T, E>
    where
        K: Kind,
        F: FnOnce(&Outcome<T, E>) -> R + Send + 'static,
        R: IntoPromise<Ok = (), Err = E> + 'static,
    {
        let types = PhantomData::<fn() -> (K, R)>;
        self.link(Beside { f, way: None, location, types }, None, location)
    }
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

/// Calls `f`, and waits for what that has begun.
struct Beside<F, K, R> {
    f: F,
    way: Way,
    location: &'static Location<'static>,
    types: PhantomData<fn() -> (K, R)>,
}

impl<T, E, F, K, R> Step<T, E> for Beside<F, K, R>
where
    F: FnOnce(&Outcome<T, E>) -> R + Send + 'static,
    R: IntoPromise<Ok = (), Err = E> + 'static,
    K: Kind,
    T: Send + 'static,
    E: Send + 'static,
{
    type Ok = T;
    type Err = E;
    type Wanted = Outcome<T, E>;
    const KIND: &'static str = K::KIND;
    const IN_WAY: bool = false; // what is followed is; of a failure that is there, `Next::Failed` says it
    const ALWAYS: bool = true;
    const TAKES_WAY: bool = true;

    fn came_by(&mut self, way: Way) {
        self.way = way;
    }

    fn wants(_: &Outcome<T, E>) -> bool {
        true
    }

    fn sort(outcome: Outcome<T, E>) -> Result<Outcome<T, E>, Outcome<T, E>> {
        Ok(outcome)
    }

    fn run(self, outcome: Outcome<T, E>) -> Next<T, E> {
        let Beside { f, way, location, .. } = self;
        let begun = catch(|| f(&outcome).adopt().0);
        let mut kept = Kept { outcome, way };
        if K::SHOWS {
            kept.was_shown();
        }
        match begun {
            Ok(Next::Follow(begun)) if kept.is_cancelled() => {
                drop_quietly(begun);
                kept.go_on()
            }
            Ok(Next::Follow(begun)) => Next::Follow(kept.wait_for::<K>(begun, location)),
            Ok(Next::Settled(Ok(()))) => kept.go_on(),
            Ok(Next::Settled(Err(failure)) | Next::Same(failure)) => {
                kept.give_way::<K>(failure, None, location)
            }
            Ok(Next::Failed(failure, way)) => kept.give_way::<K>(failure, Some(way), location),
            Err(panic) => kept.give_way::<K>(Failure::Panicked(panic), None, location),
        }
    }
}

/// An outcome, and the way that a failure came.
struct Kept<T, E> {
    outcome: Outcome<T, E>,
    way: Way,
}

impl<T: Send + 'static, E: Send + 'static> Kept<T, E> {
    fn is_cancelled(&self) -> bool {
        matches!(&self.outcome, Err(failure) if failure.is_cancelled())
    }

    fn was_shown(&mut self) {
        if let Some(way) = &mut self.way {
            way.set_seen(true);
            way.show();
        }
    }

    fn go_on(self) -> Next<T, E> {
        match (self.outcome, self.way) {
            (Err(failure), Some(way)) => Next::Failed(failure, way),
            (outcome, _) => Next::Settled(outcome),
        }
    }

    /// A value does, to a failure beside. A failure stays, and the other one is told of.
    fn give_way<K: Kind>(
        self,
        beside: Failure<E>,
        way: Way,
        location: &'static Location<'static>,
    ) -> Next<T, E> {
        if self.outcome.is_err() {
            let way = way.map_or_else(|| made::<K>(location), |way| *way);
            if is_reported(&beside) && !way.is_seen() {
                report(&beside, way);
            }
            drop_quietly(beside);
            return self.go_on();
        }
        drop_quietly(self.outcome);
        match way {
            Some(way) => Next::Failed(beside, way),
            None => Next::Settled(Err(beside)),
        }
    }

    /// A promise of the outcome for when `begun` has settled.
    fn wait_for<K: Kind>(
        self,
        begun: Consumer<(), E>,
        location: &'static Location<'static>,
    ) -> Consumer<T, E> {
        let mut gather = Gather::new();
        gather.watch(begun, location);
        let (mut producer, consumer) = Producer::pair::<K>(location);
        producer.waits_for(gather.canceller());
        gather.hand_to(Box::new(After { open: Some((producer, self)) }));
        consumer
    }
}

/// The way of a failure that began here.
fn made<K: Kind>(location: &'static Location<'static>) -> Trace {
    let mut way = Trace::new();
    way.push(K::KIND, location);
    way
}

/// Behind what is waited for: the outcome goes on.
struct After<T, E> {
    /// `None` once it is settled.
    open: Option<(Producer<T, E>, Kept<T, E>)>,
}

impl<T: Send + 'static, E: Send + 'static> Collector<(), E> for After<T, E> {
    fn arrived(&mut self, items: &mut Items<(), E>, index: usize) {
        let Some((producer, kept)) = self.open.take() else { return items.drop_unseen(index) };
        if kept.outcome.is_err() {
            items.drop_unseen(index);
            return producer.settle_after(kept.outcome, kept.way);
        }
        match items.take_with_trace(index) {
            Some((Err(failure), way)) => {
                ThisThread::drop_user(kept);
                producer.settle_after(Err(failure), way);
            }
            _ => producer.settle(kept.outcome),
        }
    }

    fn complete(&mut self, _: &mut Items<(), E>) {}

    /// What was begun goes on.
    fn cancelled(&mut self, _: &mut Items<(), E>) {
        ThisThread::drop_user(self.open.take());
    }
}
