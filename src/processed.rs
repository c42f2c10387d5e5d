//! A promise with a last step that runs on the thread that asks for it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::failure::{Failure, Outcome, catch};
use crate::promise::Promise;
use crate::timeout::Timeout;

/// A raw value, and what a last step makes of it on the thread that asks; made by [`Promise::process`].
///
/// One handle has both: [`raw`](Self::raw) gives the value as it came, and keeps it; [`get`](Self::get) has the step
/// look at it, as often as it is asked. Dropping it detaches the promise, [`cancel`](Self::cancel) cancels it.
#[must_use = "the step runs when it is asked for"]
pub struct Processed<R, E, F> {
    promise: Promise<R, E>,
    raw: Option<R>,
    step: F,
}

// What is in it is never pinned.
impl<R, E, F> Unpin for Processed<R, E, F> {}

impl<R: 'static, E: 'static> Promise<R, E> {
    /// Adds a last step that runs on the thread that asks for its result, and leaves the raw value where it is.
    ///
    /// So the step may borrow, and need not be `Send`: for what parses, counts, or writes into something of the caller's.
    ///
    /// ```
    /// use asynckit::{Failure, Pool};
    ///
    /// let pool = Pool::new(1);
    /// let mut lines = 0; // the step borrows it
    /// let mut answer = pool.run(|| String::from("7\n8")).process(|text| {
    ///     lines = text.lines().count();
    ///     Ok(text.lines().map(str::parse::<u32>).sum::<Result<u32, _>>()?)
    /// });
    /// assert_eq!(answer.get(None)?, 15);
    /// assert_eq!(answer.raw(None)?, "7\n8"); // as it came
    /// assert_eq!(lines, 2);
    /// # Ok::<(), Failure>(())
    /// ```
    pub fn process<T, F>(self, step: F) -> Processed<R, E, F>
    where
        F: FnMut(&R) -> Result<T, E>,
    {
        Processed { promise: self, raw: None, step }
    }
}

impl<R: 'static, E: 'static, F> Processed<R, E, F> {
    /// Waits for the raw value, which stays here.
    ///
    /// # Errors
    /// As for [`Promise::get`].
    pub fn raw(&mut self, timeout: impl Into<Timeout>) -> Outcome<&R, E> {
        if self.raw.is_none() {
            self.raw = Some(self.promise.get(timeout)?);
        }
        self.raw.as_ref().ok_or(Failure::Taken)
    }

    /// Waits for the raw value, and has the step make something of it on this thread. May be called again.
    ///
    /// # Errors
    /// The failure of the promise, as for [`Promise::get`]; that of the step, which may have panicked. The raw value is still
    /// there then.
    pub fn get<T>(&mut self, timeout: impl Into<Timeout>) -> Outcome<T, E>
    where
        F: FnMut(&R) -> Result<T, E>,
    {
        self.raw(timeout)?;
        self.finish()
    }

    fn finish<T>(&mut self) -> Outcome<T, E>
    where
        F: FnMut(&R) -> Result<T, E>,
    {
        let (step, Some(raw)) = (&mut self.step, &self.raw) else { return Err(Failure::Taken) };
        let made = catch(|| step(raw)).map_err(Failure::Panicked)?;
        made.map_err(Failure::from_error)
    }

    /// Whether the raw value, or a failure, is there.
    pub fn is_set(&self) -> bool {
        self.promise.is_set()
    }

    /// Cancels what the raw value comes from, unless it is there.
    pub fn cancel(&self) {
        self.promise.cancel();
    }

    /// The raw value's promise, without the step.
    ///
    /// ```
    /// let mut answer = asynckit::Promise::<_>::ready(7).process(|n| Ok(n * 2));
    /// assert_eq!(answer.get(None)?, 14);
    /// assert_eq!(answer.into_raw().get(None)?, 7);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn into_raw(self) -> Promise<R, E> {
        match self.raw {
            Some(raw) => {
                let (_, executor) = self.promise.into_parts();
                let (consumer, _) = Promise::settled(Ok(raw)).into_parts();
                Promise::new(consumer, executor)
            }
            None => self.promise,
        }
    }
}

/// The step runs in the task that awaits it.
impl<R: 'static, T, E: 'static, F: FnMut(&R) -> Result<T, E>> Future for Processed<R, E, F> {
    type Output = Outcome<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome<T, E>> {
        if self.raw.is_none() {
            match Pin::new(&mut self.promise).poll(context) {
                Poll::Ready(Ok(raw)) => self.raw = Some(raw),
                Poll::Ready(Err(failure)) => return Poll::Ready(Err(failure)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(self.finish())
    }
}

impl<R, E, F> fmt::Debug for Processed<R, E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Processed").field(&self.promise).finish()
    }
}
