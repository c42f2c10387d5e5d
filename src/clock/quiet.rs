//! Whether all is quiet: then a clock that is set may go on to what is due next.
//!
//! Nothing tells a clock when the last callback of something is through. So it looks: at the pools where this clock's work
//! was queued, at the alarms that are being rung, at the threads that have it. A look has a mark, which is another
//! one as soon as anything was done. A thread that waits tells under which mark it has found that it has to wait on; only
//! where all of them have told the same, nothing is under way: neither work, nor a thread that is about to wake.

use crate::sync;
use crate::sync::Mutex;
use crate::sync::thread::{self, ThreadId};

/// Where work is run: a pool.
pub(crate) trait Place: Sync {
    /// How it stands there, or, if it is not the place any more that had this number, where such work goes; `waits` tells
    /// of a thread whether it waits for a clock that is set.
    fn standing(&self, number: usize, waits: &dyn Fn(ThreadId) -> bool) -> Standing;
}

/// How it stands in a place.
pub(crate) struct Standing {
    /// Nothing runs, and nothing is queued that could.
    pub(crate) idle: bool,
    /// A thread waits, and not for a clock that is set.
    pub(crate) elsewhere: bool,
    /// Another number when anything was run.
    pub(crate) activity: u64,
}

/// A place, and which one it is where it is used again.
#[derive(Clone, Copy)]
pub(crate) struct Used {
    place: &'static dyn Place,
    number: usize,
}

pub(crate) fn place(place: &'static dyn Place, number: usize) -> Used {
    Used { place, number }
}

impl Used {
    pub(super) fn is(&self, other: &Used) -> bool {
        std::ptr::addr_eq(self.place, other.place) && self.number == other.number
    }
}

/// What has been done so far, by a clock and in its places.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) moves: u64,
    activity: u64,
}

/// Nothing was under way.
pub(super) struct Look {
    pub(super) mark: Mark,
    pub(super) elsewhere: bool,
}

/// Looks at all places: twice, because work may have gone from one to another meanwhile.
pub(super) fn look(moves: u64, places: &[Used]) -> Option<Look> {
    let waiting = WAITING.lock().clone();
    let once = || {
        let (mut activity, mut elsewhere) = (0_u64, false);
        for used in places {
            let waits = |thread| waiting.contains(&thread);
            let standing = used.place.standing(used.number, &waits);
            if !standing.idle {
                return None;
            }
            activity = activity.wrapping_add(standing.activity);
            elsewhere |= standing.elsewhere;
        }
        Some((activity, elsewhere))
    };
    let (before, (activity, elsewhere)) = (once()?, once()?);
    (before.0 == activity).then_some(Look { mark: Mark { moves, activity }, elsewhere })
}

sync::global! {
    /// The threads that wait for whichever clock: a pool that several tests use is idle for each of them when its
    /// threads wait for the others'.
    static WAITING: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());
}

/// This thread waits for a clock, until this is dropped.
pub(super) struct Waiting(ThreadId);

impl Waiting {
    pub(super) fn begin() -> Self {
        let id = thread::current().id();
        WAITING.lock().push(id);
        Waiting(id)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waiting = WAITING.lock();
        if let Some(at) = waiting.iter().position(|id| *id == self.0) {
            waiting.swap_remove(at);
        }
    }
}
