//! `Panic`: what a panicking job threw; and the few functions that contain foreign code.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::place;
use crate::sync::Arc;
use crate::sync::Mutex;

/// What a panic threw: its message, to be read by all, and its payload, for the first who asks.
///
/// Clones share the one payload. `Panic` is `Send` and `Sync` whatever the payload is. It is displayed with the place of
/// the panic: `panicked at src/main.rs:7:9: out of cheese`.
///
/// # Examples
///
/// Going on with the panic of a job on the thread that waits for it:
///
/// ```no_run
/// # fn outcome() -> asynckit::Outcome<u32> { unimplemented!() }
/// use asynckit::Failure;
///
/// match outcome() {
///     Err(Failure::Panicked(panic)) => panic.resume(),
///     other => println!("{other:?}"),
/// }
/// ```
#[derive(Clone)]
pub struct Panic {
    thrown: Arc<Thrown>,
}

struct Thrown {
    message: Cow<'static, str>,
    /// Where it was, if the hook was told.
    place: Option<Box<str>>,
    payload: Mutex<Option<Payload>>,
}

type Payload = Box<dyn Any + Send>;

impl Panic {
    /// Keeps what `catch_unwind` caught.
    pub(crate) fn new(payload: Payload) -> Panic {
        let (message, place) = (message_of(&*payload), place::of(&*payload));
        let payload = Mutex::new(Some(payload));
        Panic { thrown: Arc::new(Thrown { message, place, payload }) }
    }

    /// The text that `panic!` was given.
    ///
    /// A payload that is neither a `&str` nor a `String` (see [`std::panic::panic_any`]) has none;
    /// the message then says so.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.thrown.message
    }

    /// Where the panic was: file, line and column.
    ///
    /// A panic tells its place to the panic hook and to nothing else. So making the first pool puts one before the hook
    /// that there is, which notes the place and goes on to that. `None` where the place was not told: by
    /// `resume_unwind`, on a thread that is not the library's and that was joined, or because the program has set a hook
    /// since that does not go on to the one before it.
    ///
    /// ```
    /// use asynckit::{Failure, Pool};
    ///
    /// let mut work = Pool::new(1).run(|| panic!("out of cheese"));
    /// let Err(Failure::Panicked(panic)) = work.get(None) else { unreachable!() };
    /// let place = panic.location().unwrap();
    /// assert_eq!(panic.to_string(), format!("panicked at {place}: out of cheese"));
    /// # let _: Result<(), Failure> = work.get(None);
    /// ```
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.thrown.place.as_deref()
    }

    /// Takes the payload out, or `None` where it has been taken already through another clone.
    ///
    /// # Panics
    ///
    /// Never itself; but dropping the payload may, if its type has such a `Drop`.
    #[must_use = "the payload is gone for all clones; `message()` is enough to look at the panic"]
    pub fn into_payload(self) -> Option<Box<dyn Any + Send>> {
        self.thrown.take_payload()
    }

    /// Goes on with this panic on the current thread, without calling the panic hook again.
    ///
    /// # Panics
    ///
    /// Always: with the payload, or with the message as a `String` where the payload has been taken.
    pub fn resume(self) -> ! {
        let payload = self.thrown.take_payload();
        let payload = payload.unwrap_or_else(|| Box::new(self.message().to_owned()));
        if let Some(place) = self.location() {
            place::goes_on(&*payload, place);
        }
        drop(self);
        resume_unwind(payload)
    }
}

impl Thrown {
    fn take_payload(&self) -> Option<Payload> {
        // No user code runs under this lock, so a poisoned one hides nothing half done.
        let mut payload = self.payload.lock();
        payload.take()
    }
}

impl Drop for Thrown {
    fn drop(&mut self) {
        drop_quietly(self.take_payload());
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("panicked")?;
        if let Some(place) = self.location() {
            write!(f, " at {place}")?;
        }
        write!(f, ": {}", self.message())
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut panic = f.debug_struct("Panic");
        panic.field("message", &self.message());
        if let Some(place) = self.location() {
            panic.field("location", &format_args!("{place}"));
        }
        panic.finish_non_exhaustive()
    }
}

fn message_of(payload: &(dyn Any + Send)) -> Cow<'static, str> {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        Cow::Borrowed(text)
    } else if let Some(text) = payload.downcast_ref::<String>() {
        Cow::Owned(text.clone())
    } else {
        Cow::Borrowed("a panic whose payload is not a string")
    }
}

/// Runs foreign code whose panic is an outcome.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(f)).map_err(Panic::new)
}

/// How many panics of payloads that are dropped are followed before one is leaked.
const PAYLOADS: u32 = 16;

/// Runs foreign code whose panic interests nobody (the panic hook has seen it): `None` then.
pub(crate) fn contain<T>(f: impl FnOnce() -> T) -> Option<T> {
    let mut payload = match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => return Some(value),
        Err(payload) => payload,
    };
    // A payload may panic when it is dropped, and the payload of that panic too, without end.
    for _ in 0..PAYLOADS {
        match catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return None,
            Err(next) => payload = next,
        }
    }
    mem::forget(payload);
    None
}

