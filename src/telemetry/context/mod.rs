//! What goes along with user code from where it is attached to where it runs: with the feature `context`, or not.
//!
//! | file | idea |
//! | --- | --- |
//! | `off` | without the feature: nothing |
//! | `carry` | what is current on a thread, taken along in one word |
//! | `key` | values by keys, which users set |
//! | `hook` | what others have current on a thread |
//! | `spans`, `no_spans` | with the feature `tracing`, its span: one case of a hook; without, none |

#[cfg(feature = "context")]
mod carry;
#[cfg(feature = "context")]
mod hook;
#[cfg(feature = "context")]
mod key;
#[cfg(not(feature = "context"))]
mod off;
#[cfg(feature = "tracing")]
mod spans;
#[cfg(all(feature = "context", not(feature = "tracing")))]
#[path = "no_spans.rs"]
mod spans;

#[cfg(feature = "context")]
pub(crate) use carry::Context;
#[cfg(feature = "context")]
pub use hook::{CapturedContext, ContextHook, add_context_hook};
#[cfg(feature = "context")]
pub use key::ContextKey;
#[cfg(not(feature = "context"))]
pub(crate) use off::Context;
