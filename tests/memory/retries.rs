//! What retries leave behind: nothing, however many attempts there are.

use super::timers::ALONE;
use crate::common::alloc::Counter;
use crate::common::{LONG, PATIENCE, is_error, one_worker, watched_long};
use asynckit::{Backoff, Promise, retry};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

type Typed<T> = Promise<T, String>;

/// D15, for retries: ten thousand attempts need what a few need, with and without pauses.
#[test]
fn memory_stays_flat_however_often_it_tries() {
    const ATTEMPTS: u32 = 10_000;
    watched_long(|| {
        let _alone = ALONE.lock();
        let (pool, counter) = (one_worker(), Counter::leaked());
        pool.run(move || counter.count_this_thread()).get(PATIENCE).unwrap();
        count_the_thread_that_rings(counter);
        for pause in [Duration::ZERO, Duration::from_nanos(1)] {
            let (sender, samples) = channel();
            let on = pool.clone();
            let backoff = Backoff::constant(pause).times(ATTEMPTS as usize);
            let mut promise = retry(backoff, move |number| {
                if [ATTEMPTS / 10, ATTEMPTS].contains(&number) {
                    sender.send(counter.live_bytes()).unwrap();
                }
                on.spawn(move || Err::<u8, _>(format!("no {number}")))
            });
            assert!(is_error(promise.get(LONG), &format!("no {}", ATTEMPTS + 1)));
            let (early, late) = (samples.recv().unwrap(), samples.recv().unwrap());
            assert!(late - early < 4096, "{} bytes more after {ATTEMPTS} attempts", late - early);
        }
    });
}

/// The thread that rings alarms, which drops them: what comes to it of a user's is a handler of
/// cancellations.
fn count_the_thread_that_rings(counter: &'static Counter) {
    let (mut deferred, promise) = Typed::<u8>::deferred();
    deferred.on_cancel(|| {
        assert_eq!(thread::current().name(), Some("asynckit-alarms"));
        counter.count_this_thread();
    });
    assert!(promise.timeout(Duration::from_millis(10)).get(PATIENCE).unwrap_err().is_timed_out());
}
