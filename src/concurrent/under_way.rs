//! The links that tell a feeder: an item has settled, the next call may be made.

use std::convert::Infallible;
use std::sync::Arc;

use super::feeder::Feed;
use crate::cell::{Next, Step};
use crate::failure::Outcome;

/// Behind an item: tells when its outcome passes. Needs no worker for that.
pub(super) struct UnderWay {
    feed: Arc<dyn Feed>,
    failed: bool,
}

impl UnderWay {
    pub(super) fn new(feed: Arc<dyn Feed>) -> Self {
        UnderWay { feed, failed: false }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.feed.settled(self.failed);
    }
}

impl<T: 'static, E: 'static> Step<T, E> for UnderWay {
    type Ok = T;
    type Err = E;
    type Wanted = Infallible;
    const KIND: &'static str = "map_concurrent";
    const IN_WAY: bool = false;

    fn wants(_: &Outcome<T, E>) -> bool {
        false
    }

    fn sort(outcome: Outcome<T, E>) -> Result<Infallible, Outcome<T, E>> {
        Err(outcome)
    }

    fn run(self, never: Infallible) -> Next<T, E> {
        match never {}
    }

    fn passed_by(mut self, outcome: &Outcome<T, E>) {
        self.failed = outcome.is_err();
    }
}

/// Makes the next call; if the executor does not run it, there will be none.
pub(super) struct Pull(Option<Arc<dyn Feed>>);

impl Pull {
    pub(super) fn new(feed: Arc<dyn Feed>) -> Self {
        Pull(Some(feed))
    }
}

impl Drop for Pull {
    fn drop(&mut self) {
        if let Some(feed) = self.0.take() {
            feed.abandon();
        }
    }
}

impl<E: 'static> Step<(), E> for Pull {
    type Ok = ();
    type Err = E;
    type Wanted = ();
    const KIND: &'static str = "map_concurrent";
    const NEEDS_EXECUTOR: bool = true;

    fn wants(outcome: &Outcome<(), E>) -> bool {
        outcome.is_ok()
    }

    fn sort(outcome: Outcome<(), E>) -> Result<(), Outcome<(), E>> {
        outcome.map_err(Err)
    }

    fn run(mut self, (): ()) -> Next<(), E> {
        if let Some(feed) = self.0.take() {
            feed.call();
        }
        Next::Settled(Ok(()))
    }
}
