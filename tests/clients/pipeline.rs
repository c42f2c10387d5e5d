//! Stages: they overlap, wait for each other, and keep the order.

use crate::common::*;
use asynckit::{Flow, Pool};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

/// A stage that meets the others where it works at its one item, so that none of them can be through before all have begun.
fn meeting(
    pool: &Pool,
    barrier: &Arc<Barrier>,
    at: usize,
) -> impl FnMut(usize) -> asynckit::Promise<usize, String> + Send + 'static {
    let (pool, barrier) = (pool.clone(), barrier.clone());
    move |item| {
        let barrier = barrier.clone();
        pool.spawn(move || {
            if item == at {
                barrier.wait();
            }
            Ok(item)
        })
    }
}

#[test]
fn stages_work_at_different_items_at_the_same_time() {
    watched(|| {
        let (pool, barrier) = (Pool::new(3), Arc::new(Barrier::new(3)));
        let fetch = meeting(&pool, &barrier, 12);
        // Fetching 12, parsing 11 and storing 10 are in the room together, or nothing ends.
        let flow = Flow::at_once(0..20, 1, fetch)
            .stage(meeting(&pool, &barrier, 11))
            .stage(meeting(&pool, &barrier, 10));
        assert_eq!(flow.join().get(PATIENCE).unwrap(), (0..20).collect::<Vec<_>>());
    });
}

#[test]
fn a_stage_works_at_one_item_at_a_time_and_in_order() {
    watched(|| {
        let (pool, busy, log) = (Pool::new(4), Arc::new(AtomicUsize::new(0)), Log::new());
        let seen = log.clone();
        let flow = Flow::at_once(0..200, 8, {
            let pool = pool.clone();
            move |n| pool.spawn(move || Ok::<usize, String>(n))
        })
        .stage(move |n| {
            let (busy, seen) = (busy.clone(), seen.clone());
            pool.spawn(move || {
                assert_eq!(busy.fetch_add(1, Ordering::SeqCst), 0);
                seen.add(n);
                busy.fetch_sub(1, Ordering::SeqCst);
                Ok(n)
            })
        });
        assert_eq!(flow.join().get(PATIENCE).unwrap().len(), 200);
        assert_eq!(log.entries(), (0..200).collect::<Vec<_>>());
    });
}

#[test]
fn stages_before_one_that_is_slow_wait_for_it() {
    watched(|| {
        let pool = Pool::new(4);
        let (gate, fetched) = (Gate::new(), Arc::new(AtomicUsize::new(0)));
        let (count, fetching) = (fetched.clone(), pool.clone());
        let (key, storing) = (gate.key(), pool.clone());
        let flow = Flow::at_once(0.., 1, move |n: usize| {
            count.fetch_add(1, Ordering::SeqCst);
            fetching.spawn(move || Ok::<_, String>(n))
        })
        .stage(Ok)
        .read_ahead(3)
        .stage(move |n| {
            let key = key.clone();
            storing.spawn(move || {
                key.wait();
                Ok(n)
            })
        });
        gate.await_arrival(1);
        eventually("the stages before it are full", || fetched.load(Ordering::SeqCst) >= 5);
        for _ in 0..20 {
            pool.run(|| ()).get(PATIENCE).unwrap();
        }
        // 1 is stored, 3 are ahead of it, 1 or 2 under way.
        let most = fetched.load(Ordering::SeqCst);
        assert!(most <= 6, "{most} were fetched");
        gate.open();
        assert_eq!(flow.take(10).map(Result::unwrap).sum::<usize>(), 45);
    });
}
