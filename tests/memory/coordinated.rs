//! What jobs meet at, and calls that are held back: what they ask of the allocator.

use super::daily::most_of_a_round;
use super::timers::ALONE;
use crate::common::{PATIENCE, one_worker, watched};
use asynckit::{AnyError, Barrier, Latch, Paced, Promise, Semaphore, channel};
use std::time::Duration;

/// What need not wait is a promise, or nothing at all.
#[test]
fn without_a_wait_it_is_the_promise_alone() {
    watched(|| {
        let (semaphore, latch, barrier) = (Semaphore::new(3), Latch::new(0), Barrier::new(1));
        let (sender, receiver) = channel(1);
        let acquire = most_of_a_round(|| drop(semaphore.acquire()));
        let opened = most_of_a_round(|| drop(latch.wait()));
        let met = most_of_a_round(|| drop(barrier.wait()));
        let sent = most_of_a_round(|| {
            drop(sender.send(1));
            drop(receiver.recv());
        });
        assert_eq!((acquire, opened, met, sent), (1, 1, 1, 2));
        let tried = most_of_a_round(|| {
            drop(semaphore.try_acquire());
            sender.try_send(1).unwrap();
            receiver.try_recv().unwrap();
        });
        assert_eq!(tried, 0);
    });
}

/// A wait: the promise, the way for a cancellation (two), and a place in the line, now and then.
#[test]
fn a_wait_is_a_few_allocations() {
    const WAIT: usize = 4;
    watched(|| {
        let (semaphore, barrier) = (Semaphore::new(0), Barrier::new(2));
        let acquire = most_of_a_round(|| {
            let mut waits = semaphore.acquire();
            semaphore.add_permits(1);
            waits.get(PATIENCE).unwrap().forget();
        });
        assert!(acquire <= WAIT, "a permit: {acquire}");
        let gone = most_of_a_round(|| semaphore.acquire().cancel());
        assert!(gone <= WAIT, "one that is cancelled: {gone}");
        let met = most_of_a_round(|| {
            let _first = barrier.wait();
            assert!(barrier.wait().is_set());
        });
        assert!(met <= WAIT + 1, "two parties: {met}");
        let opened = most_of_a_round(|| {
            let latch = Latch::new(1);
            let waits = latch.wait();
            latch.count_down();
            assert!(waits.is_set());
        });
        assert!(opened <= WAIT + 1, "a latch and a wait: {opened}");
        let (sender, receiver) = channel(0);
        let sent = most_of_a_round(|| {
            let waits = receiver.recv();
            assert!(sender.send(1).is_set());
            drop((waits, sender.send(2)));
            receiver.try_recv().unwrap();
        });
        assert!(sent <= 2 * WAIT + 1, "a receiver that waits, and a sender that does: {sent}");
    });
}

/// A call that another one is made in place of is a handle on the same value; one that is made has a value, a timer and
/// two trips to the pool.
#[test]
fn a_call_that_is_left_out_is_no_allocation() {
    watched(|| {
        let _alone = ALONE.lock();
        let pool = one_worker();
        let hour = Duration::from_secs(3600);
        let debounced = pool.debounce(hour, Ok::<u32, AnyError>);
        let throttled = pool.throttle(hour, Ok::<u32, AnyError>);
        left_out_and_made("debounce", &debounced);
        left_out_and_made("throttle", &throttled);
        // Of the first calls only, each gets the value that was made.
        let first = pool.debounce(hour, Ok::<u32, AnyError>).edges(true, false);
        first.call(0).get(PATIENCE).unwrap();
        assert_eq!(most_of_a_round(|| assert_eq!(first.call(1).get(None).unwrap(), &0)), 0);
        [debounced, throttled, first].iter().for_each(Paced::cancel);
    });
}

fn left_out_and_made(name: &str, paced: &Paced<u32, u32>) {
    let kept = [paced.call(0), paced.call(0)]; // that of a throttle is made at once
    let left_out = most_of_a_round(|| drop(paced.call(1)));
    assert_eq!(left_out, 0, "{name}");
    drop(kept);
    let made = most_of_a_round(|| {
        let value = paced.call(2);
        paced.flush();
        value.get(PATIENCE).unwrap();
    });
    assert!(made <= 24, "{name}: {made}");
}

/// What is done now is its promise; one that it gives is passed on.
#[test]
fn what_is_done_now_is_the_promise_alone() {
    watched(|| {
        type Typed = Promise<u8, String>;
        let value = most_of_a_round(|| drop(Typed::try_now(|| Ok(1)).get(None)));
        let passed = most_of_a_round(|| drop(Typed::try_now(|| Typed::ready(1)).get(None)));
        assert_eq!((value, passed), (1, 1));
    });
}

/// Taken one after the other: nothing, where it is not waited for.
#[test]
fn values_that_are_there_are_taken_for_nothing() {
    watched(|| {
        let (sender, receiver) = channel(1);
        let iterated = most_of_a_round(|| {
            sender.try_send(1).unwrap();
            assert_eq!(receiver.iter().next(), Some(1));
        });
        let timed = most_of_a_round(|| {
            sender.try_send(2).unwrap();
            assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), Some(2));
        });
        assert_eq!((iterated, timed), (0, 0));
        let latch = Latch::new(usize::MAX);
        let counted = most_of_a_round(|| {
            latch.count_down();
            drop(latch.count_down_on_drop());
            drop((sender.clone(), receiver.clone()));
        });
        assert_eq!(counted, 0);
    });
}

/// Of those that become one: a promise each, and the growth of a list.
#[test]
fn a_coalesced_call_is_a_promise() {
    watched(|| {
        const EACH: usize = 64;
        let _alone = ALONE.lock();
        let pool = one_worker();
        let coalesced = pool.coalesce(Duration::from_secs(3600), Ok::<Vec<usize>, AnyError>);
        let most = most_of_a_round(|| {
            let mut all: [Promise<usize>; EACH] = std::array::from_fn(|n| coalesced.call(n));
            coalesced.flush();
            assert_eq!(all[EACH - 1].get(PATIENCE).unwrap(), EACH - 1);
        });
        assert!(most <= EACH + 24, "{most} for {EACH}");
    });
}
