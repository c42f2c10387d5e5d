//! How many values and callbacks are alive, by the place and the operation that made them: what is left at the end tells
//! where it came from.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::Location;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicIsize, AtomicPtr, AtomicUsize, Ordering};

use crate::watch;

/// More than there are places times operations.
const KINDS: usize = 4096;

/// All accesses are Relaxed: the registry must not order what the library has to order. It is read when all is still.
struct Kind {
    /// A hash of what is below; 0: free.
    key: AtomicUsize,
    place: AtomicPtr<Location<'static>>,
    operation: AtomicPtr<u8>,
    length: AtomicUsize,
    living: AtomicIsize,
}

static TABLE: [Kind; KINDS] = [const {
    Kind {
        key: AtomicUsize::new(0),
        place: AtomicPtr::new(null_mut()),
        operation: AtomicPtr::new(null_mut()),
        length: AtomicUsize::new(0),
        living: AtomicIsize::new(0),
    }
}; KINDS];

static TOTAL: AtomicUsize = AtomicUsize::new(0);

/// One of those that are alive.
pub(crate) struct Living(&'static Kind);

impl Living {
    #[track_caller]
    pub(crate) fn new() -> Self {
        let kind = kind(Location::caller(), watch::innermost());
        kind.living.fetch_add(1, Ordering::Relaxed);
        TOTAL.fetch_add(1, Ordering::Relaxed);
        Living(kind)
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        self.0.living.fetch_sub(1, Ordering::Relaxed);
        TOTAL.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many there are.
pub(crate) fn living() -> usize {
    TOTAL.load(Ordering::Relaxed)
}

/// What is alive, a line a kind.
pub(crate) fn what_lives() -> String {
    let mut text = String::new();
    for kind in &TABLE {
        let count = kind.living.load(Ordering::Relaxed);
        if count != 0 {
            let operation = kind.operation.load(Ordering::Relaxed);
            let length = kind.length.load(Ordering::Relaxed);
            // SAFETY: where the count is not 0, `kind` has stored what it got: a `'static` place, and a `'static` text's
            // begin and length, the same each time.
            let (place, operation) = unsafe {
                let text = std::slice::from_raw_parts(operation, length);
                (&*kind.place.load(Ordering::Relaxed), std::str::from_utf8_unchecked(text))
            };
            text += &format!("\n  {count} made at {place}, in \"{operation}\"");
        }
    }
    text
}

fn kind(place: &'static Location<'static>, operation: &'static str) -> &'static Kind {
    let mut hasher = DefaultHasher::new();
    (std::ptr::from_ref(place) as usize, operation.as_ptr() as usize).hash(&mut hasher);
    let key = (hasher.finish() as usize).max(1);
    for step in 0..KINDS {
        let kind = &TABLE[key.wrapping_add(step) % KINDS];
        let found = kind.key.compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed);
        if found.is_ok() || found == Err(key) {
            kind.place.store(std::ptr::from_ref(place).cast_mut(), Ordering::Relaxed);
            kind.operation.store(operation.as_ptr().cast_mut(), Ordering::Relaxed);
            kind.length.store(operation.len(), Ordering::Relaxed);
            return kind;
        }
    }
    unreachable!("there are fewer kinds of values and callbacks")
}
