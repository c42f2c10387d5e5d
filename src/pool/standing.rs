//! A pool, as a clock that is set sees it: with the feature `test-clock`.

use super::core::Core;
use super::handle::Pool;
use crate::clock::{Place, Standing};
use crate::sync::thread::ThreadId;

impl Place for Core {
    fn standing(&self, number: usize, waits: &dyn Fn(ThreadId) -> bool) -> Standing {
        if self.number().bits() != number {
            let global = Pool::global().core(); // runs what comes for a pool that has gone
            return global.standing(global.number().bits(), waits);
        }
        let state = self.lock();
        let has_hands = state.target > 0 && !state.is_stuck();
        let threads = state.seats.iter().filter_map(|seat| seat.thread.get());
        let waiting = threads.filter(|thread| waits(thread.id())).count();
        let moves: usize = state.seats.iter().map(|seat| seat.moves()).sum();
        Standing {
            idle: state.busy() == 0 && !(has_hands && self.has_work(&state)),
            elsewhere: state.blocked > waiting,
            activity: ((state.started as u64) << 40).wrapping_add(moves as u64),
        }
    }
}
