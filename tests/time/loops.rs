//! Loops: `repeat_until`, `unfold`, `Pool::repeat_every`, `repeat_after`.

use crate::common::{
    Bomb, DropCounter, Gate, Log, PATIENCE, eventually, is_error, one_worker, panic_message,
    watched,
};
use asynckit::{
    AnyError, CancelSource, Failure, Pool, Promise, Shutdown, Tick, repeat_until, unfold,
};
use std::iter::repeat;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Typed<T> = Promise<T, String>;
const NONE: Duration = Duration::ZERO;
const HOUR: Duration = Duration::from_secs(3600);

// ── Until it is right ────────────────────────────────────────────────────────────────────────────

#[test]
fn the_first_value_that_is_right_ends_it() {
    watched(|| {
        let pool = one_worker();
        let mut found = repeat_until(
            repeat(NONE),
            |n| *n > 6,
            move |number| pool.spawn(move || Ok::<u32, String>(number * 2)),
        );
        assert_eq!(found.get(PATIENCE).unwrap(), 8);
        let mut at_once = repeat_until([HOUR], |_| true, |number| Typed::ready(number));
        assert_eq!(at_once.get(PATIENCE).unwrap(), 1, "without a pause");
    });
}

#[test]
fn when_the_pauses_have_ended_no_value_was_right() {
    watched(|| {
        let (asked, dropped) = (Arc::new(AtomicUsize::new(0)), DropCounter::default());
        let (count, tokens) = (asked.clone(), dropped.clone());
        let mut never = repeat_until(
            [NONE; 3],
            move |_| {
                count.fetch_add(1, SeqCst);
                false
            },
            move |_| Typed::ready(tokens.token()),
        );
        assert!(never.get(PATIENCE).unwrap_err().is_timed_out());
        assert_eq!((asked.load(SeqCst), dropped.dropped()), (4, 4));
    });
}

#[test]
fn a_failure_or_a_panic_of_anything_ends_it() {
    watched(|| {
        let fails =
            |number| if number < 3 { Typed::ready(number) } else { Typed::failed("no".into()) };
        let mut failed = repeat_until(repeat(NONE), |_| false, fails);
        assert!(failed.wait(PATIENCE));
        assert!(failed.trace().to_string().contains("failed") || !failed.trace().is_empty());
        assert!(is_error(failed.get(None), "no"));
        let attempt = |number| {
            assert!(number < 2, "the attempt");
            Typed::ready(number)
        };
        assert_eq!(
            panic_message(repeat_until(repeat(NONE), |_| false, attempt).get(PATIENCE)),
            "the attempt"
        );
        let mut done = repeat_until(repeat(NONE), |_| panic!("done"), Typed::<u32>::ready);
        assert_eq!(panic_message(done.get(PATIENCE)), "done");
        let pauses = std::iter::from_fn(|| panic!("the pauses"));
        let mut pauses = repeat_until(pauses, |_| false, |_| Typed::ready(Bomb));
        assert!(pauses.get(PATIENCE).is_err_and(|failure| failure.is_panicked()));
        let mut cancelled = repeat_until(
            repeat(NONE),
            |_| false,
            |_| Typed::<u8>::settled(Err(Failure::Cancelled)),
        );
        assert!(cancelled.get(PATIENCE).unwrap_err().is_cancelled());
    });
}

#[test]
fn cancelling_ends_it_in_a_pause_and_in_an_attempt() {
    watched(|| {
        let (source, counter) = (CancelSource::new(), DropCounter::default());
        let captured = counter.token();
        let in_pause = repeat_until(
            repeat(HOUR),
            |_| false,
            move |number| {
                _ = &captured;
                Typed::ready(number)
            },
        );
        let in_pause = in_pause.cancel_by(&source.token());
        let (asked, promise) = Typed::<u8>::deferred();
        let mut promise = Some(promise);
        let in_attempt = repeat_until(repeat(NONE), |_| false, move |_| promise.take().unwrap());
        let in_attempt = in_attempt.cancel_by(&source.token());
        eventually("the first attempt has been judged", || !in_pause.is_set());
        source.cancel();
        assert!(asked.is_cancelled());
        assert!(in_pause.is_error() && in_attempt.is_error());
        eventually("what it owns is dropped", || counter.dropped() == 1);
    });
}

