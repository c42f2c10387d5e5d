//! Waiting for a cell, and what waits for what.
//!
//! `park`: a parked thread or a waker behind a word. `frames`: the chains whose user code is on this thread's stack.
//! `graph`: the line of direct waits, along which a worker finds a job to run, and a circle is found.
//!
//! # Words
//!
//! *Listener*: a parked thread, or a waker, in a word. *Direct wait*: of a chain for its root, for what that follows,
//! for the value whose branch it is. *Circle*: a wait that would be for itself. *Hold*: what keeps the next root while
//! a look goes on.
//!
//! # Rules
//!
//! 1. A listener is its taker's: the thread that takes it out of the word wakes or forgets it, once.
//! 2. A look that goes beyond the first root is made under the graph's lock.
//! 3. What a look holds it lets go of innermost first, and before the lock is free; values after it.
//! 4. No user code runs under the lock.
//! 5. The place of a thread that waits is given up before the handle that it waits by.
//! 6. A frame is on the list as long as it is on the stack; unwinding out of one aborts.

pub(in crate::cell) mod frames;
pub(in crate::cell) mod graph;
pub(in crate::cell) mod park;
