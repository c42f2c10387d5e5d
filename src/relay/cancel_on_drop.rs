//! A promise that is cancelled where it is dropped, instead of going on unseen.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::failure::{AnyError, Outcome};
use crate::promise::Promise;

/// A promise that is cancelled when it is dropped; made by [`Promise::cancel_on_drop`].
///
/// It derefs to the promise, so that it can be asked and waited for in place.
/// [`into_inner`](Self::into_inner) gives the promise back, which is cancelled no more.
#[must_use = "a dropped promise of this kind is cancelled at once"]
pub struct CancelOnDrop<T, E = AnyError> {
    /// `None` once it was taken out, just before the drop.
    promise: Option<Promise<T, E>>,
}

impl<T, E> Promise<T, E> {
    /// Cancels the promise when it is dropped before it has settled, instead of detaching it.
    ///
    /// For work that nobody needs once this scope is left, by `?` for one, and for async code,
    /// where dropping a future means to stop.
    ///
    /// ```
    /// use asynckit::Promise;
    /// use std::time::Duration;
    ///
    /// let (deferred, promise) = Promise::<u32>::deferred();
    /// {
    ///     let mut answer = promise.cancel_on_drop();
    ///     assert!(answer.get(Duration::from_millis(1)).unwrap_err().is_timed_out());
    /// }
    /// assert!(deferred.is_cancelled());
    /// ```
    pub fn cancel_on_drop(self) -> CancelOnDrop<T, E> {
        CancelOnDrop { promise: Some(self) }
    }
}

impl<T, E> CancelOnDrop<T, E> {
    /// The promise, which is cancelled no more when it is dropped.
    pub fn into_inner(mut self) -> Promise<T, E> {
        self.promise.take().expect(THERE)
    }
}

const THERE: &str = "the promise is there until it is taken out";

impl<T, E> Deref for CancelOnDrop<T, E> {
    type Target = Promise<T, E>;

    fn deref(&self) -> &Promise<T, E> {
        self.promise.as_ref().expect(THERE)
    }
}

impl<T, E> DerefMut for CancelOnDrop<T, E> {
    fn deref_mut(&mut self) -> &mut Promise<T, E> {
        self.promise.as_mut().expect(THERE)
    }
}

impl<T: 'static, E: 'static> Future for CancelOnDrop<T, E> {
    type Output = Outcome<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let promise: &mut Promise<T, E> = &mut self;
        Pin::new(promise).poll(context)
    }
}

impl<T, E> Drop for CancelOnDrop<T, E> {
    fn drop(&mut self) {
        if let Some(promise) = &self.promise {
            promise.cancel();
        }
    }
}

impl<T, E> fmt::Debug for CancelOnDrop<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelOnDrop").field(&**self).finish()
    }
}
