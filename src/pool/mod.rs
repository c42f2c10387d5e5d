//! A small pool of threads that runs jobs and the callbacks of promises.
//!
//! | file | idea |
//! | --- | --- |
//! | `tuning` | the numbers: how work is shared, how deep it nests, how long a spare thread stays |
//! | `inbox` | the queue between pushers and workers (no promise known) |
//! | `sleep` | whether a pusher has to wake a worker |
//! | `seat` | what others see of a worker: its queues, and whether it waits |
//! | `state` | how many workers work, sleep, are blocked: counts under one lock |
//! | `shut_downs` | where pools were shut down, by their numbers |
//! | `queue_slots` | how many jobs may be queued, and waiting for room |
//! | `core` | what the threads of a pool share |
//! | `worker` | the loop of a thread |
//! | `idle` | what a worker does that finds nothing to do |
//! | `blocked` | workers that wait: counted, and told where no thread would be left |
//! | `helping`, `waited` | what a worker does while it waits, and what came of that |
//! | `blocking` | a job that blocks in something foreign |
//! | `handle` | `Pool`, the users' handle |
//! | `scope` | work that borrows |
//! | `builder`, `shutdown` | the beginning and the end |
//! | `reuse` | what a pool leaves is the next one's |
//! | `hooks` | what is done at the begin and the end of a thread |
//! | `metrics` | what a pool is doing, in numbers |
//! | `guests` | what waits for its turn elsewhere, and is told of the end |
//! | `standing` | how it stands, for a clock that tests set |
//!
//! # Rules
//!
//! 1. An item is in one place: the inbox, a deque, or the hands of the one thread that has taken it. `Seat::moving`
//!    says so to threads that look at all places at once.
//! 2. The state's lock is taken when a worker comes, goes, sleeps, wakes or blocks; never by a push. No user code
//!    runs under it.
//! 3. A pusher puts the item in, then looks at `sleep`; a worker that sleeps or blocks counts itself, then looks for
//!    items. So one of the two sees the other.
//! 4. At most one wake-up is under way: its right is the waking flag, which a woken worker gives back (`awake`), also
//!    one whose wait was ended by a call.
//! 5. User code runs in `Worker::run` and `run_claimed` only, with no lock held.
//! 6. A thread that blocks flushes what waits on it first (`ThisThread::flush`), and is counted (`Blocked`) meanwhile.
//! 7. A core is never freed: the next pool has it, under the next number. What comes by an old number is not lost.

mod blocked;
mod blocking;
mod builder;
mod core;
mod guests;
mod handle;
mod helping;
mod hooks;
mod idle;
mod inbox;
mod metrics;
mod queue_slots;
mod reuse;
mod scope;
mod seat;
mod shut_downs;
mod shutdown;
mod sleep;
#[cfg(feature = "test-clock")]
mod standing;
mod state;
mod tuning;
mod waited;
mod worker;

pub use blocking::blocking;
pub use builder::PoolBuilder;
pub use handle::Pool;
pub use metrics::PoolMetrics;
pub use scope::Scope;
pub use shutdown::{Shutdown, ShutdownReport};

pub(crate) use guests::{Guest, Host};

pub(crate) use queue_slots::Placed;
pub(crate) use scope::Borrowed;
pub(crate) use waited::Waited;
pub(crate) use worker::Worker;
