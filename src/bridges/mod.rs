//! From and to the neighbours: threads, callbacks, channels, async runtimes, other pools.

mod callback;
#[cfg(feature = "futures")]
mod futures;
#[cfg(feature = "rayon")]
mod rayon;
mod thread;
#[cfg(feature = "tokio")]
pub mod tokio;

#[cfg(any(feature = "futures", feature = "tokio"))]
mod watch;
