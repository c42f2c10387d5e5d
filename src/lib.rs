//! Promises for programs that are not async.
//!
//! Command-line tools, scripts, desktop programs and plain servers want to do many slow things at
//! once, too: download ten pages, then what those pages link to, and give up after five seconds.
//! [`Pool::spawn`] hands back a [`Promise`] at once; [`then`](Promise::then) and
//! [`chain`](Promise::chain) say what comes next; [`AsyncList`] joins many;
//! [`get`](Promise::get) with a timeout brings the value, or the failure, back into plain code; and
//! the same promise can be `.await`ed on any runtime.
//!
//! ```
//! use asynckit::{AsyncList, Pool};
//! use std::time::Duration;
//!
//! let pool = Pool::new(4);
//! let lengths: AsyncList<_> = ["one", "three", "eleven"]
//!     .map(|word| pool.run(move || word.to_uppercase()).map(|word| word.len()))
//!     .into_iter()
//!     .collect();
//! let lengths = lengths.join().timeout(Duration::from_secs(5)); // what is late is cancelled
//! let total: usize = lengths.map(|all| all.iter().sum()).get(None)?;
//! assert_eq!(total, 14);
//! # Ok::<(), asynckit::Failure>(())
//! ```
//!
//! # Which one do I need?
//!
//! | | one owner | many owners |
//! | --- | --- | --- |
//! | **somebody else settles it** | [`Promise`] | [`AsyncValue`], from [`Promise::share`] |
//! | **I settle it** | [`Deferred`] | [`AsyncValue::new`] |
//! | **made by the first that asks** | | [`AsyncLazy`], [`AsyncOnce`], [`SingleFlight`] |
//! | **many at once** | [`AsyncList`] | [`AsyncList::share`] |
//!
//! | after a … | value | failure | either |
//! | --- | --- | --- | --- |
//! | changes it | [`map`](Promise::map) | [`map_err`](Promise::map_err) | |
//! | goes on, next | [`then`](Promise::then) | [`catch`](Promise::catch), [`or_else`](Promise::or_else), [`catch_if`](Promise::catch_if) | [`handle`](Promise::handle) |
//! | goes on, queued | [`chain`](Promise::chain), [`chain_on`](Promise::chain_on) | | |
//! | looks on | | | [`inspect`](Promise::inspect), [`finally`](Promise::finally) |
//! | looks on, and is waited for | | | [`inspect_then`](Promise::inspect_then), [`finally_then`](Promise::finally_then) |
//!
//! | of many promises | |
//! | --- | --- |
//! | all values | [`AsyncList::join`], [`join`](join()) of tuples and arrays, [`Pool::spawn_with`] |
//! | all outcomes | [`AsyncList::settled`], [`AsyncList::join_all`] |
//! | the first | [`any`](AsyncList::any), [`some`](AsyncList::some) (values), [`race`](AsyncList::race) (outcomes) |
//! | the first, and which, and the others | [`TaskSet::race`], [`TaskSet::any`] |
//! | one after the other | [`as_completed`](AsyncList::as_completed), also [with keys](AsyncList::keyed), [`on_progress`](AsyncList::on_progress) |
//! | in order, as they come | [`buffered`](buffered()) |
//! | while more come | [`TaskSet`] |
//! | folded into one | [`reduce`](AsyncList::reduce), [`reduce_unordered`](AsyncList::reduce_unordered) |
//! | only so many at once | [`map_concurrent`], [`for_each_concurrent`], [`Limiter`] |
//! | in order, the next one ahead | [`pages`], [`Flow`] |
//!
//! | in time | |
//! | --- | --- |
//! | later | [`delay`], [`Promise::delay_value`] |
//! | not for ever | [`Promise::timeout`], [`Promise::timeout_or`], [`Promise::deadline`] |
//! | until it is right, to the end | [`repeat_until`], [`unfold`] |
//! | now and then | [`Pool::repeat_every`], [`Pool::repeat_after`] |
//! | once more | [`retry`](retry()), [`retry_if`], [`retry_when`], [`Backoff`] |
//! | not so often | [`Pool::debounce`], [`Pool::throttle`], [`Pool::coalesce`] |
//!
//! | to meet | |
//! | --- | --- |
//! | so many at once | [`Semaphore`], [`Limiter`] |
//! | all are there, all has happened | [`Barrier`], [`Latch`] |
//! | values from here to there | [`channel`] |
//!
//! | no more | |
//! | --- | --- |
//! | this promise | [`Promise::cancel`], [`Promise::cancellable`], [`Promise::cancel_on_drop`] |
//! | all that belongs together | [`CancelSource`], [`Promise::cancel_by`] |
//!
//! | on a pool | |
//! | --- | --- |
//! | jobs that borrow, on their own, or standing and falling together | [`Pool::scope`], [`Pool::try_scope`] |
//! | one at a time, in order | [`Serial`] |
//! | in something foreign that blocks | [`blocking`](blocking()) |
//! | what it is doing, how far a promise is | [`Pool::metrics`], [`Pool::queued`], [`Promise::state`] |
//!
//! | of a shared value | |
//! | --- | --- |
//! | a promise of what is made of it | [`AsyncValue::map`], [`AsyncValue::then`], [`AsyncValue::handle`] … |
//! | a promise of itself, for all that those have | [`AsyncValue::cloned`], [`AsyncValue::timeout`], [`AsyncValue::via`] |
//!
//! | clients of an API | |
//! | --- | --- |
//! | called, promised, awaited | [`face`] |
//! | how far it is | [`Reporter`] |
//! | a last step of the caller's | [`Promise::process`] |
//! | once for all callers | `Memo`, with the feature `memo` |
//!
//! Where these run is the promise's executor: the pool that it was spawned on, or what
//! [`via`](Promise::via) has named. [`Pool::spawn_future`] runs futures.
//!
//! # What holds always
//!
//! Every promise settles, whatever happens to its producer: an error, a panic, a dropped
//! [`Deferred`], a pool that was shut down. A callback never runs inside the call that attaches it,
//! nor inside the call that settles the promise. The depth of a chain costs no stack. A worker never
//! dies of user code. `get` in a job leaves nothing that is queued in its pool to nobody. A failure
//! that nobody has looked at is reported once ([`set_unobserved_hook`]).
//!
//! # Features
//!
//! `http`: requests as promises, in the module `http`; `cookies`: a jar for them; `progress`: bars for
//! downloads; `brotli`, `zstd`, `http2`, `reqwest`: what their names say. `memo`: `Memo`, promises that are made once.
//! `tokio`: async crates in plain code, in the module `tokio`; its tasks, channels and runtimes. `rayon`: its
//! `ThreadPool` as an executor. `futures`: its one-shot
//! channel as a promise. `tracing`: the span that is current where work
//! is attached is entered around it, and what goes wrong is an event.
//!
//! # Importing
//!
//! Name what you use: `use asynckit::{Pool, Promise}`. `use asynckit::*` also brings the modules `http` and `tokio`, which then
//! stand before the crates of these names; those are still there as `::http` and `::tokio`.
//!
//! # Machines
//!
//! Those with `std`, threads, pointers of 32 bits or more, and 64-bit atomics; others are refused when the crate is compiled.

