//! Time: promises that wait, and promises that do not wait for ever.
//!
//! | file | idea |
//! | --- | --- |
//! | `timer` | one thread that knows when which alarm is due |
//! | `ringers` | the threads that ring them |
//! | `delay` | values that come later |
//! | `timeout` | promises that fail when their time is over |
//! | `test_clock` | a clock that tests set |
//!
//! Why the timer is our own, and what was measured: see `docs/design.md`.
//!
//! # What runs where
//!
//! On the timer's own thread nothing of the user's: it hands what is due to another thread, so that it
//! is never late for what comes next. That one settles promises, and whoever settles a promise posts its
//! callbacks to their executor. Joining, racing and timing out need no worker, so that a promise times
//! out also while every worker is blocked; therefore it is this thread that cancels what is upstream of
//! a timeout, and as in every call of [`cancel`](crate::Promise::cancel), cancellation handlers and the
//! destructors of what is dropped unused run inside of that. If one of them takes its time, another
//! thread rings the alarms that are due meanwhile. A worker could not do it: it could be the very one
//! that waits to be cancelled.
//!
//! `get` and `wait` with a timeout do not use the timer. What time it is, and what an alarm is: `crate::clock`. By a clock
//! that a test sets, alarms wait there, and are rung here.

mod delay;
mod ringers;
#[cfg(feature = "test-clock")]
mod test_clock;
mod timeout;
mod timer;

pub use delay::delay;
#[cfg(feature = "test-clock")]
pub use test_clock::{EnteredClock, TestClock};

pub(crate) use timer::{Guard, add, remove};
