//! `CancelReason`: why a promise was cancelled, in words.

use std::cell::RefCell;
use std::fmt;

use super::contain;
use crate::sync::{Arc, thread_local};

thread_local! {
    /// Why what this thread cancels is cancelled.
    static NOW: RefCell<Option<CancelReason>> = const { RefCell::new(None) };
}

/// Why a promise was cancelled, in words; made of a `&str` or a `String`.
///
/// It is given to [`CancelSource::cancel_for`](crate::CancelSource::cancel_for), and comes out of
/// [`Failure::CancelledFor`](crate::Failure::CancelledFor), [`CancelToken::reason`](crate::CancelToken::reason) and
/// [`current`](Self::current). Clones share the text.
///
/// ```
/// use asynckit::{CancelReason, Failure};
///
/// let failure: Failure = Failure::CancelledFor(CancelReason::from("the window was closed"));
/// assert!(failure.is_cancelled());
/// assert_eq!(failure.to_string(), "the promise was cancelled: the window was closed");
/// ```
#[derive(Clone)]
pub struct CancelReason {
    /// One word, so that failures stay small.
    text: Arc<Box<str>>,
}

impl CancelReason {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Inside a cancellation handler: the reason of the cancellation that has called it, if one was given.
    ///
    /// It is there on the thread that cancels, for handlers of [`Deferred::on_cancel`](crate::Deferred::on_cancel),
    /// [`Promise::on_cancel`](crate::Promise::on_cancel), [`CancelToken::on_cancel`](crate::CancelToken::on_cancel)
    /// and the like. Elsewhere, and for handlers that nest so deep that they are put off, it is `None`.
    ///
    /// ```
    /// use asynckit::{CancelReason, CancelSource, Promise};
    /// use std::sync::mpsc::channel;
    ///
    /// let (mut request, answer) = Promise::<u32>::deferred();
    /// let (told, tells) = channel();
    /// request.on_cancel(move || drop(told.send(CancelReason::current())));
    /// let source = CancelSource::new();
    /// let answer = answer.cancel_by(&source.token());
    /// source.cancel_for("the user has left");
    /// assert_eq!(tells.recv().unwrap().unwrap().as_str(), "the user has left");
    /// # drop(answer);
    /// ```
    #[must_use]
    pub fn current() -> Option<CancelReason> {
        NOW.try_with(|now| now.borrow().clone()).ok().flatten()
    }

    /// Runs `f`, in which [`current`](Self::current) is `reason`; contains its panics.
    pub(crate) fn during(reason: Option<CancelReason>, f: impl FnOnce()) {
        let swap = |reason| NOW.try_with(|now| now.replace(reason)).ok().flatten();
        let outer = swap(reason);
        contain(f);
        drop(swap(outer));
    }
}

impl From<&str> for CancelReason {
    fn from(text: &str) -> Self {
        CancelReason { text: Arc::new(text.into()) }
    }
}

impl From<String> for CancelReason {
    fn from(text: String) -> Self {
        CancelReason { text: Arc::new(text.into()) }
    }
}

impl PartialEq for CancelReason {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for CancelReason {}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
