//! [`Items`]: what the blocking face gives of many values.

use std::fmt;
use std::iter::FusedIterator;
use std::time::Duration;

use super::{FromCall, own_error};
use crate::failure::Failure;
use crate::flow::Flow;
use crate::timeout::Timeout;

/// Values one after the other, or the client's own error in the place of the first that has failed.
///
/// While one is worked at, the next ones are fetched. Dropping it cancels what is under way.
#[must_use = "an iterator does nothing unless it is asked"]
pub struct Items<T: Send + 'static, E: FromCall> {
    /// `None` behind the end.
    flow: Option<Flow<T, E>>,
    limit: Option<Duration>,
}

impl<T: Send + 'static, E: FromCall> Items<T, E> {
    pub(super) fn new(flow: Flow<T, E>, limit: Option<Duration>) -> Self {
        Items { flow: Some(flow), limit }
    }
}

impl<T: Send + 'static, E: FromCall> Iterator for Items<T, E> {
    type Item = Result<T, E>;

    fn next(&mut self) -> Option<Result<T, E>> {
        let next = match self.flow.as_mut()?.next_timeout(Timeout::from(self.limit)) {
            Ok(next) => next,
            Err(_) => Some(Err(Failure::TimedOut)),
        };
        if !matches!(next, Some(Ok(_))) {
            self.flow = None; // what is under way is cancelled
        }
        next.map(|outcome| outcome.map_err(own_error))
    }
}

impl<T: Send + 'static, E: FromCall> FusedIterator for Items<T, E> {}

impl<T: Send + 'static, E: FromCall> fmt::Debug for Items<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("over", &self.flow.is_none()).finish_non_exhaustive()
    }
}
