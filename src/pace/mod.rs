//! Calls that come more often than they are to be made: some are left out, or many become one.
//!
//! | file | idea |
//! | --- | --- |
//! | `paced` | of the calls of a while one is made, that of its first or of its last argument: `debounce`, `throttle` |
//! | `period` | what such a while knows |
//! | `coalesce` | of the calls of a while one is made, with all arguments |

mod coalesce;
mod paced;
mod period;

pub use coalesce::Coalesced;
pub use paced::Paced;

use crate::cell::ExecutorHandle;
use crate::failure::AnyError;
use crate::promise::Promise;
use std::time::Duration;

/// Has `end` come on the executor when the time is over; where that refuses, it is dropped.
fn after(
    duration: Duration,
    executor: ExecutorHandle,
    end: impl FnOnce() + Send + 'static,
) -> Promise<()> {
    let (delay, _) = Promise::<(), AnyError>::delay(duration).into_parts();
    Promise::new(delay, executor).map(move |()| end())
}
