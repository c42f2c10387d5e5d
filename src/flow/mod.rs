//! Values that come one after the other, each when it was asked for or a little sooner: pages, pipelines.
//!
//! | file | idea |
//! | --- | --- |
//! | `ahead` | one step after the other, some of them ahead of the consumer |
//! | `at_once` | many steps that do not depend on each other, handed out in order |
//! | `stream` | the same for async code |

mod ahead;
mod at_once;
mod stream;

use std::fmt;
use std::iter::FusedIterator;
use std::panic::Location;

pub use stream::FlowStream;

use crate::failure::{AnyError, Failure, Outcome, TimedOut};
use crate::promise::{GoOn, IntoPromise, Manner, Promise};
use crate::sync::{Arc, Mutex};
use crate::timeout::Timeout;
use ahead::Ahead;
use at_once::AtOnce;

/// Where the values of a flow come from.
trait Source<T, E>: Send {
    /// The next value; `None` behind the last one.
    fn pull(&mut self) -> Promise<Option<T>, E>;

    /// Lets so many be there that nothing has asked for.
    fn read_ahead(&mut self, count: usize);

    /// Starts nothing more, and cancels what is under way.
    fn close(&mut self);
}

/// What the links of a flow are in a trace.
struct Pages;
struct Stage;

impl Manner for Pages {
    const KIND: &'static str = "pages";
}

impl Manner for Stage {
    const KIND: &'static str = "stage";
}

/// Values in order, the next of which are made while one is worked at, but only so many.
///
/// [`pages`] makes one of requests that depend on each other, [`Flow::at_once`] one of work that does not;
/// [`stage`](Self::stage) has each value go through a further step. It begins at once, and waits where nothing takes
/// its values: it is [`read_ahead`](Self::read_ahead) of its consumer by 1, if nothing else was said, so memory is
/// bounded however many values there are.
///
/// Take them as an iterator in plain code, as a [`stream`](Self::stream) in async code, or all in a promise, by
/// [`join`](Self::join). The first failure comes in its place, behind the values before it; it is the last item. What
/// waits in [`next`](Iterator::next) waits as [`Promise::get`] does. Dropping a flow cancels what is under way.
///
/// ```
/// use asynckit::{Failure, Flow, Pool};
///
/// let pool = Pool::new(4);
/// let (fetching, storing) = (pool.clone(), pool.clone());
/// let stored = Flow::at_once(["1", "2", "x"], 2, move |name| fetching.run(move || format!(" {name}")))
///     .stage(|text| Ok(text.trim().parse::<u32>()?))
///     .stage(move |number| storing.run(move || number * 10));
/// let stored: Vec<Result<u32, Failure>> = stored.collect();
/// assert_eq!((stored[0].as_ref().unwrap(), stored[1].as_ref().unwrap()), (&10, &20));
/// assert!(stored[2].is_err() && stored.len() == 3);
/// ```
#[must_use = "dropping a flow cancels it"]
pub struct Flow<T: Send + 'static, E: Send + 'static = AnyError> {
    /// `None` behind the end.
    source: Option<Box<dyn Source<T, E>>>,
    /// The next value, where a wait for it was given up.
    waiting: Option<Promise<Option<T>, E>>,
}