#![cfg_attr(
    asynckit_tsan,
    feature(coerce_unsized, dispatch_from_dyn, unsize, legacy_receiver_trait)
)]

#[cfg(any(target_pointer_width = "16", not(target_has_atomic = "64")))]
compile_error!(
    "asynckit needs pointers of 32 bits or more and 64-bit atomics (`target_has_atomic = \"64\"`), \
     and the target of this compilation does not have both"
);

mod backoff;
mod bridges;
mod budget;
mod cell;
mod clock;
mod concurrent;
mod coordinate;
mod dataflow;
mod deferred;
mod draining;
mod executor;
pub mod face;
mod failure;
mod flow;
mod giving_way;
#[cfg(feature = "http")]
pub mod http;
mod join;
mod limiter;
mod list;
mod loops;
#[cfg(feature = "memo")]
mod memo;
mod once;
mod pace;
mod pass;
mod pool;
mod processed;
mod promise;
mod relay;
mod reporter;
mod retry;
mod scope;
mod sync;
mod telemetry;
mod time;
mod timeout;
mod token;
mod trace;
mod try_scope;
mod unobserved;
mod value;

pub use backoff::Backoff;
#[cfg(feature = "tokio")]
pub use bridges::tokio;
pub use concurrent::{Buffered, BufferedStream, buffered, for_each_concurrent, map_concurrent};
pub use coordinate::{
    Barrier, BarrierWaitResult, ChannelClosed, CountDown, Latch, Receiver, ReceiverIter,
    ReceiverStream, Semaphore, SemaphorePermit, Sender, TryRecvError, TrySendError, channel,
};
pub use dataflow::Inputs;
pub use deferred::Deferred;
pub use executor::{Executor, ExecutorRef, Inline, Job, LocalQueue, Serial};
pub use failure::{AnyError, CancelReason, Failure, Outcome, Panic, TimedOut};
pub use flow::{Flow, FlowStream, pages};
pub use join::{Join, join};
pub use limiter::Limiter;
pub use list::{
    AllFailed, AsCompleted, AsyncList, Completed, CompletedStream, KeyedAsCompleted,
    KeyedCompleted, KeyedCompletedStream, KeyedList, Progress, TaskIter, TaskPusher, TaskSet,
    TaskStream,
};
pub use loops::{Tick, repeat_until, unfold};
#[cfg(feature = "memo")]
pub use memo::Memo;
pub use once::{AsyncLazy, AsyncOnce, SingleFlight};
pub use pace::{Coalesced, Paced};
pub use pool::{Pool, PoolBuilder, PoolMetrics, Scope, Shutdown, ShutdownReport, blocking};
pub use processed::Processed;
#[doc(hidden)]
pub use promise::Adopted;
pub use promise::{IntoPromise, PoolFull, Promise, PromiseState, spawn};
pub use relay::{CancelOnDrop, Canceller};
pub use reporter::{Report, Reporter};
pub use retry::{retry, retry_if, retry_when};
#[cfg(asynckit_shuttle)]
#[doc(hidden)]
pub use sync::controlled;
#[cfg(feature = "context")]
pub use telemetry::{CapturedContext, ContextHook, ContextKey, add_context_hook};
pub use time::delay;
#[cfg(feature = "test-clock")]
pub use time::{EnteredClock, TestClock};
pub use timeout::Timeout;
pub use token::{CancelSource, CancelToken};
pub use trace::{Trace, TraceStep};
pub use try_scope::TryScope;
pub use unobserved::{Unobserved, set_unobserved_hook};
pub use value::{AsyncValue, ValueFuture};

/// The README's programs are tests, too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// So are those of the guide for authors of clients.
#[cfg(all(doctest, feature = "http", feature = "memo"))]
#[doc = include_str!("../docs/clients.md")]
struct Clients;
