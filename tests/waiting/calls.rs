//! Workers that wait in a pool that may start no more, and are called to look again: by who pushes from outside, by
//! the last one to wait.

use crate::common::tasks::{sleeps, threads_asleep};
use crate::common::{Gate, GateKey, MOMENT, PATIENCE, eventually, watched};
use asynckit::{AsyncList, AsyncValue, Deferred, Failure, Outcome, Pool, Promise};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

type Typed<T> = Promise<T, String>;

/// A pool that may not start a spare, and does not wait for a job that hangs when it is dropped.
fn stuck_pool(workers: usize, name: &str) -> ManuallyDrop<Pool> {
    let pool = Pool::builder().workers(workers).max_spare_workers(0).name(name).build();
    ManuallyDrop::new(pool.unwrap())
}

fn told<T>(outcome: Outcome<T, String>) -> Result<T, String> {
    outcome.map_err(|failure| format!("{failure:?}"))
}

/// Where no spare may be added: what comes from outside when the worker waits already is found as well.
#[test]
fn a_waiter_runs_what_becomes_ready_while_it_waits() {
    type Make = fn(Typed<u8>, &Pool) -> Typed<u8>;
    let makes: [(&str, Make); 4] = [
        ("map", |promise, pool| promise.via(pool).map(|n| n + 1)),
        ("chain", |promise, pool| promise.chain_on(pool, |n| Ok(n + 1))),
        ("a job", |promise, pool| {
            let again = pool.clone();
            promise.via(asynckit::Inline).then(move |n| again.spawn(move || Ok(n + 1)))
        }),
        ("a join of branches", |promise, pool| {
            let value = promise.via(pool).share();
            let list: AsyncList<u8, String> = (0..2).map(|_| value.map(|n| n + 1)).collect();
            list.join().map(|both| both[1])
        }),
    ];
    watched(move || {
        for (name, make) in makes {
            let pool = Pool::builder().workers(1).max_spare_workers(0).name("ready").build();
            let pool = ManuallyDrop::new(pool.unwrap());
            let (deferred, promise) = Promise::deferred();
            let again = (*pool).clone();
            let mut waits: Typed<u8> = pool.spawn(move || {
                make(promise, &again).get(None).map_err(|failure| format!("{failure:?}"))
            });
            eventually("it waits", || threads_asleep("ready") == 1);
            let strangers: Vec<_> = (0..10).map(|_| pool.run(|| ())).collect();
            // A stranger is no reason to stay awake.
            thread::sleep(MOMENT);
            eventually("it sleeps", || threads_asleep("ready") == 1);
            let before = sleeps("ready");
            thread::sleep(MOMENT);
            assert!(sleeps("ready") - before <= 2, "{name}: it looks again and again");
            deferred.resolve(1);
            assert_eq!(waits.get(PATIENCE).unwrap(), 2, "{name}");
            drop((strangers, ManuallyDrop::into_inner(pool)));
        }
    });
}

/// The same where somebody was busy when it was to be found: the last one to block calls the others, who look again.
#[test]
fn the_last_one_to_wait_calls_the_others() {
    watched(|| {
        let pool = Pool::builder().workers(2).max_spare_workers(0).build().unwrap();
        let (gate, again) = (Gate::new(), pool.clone());
        let (key, (deferred, mut resolved)) = (gate.key(), Promise::<u8, String>::deferred());
        let mut first: Typed<u8> = pool.spawn(move || {
            key.wait();
            let mut chained: Typed<u8> = again.spawn(|| Ok(1)).chain(|n| Ok(n + 1)).chain(Ok);
            let outcome = chained.get(None).map_err(|failure| format!("{failure:?}"));
            deferred.settle(outcome.clone().map_err(Failure::Error));
            outcome
        });
        let key = gate.key();
        let last: Typed<u8> = pool.spawn(move || {
            key.wait();
            thread::sleep(MOMENT); // the first one blocks meanwhile, though it need not
            resolved.get(None).map_err(|failure| format!("{failure:?}"))
        });
        gate.await_arrival(2);
        (0..100).for_each(|_| drop(pool.run(|| ())));
        gate.open();
        assert_eq!(first.get(PATIENCE).unwrap(), 2);
        assert_eq!({ last }.get(PATIENCE).unwrap(), 2);
    });
}

