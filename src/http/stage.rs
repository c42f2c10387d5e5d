//! [`Stages`]: how far a session is closed, and which requests are told.

use std::future::{Future, poll_fn};
use std::task::{Context, Poll, Waker};

use crate::sync::{Arc, Mutex};

/// How far a session is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    #[default]
    Open,
    /// New requests are refused.
    Closing,
    /// Those that wait for their turn are cancelled.
    Emptied,
    /// All are.
    Over,
}

/// The stage of a session, and the tasks that wait for a later one.
///
/// Each request waits for it beside its work, and hardly ever does it come: so a wait is a place in a list, taken once.
#[derive(Default)]
pub(super) struct Stages {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stage: Stage,
    places: Vec<Place>,
    /// The first free one.
    free: Option<usize>,
}

enum Place {
    Free { next: Option<usize> },
    Taken(Waker),
}

impl Stages {
    pub(super) fn now(&self) -> Stage {
        self.state.lock().stage
    }

    /// Goes on to `stage`, if that is a later one.
    pub(super) fn advance(&self, stage: Stage) {
        let told: Vec<Waker> = {
            let mut state = self.state.lock();
            if state.stage >= stage {
                return;
            }
            state.stage = stage;
            let taken = state.places.iter().filter_map(|place| match place {
                Place::Taken(waker) => Some(waker.clone()),
                Place::Free { .. } => None,
            });
            taken.collect()
        };
        told.into_iter().for_each(Waker::wake);
    }

    /// Waits until the session is so far.
    pub(super) fn reached(self: Arc<Self>, stage: Stage) -> impl Future<Output = ()> {
        let mut wait = Wait { stages: self, place: None };
        poll_fn(move |cx| wait.poll(stage, cx))
    }
}

/// The place of one wait.
struct Wait {
    stages: Arc<Stages>,
    place: Option<usize>,
}

impl Wait {
    fn poll(&mut self, stage: Stage, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.stages.state.lock();
        if state.stage >= stage {
            return Poll::Ready(());
        }
        match self.place {
            None => self.place = Some(state.take(cx.waker())),
            Some(place) => match &mut state.places[place] {
                Place::Taken(waker) => waker.clone_from(cx.waker()),
                Place::Free { .. } => unreachable!("it is taken"),
            },
        }
        Poll::Pending
    }
}

impl State {
    fn take(&mut self, waker: &Waker) -> usize {
        let taken = Place::Taken(waker.clone());
        match self.free {
            None => {
                self.places.push(taken);
                self.places.len() - 1
            }
            Some(place) => {
                match std::mem::replace(&mut self.places[place], taken) {
                    Place::Free { next } => self.free = next,
                    Place::Taken(_) => unreachable!("it is free"),
                }
                place
            }
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let left = {
            let mut state = self.stages.state.lock();
            let next = state.free.replace(place);
            std::mem::replace(&mut state.places[place], Place::Free { next })
        };
        drop(left); // a waker, behind the lock
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    type Waiting = Pin<Box<dyn Future<Output = ()>>>;

    fn waits(stages: &Arc<Stages>, stage: Stage, waker: &Waker) -> Waiting {
        let mut wait: Waiting = Box::pin(Arc::clone(stages).reached(stage));
        assert!(wait.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
        wait
    }

    #[test]
    fn each_that_waits_is_told_of_each_step_and_one_that_comes_late_does_not_wait() {
        let (stages, woken) = (Arc::new(Stages::default()), std::sync::Arc::new(Woken::default()));
        let waker = Waker::from(std::sync::Arc::clone(&woken));
        let mut all: Vec<_> = (0..3).map(|_| waits(&stages, Stage::Over, &waker)).collect();
        drop(all.pop());
        stages.advance(Stage::Emptied);
        assert_eq!(woken.0.load(Ordering::Relaxed), 2, "not the one that was given up");
        stages.advance(Stage::Closing);
        assert_eq!(stages.now(), Stage::Emptied, "no step back");
        let cx = &mut Context::from_waker(&waker);
        assert!(all[0].as_mut().poll(cx).is_pending());
        stages.advance(Stage::Over);
        assert_eq!(woken.0.load(Ordering::Relaxed), 4);
        assert!(all.iter_mut().all(|wait| wait.as_mut().poll(cx).is_ready()));
        let mut late = Box::pin(Arc::clone(&stages).reached(Stage::Closing));
        assert!(late.as_mut().poll(cx).is_ready());
    }

    /// A session lives long, and each of its requests waits here.
    #[test]
    fn a_wait_that_ends_leaves_its_place_to_the_next_one() {
        let stages = Arc::new(Stages::default());
        let mut kept: Vec<_> = (0..4).map(|_| waits(&stages, Stage::Over, Waker::noop())).collect();
        for round in 0..100 {
            drop(kept.remove(round % 4));
            drop(kept.remove(round % 3));
            kept.extend((0..2).map(|_| waits(&stages, Stage::Over, Waker::noop())));
        }
        assert_eq!(stages.state.lock().places.len(), 4);
    }
}