/// A chain of requests each of which tells what the next one is: pages of an answer whose number nothing knows.
///
/// `fetch` gets `first`, and gives a promise, or a `Result`, of a page and of what the next one is fetched by: a cursor,
/// a link, a number; `None` behind the last page. The first request begins inside this call, each further one when the
/// page before it has come and there is [room](Flow::read_ahead): on the executor of the first page's promise, or on the
/// thread that makes the flow or takes a page, where the page before it is there already. So let `fetch` start its work
/// elsewhere, and not do it. A panic of `fetch` is the failure of its page. A million pages take no stack, and no more memory than
/// those that are ahead.
///
/// ```
/// use asynckit::{Pool, pages};
///
/// let pool = Pool::new(2);
/// let answer = pages(1, move |number: u32| {
///     pool.run(move || {
///         let page = vec![number; 2];
///         (page, (number < 3).then_some(number + 1))
///     })
/// });
/// let mut items = Vec::new();
/// for page in answer {
///     items.extend(page?); // page 2 is fetched while this works at page 1
/// }
/// assert_eq!(items, [1, 1, 2, 2, 3, 3]);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[track_caller]
pub fn pages<P, C, R>(first: C, fetch: impl FnMut(C) -> R + Send + 'static) -> Flow<P, R::Err>
where
    P: Send + 'static,
    C: Send + 'static,
    R: IntoPromise<Ok = (P, Option<C>)>,
    R::Err: Send + 'static,
{
    let (mut fetch, place) = (fetch, Arc::new(Mutex::new(Some(first))));
    let location = Location::caller();
    let step = move || {
        let Some(cursor) = place.lock().take() else { return Promise::ready(None) };
        let mut page = fetch(cursor).into_promise();
        if let Some(outcome) = there(&mut page) {
            let (_, executor) = page.into_parts(); // the flow's, if this is the first one
            return ahead::settled(outcome.map(|page| noted(&place, page)), Some(executor));
        }
        let place = Arc::clone(&place);
        let note = move |page| Ok(noted(&place, page));
        page.link(GoOn::<Pages, _, _>::new(note), None, location)
    };
    Flow::new(Ahead::new(Box::new(step), location))
}

/// What has its value already, so that no executor is needed to go on. (A failure goes the long way, which its trace tells.)
fn there<T: 'static, E: 'static>(made: &mut Promise<T, E>) -> Option<Outcome<T, E>> {
    if made.is_set() && !made.is_error() { made.try_get() } else { None }
}

/// The page, whose cursor is put in its place.
fn noted<P, C>(place: &Mutex<Option<C>>, (page, next): (P, Option<C>)) -> Option<P> {
    *place.lock() = next;
    Some(page)
}

impl<T: Send + 'static, E: Send + 'static> Flow<T, E> {
    fn new(source: impl Source<T, E> + 'static) -> Self {
        Flow { source: Some(Box::new(source)), waiting: None }
    }

    /// What `make` makes of the inputs, in their order, with no more than `limit` of its promises under way.
    ///
    /// For pages whose numbers are known, and all else that does not depend on what came before it. The first `limit`
    /// calls are made inside this one, the others, and those of the iterator, when the value that is asked for has come, on
    /// the executor of its promise. No more than `limit` are ahead of what is taken, so an endless iterator is fine. 0
    /// counts as 1.
    ///
    /// ```
    /// use asynckit::{Flow, Pool};
    ///
    /// let pool = Pool::new(4);
    /// let pages = Flow::at_once(1.., 3, move |number: u32| pool.run(move || format!("page {number}")));
    /// let three: Result<Vec<_>, _> = pages.take(3).collect();
    /// assert_eq!(three?, ["page 1", "page 2", "page 3"]);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn at_once<I, R>(
        inputs: I,
        limit: usize,
        make: impl FnMut(I::Item) -> R + Send + 'static,
    ) -> Self
    where
        I: IntoIterator<IntoIter: Send + 'static>,
        R: IntoPromise<Ok = T, Err = E> + 'static,
    {
        Flow::new(AtOnce::new(inputs.into_iter(), limit.max(1), make, Location::caller()))
    }

    /// Lets up to `count` values be there, or be under way, ahead of the one that was taken: 1 if nothing is said.
    ///
    /// With 0, each is begun when it is asked for. It is about the last stage; say it behind each of those that are to
    /// have more room. What [`at_once`](Self::at_once) has made has its limit, and this is nothing to it.
    ///
    /// ```
    /// use asynckit::{Pool, pages};
    ///
    /// let pool = Pool::new(1);
    /// let numbers = pages(0, move |n: u64| pool.run(move || (n, Some(n + 1)))).read_ahead(10);
    /// let sum: u64 = numbers.take(5).map(Result::unwrap).sum();
    /// assert_eq!(sum, 10);
    /// ```
    pub fn read_ahead(mut self, count: usize) -> Self {
        if let Some(source) = &mut self.source {
            source.read_ahead(count);
        }
        self
    }

    /// Has each value go through a further step, one at a time and in order, while the stages before it go on.
    ///
    /// So a pipeline takes as long as the slowest of its stages. `work` returns a `Result` or a promise, and runs on the
    /// executor of the value's promise. Each stage waits where the next one has not taken what is ahead. A failure or a
    /// panic of `work` ends the flow in its place, and cancels the stages before it.
    ///
    /// ```
    /// use asynckit::{Pool, pages};
    ///
    /// let pool = Pool::new(3);
    /// let mut lengths = pages("a", move |text: &str| {
    ///     pool.run(move || (text, (text.len() < 3).then_some("abc")))
    /// })
    /// .stage(|text| Ok(text.len()))
    /// .join();
    /// assert_eq!(lengths.get(None)?, [1, 3]);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn stage<R>(self, work: impl FnMut(T) -> R + Send + 'static) -> Flow<R::Ok, E>
    where
        R: IntoPromise<Err = E>,
        R::Ok: Send + 'static,
    {
        let (mut before, work) = (self, Arc::new(Mutex::new(Some(work))));
        let location = Location::caller();
        let step = move || {
            let work = Arc::clone(&work);
            let staged = move |value| {
                let Some(value) = value else { return Promise::ready(None) };
                let called = work.lock().take(); // no user code runs under the lock
                let mut call = called.expect("one step at a time, and none behind a panic");
                let mut made = call(value).into_promise();
                *work.lock() = Some(call);
                if let Some(outcome) = there(&mut made) {
                    return Promise::settled(outcome.map(Some));
                }
                made.then_at(location, |value| Ok(Some(value)))
            };
            before.pull().link(GoOn::<Stage, _, _>::new(staged), None, location)
        };
        Flow::new(Ahead::new(Box::new(step), location))
    }

    /// The next value; `None` behind the last one.
    fn pull(&mut self) -> Promise<Option<T>, E> {
        if let Some(waiting) = self.waiting.take() {
            return waiting;
        }
        self.source.as_mut().map_or_else(|| Promise::ready(None), |source| source.pull())
    }

    /// Waits for the next value, but not for ever. `None`: there are no more.
    ///
    /// # Errors
    /// The time is over; the value is still to come.
    ///
    /// ```
    /// use asynckit::{Promise, pages};
    /// use std::time::Duration;
    ///
    /// let (deferred, promise) = Promise::<(&str, Option<()>)>::deferred();
    /// let mut promise = Some(promise);
    /// let mut pages = pages((), move |()| promise.take().unwrap());
    /// assert!(pages.next_timeout(Duration::from_millis(1)).is_err());
    /// deferred.resolve(("the only page", None));
    /// assert_eq!(pages.next_timeout(None)?.unwrap()?, "the only page");
    /// assert!(pages.next_timeout(None)?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn next_timeout(
        &mut self,
        timeout: impl Into<Timeout>,
    ) -> Result<Option<Outcome<T, E>>, TimedOut> {
        let mut waiting = self.pull();
        let outcome = waiting.get(timeout);
        if matches!(outcome, Err(Failure::TimedOut)) && !waiting.is_set() {
            self.waiting = Some(waiting);
            return Err(TimedOut);
        }
        if !waiting.is_set() {
            waiting.cancel(); // the wait could not have ended
        }
        Ok(self.passed(outcome))
    }

    /// Ends the flow where there is no further value.
    fn passed(&mut self, outcome: Outcome<Option<T>, E>) -> Option<Outcome<T, E>> {
        let outcome = outcome.transpose();
        if !matches!(outcome, Some(Ok(_))) {
            self.close();
        }
        outcome
    }

    fn close(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            waiting.cancel();
        }
        if let Some(mut source) = self.source.take() {
            source.close();
        }
    }

    /// The same for async code: a [`Stream`](futures_core::Stream).
    ///
    /// ```
    /// # use std::{future::poll_fn, pin::Pin};
    /// use asynckit::{Failure, Pool, pages};
    /// use futures_core::Stream;
    ///
    /// async fn first() -> Result<u32, Failure> {
    ///     let pool = Pool::new(1);
    ///     let mut numbers = pages(7, move |n: u32| pool.run(move || (n, Some(n + 1)))).stream();
    ///     // `numbers.next().await` where `futures` is at hand
    ///     poll_fn(|context| Pin::new(&mut numbers).poll_next(context)).await.expect("it has no end")
    /// }
    /// # assert_eq!(Pool::global().spawn_future(first_any()).get(None).unwrap(), 7);
    /// # async fn first_any() -> Result<u32, asynckit::AnyError> { Ok(first().await?) }
    /// ```
    pub fn stream(self) -> FlowStream<T, E> {
        FlowStream::new(self)
    }

    /// All values in order, or the first failure. Cancelling it cancels what is under way.
    ///
    /// ```
    /// use asynckit::{Pool, pages};
    ///
    /// let pool = Pool::new(1);
    /// let countdown = pages(3, move |n: u32| pool.run(move || (n, n.checked_sub(1))));
    /// assert_eq!(countdown.join().get(None)?, [3, 2, 1, 0]);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn join(self) -> Promise<Vec<T>, E> {
        collect(self, Vec::new(), Location::caller())
    }
}

/// What follows a step is adopted by the step before it: no chain of them grows.
fn collect<T, E>(
    mut flow: Flow<T, E>,
    mut values: Vec<T>,
    location: &'static Location<'static>,
) -> Promise<Vec<T>, E>
where
    T: Send + 'static,
    E: Send + 'static,
{
    flow.pull().then_at(location, move |value| match value {
        Some(value) => {
            values.push(value);
            collect(flow, values, location)
        }
        None => Promise::ready(values),
    })
}

impl<T: Send + 'static, E: Send + 'static> Iterator for Flow<T, E> {
    type Item = Outcome<T, E>;

    fn next(&mut self) -> Option<Outcome<T, E>> {
        self.next_timeout(None).unwrap_or(Some(Err(Failure::TimedOut)))
    }
}

impl<T: Send + 'static, E: Send + 'static> FusedIterator for Flow<T, E> {}

impl<T: Send + 'static, E: Send + 'static> Drop for Flow<T, E> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T: Send + 'static, E: Send + 'static> fmt::Debug for Flow<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.source.is_some() { "Flow(goes on)" } else { "Flow(over)" })
    }
}