#[test]
fn many_attempts_take_no_more_stack_than_two() {
    watched(|| {
        let mut found = repeat_until(repeat(NONE), |n| *n == 20_000, Typed::<u32>::ready);
        assert_eq!(found.get(PATIENCE).unwrap(), 20_000);
        let count = |n: u32| Ok::<_, String>((n < 20_000).then_some((n, n + 1)));
        assert_eq!(unfold(0, count).get(PATIENCE).unwrap().len(), 20_000);
    });
}

#[test]
fn a_pool_that_is_shut_down_abandons_the_loop() {
    watched(|| {
        let (pool, gate) = (one_worker(), Gate::new());
        let (key, again) = (gate.key(), pool.clone());
        let mut job = repeat_until(
            repeat(NONE),
            |_| false,
            move |number| {
                let key = key.clone();
                again.spawn(move || {
                    key.wait();
                    Ok::<_, String>(number)
                })
            },
        );
        gate.await_arrival(1);
        let ending = pool.clone();
        let ending = std::thread::spawn(move || ending.shutdown(Shutdown::CancelQueued, PATIENCE));
        eventually("it shuts down", || format!("{pool:?}").contains("shut down"));
        gate.open();
        assert!(job.get(PATIENCE).unwrap_err().is_abandoned());
        ending.join().unwrap();
        let mut ticking = pool.repeat_every(Duration::from_millis(1), |_| Ok::<_, String>(()));
        assert!(ticking.get(PATIENCE).unwrap_err().is_abandoned());
    });
}

// ── To the end ───────────────────────────────────────────────────────────────────────────────────

#[test]
fn unfold_gives_all_items_and_makes_one_call_at_a_time() {
    watched(|| {
        let (pool, under_way) = (Pool::new(3), Arc::new(AtomicUsize::new(0)));
        let items = unfold(1, move |n: u32| {
            assert_eq!(under_way.fetch_add(1, SeqCst), 0);
            let under_way = under_way.clone();
            pool.spawn(move || {
                under_way.fetch_sub(1, SeqCst);
                Ok::<_, String>((n < 100).then_some((n, n * 3)))
            })
        });
        assert_eq!({ items }.get(PATIENCE).unwrap(), [1, 3, 9, 27, 81]);
        let mut none = unfold((), |()| Ok::<Option<(u8, ())>, String>(None));
        assert!(none.get(PATIENCE).unwrap().is_empty());
    });
}

#[test]
fn unfold_fails_with_the_first_failure_and_drops_the_items() {
    watched(|| {
        let counter = DropCounter::default();
        let tokens = counter.clone();
        let mut failed = unfold(0, move |n| match n {
            3 => Err("no".to_owned()),
            n => Ok(Some((tokens.token(), n + 1))),
        });
        assert!(is_error(failed.get(PATIENCE).map(drop), "no"));
        assert_eq!(counter.dropped(), 3);
        let mut panicked = unfold(0, |n| -> Result<Option<(u8, u8)>, String> {
            assert!(n < 2, "the call");
            Ok(Some((n, n + 1)))
        });
        assert_eq!(panic_message(panicked.get(PATIENCE)), "the call");
        let bomb = Bomb;
        let mut ends = unfold(0_u8, move |_| {
            _ = &bomb;
            Ok::<Option<(Bomb, u8)>, String>(None)
        });
        assert!(ends.get(PATIENCE).unwrap().is_empty(), "a panic of a drop is contained");
        let (asked, promise) = Typed::<Option<(u8, u8)>>::deferred();
        let mut promise = Some(promise);
        unfold(0, move |_| promise.take().unwrap()).cancel();
        assert!(asked.is_cancelled());
    });
}

// ── Now and then ─────────────────────────────────────────────────────────────────────────────────

#[test]
fn periodic_work_runs_until_its_handle_is_dropped() {
    watched(|| {
        let (pool, counter) = (one_worker(), DropCounter::default());
        let ((sender, ticks), captured) = (channel(), counter.token());
        let ticking = pool.repeat_every(Duration::from_millis(1), move |tick: Tick| {
            _ = &captured;
            sender.send(tick.number).map_err(AnyError::from)
        });
        assert!(ticks.iter().take(5).eq(1..6));
        assert_eq!(counter.dropped(), 0);
        drop(ticking);
        let left = ticks.iter().count(); // it ends, since the sender is gone
        assert!(left <= 1_000_000 && counter.dropped() == 1);
    });
}

