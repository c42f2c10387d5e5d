//! Promises of different types joined into one promise of a tuple.

use std::panic::Location;
use std::sync::Arc;

use crate::cell::{
    Consumer, Ended, Ender, ExecutorHandle, Gather, Items, Origin, Policy, Producer, Way,
};
use crate::failure::{Failure, drop_quietly};
use crate::list::AsyncList;
use crate::pool::Pool;
use crate::promise::{IntoPromise, Promise};
use crate::sync::{Mutex, MutexGuard};

/// Joins promises, each of its own type, into one promise of all values.
///
/// It takes a tuple of 2 to 12, or an array. Besides promises a tuple may have whatever else a job may
/// return: an [`AsyncList`], of which it gets the `Vec`, an [`AsyncValue`](crate::AsyncValue), which
/// is cloned, or a `Result`. The first failure in time is the failure of the whole, and cancels the
/// others; of those that had failed before, it is the first in the tuple. Joining needs no worker;
/// callbacks run on the executor of the first promise. Cancelling the result cancels all.
///
/// ```
/// use asynckit::{Pool, join};
///
/// let pool = Pool::new(2);
/// let (name, age) = (pool.run(|| "Ann"), pool.run(|| 41));
/// let mut line = join((name, age)).map(|(name, age)| format!("{name} is {age}"));
/// assert_eq!(line.get(None)?, "Ann is 41");
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[track_caller]
pub fn join<J: Join>(promises: J) -> Promise<J::Output, J::Err> {
    promises.join_here()
}

/// What [`join`] takes: tuples of 2 to 12 promises, and arrays.
pub trait Join {
    /// The tuple, or the array, of the values.
    type Output;
    /// The error, which all have in common.
    type Err;

    /// Does what [`join`] says.
    #[doc(hidden)]
    #[track_caller]
    fn join_here(self) -> Promise<Self::Output, Self::Err>;
}

impl<T: Send + 'static, E: Send + 'static, const N: usize> Join for [Promise<T, E>; N] {
    type Output = [T; N];
    type Err = E;

    #[track_caller]
    fn join_here(self) -> Promise<[T; N], E> {
        let finish = |values: Vec<T>| {
            let Ok(values) = values.try_into() else { unreachable!("as many values as promises") };
            values
        };
        AsyncList::from_iter(self).join_as(Location::caller(), finish)
    }
}

struct Joined;

impl Origin for Joined {
    const KIND: &'static str = "join";
}

/// What the inputs of one join share: `V` are the places for their values, `U` is what comes of them.
struct Hub<V, U, E> {
    /// `None` once it is settled.
    open: Mutex<Option<Open<V, U, E>>>,
}

struct Open<V, U, E> {
    values: V,
    missing: usize,
    finish: fn(V) -> Option<U>,
    producer: Producer<U, E>,
    /// What cancels the inputs.
    enders: Vec<Ender>,
}

impl<V, U, E> Hub<V, U, E>
where
    V: Default + Send + 'static,
    U: Send + 'static,
    E: Send + 'static,
{
    /// No user code runs under this lock.
    fn lock(&self) -> MutexGuard<'_, Option<Open<V, U, E>>> {
        self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn close(&self) -> Option<Open<V, U, E>> {
        self.lock().take()
    }

    /// A value has come. The last one settles the join.
    fn put<T>(&self, place: fn(&mut V) -> &mut Option<T>, value: T) {
        let mut lock = self.lock();
        let Some(open) = lock.as_mut() else {
            drop(lock);
            return drop_quietly(value);
        };
        *place(&mut open.values) = Some(value);
        open.missing -= 1;
        if open.missing > 0 {
            return;
        }
        let complete = lock.take();
        drop(lock);
        if let Some(Open { values, finish, producer, .. }) = complete {
            producer.settle(finish(values).ok_or(Failure::Abandoned));
        }
    }

    /// An input has failed. The first one settles the join, when the others are cancelled.
    fn fail(&self, failure: Failure<E>, way: Way, index: usize) {
        let Some(open) = self.close() else { return drop_quietly(failure) };
        drop_quietly(open.values);
        open.enders.iter().for_each(|ender| ender.end(Ended::Unwanted));
        open.producer.settle_by_way(Err(failure), way, index);
    }
}

