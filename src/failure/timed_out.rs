//! `TimedOut`: the time limit passed, and nothing else can have gone wrong.

use std::error::Error;
use std::fmt;

/// Says that a time limit passed before the result was there.
///
/// It is the error of calls that can fail in no other way, such as `AsCompleted::next_timeout`.
/// Converted into a [`Failure`](crate::Failure) it is [`Failure::TimedOut`](crate::Failure::TimedOut);
/// a job that returns it by `?` as an [`AnyError`](crate::AnyError) fails with that too.
///
/// # Examples
///
/// ```
/// use asynckit::{Failure, TimedOut};
///
/// assert!(Failure::<std::io::Error>::from(TimedOut).is_timed_out());
/// assert_eq!(TimedOut.to_string(), "timed out before the result was there");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

pub(super) const TEXT: &str = "timed out before the result was there";

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TEXT)
    }
}

impl Error for TimedOut {}
