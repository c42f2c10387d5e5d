//! Many values folded into one: `reduce` and `reduce_unordered`.
//!
//! The values come through a channel between the list, which is drained on the settling threads, and
//! the fold, which runs on the executor: a loop of promises, each of which waits for the next value.
//! The core takes the links of such a loop out as it goes, so that it needs constant memory.

use std::collections::VecDeque;
use std::panic::Location;

use crate::cell::{CloseReason, Closer, Collector, ExecutorHandle, Items, Origin, Producer};
use crate::failure::{Failure, drop_quietly};
use crate::list::{AsyncList, FirstFailure, KeyedList};
use crate::promise::{IntoPromise, Promise};
use crate::relay::relay;
use crate::sync::Arc;
use crate::sync::{Mutex, MutexGuard};
use crate::trace::Trace;

struct Reduce;

impl Origin for Reduce {
    const KIND: &'static str = "reduce";
}

impl<T: Send + 'static, E: Send + 'static> AsyncList<T, E> {
    /// Folds the values into one, in the order of the inputs.
    ///
    /// `f` gets what it has come to so far, at first `init`, and the next value; it returns a `Result`
    /// or a promise. It is called on the executor of the first item, one call after the other, as
    /// soon as the next value is there. The first failure, of an item or of `f`, is the outcome, and
    /// cancels what is pending. Of an empty list it is `init`.
    ///
    /// ```
    /// use asynckit::{AsyncList, Pool};
    ///
    /// let pool = Pool::new(2);
    /// let words: AsyncList<_> = ["a", "b", "c"].map(|word| pool.run(move || word)).into_iter().collect();
    /// let mut text = words.reduce(String::new(), |text, word| Ok(text + word));
    /// assert_eq!(text.get(None)?, "abc");
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn reduce<A, R, F>(self, init: A, f: F) -> Promise<A, E>
    where
        F: FnMut(A, T) -> R + Send + 'static,
        R: IntoPromise<Ok = A, Err = E> + 'static,
        A: Send + 'static,
    {
        self.fold(init, f, true, |_, value| value, Location::caller())
    }

    /// As [`reduce`](Self::reduce), in the order in which the values come.
    ///
    /// ```
    /// use asynckit::{Pool, map_concurrent};
    ///
    /// let pool = Pool::new(2);
    /// let squares = map_concurrent(1..=4, 2, move |n| pool.run(move || n * n));
    /// assert_eq!(squares.reduce_unordered(0, |sum, n| Ok(sum + n)).get(None)?, 30);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn reduce_unordered<A, R, F>(self, init: A, f: F) -> Promise<A, E>
    where
        F: FnMut(A, T) -> R + Send + 'static,
        R: IntoPromise<Ok = A, Err = E> + 'static,
        A: Send + 'static,
    {
        self.fold(init, f, false, |_, value| value, Location::caller())
    }

    /// Folds what `pack` makes of each value and its number among the inputs.
    fn fold<V, A, R, F>(
        self,
        init: A,
        f: F,
        ordered: bool,
        pack: fn(usize, T) -> V,
        location: &'static Location<'static>,
    ) -> Promise<A, E>
    where
        V: Send + 'static,
        F: FnMut(A, V) -> R + Send + 'static,
        R: IntoPromise<Ok = A, Err = E> + 'static,
        A: Send + 'static,
    {
        let (mut gather, executor) = self.into_gather();
        if !ordered {
            gather.items().recycle();
        }
        let (channel, closer) = (Arc::new(Channel::new()), gather.closer());
        let reader =
            Reader { channel: Arc::clone(&channel), closer: closer.clone(), executor, location };
        let folded = turn(Box::new(Fold { reader, f }), init);
        gather.hand_to(Box::new(Writer::new(channel, ordered, pack)));
        let collector = |producer, _: &_| Folded { producer: Some(producer), closer };
        relay::<Reduce, _, _, _>(folded, location, collector).0
    }
}

