//! `AsyncList::race` (conformance E11 to E13, D11).

use crate::common::tasks::threads_asleep;
use crate::common::{
    DropCounter, Gate, LONG, Log, PATIENCE, eventually, flush, is_error, named_pool, named_thread,
    one_worker, pending, verdict, watchdog, watched,
};
use asynckit::{AsyncList, AsyncValue, Deferred, IntoPromise, Pool, Promise, join};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};

type List<T> = AsyncList<T, String>;
type Typed<T> = Promise<T, String>;

/// E11, E21: the first to settle in time, whichever that is, with a value …
#[test]
fn the_first_value_in_time_wins() {
    watched(|| {
        for winner in 0..4 {
            let (mut deferreds, list) = pending(4);
            let mut race = list.race();
            assert!(!race.is_set());
            deferreds.remove(winner).resolve(winner);
            assert!(race.is_set(), "racing needs no worker");
            for deferred in deferreds {
                assert!(deferred.is_cancelled());
                deferred.resolve(99); // too late, and harmless
            }
            assert_eq!(race.get(None).unwrap(), winner);
        }
    });
}

/// E11: … or a failure, of every kind and as it is.
#[test]
fn a_failure_can_win() {
    watched(|| {
        for (name, failure) in crate::common::every_failure() {
            let (mut deferreds, list) = pending(2);
            let mut race = list.race();
            deferreds.remove(1).settle(Err(failure));
            assert!(deferreds[0].is_cancelled());
            assert_eq!(verdict(&race.get(None)), name);
        }
        let (deferreds, list) = pending(2);
        let mut race = list.race();
        drop(deferreds);
        assert_eq!(verdict(&race.get(None)), "Abandoned");
        let list: List<u8> = [Typed::ready(1).map(|_| panic!("first"))].into_iter().collect();
        assert_eq!(crate::common::panic_message(list.race().get(PATIENCE)), "first");
    });
}

/// E12
#[test]
fn the_race_of_nothing_fails_at_once() {
    watched(|| {
        let mut race = List::<u8>::new().race();
        assert!(race.is_set() && race.is_error());
        assert!(race.get(None).unwrap_err().is_empty());
    });
}

/// E13: two that settle in the same turn settle it once, and the lower index wins.
#[test]
fn two_in_the_same_turn_settle_it_once() {
    watched(|| {
        let event = AsyncValue::<u8, String>::new();
        let calls = Log::new();
        let copies = [event.clone().into_promise(), event.clone().into_promise()];
        let log = calls.clone();
        let mut race = AsyncList::from_iter(copies).race().inspect(move |_| log.add("settled"));
        event.set(7).unwrap();
        assert_eq!(race.get(PATIENCE).unwrap(), 7);
        assert_eq!(calls.entries(), ["settled"]);
    });
}

/// What was settled before goes by place, what settles in the list goes by time.
#[test]
fn ties_go_to_the_lowest_index() {
    watched(|| {
        let list: List<u8> = (0..5).map(Promise::ready).collect();
        assert_eq!(list.race().get(None).unwrap(), 0);
        let (_never, never) = Typed::deferred();
        let list: List<u8> =
            [never, Promise::failed("lower".to_owned()), Promise::ready(2)].into_iter().collect();
        assert!(is_error(list.race().get(None), "lower"));

        // The race starts when the list has the promises, not when `race` is called.
        let (mut deferreds, list) = pending(3);
        deferreds.pop().unwrap().resolve(2);
        deferreds.pop().unwrap().resolve(1);
        assert_eq!(list.race().get(None).unwrap(), 2);
    });
}

/// The order of time is not lost when somebody looks at the list in between.
#[test]
fn looking_at_the_list_changes_nothing() {
    watched(|| {
        let (mut deferreds, mut list) = pending(4);
        deferreds.pop().unwrap().resolve(3);
        assert!(!list.is_set() && !list.is_error());
        deferreds.pop().unwrap().reject("two".to_owned());
        assert!(list.is_set() && list.is_error());
        assert!(list.wait(None));
        let _ = format!("{list:?}");
        assert_eq!(list.race().get(None).unwrap(), 3);
    });
}

/// Queued work of a loser never runs, and its closure is dropped at once.
#[test]
fn the_losers_are_cancelled() {
    watched(|| {
        let pool = one_worker();
        let gate = Gate::new();
        let key = gate.key();
        let busy = pool.run(move || key.wait());
        let (ran, dropped) = (Log::new(), DropCounter::default());
        let queued: List<u8> = (0..10)
            .map(|n| {
                let (ran, token) = (ran.clone(), dropped.token());
                pool.spawn(move || {
                    let _token = token;
                    ran.add(n);
                    Ok(n)
                })
            })
            .chain([Promise::ready(42)])
            .collect();
        assert_eq!(queued.race().get(None).unwrap(), 42);
        assert_eq!(dropped.dropped(), 10);
        gate.open();
        busy.share().get(PATIENCE).unwrap();
        flush(&pool);
        assert!(ran.entries().is_empty());
    });
}

/// A loser that is running is not interrupted; what it gives is dropped, and the race is long over.
#[test]
fn a_running_loser_runs_on_and_its_value_is_dropped() {
    watched(|| {
        let pool = one_worker();
        let (gate, dropped) = (Gate::new(), DropCounter::default());
        let (key, token) = (gate.key(), dropped.token());
        let running: Promise<_, String> = pool.spawn(move || {
            key.wait();
            Ok(Some(token))
        });
        gate.await_arrival(1);
        let mut race = AsyncList::from_iter([running, Promise::ready(None)]).race();
        assert!(race.get(None).unwrap().is_none());
        assert_eq!(dropped.dropped(), 0);
        gate.open();
        flush(&pool);
        assert_eq!(dropped.dropped(), 1);
    });
}

