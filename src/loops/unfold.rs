//! One item after the other, each with what the next one is asked for with: `unfold`.

use std::panic::Location;

use crate::cell::{Consumer, ExecutorHandle};
use crate::failure::{Failure, catch, drop_quietly};
use crate::pool::Pool;
use crate::promise::{GoOn, IntoPromise, Manner, Promise};

/// Calls `f` with a state, which gives an item and the next state, until it gives `None`: a promise of all items.
///
/// For what comes in parts of which each tells the next one: pages with a cursor, linked lists, batches of a queue. `f`
/// returns a promise or a `Result`. The first call is made inside this one, each further one when the promise before has
/// settled, on the executor of the first promise; so there is one at a time. Cancelling the promise cancels that one, and
/// makes no further call.
///
/// # Errors
/// The first failure, or a panic of `f`; the items so far are dropped.
///
/// ```
/// use asynckit::{Pool, unfold};
///
/// /// Somebody else's: a page of items, and where the next one begins.
/// fn page(cursor: u32) -> (Vec<u32>, Option<u32>) {
///     (vec![cursor, cursor + 1], (cursor < 4).then_some(cursor + 2))
/// }
///
/// let pool = Pool::new(1);
/// let pages = unfold(Some(0), move |cursor: Option<u32>| {
///     pool.run(move || {
///         let (items, next) = page(cursor?);
///         Some((items, next))
///     })
/// });
/// assert_eq!(pages.map(|pages| pages.concat()).get(None)?, [0, 1, 2, 3, 4, 5]);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[track_caller]
pub fn unfold<S, T, R, F>(state: S, f: F) -> Promise<Vec<T>, R::Err>
where
    F: FnMut(S) -> R + Send + 'static,
    R: IntoPromise<Ok = Option<(T, S)>> + 'static,
    R::Err: Send + 'static,
    S: Send + 'static,
    T: Send + 'static,
{
    let (location, items, executor) = (Location::caller(), Vec::new(), None);
    Box::new(Unfolding { f, items, executor, location }).turn::<S, R, true>(state)
}

/// What goes from call to call.
struct Unfolding<F, T> {
    f: F,
    items: Vec<T>,
    /// That of the first promise.
    executor: Option<ExecutorHandle>,
    location: &'static Location<'static>,
}

struct First;
struct Further;

impl Manner for First {
    const KIND: &'static str = "unfold";
}

impl Manner for Further {
    const KIND: &'static str = "unfold";
    const IN_WAY: bool = false;
}

impl<F: Send + 'static, T: Send + 'static> Unfolding<F, T> {
    fn turn<S, R, const FIRST: bool>(mut self: Box<Self>, state: S) -> Promise<Vec<T>, R::Err>
    where
        F: FnMut(S) -> R,
        R: IntoPromise<Ok = Option<(T, S)>> + 'static,
        R::Err: Send + 'static,
        S: Send + 'static,
    {
        let location = self.location;
        match catch(|| (self.f)(state).into_promise()) {
            Ok(promise) => {
                let (consumer, own) = promise.into_parts();
                let executor = self.executor.get_or_insert(own).clone();
                let promise = Promise::new(consumer, executor);
                let next = move |step| self.go_on::<S, R>(step);
                match FIRST {
                    true => promise.link(GoOn::<First, _, _>::new(next), None, location),
                    false => promise.link(GoOn::<Further, _, _>::new(next), None, location),
                }
            }
            Err(panic) => {
                drop_quietly(self);
                let consumer = Consumer::settled(Err(Failure::Panicked(panic)), location);
                Promise::new(consumer, Pool::global().core().executor())
            }
        }
    }

    fn go_on<S, R>(mut self: Box<Self>, step: Option<(T, S)>) -> Promise<Vec<T>, R::Err>
    where
        F: FnMut(S) -> R,
        R: IntoPromise<Ok = Option<(T, S)>> + 'static,
        R::Err: Send + 'static,
        S: Send + 'static,
    {
        let Some((item, state)) = step else {
            let Unfolding { f, items, .. } = *self;
            drop_quietly(f); // the user's, before the promise is settled
            return Promise::ready(items);
        };
        self.items.push(item);
        self.turn::<S, R, false>(state)
    }
}
