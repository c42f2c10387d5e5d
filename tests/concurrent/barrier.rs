//! `Barrier` and `Latch`: all are there; so many things have happened.

use crate::common::{Log, PATIENCE, inside_of_handlers, one_worker, run_on_small_stack, watched};
use asynckit::{AsyncList, Barrier, BarrierWaitResult, CountDown, Inline, Latch, Pool, Promise};
use std::sync::{Arc, Mutex};
use std::thread;

#[test]
fn handles_go_anywhere() {
    fn anywhere<T: Send + Sync + 'static>() {}
    anywhere::<Barrier>();
    anywhere::<BarrierWaitResult>();
    anywhere::<Latch>();
    anywhere::<CountDown>();
    let (barrier, latch) = (Barrier::new(3), Latch::new(2));
    let _waits = barrier.wait();
    let texts = format!("{barrier:?} {latch:?} {:?}", latch.count_down_on_drop());
    assert_eq!(texts, "Barrier(1 of 3 are there) Latch(2) CountDown(Latch(2))");
}

#[test]
fn parties_go_on_together_and_the_last_one_leads() {
    watched(|| {
        let barrier = Barrier::new(3);
        for _round in 0..3 {
            let (mut first, mut second) = (barrier.wait(), barrier.wait());
            assert!(!first.is_set() && !second.is_set());
            let mut last = barrier.wait();
            assert!(first.is_set() && second.is_set() && last.is_set());
            assert!(!first.get(None).unwrap().is_leader());
            assert!(!second.get(None).unwrap().is_leader());
            assert!(last.get(None).unwrap().is_leader());
        }
        assert!(Barrier::new(0).wait().get(None).unwrap().is_leader());
    });
}

/// More parties than workers: none of them is held.
#[test]
fn parties_hold_no_worker() {
    watched(|| {
        let (pool, barrier) = (one_worker(), Barrier::new(50));
        let all: AsyncList<_> = (0..50)
            .map(|n| {
                let barrier = barrier.clone();
                pool.run(move || n).then(move |_| barrier.wait())
            })
            .collect();
        let all = all.join().get(PATIENCE).unwrap();
        assert_eq!(all.iter().filter(|met| met.is_leader()).count(), 1);
        assert_eq!(pool.live_workers(), 1);
    });
}

#[test]
fn parties_are_told_in_the_order_in_which_they_came() {
    watched(|| {
        let (barrier, order) = (Barrier::new(4), Log::new());
        let tells = |n| {
            let order = order.clone();
            barrier.wait().via(Inline).map(move |_| order.add(n))
        };
        let _all = [tells(0), tells(1), tells(2), tells(3)];
        assert_eq!(order.entries(), [0, 1, 2, 3]);
    });
}

#[test]
fn a_party_that_is_cancelled_or_dropped_has_not_come() {
    watched(|| {
        let barrier = Barrier::new(2);
        let first = barrier.wait();
        first.cancel();
        drop(barrier.wait());
        let mut waits = barrier.wait();
        assert!(!waits.is_set(), "those before it are gone");
        barrier.wait().detach();
        assert!(waits.get(PATIENCE).is_ok());
        barrier.wait().map(drop).detach(); // it stands
        assert!(barrier.wait().is_set());
    });
}

#[test]
fn without_handles_those_that_wait_are_abandoned() {
    watched(|| {
        let (barrier, latch) = (Barrier::new(2), Latch::new(1));
        let (mut met, mut open) = (barrier.wait(), latch.wait());
        let kept = barrier.clone();
        drop(barrier);
        assert!(!met.is_set());
        drop((kept, latch));
        assert!(met.get(PATIENCE).unwrap_err().is_abandoned());
        assert!(open.get(PATIENCE).unwrap_err().is_abandoned());
    });
}

#[test]
fn a_latch_opens_at_zero_for_all_and_stays_open() {
    watched(|| {
        let (latch, order) = (Latch::new(2), Log::new());
        let tells = |n| {
            let order = order.clone();
            latch.wait().via(Inline).map(move |()| order.add(n))
        };
        let _all = [tells(0), tells(1)];
        drop(tells(2)); // it is forgotten
        latch.count_down();
        assert_eq!((latch.count(), order.entries()), (1, vec![]));
        latch.count_down();
        latch.count_down(); // no further
        assert_eq!((latch.count(), order.entries()), (0, vec![0, 1]));
        assert!(latch.wait().get(None).is_ok());
        assert!(Latch::new(0).wait().is_set());
    });
}

#[test]
fn a_job_counts_down_also_if_it_panics_or_never_begins() {
    watched(|| {
        let (pool, idle, latch) = (Pool::new(2), Pool::new(0), Latch::new(3));
        for n in 0..2 {
            let done = latch.count_down_on_drop();
            pool.run(move || {
                let _done = done;
                assert_eq!(n, 0, "on purpose");
            })
            .catch(|_| Ok::<_, asynckit::AnyError>(()))
            .detach();
        }
        let done = latch.count_down_on_drop();
        let never = idle.run(move || drop(done));
        let mut open = latch.wait();
        never.cancel();
        assert!(open.get(PATIENCE).is_ok());
    });
}

#[test]
fn many_threads_meet_round_after_round() {
    watched(|| {
        let (barrier, opened) = (Barrier::new(4), Latch::new(4));
        let leaders: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let rounds = 0..100;
                        let leads = rounds.map(|_| barrier.wait().get(PATIENCE).unwrap());
                        let led = leads.filter(BarrierWaitResult::is_leader).count();
                        opened.count_down();
                        led
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((leaders, opened.count()), (100, 0));
    });
}

#[test]
fn a_long_line_takes_no_stack() {
    watched(|| {
        run_on_small_stack(crate::common::SMALL_STACK, || {
            let (barrier, latch) = (Barrier::new(10_001), Latch::new(1));
            let met: Vec<_> = (0..10_000).map(|_| barrier.wait().via(Inline).map(drop)).collect();
            let open: Vec<_> = (0..10_000).map(|_| latch.wait().via(Inline)).collect();
            barrier.wait().detach();
            latch.count_down();
            assert!(met.iter().all(Promise::is_set) && open.iter().all(Promise::is_set));
        });
    });
}

/// Also so deep inside of handlers that further ones have to wait.
#[test]
fn a_party_that_is_cancelled_deep_inside_of_handlers_has_not_come() {
    watched(|| {
        for depth in 0..10 {
            let barrier = Barrier::new(2);
            let (party, own) = (barrier.wait(), barrier.clone());
            let seen = Arc::new(Mutex::new(None));
            let second = Arc::clone(&seen);
            inside_of_handlers(depth, move || {
                party.cancel();
                *second.lock().unwrap() = Some(own.wait());
            });
            let mut second = seen.lock().unwrap().take().unwrap();
            assert!(!second.is_set(), "it waits for another one");
            assert!(barrier.wait().get(None).unwrap().is_leader());
            assert!(!second.get(None).unwrap().is_leader());
        }
    });
}