/// E11: the trace of a failure says which item it was.
#[test]
fn the_trace_names_the_item() {
    watched(|| {
        let (mut deferreds, list) = pending(3);
        let mut race = list.race();
        deferreds.remove(1).reject("e".to_owned());
        drop(race.get(None));
        let trace = race.trace();
        let steps: Vec<_> = trace.steps().map(|step| (step.kind(), step.item())).collect();
        assert_eq!(steps, [("deferred", None), ("race", Some(1))]);
    });
}

/// D11, and E10 for a race: the items settle on several threads while the list is being made and raced.
#[test]
fn items_that_settle_while_the_race_is_made_settle_it_once() {
    const THREADS: usize = 3;
    watchdog("list_race.rs: D11", LONG, || {
        let start = Arc::new(Barrier::new(THREADS + 1));
        let (sends, settlers): (Vec<_>, Vec<_>) = (0..THREADS)
            .map(|_| {
                let (send, receive) =
                    std::sync::mpsc::channel::<(usize, Deferred<usize, String>)>();
                let start = start.clone();
                let settler = named_thread("settler", move || {
                    for (n, deferred) in receive {
                        start.wait();
                        deferred.resolve(n);
                    }
                });
                (send, settler)
            })
            .unzip();
        for round in 0..1_000 {
            let (deferreds, promises): (Vec<_>, Vec<_>) =
                (0..THREADS).map(|_| Typed::deferred()).unzip();
            let losers = AsyncValue::<usize, String>::new();
            for (n, deferred) in deferreds.into_iter().enumerate() {
                sends[n].send((n, deferred)).unwrap();
            }
            start.wait();
            let list = promises.into_iter().chain((0..8).map(|_| losers.map(|n| *n)));
            let winner = list.collect::<List<usize>>().race().get(PATIENCE).unwrap();
            assert!(winner < THREADS, "round {round}");
            drop(losers);
        }
        drop(sends);
        settlers.into_iter().for_each(|settler| settler.join().unwrap());
    });
}

/// In a pool that has nobody else, a worker that waits runs what is queued itself.
#[test]
fn a_worker_may_wait_for_what_is_made_of_its_jobs() {
    type Get = fn(List<u8>) -> bool;
    let gets: [(&str, Get); 5] = [
        ("race", |list| list.race().get(None).is_ok()),
        ("any", |list| list.any().get(None).is_ok()),
        ("some", |list| list.some(3).get(None).is_ok()),
        ("join", |list| list.join().get(None).is_ok()),
        ("a tuple", |list| join((list, Typed::ready(1))).get(None).is_ok()),
    ];
    watched(move || {
        for (name, get) in gets {
            let pool = Pool::new(1);
            let again = pool.clone();
            let mut outer: Typed<bool> = pool.spawn(move || {
                let list: List<u8> = (1..=3).map(|n| again.spawn(move || Ok(n))).collect();
                Ok(get(list))
            });
            assert!(outer.get(PATIENCE).unwrap(), "{name}");
        }
    });
}

/// An item that waits for the very job that waits is no deadlock, as long as another one can win.
#[test]
fn an_item_that_waits_for_this_job_may_lose() {
    watched(|| {
        let uses: [fn(List<usize>) -> Typed<usize>; 3] = [
            |list| list.race(),
            |list| list.any().map_err(|e| e.to_string()),
            |list| list.some(1).map(|all| all[0]).map_err(|e| e.to_string()),
        ];
        for make in uses {
            let (pool, waits) = (named_pool(1, "may lose"), Gate::new());
            let (send, receive) = channel::<Typed<usize>>();
            let (deferred, late) = Promise::deferred();
            let key = waits.key();
            waits.open();
            let job = pool.spawn(move || {
                let me = receive.recv().map_err(|_| String::new())?;
                key.wait(); // tells that it comes here
                make([me, late].into_iter().collect()).get(None).map_err(|e| e.to_string())
            });
            let shared = job.share();
            send.send(shared.clone().into_promise()).unwrap();
            eventually("it waits", || waits.arrived() == 1 && threads_asleep("may lose") == 1);
            deferred.resolve(7);
            assert!(matches!(shared.get(PATIENCE), Ok(7)));
        }
    });
}

/// Whoever sees the outcome can rely on that the losers were cancelled, on whatever thread.
#[test]
fn the_losers_are_cancelled_before_the_outcome_is_seen() {
    watched(|| {
        for round in 0..1_000 {
            let (mut deferreds, list) = pending(3);
            let settler = deferreds.remove(0);
            let mut race = if round % 2 == 0 { list.race() } else { list.join().map(|_| 0) };
            let settler = named_thread("settler", move || settler.reject("over".to_owned()));
            assert!(is_error(race.get(PATIENCE), "over"));
            assert!(deferreds.iter().all(Deferred::is_cancelled));
            settler.join().unwrap();
        }
    });
}

/// Callbacks run on the executor of the first item.
#[test]
fn the_race_has_the_executor_of_its_first_item() {
    watched(|| {
        let pool = crate::common::named_pool(1, "race-first");
        let other = Pool::new(1);
        let list: List<u8> = [pool.spawn(|| Ok(1)), other.spawn(|| Ok(2))].into_iter().collect();
        let name = list.race().map(|_| std::thread::current().name().map(str::to_owned));
        assert!(name.share().get(PATIENCE).unwrap().as_ref().unwrap().starts_with("race-first"));
    });
}
