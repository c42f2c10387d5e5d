//! What jobs meet at: permits, a barrier, a latch, a channel. Their waits are promises, so that none of them holds a worker.
//!
//! | file | idea |
//! | --- | --- |
//! | `line` | those that wait, first come first served; each can leave |
//! | `semaphore` | so many at once |
//! | `barrier` | all are there, and go on together |
//! | `latch` | so many things have happened |
//! | `channel` | values from producers to consumers, with room for so many |
//!
//! # Rules
//!
//! 1. No promise is settled, and nothing of the user's is dropped, under a lock.
//! 2. A promise that waits keeps what it waits at by a weak reference: with the last handle it is abandoned.
//! 3. What waits and is cancelled, or dropped with nothing behind it, leaves its place.

mod barrier;
mod channel;
mod latch;
mod line;
mod semaphore;

pub use barrier::{Barrier, BarrierWaitResult};
pub use channel::{
    ChannelClosed, Receiver, ReceiverIter, ReceiverStream, Sender, TryRecvError, TrySendError,
    channel,
};
pub use latch::{CountDown, Latch};
pub use semaphore::{Semaphore, SemaphorePermit};
