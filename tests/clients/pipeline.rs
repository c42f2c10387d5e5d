//! Stages: they overlap, wait for each other, and keep the order.

use crate::common::*;
use asynckit::{Flow, Pool, Promise};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex, PoisonError};

/// A stage that meets the others where it works at its one item, so that none of them can be through before all have begun.
fn meeting(
    pool: &Pool,
    barrier: &Arc<Barrier>,
    at: usize,
) -> impl FnMut(usize) -> Promise<usize, String> + Send + 'static {
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

/// How far each of three stages has come, and may come: the test has the time in its hand.
struct Turns(Arc<(Mutex<[Turn; 3]>, Condvar)>);

#[derive(Clone, Copy, Default)]
struct Turn {
    begun: usize,
    ended: usize,
    /// Items from this one on do not end.
    until: usize,
}

impl Turns {
    fn new() -> Self {
        Turns(Arc::default())
    }

    /// Has a stage's work on each item take its turn.
    fn stage(
        &self,
        pool: &Pool,
        stage: usize,
    ) -> impl FnMut(usize) -> Promise<usize, String> + Send + use<> {
        let (turns, pool) = (self.0.clone(), pool.clone());
        move |item| {
            let turns = turns.clone();
            pool.spawn(move || {
                let (lock, changed) = &*turns;
                let mut now = lock.lock().unwrap_or_else(PoisonError::into_inner);
                assert_eq!(now[stage].begun, item, "one at a time, and in order");
                now[stage].begun += 1;
                while now[stage].until <= item {
                    now = changed.wait(now).unwrap_or_else(PoisonError::into_inner);
                }
                now[stage].ended += 1;
                Ok(item)
            })
        }
    }

    fn now(&self) -> [Turn; 3] {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a stage end as many items as this, in all.
    fn let_end(&self, stage: usize, until: usize) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)[stage].until = until;
        self.0.1.notify_all();
    }

    #[track_caller]
    fn await_begun(&self, stage: usize, count: usize) {
        eventually("the stage begins", || self.now()[stage].begun >= count);
    }
}

impl Drop for Turns {
    /// A failed assertion leaves no job waiting.
    fn drop(&mut self) {
        (0..3).for_each(|stage| self.let_end(stage, usize::MAX));
    }
}

/// Fetching, parsing and storing, all of them held up by the test.
fn pipeline(turns: &Turns, pool: &Pool, items: usize) -> Promise<Vec<usize>, String> {
    let (fetch, parse, store) = (turns.stage(pool, 0), turns.stage(pool, 1), turns.stage(pool, 2));
    Flow::at_once(0..items, 1, fetch).stage(parse).stage(store).join()
}

/// Where each piece of work takes one tick, so many items take so many ticks, and two more until the first is through all stages.
#[test]
fn the_whole_takes_as_long_as_a_stage_and_not_as_all_of_them() {
    const ITEMS: usize = 20;
    watched(|| {
        let pool = Pool::new(3);
        let turns = Turns::new();
        let mut all = pipeline(&turns, &pool, ITEMS);
        for tick in 0..ITEMS + 2 {
            let at = |stage: usize| tick.checked_sub(stage).filter(|item| *item < ITEMS);
            for stage in 0..3 {
                if let Some(item) = at(stage) {
                    turns.await_begun(stage, item + 1);
                }
            }
            for stage in 0..3 {
                if let Some(item) = at(stage) {
                    turns.let_end(stage, item + 1);
                }
            }
        }
        assert_eq!(all.get(PATIENCE).unwrap(), (0..ITEMS).collect::<Vec<_>>());
    });
}

/// Parsing is slow: whenever it ends an item, the next one is there, and room for what it has made; so the time of the whole is its.
#[test]
fn the_slowest_stage_waits_for_no_other() {
    const ITEMS: usize = 20;
    const FETCH: usize = 0;
    const PARSE: usize = 1;
    const STORE: usize = 2;
    watched(|| {
        let pool = Pool::new(3);
        let turns = Turns::new();
        let mut all = pipeline(&turns, &pool, ITEMS);
        turns.let_end(FETCH, 2);
        for item in 0..ITEMS {
            // Since the item before has ended, nothing was fetched, and nothing stored.
            turns.await_begun(PARSE, item + 1);
            turns.let_end(FETCH, item + 2);
            turns.let_end(STORE, item);
            eventually("the next one is fetched", || {
                turns.now()[FETCH].ended >= ITEMS.min(item + 2)
            });
            // What is held is bounded: that one waits, and no other is fetched meanwhile.
            assert_eq!(turns.now()[FETCH].begun, ITEMS.min(item + 2));
            turns.let_end(PARSE, item + 1);
        }
        turns.let_end(STORE, ITEMS);
        assert_eq!(all.get(PATIENCE).unwrap().len(), ITEMS);
    });
}