/// The same where the others were looking just then: what is new is not lost to who has looked before, nor to who
/// finds the queue empty because another one has it in hand.
#[test]
fn a_call_is_not_lost_while_another_one_looks() {
    watched(|| {
        let pool = stuck_pool(2, "lost call");
        let (end, mut ended) = Promise::<u8, String>::deferred();
        let mut other = pool.spawn(move || told(ended.get(None)));
        let (asks, asked) = mpsc::channel::<Deferred<u8, String>>();
        let (gate, again) = (Gate::new(), (*pool).clone());
        let key = gate.key();
        let mut waits: Typed<()> = pool.spawn(move || {
            key.wait();
            for _ in 0..300 {
                let (deferred, promise) = Promise::deferred();
                asks.send(deferred).unwrap();
                told(promise.via(&again).map(|n| n).get(None))?;
                let mut chained = again.spawn(|| Ok(1)).chain(|n| Ok(n + 1)).chain(Ok);
                told(chained.get(None))?;
            }
            Ok(())
        });
        gate.await_arrival(1);
        (0..20_000).for_each(|_| drop(pool.run(|| ()))); // so that a look takes its time
        gate.open();
        while let Ok(deferred) = asked.recv_timeout(PATIENCE) {
            thread::sleep(Duration::from_micros(300)); // both wait by then, mostly
            deferred.resolve(1);
        }
        waits.get(PATIENCE).unwrap();
        end.resolve(1);
        assert_eq!(other.get(PATIENCE).unwrap(), 1);
        drop(ManuallyDrop::into_inner(pool));
    });
}

/// Makes a list of what waits for outside promises, or for a job of the pool.
type Make = fn(Vec<Typed<u8>>, &Pool, GateKey) -> AsyncList<u8, String>;

fn a_job_behind(promises: Vec<Typed<u8>>, pool: &Pool, key: GateKey) -> AsyncList<u8, String> {
    let job = pool.spawn(move || {
        key.wait();
        Ok(1)
    });
    promises.into_iter().chain([job]).collect()
}

fn callbacks(promises: Vec<Typed<u8>>, pool: &Pool, key: GateKey) -> AsyncList<u8, String> {
    let wait = move |promise: Typed<u8>| {
        let key = key.clone();
        promise.via(pool).inspect(move |_| key.wait())
    };
    promises.into_iter().map(wait).collect()
}

/// Where no spare may be added: of a list that is too long to be seen at once all items are looked at.
#[test]
fn a_waiter_looks_at_all_items_of_a_long_list() {
    type Get = fn(AsyncList<u8, String>) -> Outcome<Vec<u8>, String>;
    let makes: [(&str, Make, bool); 2] =
        [("a job", a_job_behind, false), ("a callback", callbacks, true)];
    let gets: [(&str, Get); 2] =
        [("a list", |mut list| list.get(None)), ("a join", |list| list.join().get(None))];
    watched(move || {
        for ((what, make, comes), (of, get)) in
            makes.into_iter().flat_map(|make| gets.map(|get| (make, get)))
        {
            let pool = stuck_pool(1, "long list");
            let (mut deferreds, promises): (Vec<_>, Vec<_>) =
                (0..3000).map(|_| Promise::<u8, String>::deferred()).unzip();
            let (gate, again) = (Gate::new(), (*pool).clone());
            let key = gate.key();
            let mut waits: Typed<usize> = pool
                .spawn(move || told(get(make(promises, &again, key)).map(|values| values.len())));
            eventually("it waits", || threads_asleep("long list") == 1);
            if comes {
                deferreds.remove(2000).resolve(1);
            }
            eventually(&format!("{what} of {of}"), || gate.arrived() == 1);
            gate.open();
            drop(deferreds);
            let failure = waits.get(PATIENCE).unwrap_err().to_string();
            assert_eq!(failure, "Abandoned", "{what} of {of}");
            drop(ManuallyDrop::into_inner(pool));
        }
    });
}

