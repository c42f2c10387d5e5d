//! What time it is, for all that waits; and a clock that tests set, with the feature `test-clock`.
//!
//! | file | idea |
//! | --- | --- |
//! | `alarm` | what happens at a time, and its place among the others |
//! | `off` | without the feature: the system's clock, and nothing else |
//! | `id`, `on`, `entered` | with it: which clock a thread has |
//! | `set`, `quiet`, `wait` | the clock that is set: what is due, whether all is quiet, threads that wait for it |
//!
//! What waits takes the time from here, never from the door: promises, timers, waits with a limit. What does not concern
//! users goes on by the system's: how long a thread yields, how long an idle one is kept, when an alarm is stuck.

mod alarm;
#[cfg(feature = "test-clock")]
mod entered;
#[cfg(feature = "test-clock")]
mod id;
#[cfg(not(feature = "test-clock"))]
mod off;
#[cfg(feature = "test-clock")]
mod on;
#[cfg(feature = "test-clock")]
mod quiet;
#[cfg(feature = "test-clock")]
mod set;
#[cfg(feature = "test-clock")]
mod wait;

pub(crate) use alarm::{Alarm, Key, key};
#[cfg(not(feature = "test-clock"))]
pub(crate) use off::{Clock, Place, Used, away, now, place, uses};
#[cfg(feature = "test-clock")]
pub(crate) use on::{Place, Used, away, now, place, uses};
#[cfg(feature = "test-clock")]
pub(crate) use {entered::Entered, id::Clock, quiet::Standing, set::Ringing};