/// A bug in this crate that unwinds would leave threads in waits that never end: it ends the process
/// instead, after the panic hook has told of it.
pub(crate) struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        // A scheduler takes the stacks of threads that nobody joins apart when the program has ended.
        if !crate::sync::is_torn_down() {
            std::process::abort();
        }
    }
}

/// Drops a foreign value, also one whose `Drop` panics.
pub(crate) fn drop_quietly<T>(value: T) {
    contain(|| drop(value));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{Location, panic_any};

    /// Its drop panics with another of its kind, `.0` times.
    struct Bomb(u32);

    impl Drop for Bomb {
        fn drop(&mut self) {
            if self.0 > 0 {
                panic_any(Bomb(self.0 - 1));
            }
        }
    }

    fn caught(f: impl FnOnce()) -> Panic {
        catch(f).expect_err("it panics")
    }

    #[test]
    fn message_comes_from_str_and_string() {
        assert_eq!(caught(|| panic!("plain")).message(), "plain");
        let n = 7;
        assert_eq!(caught(|| panic!("number {n}")).message(), "number 7");
        assert_eq!(caught(|| panic_any(7_u8)).message(), "a panic whose payload is not a string");
    }

    #[test]
    fn a_panic_knows_its_place() {
        place::watch();
        let here = Location::caller();
        let panic = caught(|| panic!("number {}", here.line()));
        let place = format!("{}:{}:", here.file(), here.line() + 1);
        assert!(panic.location().is_some_and(|told| told.starts_with(&place)), "{panic}");
        assert!(panic.to_string().starts_with(&format!("panicked at {place}")), "{panic}");
        assert!(panic.to_string().ends_with(&format!(": number {}", here.line())), "{panic}");
        assert!(format!("{panic:?}").contains(&place), "{panic:?}");
    }

    #[test]
    fn a_panic_keeps_its_place_when_it_goes_on() {
        place::watch();
        let first = caught(|| panic_any(7_u8));
        let place = first.location().map(str::to_owned);
        assert!(place.is_some());
        let (copy, drained) = (first.clone(), first.clone());
        assert_eq!(caught(|| first.resume()).location(), place.as_deref());
        assert_eq!(caught(|| copy.resume()).location(), place.as_deref());
        assert!(drained.into_payload().is_none());
    }

    #[test]
    fn a_place_is_that_of_the_panic_and_not_of_one_before() {
        place::watch();
        let unwinding = caught(|| {
            let _inner = defer(|| drop(caught(|| panic!("inside a drop"))));
            panic!("the outer one");
        });
        assert!(unwinding.location().is_some(), "{unwinding}");
        drop(catch_unwind(|| panic!("caught by its own code")));
        let other = caught(|| resume_unwind(Box::new("another".to_owned())));
        assert_eq!(other.location(), None);
        assert_eq!(other.to_string(), "panicked: another");
    }

    /// Does it when it is dropped.
    fn defer<F: FnMut()>(then: F) -> impl Drop {
        struct Defer<F: FnMut()>(F);
        impl<F: FnMut()> Drop for Defer<F> {
            fn drop(&mut self) {
                (self.0)();
            }
        }
        Defer(then)
    }

    #[test]
    fn payload_goes_to_the_first_who_asks() {
        let panic = caught(|| panic_any(7_u8));
        let other = panic.clone();
        let payload = panic.into_payload().expect("nobody has taken it");
        assert_eq!(*payload.downcast::<u8>().expect("a u8"), 7);
        assert!(other.clone().into_payload().is_none());
        assert_eq!(other.message(), "a panic whose payload is not a string");
    }

    #[test]
    fn resume_throws_the_payload_or_else_the_message() {
        let panic = caught(|| panic_any(7_u8));
        let late = panic.clone();
        let first = catch_unwind(AssertUnwindSafe(|| panic.resume())).expect_err("it panics");
        assert_eq!(first.downcast_ref::<u8>(), Some(&7));
        let second = catch_unwind(AssertUnwindSafe(|| late.resume())).expect_err("it panics");
        assert_eq!(
            second.downcast_ref::<String>().map(String::as_str),
            Some("a panic whose payload is not a string")
        );
    }

    #[test]
    fn payload_that_panics_when_dropped_is_contained() {
        for depth in [1, 2, 3] {
            drop(caught(|| panic_any(Bomb(depth))));
            drop_quietly(Bomb(depth));
            assert_eq!(contain(|| panic_any(Bomb(depth))), None::<()>);
        }
        assert_eq!(contain(|| 7), Some(7));
    }

    #[test]
    fn endless_payloads_are_leaked_in_the_end() {
        drop(caught(|| panic_any(Bomb(u32::MAX))));
        drop_quietly(Bomb(u32::MAX));
    }

    #[test]
    fn poisoned_lock_is_tolerated() {
        let panic = caught(|| panic!("boom"));
        let poison = contain(|| {
            let _guard = panic.thrown.payload.lock();
            panic!("with the lock held");
        });
        assert_eq!(poison, None::<()>);
        assert!(panic.into_payload().is_some());
    }

    #[test]
    fn panic_is_one_pointer_and_goes_anywhere() {
        fn anywhere<T: Send + Sync + Clone + 'static>() {}
        anywhere::<Panic>();
        assert_eq!(size_of::<Option<Panic>>(), size_of::<usize>());
    }
}
