//! Where callbacks run, as one word, and what goes into a queue.
//!
//! `handle`: the handle on an executor, and the items that it is given. `lasting`: pools, which are named by numbers.
//!
//! # Words
//!
//! *Item*: the address of a cell with a tag, what a queue holds. *Lane*: ahead of what is queued, or behind it.
//! *Lasting*: an executor that is never freed, and used again under another number. *Counted*: one behind a handle
//! with a reference count. *Refused*: an item that comes back from a closed executor.
//!
//! # Rules
//!
//! 1. An item is its holder's alone; the cell's `link` field is the queue's while the item is in it.
//! 2. `post` takes the item or gives it back; what was taken is run or refused, once.
//! 3. A pending link has the word of its executor in `link`: a handle of its own, if that is a counted one.
//! 4. A number is never given twice, so a handle on a pool that is gone finds that it is.
//!
//! No user code runs here but `post` of a foreign executor, which contains it (`foreign/`).

pub(in crate::cell) mod handle;
pub(in crate::cell) mod lasting;
