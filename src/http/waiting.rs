//! Waiting for one of two things, and for what must move.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::sleep;

use super::net::{Clock, Line};
use crate::sync::Arc;

/// More than this is no limit.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A limit that a clock can reach.
pub(super) fn limit(limit: Duration) -> Option<Duration> {
    (limit < CENTURY).then_some(limit)
}

/// What has come first.
pub(super) enum First<A, B> {
    This(A),
    That(B),
}

/// Waits for whichever comes first; `a`, where both are there. What is large is pinned before: else this has it twice.
pub(super) async fn first<A, B>(
    a: impl Future<Output = A>,
    b: impl Future<Output = B>,
) -> First<A, B> {
    let (mut a, mut b) = (pin!(a), pin!(b));
    poll_fn(|cx| {
        if let Poll::Ready(a) = a.as_mut().poll(cx) {
            return Poll::Ready(First::This(a));
        }
        b.as_mut().poll(cx).map(First::That)
    })
    .await
}

/// Waits for `work` for as long as the line moves at least once in `idle`. `None`: it did not.
///
/// The line may become known only meanwhile; before that, connecting has its own limit.
pub(super) async fn while_moving<T>(
    work: impl Future<Output = T>,
    line: impl Fn() -> Option<Arc<Line>>,
    idle: Option<Duration>,
) -> Option<T> {
    let mut work = pin!(work);
    let Some(idle) = idle else { return Some(work.await) };
    // What is there needs no timer.
    let at_once = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
    if let Poll::Ready(done) = at_once {
        return Some(done);
    }
    let begin = Clock::now();
    let mut rest = idle;
    loop {
        let work: Pin<&mut _> = work.as_mut();
        match first(work, sleep(rest)).await {
            First::This(done) => return Some(done),
            First::That(()) => {}
        }
        rest = match line() {
            None => idle,
            Some(line) => match idle.checked_sub(Clock::since(line.last_moved().max(begin))) {
                Some(rest) if !rest.is_zero() => rest,
                _ => return None,
            },
        };
    }
}
