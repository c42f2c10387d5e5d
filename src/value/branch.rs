//! What comes after a shared value: any number of branches.

use std::marker::PhantomData;
use std::panic::Location;

use super::AsyncValue;
use crate::cell::{BranchTurn, Depends, ExecutorHandle, Next, Origin, Reference, Ticket, Work};
use crate::clock;
use crate::failure::Failure;
use crate::pool::Pool;
use crate::promise::Within;
use crate::promise::{IntoPromise, Promise};
use crate::telemetry::Context;

impl<T, E> AsyncValue<T, E>
where
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Changes the value, by a function that cannot fail; see [`then`](Self::then).
    #[track_caller]
    pub fn map<U, F>(&self, f: F) -> Promise<U, E>
    where
        F: FnOnce(&T) -> U + Send + 'static,
        U: Send + 'static,
    {
        let f = move |value: &T| Ok::<U, E>(f(value));
        self.branch::<Mapped, _, _>(f, BranchTurn::Series, None, Location::caller())
    }

    /// Continues with the value: `f` returns a `Result`, or a promise, which is adopted.
    ///
    /// There may be any number of branches. Those that were attached before the value was there run
    /// on the value's executor one after the other, in the order of registration; one that such a branch
    /// attaches comes behind those that are there. A failure runs none of them; each gets a clone of it.
    #[track_caller]
    pub fn then<R, F>(&self, f: F) -> Promise<R::Ok, E>
    where
        F: FnOnce(&T) -> R + Send + 'static,
        R: IntoPromise<Err = E> + 'static,
        R::Ok: Send + 'static,
    {
        self.branch::<Then, _, _>(f, BranchTurn::Series, None, Location::caller())
    }

    /// Queues `work`, which gets the value, as a job of its own: branches then run in parallel.
    #[track_caller]
    pub fn chain<R, F>(&self, work: F) -> Promise<R::Ok, E>
    where
        F: FnOnce(&T) -> R + Send + 'static,
        R: IntoPromise<Err = E> + 'static,
        R::Ok: Send + 'static,
    {
        self.branch::<Chained, _, _>(work, BranchTurn::Queued, None, Location::caller())
    }

    /// As [`chain`](Self::chain), on another pool; what comes after it runs there, too.
    #[track_caller]
    pub fn chain_on<R, F>(&self, pool: &Pool, work: F) -> Promise<R::Ok, E>
    where
        F: FnOnce(&T) -> R + Send + 'static,
        R: IntoPromise<Err = E> + 'static,
        R::Ok: Send + 'static,
    {
        let executor = Some(pool.core().executor());
        self.branch::<Chained, _, _>(work, BranchTurn::Queued, executor, Location::caller())
    }

    /// A promise of a clone of the value.
    pub(crate) fn copy(&self, location: &'static Location<'static>) -> Promise<T, E>
    where
        T: Clone,
    {
        let clone = |value: &T| Ok::<T, E>(value.clone());
        self.branch::<Copied, _, _>(clone, BranchTurn::Here, None, location)
    }

    /// A promise that settles with the value, on the thread that settles it: of nothing, or with a clone of the failure.
    pub(super) fn settling<K: Origin + 'static>(
        &self,
        location: &'static Location<'static>,
    ) -> Promise<(), E> {
        self.branch::<K, _, _>(|_: &T| Ok::<(), E>(()), BranchTurn::Here, None, location)
    }

    fn branch<K: Origin + 'static, R, F>(
        &self,
        f: F,
        turn: BranchTurn,
        executor: Option<ExecutorHandle>,
        location: &'static Location<'static>,
    ) -> Promise<R::Ok, E>
    where
        F: FnOnce(&T) -> R + Send + 'static,
        R: IntoPromise<Err = E> + 'static,
        R::Ok: Send + 'static,
    {
        let inherited = executor.as_ref().unwrap_or(self.owner.executor()).clone();
        let shared = self.owner.reference();
        clock::uses(|| inherited.place());
        let context = Context::current(); // foreign code, so not under the value's lock
        let consumer = self.owner.branch(turn, executor, location, move |ticket| {
            let place = TurnGuard { shared, ticket };
            Within::new(context, Branch { f, place, result: PhantomData::<fn() -> (K, R)> })
        });
        Promise::new(consumer, inherited)
    }
}

struct Mapped;
struct Then;
struct Chained;
struct Copied;

impl Origin for Copied {
    const KIND: &'static str = "shared";
}

impl Origin for Mapped {
    const KIND: &'static str = "map";
}

impl Origin for Then {
    const KIND: &'static str = "then";
}

impl Origin for Chained {
    const KIND: &'static str = "chain";
}

/// The work of a branch.
struct Branch<T: 'static, E: 'static, F, K, R> {
    f: F,
    /// Dropped last: then it is the next one's turn.
    place: TurnGuard<T, E>,
    result: PhantomData<fn() -> (K, R)>,
}

/// The place of a branch among its siblings.
struct TurnGuard<T: 'static, E: 'static> {
    shared: Reference<T, E>,
    ticket: Option<Ticket>,
}

impl<T: 'static, E: 'static> Drop for TurnGuard<T, E> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.shared.branch_done(ticket);
        }
    }
}

impl<T, E, F, K, R> Work for Branch<T, E, F, K, R>
where
    K: Origin + 'static,
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
    F: FnOnce(&T) -> R + Send + 'static,
    R: IntoPromise<Err = E> + 'static,
    R::Ok: 'static,
{
    type Ok = R::Ok;
    type Err = E;
    const KIND: &'static str = K::KIND;

    fn run(self) -> Next<R::Ok, E> {
        let Branch { f, place, .. } = self;
        match place.shared.outcome() {
            Some(Some(Ok(value))) => f(value).adopt().0,
            Some(Some(Err(failure))) => {
                Next::Failed(failure.clone(), Box::new(place.shared.branch_trace()))
            }
            _ => Next::Settled(Err(Failure::Cancelled)),
        }
    }

    fn dependency(&self) -> Option<Depends> {
        let ticket = self.place.ticket?;
        Some(Depends { value: Box::new(self.place.shared.clone()), ticket })
    }
}
