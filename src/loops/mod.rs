//! Loops of promises: again until it is right, one after the other to the end, now and then.
//!
//! | file | idea |
//! | --- | --- |
//! | `until` | a retry that takes values for errors until one is right |
//! | `unfold` | each call gives an item and what the next call is made with |
//! | `periodic` | a pause and a run, for ever |
//!
//! Each turn of a loop is adopted by the link behind the one before. The core takes the links in between out as it goes,
//! so that a loop needs constant memory.

mod periodic;
mod unfold;
mod until;

pub use periodic::Tick;
pub use unfold::unfold;
pub use until::repeat_until;
