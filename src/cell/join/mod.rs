//! Joins: many cells told to one. Lists, and tuples or arrays of promises, by one engine.
//!
//! # The idea
//!
//! An item's cell tells its *slot* when it settles. The slot goes into the *completion queue*; or, where
//! that was armed with the *driver's role*, its thread becomes the driver, and acts on all that has come.
//! So a join needs no lock and no thread of its own, an item costs no allocation, and what happens to a
//! join happens in one place at a time, in the order of time.
//!
//! # Glossary
//!
//! | term | here |
//! | --- | --- |
//! | item, input | a promise that is joined; its cell settles and is *arrived* then |
//! | slot | the observer of an item's cell, and its entry in the queue |
//! | completion queue | many producers, the threads that settle items; one consumer, the driver |
//! | driver | the one party that acts on the join: the handle, or the thread whose entry found `DRIVER` |
//! | run | the time from where the handle gives the role up to where all items have come |
//! | log | the entries that the driver has taken out of the queue |
//! | counter | items that have nothing to tell are counted by it, and do not come to the driver |
//! | collector | what is done with the items of a list that has no handle any more |
//! | close | to end a join before all items have come, for a *close reason* |
//! | watcher | is told of each item before it comes, for reports of progress |
//! | source | makes the items of a list that grows |
//!
//! | file | idea | unsafe |
//! | --- | --- | --- |
//! | `queue` | the completion queue (modelled) | no |
//! | `counter` | the counter (modelled) | no |
//! | `slot`, `log`, `blocks` | the entries: one, those that have come, those of a list | yes |
//! | `engine` | telling, driving, closing | yes |
//! | `items`, `source`, `collector` | a list's items, where they come from, what is done with them | `items` |
//! | `list` | the list as a join, and its handle | yes |
//! | `tuple`, `inputs` | tuples and arrays as a join, in one allocation | yes |
//!
//! # Rules
//!
//! 1. *Life.* The engine lives as long as a reference to it: the handle's; the run's, which `drive` gives
//!    up when all items have come; a canceller's; of a tuple its result cell's. So until all items have
//!    come a thread that settles one, or has just done so, finds engine and slot alive. Counting an item or
//!    pushing its slot gives both away: it is the last that such a thread does, unless it has got the role.
//! 2. *Role.* One thread at a time is the driver. The role goes on by `arm` (Release) and `push` (Acquire),
//!    with all that the driver has written.
//! 3. *Cells.* `Pending`: the cell lives, and may be cancelled from its root. `Arrived`: it has settled, and is
//!    the driver's, whole. `Taken`, `Void`: it is gone. Only the driver goes from one to the next; to it, an
//!    item whose slot says `came` has arrived, counted or not.
//! 4. *Fields.*
//!
//!    | field | a thread that settles an item | driver | canceller, closer |
//!    | --- | --- | --- | --- |
//!    | `Slot::observer`, `index` | reads | writes, before an item has the slot | of `close`: reads |
//!    | `Slot::next` | writes, before it pushes | of entries that came out of the queue | of `close`: as on the left |
//!    | `Slot::came` | writes, before it counts | reads | – |
//!    | `Slot::{cell, state, entered}` | – | reads and writes | – |
//!    | `Engine::queue` | `push` | all else | `push`, once |
//!    | `Engine::counter` | `count` | `open`, `close` | – |
//!    | `Engine::reason` | – | reads, of `close` that has come | writes, before it pushes |
//!    | `Engine::role` | – | reads and writes | – |
//!    | `list::Shared::watcher` | reads, if the queue is watched | writes, before it watches the queue | – |
//! 5. *Types.* The cells of a list's items are of its `T` and `E`; that of a tuple's input is of the types in
//!    its place.
//! 6. *User code* (collectors drop it) is called with nothing of another thread held, and may panic. What it
//!    settles of the same join comes to the queue; what it cancels or drops waits for the end of the shield.

mod blocks;
mod collector;
mod counter;
mod engine;
mod inputs;
mod items;
mod list;
mod log;
mod queue;
mod slot;
mod source;
mod tuple;

pub(crate) use collector::{CloseReason, Collector};
pub(crate) use engine::Closer;
pub(crate) use items::{Items, Way};
pub(crate) use list::Gather;
pub(crate) use source::{Rest, Source};
pub(crate) use tuple::join;
