//! Failures that nobody has looked at: each is reported once, when it is dropped.

use std::any::type_name;
use std::fmt;

use crate::failure::{Failure, contain, readable};
use crate::sync::Arc;
use crate::sync::RwLock;
use crate::telemetry;
use crate::trace::Trace;

/// A failure that was dropped unseen.
#[derive(Debug)]
pub struct Unobserved {
    message: String,
    type_name: &'static str,
    trace: Trace,
}

impl Unobserved {
    /// The way that the failure came.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The name of the error's type.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }
}

/// The place and the message of a panic; the message of an `AnyError`, a `String`, a `&str`, an `io::Error` or a
/// `Box<dyn Error + Send + Sync>`; of any other error the name of its type.
impl fmt::Display for Unobserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

type Hook = dyn Fn(&Unobserved) + Send + Sync;

static HOOK: RwLock<Option<Arc<Hook>>> = RwLock::new(None);

/// Has `hook` called with every failure that is dropped unseen, instead of a line on stderr.
///
/// It is called on the thread that drops the failure, with no lock held. It may panic. The last hook
/// that was set counts.
///
/// Seen is what `get`, `try_get` or `await` took, and what `catch`, `or_else`, `handle` or `inspect`
/// was given. Node's `unhandledRejection` and Twisted's "Unhandled error in Deferred" are the models.
///
/// ```
/// asynckit::set_unobserved_hook(|unobserved| {
///     eprintln!("lost: {unobserved}\n{}", unobserved.trace());
/// });
/// ```
pub fn set_unobserved_hook(hook: impl Fn(&Unobserved) + Send + Sync + 'static) {
    let hook: Arc<Hook> = Arc::new(hook);
    let before = {
        let mut place = HOOK.write();
        place.replace(hook)
    };
    drop(before); // foreign code: not under the lock
}

/// What is reported where it is dropped unseen: what went wrong, not what was given up. (Where a promise was
/// cancelled there is no outcome to look at: see `Settle::Cancelled` in `cell/run/run_loop.rs`.)
pub(crate) fn is_reported<E>(failure: &Failure<E>) -> bool {
    matches!(failure, Failure::Error(_) | Failure::Panicked(_))
}

/// Reports a failure. Never unwinds.
pub(crate) fn report<E: 'static>(failure: &Failure<E>, trace: Trace) {
    contain(|| {
        let hook = HOOK.read().clone();
        let unobserved =
            Unobserved { message: message(failure), type_name: type_name::<E>(), trace };
        match hook {
            Some(hook) => hook(&unobserved),
            None => telemetry::unobserved(&unobserved, unobserved.trace()),
        }
    });
}

/// What is known of the error, whatever its type is.
pub(crate) fn message<E: 'static>(failure: &Failure<E>) -> String {
    match failure {
        Failure::Error(error) => readable(error).unwrap_or_else(|| type_name::<E>().to_owned()),
        Failure::Panicked(panic) => panic.to_string(),
        _ => String::new(), // not reported: see `is_reported`
    }
}
