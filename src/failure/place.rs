//! Where a panic was: the panic hook is the one that is told.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::panic;

use crate::sync::{StdOnce, panicking, thread_local};

/// So many panics of a thread are remembered: while one unwinds, what it drops may panic too, and catch that.
const REMEMBERED: usize = 4;

/// A panic that the hook was told of: what it threw, and where.
struct Noted {
    thrown: Thrown,
    place: Box<str>,
}

/// What tells payloads apart: a panic that goes on later, by `resume_unwind`, may be another one than the hook was told of.
#[derive(PartialEq)]
struct Thrown {
    payload: TypeId,
    /// The text's address and length: the text stays where it is when the payload moves.
    text: Option<(usize, usize)>,
}

impl Thrown {
    fn of(payload: &(dyn Any + Send)) -> Thrown {
        let text = match payload.downcast_ref::<&'static str>() {
            Some(text) => Some(*text),
            None => payload.downcast_ref::<String>().map(String::as_str),
        };
        Thrown {
            payload: payload.type_id(),
            text: text.map(|text| (text.as_ptr().addr(), text.len())),
        }
    }
}

thread_local! {
    static NOTED: RefCell<Vec<Noted>> = const { RefCell::new(Vec::new()) };
}

/// Puts a hook before the one that there is, once in a process: it notes where a panic is, and goes on to the other.
pub(crate) fn watch() {
    static HOOK: StdOnce = StdOnce::new();
    // A thread that panics may not change the hook, and under a scheduler all threads are one.
    if HOOK.is_completed() || panicking() || cfg!(asynckit_shuttle) {
        return;
    }
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if let Some(place) = panic.location() {
                note(Thrown::of(panic.payload()), place.to_string().into());
            }
            before(panic);
        }));
    });
}

/// Notes that what was thrown comes from that place.
fn note(thrown: Thrown, place: Box<str>) {
    // A thread that ends has no such list any more.
    let _ = NOTED.try_with(|noted| {
        let Ok(mut noted) = noted.try_borrow_mut() else { return };
        if noted.len() == REMEMBERED {
            noted.remove(0);
        }
        noted.push(Noted { thrown, place });
    });
}

/// The same for a panic that goes on with `resume_unwind`, of which no hook is told.
pub(super) fn goes_on(payload: &(dyn Any + Send), place: &str) {
    note(Thrown::of(payload), place.into());
}

/// Where this thread has thrown the payload, if the hook was told.
pub(super) fn of(payload: &(dyn Any + Send)) -> Option<Box<str>> {
    let thrown = Thrown::of(payload);
    let found = NOTED.try_with(|noted| {
        let mut noted = noted.try_borrow_mut().ok()?;
        let index = noted.iter().rposition(|noted| noted.thrown == thrown)?;
        Some(noted.remove(index).place)
    });
    found.ok().flatten()
}
