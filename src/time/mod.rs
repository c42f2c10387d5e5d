//! Time: promises that wait, and promises that do not wait for ever.
//!
//! | file | idea |
//! | --- | --- |
//! | `timer` | one thread that knows when which alarm is due |
//! | `ringers` | the threads that ring them |
//! | `delay` | values that come later |
//! | `timeout` | promises that fail when their time is over |
//!
//! # Why a timer of our own
//!
//! futures-timer was measured first: a million timers of 30 seconds, each made and given up again,
//! as a timeout is where the work is done in time (two cores, release build):
//!
//! | | here | futures-timer 3.0.4 |
//! | --- | --- | --- |
//! | made and given up, each | 0.28 µs | 1.4 to 2.3 µs |
//! | how often its thread was woken for that | 2 to 7 times | 100,000 times |
//! | a million pending, memory | 133 MB | 219 MB |
//! | wake-ups when idle for 4 seconds | 0 | 0 |
//!
//! It wakes its thread for every new timer and for every one that is dropped, and forgets those only
//! when the thread gets round to it; and its `Delay` is a future, so each needs a waker besides.
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
//! `get` and `wait` with a timeout do not use the timer.

mod delay;
mod ringers;
mod timeout;
mod timer;

pub use delay::delay;

pub(crate) use timer::{Alarm, Key, add, key, remove};
