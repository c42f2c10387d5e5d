//! The hammer: threads that share heaps of promises, deferreds, values, lists, pools and the like, and do at random to
//! random ones what asynckit's public face offers.
//!
//! There is no model. What is expected: no crash, no hang, no value that is used after its drop or dropped twice, no
//! callback that runs twice, and nothing alive at the end.
//!
//! - `ops/`: what can be done, in tables; each operation names the public calls that it makes.
//! - `world.rs`: what the threads share; `heap.rs`: the bags in it. `held.rs`: what lies in them, with the number that
//!   keeps the hammer from closing circles that no library could see.
//! - `value.rs`, `callback.rs`, `luggage.rs`: values, closures and what closures own, all of which notice misuse.
//! - `options.rs`, `run.rs`: the arguments and the threads. `watch.rs`, `finding.rs`: hangs, and how a finding ends the process.
//! - `memory.rs`: an allocator that shows a use of freed memory.
//! - `sync.rs`: locks, counts and threads that ThreadSanitizer understands.
//! - `jostle.rs`: threads that are in the way of the others.
//! - `loops.rs`: the frame of the small programs in `bin/`.

#![cfg_attr(
    asynckit_tsan,
    feature(coerce_unsized, dispatch_from_dyn, unsize, legacy_receiver_trait)
)]

mod callback;
mod executors;
mod finding;
mod futures;
mod heap;
mod held;
mod jostle;
mod living;
pub mod loops;
mod luggage;
mod memory;
mod ops;
mod options;
mod pools;
#[path = "../../stress/random.rs"]
#[expect(dead_code, reason = "the stress tests use the rest")]
mod random;
mod run;
mod sync;
mod value;
mod watch;
mod world;

pub use run::main;

/// The public calls that the operations make, as `Type::method`, or `function`.
pub fn calls() -> impl Iterator<Item = &'static str> {
    ops::all().flat_map(|operation| operation.calls.iter().copied())
}