/// Where no spare may be added: a job that was queued before, and seen, is found when the awaited promise comes to
/// need it: nothing is queued then.
#[test]
fn a_waiter_is_called_when_what_it_waits_for_follows_a_queued_job() {
    type Link = fn(Deferred<u8, String>, Typed<u8>, &Pool);
    let links: [(&str, Link); 3] = [
        ("a deferred", |deferred, job, _| deferred.follow(job)),
        ("a link", |deferred, job, _| deferred.follow(job.map(|n| n))),
        ("a job of another pool", |deferred, job, other| {
            deferred.follow(other.spawn(move || job));
        }),
    ];
    watched(move || {
        for (name, link) in links {
            let (pool, other) = (stuck_pool(1, "follows"), Pool::new(1));
            let (deferred, mut promise) = Promise::<u8, String>::deferred();
            let mut waits = pool.spawn(move || told(promise.get(None)));
            eventually("it waits", || threads_asleep("follows") == 1);
            let job = pool.spawn(|| Ok(1));
            thread::sleep(MOMENT);
            eventually("it has looked, and waits again", || threads_asleep("follows") == 1);
            link(deferred, job, &other);
            assert!(matches!(waits.get(PATIENCE), Ok(1)), "{name}");
            drop(ManuallyDrop::into_inner(pool));
        }
    });
}

/// Blocks when it is dropped.
struct Blocks(GateKey);

impl Drop for Blocks {
    fn drop(&mut self) {
        self.0.wait();
    }
}

/// Where no spare may be added: what could not be looked into, because a thread was at work on it, is looked into
/// later.
#[test]
fn a_waiter_looks_again_at_what_somebody_was_using() {
    watched(|| {
        let pool = stuck_pool(1, "in use");
        let gate = Gate::new();
        let (first, one) = Promise::<Option<Blocks>, String>::deferred();
        let (second, two) = Promise::<Option<Blocks>, String>::deferred();
        let again = (*pool).clone();
        let mut waits = pool.spawn(move || {
            let mut both = vec![two.via(&again).map(|_| None), one];
            let all = asynckit::for_each_concurrent(0..2, 2, move |_| both.pop().unwrap());
            told({ all }.get(None))
        });
        eventually("it waits", || threads_asleep("in use") == 1);
        let drops = Blocks(gate.key());
        let settles = thread::spawn(move || first.resolve(Some(drops)));
        gate.await_arrival(1); // the list is at work on the first item
        second.resolve(None);
        thread::sleep(MOMENT);
        assert!(!waits.is_set());
        gate.open();
        settles.join().unwrap();
        waits.get(PATIENCE).unwrap();
        drop(ManuallyDrop::into_inner(pool));
    });
}

/// Who looks through the queue has it in hand: another worker that finds it empty then, and goes to sleep, is woken.
#[test]
fn a_look_through_the_queue_puts_nobody_to_sleep() {
    watched(|| {
        for _ in 0..3 {
            let pool = stuck_pool(2, "asleep");
            let (event, seen) = (AsyncValue::<u8, String>::new(), Arc::new(AtomicUsize::new(0)));
            let (gate, again, waited) = (Gate::new(), (*pool).clone(), event.clone());
            let mut other = pool.spawn(move || told(waited.get(None).copied()));
            eventually("it waits", || threads_asleep("asleep") == 1);
            let (key, ran) = (gate.key(), seen.clone());
            let mut looks = pool.spawn(move || {
                key.wait();
                let wakes = thread::spawn(move || {
                    thread::sleep(Duration::from_millis(2)); // in the middle of the look
                    event.set(1).unwrap();
                });
                let mut chained: Typed<u8> = again.spawn(|| Ok(1)).chain(|n| Ok(n + 1));
                let outcome = told(chained.get(None));
                wakes.join().unwrap();
                eventually("the other one goes on", || ran.load(SeqCst) > 0);
                outcome
            });
            gate.await_arrival(1);
            for _ in 0..400_000 {
                let seen = seen.clone();
                drop(pool.run(move || seen.fetch_add(1, SeqCst)));
            }
            gate.open();
            assert_eq!(looks.get(PATIENCE * 2).unwrap(), 2);
            assert_eq!(other.get(PATIENCE).unwrap(), 1);
            drop(ManuallyDrop::into_inner(pool));
        }
    });
}
