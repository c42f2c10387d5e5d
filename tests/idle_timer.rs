//! What the timer's thread does when there is nothing to do. One test, because it looks at a thread
//! of the whole process.

mod common;

use asynckit::Promise;
use common::tasks::{sleeps, threads_asleep, threads_named};
use common::{PATIENCE, eventually, watched_long};
use std::thread;
use std::time::Duration;

const THREAD: &str = "asynckit-timer";
/// How often a thread that nobody wakes may seem to have gone to sleep: signals, the debugger.
const NONE: u64 = 2;

#[test]
fn the_timers_thread_is_woken_for_nothing() {
    watched_long(|| {
        let mut promise = Promise::<u8>::settled(Ok(7)).timeout(PATIENCE);
        assert!(!Promise::<u8>::deferred().1.wait(Duration::from_millis(5)));
        assert!(matches!(promise.get(PATIENCE), Ok(7)));
        assert_eq!(threads_named(THREAD), 0, "started with the first alarm: get needs none");

        let far = asynckit::delay(Duration::from_secs(3600));
        eventually("it sleeps", || threads_asleep(THREAD) == 1);
        let round = || {
            let (deferred, promise) = Promise::<usize>::deferred();
            let mut promise = promise.timeout(PATIENCE);
            deferred.resolve(7);
            assert!(promise.get(None).is_ok());
        };
        // The first one is due before the hour is over: the thread is woken for that, and not again before.
        round();
        eventually("it sleeps again", || threads_asleep(THREAD) == 1);
        let before = sleeps(THREAD);
        (0..if cfg!(debug_assertions) { 100_000 } else { 1_000_000 }).for_each(|_| round());
        assert!(sleeps(THREAD) - before <= NONE, "{}", sleeps(THREAD) - before);

        let before = sleeps(THREAD);
        thread::sleep(Duration::from_secs(2));
        assert!(sleeps(THREAD) - before <= NONE, "{}", sleeps(THREAD) - before);
        assert_eq!(threads_named(THREAD), 1);
        far.cancel();
    });
}