impl<K: Send + 'static, T: Send + 'static, E: Send + 'static> KeyedList<K, T, E> {
    /// As [`reduce`](Self::reduce), in the order in which the values come.
    ///
    /// ```
    /// use asynckit::{AsyncList, Promise};
    ///
    /// let ages = AsyncList::keyed([("Ann", Promise::<i32>::ready(41)), ("Bob", Promise::ready(17))]);
    /// let oldest = ages.reduce_unordered(("", 0), |oldest, name, age| {
    ///     Ok(if age > oldest.1 { (name, age) } else { oldest })
    /// });
    /// assert_eq!({ oldest }.get(None)?, ("Ann", 41));
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn reduce_unordered<A, R, F>(self, init: A, mut f: F) -> Promise<A, E>
    where
        F: FnMut(A, K, T) -> R + Send + 'static,
        R: IntoPromise<Ok = A, Err = E> + 'static,
        A: Send + 'static,
    {
        let (list, keys) = self.into_parts();
        let mut keys: Vec<_> = keys.into_iter().map(Some).collect();
        let f = move |so_far, (number, value): (usize, T)| {
            let key = keys[number].take().expect("each value comes once");
            f(so_far, key, value)
        };
        list.fold(init, f, false, |number, value| (number, value), Location::caller())
    }
}

/// What goes from value to value.
struct Fold<T, E, F> {
    reader: Reader<T, E>,
    f: F,
}

/// Waits for the next value, folds it in, and takes the next turn.
fn turn<T, E, A, R, F>(mut fold: Box<Fold<T, E, F>>, so_far: A) -> Promise<A, E>
where
    F: FnMut(A, T) -> R + Send + 'static,
    R: IntoPromise<Ok = A, Err = E> + 'static,
    A: Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let (next, location) = (fold.reader.next(), fold.reader.location);
    next.then_at(location, move |value| match value {
        None => Promise::ready(so_far),
        Some(value) => {
            let (folded, _) = (fold.f)(so_far, value).into_promise().into_parts();
            let folded = Promise::new(folded, fold.reader.executor.clone());
            folded.then_at(location, move |so_far| turn(fold, so_far))
        }
    })
}

// ── From the list to the fold ────────────────────────────────────────────────────────────────────

/// A failure, the way that it came, and the item that it came from.
type Fallen<E> = (Failure<E>, Option<Box<Trace>>, usize);

struct Channel<T, E>(Mutex<State<T, E>>);

/// Values that have come and were not asked for, or somebody who has asked.
struct State<T, E> {
    values: VecDeque<T>,
    asker: Option<Producer<Option<T>, E>>,
    /// The list is through. The failure, if it has failed, goes to the next one who asks.
    end: Option<Result<(), Fallen<E>>>,
}

impl<T: 'static, E: 'static> Channel<T, E> {
    fn new() -> Self {
        let values = VecDeque::new();
        Channel(Mutex::new(State { values, asker: None, end: None }))
    }

    fn lock(&self) -> MutexGuard<'_, State<T, E>> {
        // No user code runs under this lock, so it is never poisoned half-way.
        self.0.lock()
    }

    fn send(&self, value: T) {
        let mut state = self.lock();
        let Some(asker) = state.asker.take() else { return state.values.push_back(value) };
        drop(state);
        asker.settle(Ok(Some(value)));
    }

    /// After a failure the values that were not asked for are dropped.
    fn end(&self, end: Result<(), Fallen<E>>) {
        let mut state = self.lock();
        let values = if end.is_err() { std::mem::take(&mut state.values) } else { VecDeque::new() };
        if let Some(asker) = state.asker.take() {
            state.end = Some(Ok(()));
            drop(state);
            answer(asker, end);
        } else if state.end.is_none() {
            state.end = Some(end);
        } else {
            drop(state);
            drop_quietly(end); // too late, and the user's: not under the lock
        }
        drop_quietly(values);
    }
}

fn answer<T: 'static, E: 'static>(asker: Producer<Option<T>, E>, end: Result<(), Fallen<E>>) {
    match end {
        Ok(()) => asker.settle(Ok(None)),
        Err((failure, trace, index)) => asker.settle_by_way(Err(failure), trace, index),
    }
}

