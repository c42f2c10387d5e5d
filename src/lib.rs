//! Promises for programs that are not async.

mod cell;
mod deferred;
mod failure;
mod list;
mod pool;
mod promise;
mod sync;
mod timeout;
mod trace;
mod unobserved;
mod value;

pub use deferred::Deferred;
pub use failure::{AnyError, Failure, Outcome, Panic, TimedOut};
pub use list::AsyncList;
pub use pool::{Pool, PoolBuilder, Shutdown, ShutdownReport};
#[doc(hidden)]
pub use promise::Adopted;
pub use promise::{IntoPromise, Promise, spawn};
pub use timeout::Timeout;
pub use trace::{Trace, TraceStep};
pub use unobserved::{Unobserved, set_unobserved_hook};
pub use value::{AsyncValue, ValueFuture};