/// Watches one input for the hub.
struct Input<T, V, U, E> {
    hub: Arc<Hub<V, U, E>>,
    index: usize,
    place: fn(&mut V) -> &mut Option<T>,
}

impl<T, V, U, E> Policy<T, E> for Input<T, V, U, E>
where
    T: Send + 'static,
    V: Default + Send + 'static,
    U: Send + 'static,
    E: Send + 'static,
{
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        match items.take_with_trace(index) {
            Some((Ok(value), _)) => self.hub.put(self.place, value),
            Some((Err(failure), way)) => self.hub.fail(failure, way, self.index),
            None => {}
        }
    }

    fn complete(&mut self, _: &mut Items<T, E>) {}

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        drop_quietly(self.hub.close()); // the first of the inputs that are cancelled together
        items.cancel_pending();
    }
}

/// Builds a join: its inputs are added in their order.
struct Joining<V, U, E> {
    hub: Arc<Hub<V, U, E>>,
    result: Consumer<U, E>,
    /// That of the first input.
    executor: Option<ExecutorHandle>,
    added: usize,
    location: &'static Location<'static>,
}

impl<V, U, E> Joining<V, U, E>
where
    V: Default + Send + 'static,
    U: Send + 'static,
    E: Send + 'static,
{
    fn new(
        inputs: usize,
        finish: fn(V) -> Option<U>,
        location: &'static Location<'static>,
    ) -> Self {
        let (producer, result) = Producer::pair::<Joined>(location);
        let (values, enders) = (V::default(), Vec::with_capacity(inputs));
        let open = Open { values, missing: inputs, finish, producer, enders };
        let hub = Arc::new(Hub { open: Mutex::new(Some(open)) });
        Joining { hub, result, executor: None, added: 0, location }
    }

    fn add<T: Send + 'static>(
        &mut self,
        input: Promise<T, E>,
        place: fn(&mut V) -> &mut Option<T>,
    ) {
        let (input, executor) = input.into_parts();
        self.executor.get_or_insert(executor);
        let mut gather = Gather::new();
        gather.watch(input, self.location);
        let ender = gather.ender();
        let open = self.hub.lock().as_mut().map(|open| {
            let canceller = Box::new(gather.canceller());
            open.producer.on_cancel_of(canceller, Some(gather.upstream()));
            open.enders.push(ender.clone());
        });
        gather.hand_to(Box::new(Input { hub: Arc::clone(&self.hub), index: self.added, place }));
        self.added += 1;
        if open.is_none() {
            ender.end(Ended::Unwanted); // one before it has failed
        }
    }

    fn into_promise(self) -> Promise<U, E> {
        let executor = self.executor.unwrap_or_else(|| Pool::global().core().executor());
        Promise::new(self.result, executor)
    }
}

/// A tuple of promises, or of what becomes one; all have one type of error.
macro_rules! impl_join {
    ($($Input:ident $index:tt),+) => {
        impl<E: Send + 'static, $($Input),+> Join for ($($Input,)+)
        where
            $($Input: IntoPromise<Err = E>, $Input::Ok: Send + 'static,)+
        {
            type Output = ($($Input::Ok,)+);
            type Err = E;

            #[track_caller]
            fn join_here(self) -> Promise<Self::Output, E> {
                let inputs = ($(self.$index.into_promise(),)+);
                let finish = |values: ($(Option<$Input::Ok>,)+)| Some(($(values.$index?,)+));
                let count = [$($index),+].len();
                let mut joining = Joining::new(count, finish, Location::caller());
                $(joining.add(inputs.$index, |values| &mut values.$index);)+
                joining.into_promise()
            }
        }
    };
}

impl_join!(A 0, B 1);
impl_join!(A 0, B 1, C 2);
impl_join!(A 0, B 1, C 2, D 3);
impl_join!(A 0, B 1, C 2, D 3, F 4);
impl_join!(A 0, B 1, C 2, D 3, F 4, G 5);
impl_join!(A 0, B 1, C 2, D 3, F 4, G 5, H 6);
impl_join!(A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7);
impl_join!(A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8);
impl_join!(A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9);
impl_join!(A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10);
impl_join!(A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11);