#[test]
fn a_slow_run_never_overlaps_itself_and_is_told_what_was_missed() {
    const PERIOD: Duration = Duration::from_millis(2);
    watched(|| {
        let (pool, gate, log) = (Pool::new(3), Gate::new(), Log::new());
        let (running, again) = (Arc::new(AtomicBool::new(false)), pool.clone());
        let (key, seen) = (gate.key(), log.clone());
        let ticking = pool.repeat_every(PERIOD, move |tick| {
            seen.add(tick);
            let (running, key) = (running.clone(), key.clone());
            again.spawn(move || {
                assert!(!running.swap(true, SeqCst), "two runs at once");
                key.wait();
                running.store(false, SeqCst);
                Ok::<_, String>(())
            })
        });
        gate.await_arrival(1);
        std::thread::sleep(PERIOD * 10);
        assert_eq!(log.entries().len(), 1, "no other begins meanwhile");
        gate.open();
        eventually("it goes on", || log.entries().len() > 2);
        let ticks = log.entries();
        assert_eq!(
            ticks.iter().map(|tick| tick.number).collect::<Vec<_>>(),
            (1..=ticks.len() as u64).collect::<Vec<_>>()
        );
        assert!(ticks[1].missed >= 8, "{:?}", ticks[1]);
        assert!(!ticking.is_set());
    });
}

#[test]
fn with_a_fixed_pause_nothing_is_missed() {
    watched(|| {
        let (pool, (sender, ticks)) = (one_worker(), channel());
        let ticking = pool.repeat_after(Duration::from_millis(1), move |tick| {
            std::thread::sleep(Duration::from_millis(3));
            sender.send(tick.missed).map_err(|_| "gone".to_owned())
        });
        assert!(ticks.iter().take(3).all(|missed| missed == 0));
        drop(ticks);
        assert!(is_error({ ticking }.get(PATIENCE), "gone"), "a failure ends it");
    });
}

#[test]
fn a_panic_ends_periodic_work_and_is_contained() {
    watched(|| {
        let (pool, bomb) = (one_worker(), Bomb);
        let mut ticking = pool.repeat_every(NONE, move |tick| {
            _ = &bomb;
            assert!(tick.number < 3, "the third");
            Ok::<_, String>(())
        });
        assert_eq!(panic_message(ticking.get(PATIENCE)), "the third");
        assert_eq!(pool.run(|| 1).get(PATIENCE).unwrap(), 1);
    });
}

#[test]
fn periodic_work_may_stop_itself_and_is_cancelled_by_a_token() {
    watched(|| {
        let (pool, own) = (one_worker(), Arc::new(Mutex::new(None)));
        let (handle, count) = (own.clone(), Arc::new(AtomicUsize::new(0)));
        let counted = count.clone();
        let ticking = pool.repeat_every(Duration::from_millis(1), move |_| {
            counted.fetch_add(1, SeqCst);
            drop(handle.lock().unwrap().take());
            Ok::<_, String>(())
        });
        *own.lock().unwrap() = Some(ticking);
        eventually("it has stopped itself", || {
            own.lock().unwrap().is_none() && Arc::strong_count(&own) == 1
        });
        let source = CancelSource::new();
        let hourly = pool.repeat_after(HOUR, |_| Ok::<_, String>(()));
        let mut hourly = hourly.into_inner().cancel_by(&source.token());
        source.cancel();
        assert!(hourly.get(PATIENCE).unwrap_err().is_cancelled());
        assert!(count.load(SeqCst) >= 1);
    });
}

/// The pool is not kept: its handles may be dropped, and the work goes on.
#[test]
fn periodic_work_does_not_keep_its_pool() {
    watched(|| {
        let (sender, ticks) = channel();
        let ticking = Pool::new(1).repeat_every(Duration::from_millis(1), move |tick| {
            sender.send(tick.number).map_err(AnyError::from)
        });
        assert!(ticks.iter().take(3).eq(1..4));
        drop(ticking);
    });
}
