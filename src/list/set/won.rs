//! Promises of the first one of a set, with the set, so that the others are kept, or not.

use std::panic::Location;

use super::TaskSet;
use super::shared::Found;
use crate::cell::{Consumer, ExecutorHandle};
use crate::failure::{Failure, drop_quietly};
use crate::list::{AllFailed, KeyedCompleted};
use crate::pool::Pool;
use crate::promise::Promise;

/// The winner of a race, its number or key, and the set of those that have lost.
type Raced<K, T, E> = (KeyedCompleted<K, T, E>, TaskSet<T, E, K>);
/// The first value, its number or key, and the set of those that have lost.
type Won<K, T, E> = (K, T, TaskSet<T, E, K>);

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> TaskSet<T, E, K> {
    /// A promise of the outcome that comes first, good or bad, with its number or key, and of the set with all others.
    ///
    /// Drop the set, and those that have lost are cancelled; go on taking from it, have them back
    /// ([`take_rest`](Self::take_rest)), or [`detach`](Self::detach) them, and they are kept. Cancelling the promise cancels all.
    /// It goes on on the executor of a promise of the set. [`AsyncList::race`](crate::AsyncList::race) gives the bare outcome.
    ///
    /// # Errors
    /// [`Failure::Empty`] of an empty set; [`Failure::Abandoned`] if the executor was closed. A failure of the winner is in
    /// its outcome.
    ///
    /// ```
    /// use asynckit::{Promise, TaskSet};
    ///
    /// let (slow, late) = Promise::<u32>::deferred();
    /// let mirrors = TaskSet::from_iter([("near", late), ("far", Promise::ready(1))]);
    /// let (first, rest) = mirrors.race().get(None)?;
    /// assert_eq!((first.key, first.outcome?), ("far", 1));
    /// assert_eq!(rest.len(), 1); // kept
    /// drop(rest);
    /// assert!(slow.is_cancelled());
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    #[expect(clippy::type_complexity, reason = "an alias would hide what it is")]
    pub fn race(self) -> Promise<(KeyedCompleted<K, T, E>, TaskSet<T, E, K>), E> {
        let executor = self.executor();
        first(self, executor, Location::caller())
    }

    /// A promise of the first value, with its number or key, and of the set with all others; failures before it are passed over.
    ///
    /// As [`race`](Self::race) otherwise.
    ///
    /// # Errors
    /// [`AllFailed`] when all have failed, with their numbers; [`Failure::Empty`] of an empty set.
    ///
    /// ```
    /// use asynckit::{Promise, TaskSet};
    ///
    /// let mirrors = [Promise::failed("down"), Promise::ready(1), Promise::ready(2)];
    /// let (number, value, rest) = TaskSet::from_iter(mirrors).any().get(None).unwrap();
    /// assert_eq!((number, value, rest.len()), (1, 1, 1));
    /// ```
    #[track_caller]
    #[expect(clippy::type_complexity, reason = "an alias would hide what it is")]
    pub fn any(self) -> Promise<(K, T, TaskSet<T, E, K>), AllFailed<E>> {
        let executor = self.executor();
        first_value(self, Vec::new(), executor, Location::caller())
    }

    fn executor(&self) -> ExecutorHandle {
        self.shared.executor().unwrap_or_else(|| Pool::global().core().executor())
    }
}

fn first<K, T, E>(
    set: TaskSet<T, E, K>,
    executor: ExecutorHandle,
    location: &'static Location<'static>,
) -> Promise<Raced<K, T, E>, E>
where
    K: Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let outcome = match set.shared.find() {
        Found::Item(come) => Ok((come.completed, set)),
        Found::Empty => Err(Failure::Empty),
        Found::Later(turn) => {
            let signal = Promise::new(turn.signal, executor.clone());
            return signal.then_at(location, move |()| first(set, executor, location));
        }
    };
    Promise::new(Consumer::settled(outcome, location), executor)
}

/// `failures`: those that have come, by number.
fn first_value<K, T, E>(
    set: TaskSet<T, E, K>,
    mut failures: Vec<(usize, Failure<E>)>,
    executor: ExecutorHandle,
    location: &'static Location<'static>,
) -> Promise<Won<K, T, E>, AllFailed<E>>
where
    K: Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let outcome = loop {
        match set.shared.find() {
            Found::Item(come) => match come.completed {
                KeyedCompleted { key, outcome: Ok(value), .. } => break Ok((key, value, set)),
                KeyedCompleted { key, outcome: Err(failure), .. } => {
                    failures.push((come.number, failure));
                    drop_quietly(key);
                }
            },
            Found::Empty => break Err(all_failed(std::mem::take(&mut failures))),
            Found::Later(turn) => {
                let signal = Promise::new(turn.signal, executor.clone());
                let signal =
                    signal.map_err(|error| AllFailed::new(1, 1, vec![(0, Failure::Error(error))]));
                return signal
                    .then_at(location, move |()| first_value(set, failures, executor, location));
            }
        }
    };
    drop_quietly(failures);
    Promise::new(Consumer::settled(outcome, location), executor)
}

fn all_failed<E>(mut failures: Vec<(usize, Failure<E>)>) -> Failure<AllFailed<E>> {
    failures.sort_by_key(|(number, _)| *number);
    match failures.len() {
        0 => Failure::Empty,
        count => Failure::Error(AllFailed::new(1, count, failures)),
    }
}
