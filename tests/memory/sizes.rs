//! Sizes and auto traits: what every user's types are built on, pinned.

use crate::common::alloc::Counter;
use asynckit::{AnyError, AsyncList, AsyncValue, Deferred, Failure, Pool, Promise};
use std::cell::Cell;
use std::error::Error;
use std::marker::PhantomPinned;
use std::sync::{Arc, MutexGuard};

/// `Send`, not `Sync`: as a `Cell` is.
type SendOnly = Cell<u8>;
/// Neither `Unpin` nor anything else of interest.
struct Pinned(PhantomPinned);

/// Whether a type has a trait, as a constant: an inherent item is found before one of a trait. (The underscore: where the bound does not hold, one of the two is dead.)
macro_rules! has {
    ($type:ty: $($bound:tt)+) => {{
        trait Without { const _HAS: bool = false; }
        impl<T: ?Sized> Without for T {}
        struct Ask<T: ?Sized>(std::marker::PhantomData<T>);
        impl<T: ?Sized + $($bound)+> Ask<T> { const _HAS: bool = true; }
        let _ = <() as Without>::_HAS;
        <Ask<$type>>::_HAS
    }};
}

/// Bytes asked for by a pending cell, its chunk in glibc's heap, and what is asked for with a continuation.
const BYTES: [isize; 3] =
    if cfg!(target_pointer_width = "32") { [32, 48, 72] } else { [48, 64, 96] };

/// D18
#[test]
fn a_promise_is_two_words_at_most_and_has_a_niche() {
    const TWO_WORDS: usize = 2 * size_of::<usize>();
    assert!(size_of::<Promise<()>>() <= TWO_WORDS);
    assert_eq!(size_of::<Promise<[u8; 1000], [u8; 1000]>>(), size_of::<Promise<()>>());
    assert_eq!(size_of::<Option<Promise<()>>>(), size_of::<Promise<()>>());
    assert_eq!(size_of::<Option<Promise<u64, String>>>(), size_of::<Promise<u64, String>>());
    assert!(size_of::<AsyncValue<[u8; 1000]>>() <= TWO_WORDS, "a handle on what is shared");
}

/// D18: the cell of a pending promise: the one block that `deferred` asks for.
#[test]
fn a_cell_fits_a_small_chunk() {
    let [one_cell, chunk, with_continuation] = BYTES;
    let counter = Counter::leaked();
    let (warm, _) = Promise::<(), ()>::deferred();
    drop(warm);
    counter.count_this_thread();
    let pair = Promise::<(), ()>::deferred();
    assert_eq!(counter.allocations(), 1);
    let (asked, held) = (counter.live_bytes(), counter.live_chunk_bytes());
    assert!(asked <= one_cell, "{asked} bytes");
    assert!(held <= chunk, "a chunk of {held} bytes");
    drop(pair);
    assert_eq!(counter.live_bytes(), 0);

    let (_deferred, promise) = Promise::<(), ()>::deferred();
    let _mapped = promise.map(|()| 7_u64);
    assert_eq!(counter.allocations(), 3);
    let asked = counter.live_bytes();
    assert!(asked <= with_continuation, "{asked} bytes with a continuation");
}

#[test]
fn promises_cross_threads_where_what_they_carry_may_be_sent() {
    assert!(has!(Promise<SendOnly, SendOnly>: Send + Sync));
    assert!(has!(Promise<u8>: Send + Sync + 'static));
    assert!(!has!(Promise<std::rc::Rc<u8>, ()>: Send));
    assert!(!has!(Promise<std::rc::Rc<u8>, ()>: Sync));
    assert!(!has!(Promise<(), std::rc::Rc<u8>>: Send));
    assert!(!has!(Promise<MutexGuard<'static, u8>, ()>: Send));
    assert!(!has!(Promise<u8>: Clone), "one owner");
}

#[test]
fn promises_are_futures_that_may_move() {
    assert!(has!(Promise<Pinned, Pinned>: Unpin));
    assert!(has!(Promise<SendOnly, SendOnly>: Future));
    assert!(has!(AsyncValue<u8>: IntoFuture));
    assert!(has!(AsyncList<SendOnly, SendOnly>: IntoFuture));
    assert!(has!(Promise<Pinned, Pinned>: std::fmt::Debug), "whatever it carries");
}

#[test]
fn writers_lists_and_values_cross_threads() {
    assert!(has!(Deferred<SendOnly, SendOnly>: Send));
    assert!(!has!(Deferred<std::rc::Rc<u8>, ()>: Send));
    assert!(!has!(Deferred<u8>: Clone), "one writer");
    assert!(has!(AsyncList<SendOnly, SendOnly>: Send));
    assert!(has!(AsyncValue<String>: Clone + Send + Sync));
    assert!(has!(AsyncValue<Pinned, String>: Clone), "sharing needs no Clone of the value");
    assert!(!has!(AsyncValue<SendOnly, String>: Send), "its readers share a reference");
    assert!(!has!(AsyncValue<SendOnly, String>: Sync));
    assert!(has!(Pool: Clone + Send + Sync));
}

#[test]
fn failures_are_errors_that_cross_threads() {
    assert!(has!(Failure<AnyError>: Error + Send + Sync + 'static));
    assert!(has!(Failure<std::io::Error>: Error + Send + Sync + 'static));
    assert!(has!(Failure<String>: Clone + std::fmt::Debug + std::fmt::Display));
    assert!(!has!(Failure<std::io::Error>: Clone));
    assert!(has!(AnyError: Clone + Send + Sync + std::fmt::Debug + std::fmt::Display));
    fn boxed(failure: Failure) -> Box<dyn Error + Send + Sync> {
        failure.into()
    }
    assert!(boxed(Failure::TimedOut).downcast_ref::<Failure>().is_some_and(Failure::is_timed_out));
    assert!(has!(Arc<Failure<AnyError>>: Send));
}