/// The fold's end of the channel. When it is dropped, nobody wants more.
struct Reader<T, E> {
    channel: Arc<Channel<T, E>>,
    closer: Closer,
    executor: ExecutorHandle,
    location: &'static Location<'static>,
}

impl<T: Send + 'static, E: Send + 'static> Reader<T, E> {
    /// The next value; `None` is the end.
    fn next(&self) -> Promise<Option<T>, E> {
        let (producer, consumer) = Producer::pair::<Reduce>(self.location);
        let mut state = self.channel.lock();
        if let Some(value) = state.values.pop_front() {
            drop(state);
            producer.settle(Ok(Some(value)));
        } else if let Some(end) = state.end.take() {
            state.end = Some(Ok(()));
            drop(state);
            answer(producer, end);
        } else {
            state.asker = Some(producer);
        }
        Promise::new(consumer, self.executor.clone())
    }
}

impl<T, E> Drop for Reader<T, E> {
    fn drop(&mut self) {
        self.closer.close(CloseReason::Unwanted);
    }
}

/// The list's end of the channel.
struct Writer<T, V, E> {
    channel: Arc<Channel<V, E>>,
    /// Of a value and its number, what is sent.
    pack: fn(usize, T) -> V,
    /// In the order of the items; else in that of time.
    ordered: bool,
    /// Which one is next in order.
    next: usize,
    first: FirstFailure,
}

impl<T: Send + 'static, V: Send + 'static, E: Send + 'static> Collector<T, E> for Writer<T, V, E> {
    fn arrived(&mut self, items: &mut Items<T, E>, index: usize) {
        if self.ordered && index < self.next {
            return; // it went with one before it, which has come later
        }
        if items.is_failed(index) {
            if let Some(index) = self.first.came(items, index) {
                self.fail(items, index);
            }
        } else if self.ordered {
            while items.outcome(self.next).is_some_and(Result::is_ok) {
                self.send(items, self.next);
                self.next += 1;
            }
        } else {
            self.send(items, index);
        }
    }

    fn all_seen(&mut self, items: &mut Items<T, E>) {
        if let Some(index) = self.first.all_seen() {
            self.fail(items, index);
        }
    }

    fn complete(&mut self, _: &mut Items<T, E>) {
        self.channel.end(Ok(()));
    }

    fn cancelled(&mut self, items: &mut Items<T, E>) {
        items.cancel_pending();
    }

    fn ends_at_failure(&self) -> bool {
        true
    }
}

impl<T: Send + 'static, V: Send + 'static, E: Send + 'static> Writer<T, V, E> {
    fn new(channel: Arc<Channel<V, E>>, ordered: bool, pack: fn(usize, T) -> V) -> Self {
        Writer { channel, pack, ordered, next: 0, first: FirstFailure::default() }
    }

    /// This item's failure ends it.
    fn fail(&mut self, items: &mut Items<T, E>, index: usize) {
        let number = items.number(index);
        if let Some((Err(failure), trace)) = items.take_with_trace(index) {
            self.channel.end(Err((failure, trace, number)));
            items.cancel_pending();
        }
    }

    fn send(&self, items: &mut Items<T, E>, index: usize) {
        let number = items.number(index);
        if let Some(Ok(value)) = items.take(index) {
            self.channel.send((self.pack)(number, value));
        }
    }
}

// ── The result ───────────────────────────────────────────────────────────────────────────────────

/// Passes the result on; cancelled, it cancels the items as well as the fold.
struct Folded<A, E> {
    /// `None` once it is settled.
    producer: Option<Producer<A, E>>,
    closer: Closer,
}

impl<A: Send + 'static, E: Send + 'static> Collector<A, E> for Folded<A, E> {
    fn arrived(&mut self, items: &mut Items<A, E>, index: usize) {
        let Some(producer) = self.producer.take() else { return items.discard(index) };
        if let Some((outcome, trace)) = items.take_with_trace(index) {
            producer.settle_after(outcome, trace);
        }
    }

    fn complete(&mut self, _: &mut Items<A, E>) {}

    fn cancelled(&mut self, items: &mut Items<A, E>) {
        self.producer = None;
        items.cancel_pending();
        self.closer.close(CloseReason::Unwanted);
    }
}
