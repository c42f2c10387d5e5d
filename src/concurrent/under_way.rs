//! The links that tell a feeder: an item has settled, the next call may be made.

use super::feeder::Feed;
use crate::cell::{Next, Step};
use crate::failure::Outcome;
use crate::pass::Pass;
use crate::sync::Arc;

/// Behind an item: tells when its outcome passes.
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

impl Pass for UnderWay {
    const KIND: &'static str = "map_concurrent";
    const IN_WAY: bool = false;

    fn passed(mut self, failed: bool) {
        self.failed = failed; // and tells when it is dropped
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
