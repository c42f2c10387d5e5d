//! One cell: its memory, its header, and the words that decide between its parties.
//!
//! | file | idea |
//! | --- | --- |
//! | `word` | the state word: producer against consumer (no unsafe code) |
//! | `duties` | what the state word is told, and what it tells its callers to do |
//! | `chain` | the chain word of a root: start, claim, cancel, follow, end (no unsafe code) |
//! | `schedule` | the schedule word of a future: which thread polls it, which queues it (no unsafe code) |
//! | `header` | what every cell begins with, and its table of functions |
//! | `body` | the memory of a cell: the work, later the outcome |
//! | `provenance` | where a promise was made; after a failure the way that it came |
//! | `compressed`, `indexed` | references to statics, and traces, in 32 bits |
//! | `observer` | what a settled cell is given to in place of a link |
//! | `context` | the executor's thread on which a step runs |
//! | `dependency` | a shared value that a job waits for |
//! | `task` | a future as queues and cancellers see it |
//!
//! # Words
//!
//! *Root*: the first cell of a chain (a job, a deferred, a settled promise). *Link*: a cell behind another one.
//! *Tail*: the last cell, the only one with a handle. *Producer*: settles the cell. *Consumer*: holds the promise.
//! *Receiver*: the next link or the observer that has the consumer's place.
//!
//! # Rules: which party may touch which field when
//!
//! | field | pending | settled | the cell of a root whose chain goes on |
//! | --- | --- | --- | --- |
//! | `word` | both, by its methods | the owner | – |
//! | `table` | all read; the producer sets one flag | all read | all read |
//! | `provenance` | the producer; the consumer reads where it was made | the owner | all read where it was made |
//! | `link` | the queue that has the cell; else the producer | the queue that has it | the queue that still has it |
//! | `up` | link: all read; root: all, by its methods | as before | all, by its methods |
//! | body | the producer; a look at the work by `BUSY` | the owner | empty |
//!
//! 1. A cell is freed once, by the party that its word names as the last one.
//! 2. A root is freed with its chain's last cell, or by the last queue or deferred that refers to it (`REFERRED`,
//!    `OVER`).
//! 3. The body holds the work until the producer takes it, then nothing, then the outcome; the word says which of
//!    these it is to the consumer.
//! 4. Each method of `word` and `chain` returns its caller's duty, which is acted on in every arm.
//! 5. `word`, `chain` and `schedule` know neither cells nor types: the loom models compile these very files.
//!
//! No user code runs here, and nothing here waits.

pub(in crate::cell) mod body;
pub(in crate::cell) mod chain;
pub(in crate::cell) mod compressed;
pub(in crate::cell) mod context;
pub(in crate::cell) mod dependency;
pub(in crate::cell) mod duties;
pub(in crate::cell) mod header;
pub(in crate::cell) mod indexed;
pub(in crate::cell) mod observer;
pub(in crate::cell) mod provenance;
pub(in crate::cell) mod schedule;
pub(in crate::cell) mod task;
pub(in crate::cell) mod word;
