//! Where and when callbacks run: never inside a call, on the promise's executor, `then` at once, `chain` in the queue
//! (conformance B18, B19).

use crate::common::{Gate, Log, PATIENCE, deferred_on, flush, one_worker, three_cases, watched};
use asynckit::{AsyncValue, Pool, Promise, join};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

thread_local! {
    static INSIDE_A_CALL: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread while `f` runs: a callback that finds the mark runs on the caller's stack.
fn inside<R>(f: impl FnOnce() -> R) -> R {
    INSIDE_A_CALL.set(true);
    let result = f();
    INSIDE_A_CALL.set(false);
    result
}

fn ran_inside() -> bool {
    INSIDE_A_CALL.get()
}

fn thread_name() -> String {
    thread::current().name().unwrap_or("").to_owned()
}

fn named_pool(name: &str) -> Pool {
    Pool::builder().workers(1).name(name).build().unwrap()
}

/// B18: neither the call that attaches nor the call that settles runs the callback.
#[test]
fn no_callback_runs_inside_a_call() {
    watched(|| {
        let settle_inside = |attach: fn(Promise<u8>) -> Promise<bool>| {
            let (deferred, promise) = Promise::deferred();
            let mut attached = attach(promise);
            inside(|| deferred.resolve(1));
            attached.get(PATIENCE).unwrap()
        };
        let attach_inside = |attach: fn(Promise<u8>) -> Promise<bool>| {
            inside(|| attach(Promise::ready(1))).get(PATIENCE).unwrap()
        };
        let attaches: [fn(Promise<u8>) -> Promise<bool>; 4] = [
            |p| p.map(|_| ran_inside()),
            |p| p.then(|_| Ok(ran_inside())),
            |p| p.chain(|_| Ok(ran_inside())),
            |p| p.handle(|_| Ok(ran_inside())),
        ];
        for attach in attaches {
            assert!(!settle_inside(attach));
            assert!(!attach_inside(attach));
        }
    });
}

/// B18, nested: a callback that attaches and settles is through with both before anything else runs on its worker.
#[test]
fn no_callback_runs_inside_another() {
    watched(|| {
        let pool = one_worker();
        let (deferred, pending) = deferred_on::<u8, String>(&pool);
        let settled: Promise<u8, String> = pool.spawn(|| Ok(1));
        flush(&pool);
        let mut by_settling = pending.map(|_| ran_inside());
        let mut outer = settled.then(move |_| {
            inside(|| {
                deferred.resolve(1);
                Ok(Promise::<u8, String>::ready(1).map(|_| ran_inside()))
            })
        });
        assert!(!outer.get(PATIENCE).unwrap().get(PATIENCE).unwrap());
        assert!(!by_settling.get(PATIENCE).unwrap());
    });
}

/// B18: a lock held over the call does no harm.
#[test]
fn a_lock_may_be_held_over_attaching_and_settling() {
    watched(|| {
        let lock = Arc::new(std::sync::Mutex::new(0_u8));
        let add = |lock: &Arc<std::sync::Mutex<u8>>| {
            let lock = lock.clone();
            move |n: u8| *lock.lock().unwrap() += n
        };
        let held = lock.lock().unwrap();
        let (deferred, promise) = Promise::<u8>::deferred();
        let mut early = promise.map(add(&lock));
        deferred.resolve(1);
        let mut late = Promise::<u8>::ready(2).map(add(&lock));
        drop(held);
        early.get(PATIENCE).unwrap();
        late.get(PATIENCE).unwrap();
        assert_eq!(*lock.lock().unwrap(), 3);
    });
}

/// B19: every kind of callback runs on the pool of its promise, whichever of attaching and settling came last.
#[test]
fn callbacks_run_on_the_pool_of_their_promise() {
    watched(|| {
        let pool = named_pool("b19-own");
        let on_pool = |attach: fn(Promise<u8, String>) -> Promise<String, String>| {
            let (deferred, pending) = deferred_on(&pool);
            flush(&pool);
            let mut first = attach(pending);
            deferred.resolve(1);
            let ran_on = first.get(PATIENCE).unwrap();
            assert!(
                ran_on.starts_with("b19-own"),
                "attached before it was settled, ran on {ran_on:?}"
            );

            let settled = pool.spawn(|| Ok(1));
            flush(&pool);
            let ran_on = attach(settled).get(PATIENCE).unwrap();
            assert!(
                ran_on.starts_with("b19-own"),
                "attached after it was settled, ran on {ran_on:?}"
            );
        };
        on_pool(|p| p.map(|_| thread_name()));
        on_pool(|p| p.then(|_| Ok(thread_name())));
        on_pool(|p| p.chain(|_| Ok(thread_name())));
        on_pool(|p| p.handle(|_| Ok(thread_name())));
        on_pool(|p| p.then(|_| Err("e".to_owned())).catch(|_| Ok(thread_name())));
        on_pool(|p| p.then(|_| Err("e".to_owned())).or_else(|_| Ok(thread_name())));
        on_pool(|p| {
            p.then(|_| Err::<u8, _>("e".to_owned())).map_err(|_| thread_name()).handle(
                |o| match o {
                    Err(asynckit::Failure::Error(name)) => Ok(name),
                    _ => Err("no name".to_owned()),
                },
            )
        });
        on_pool(|p| p.share().then(|_| Ok(thread_name())));
        on_pool(|p| p.share().map(|_| thread_name()));
        on_pool(|p| p.share().chain(|_| Ok(thread_name())));
        on_pool(|p| [p].into_iter().collect::<asynckit::AsyncList<_, _>>().map(|_| thread_name()));
    });
}

/// B19: promises that no pool made have their callbacks run on the global one.
#[test]
fn callbacks_on_constructed_promises_run_on_the_global_pool() {
    watched(|| {
        // `global-3` and `global-0` are threads of one pool.
        let pool_of =
            |thread: String| thread.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        let global = pool_of(Pool::global().run(thread_name).get(PATIENCE).unwrap());
        assert!(!global.is_empty(), "the threads of the global pool have names");
        let check = |mut promise: Promise<String, String>| {
            assert_eq!(pool_of(promise.get(PATIENCE).unwrap()), global)
        };
        three_cases(|| Ok(1_u8), |p| p.map(|_| thread_name()), check);
        three_cases(|| Ok(1_u8), |p| p.chain(|_| Ok(thread_name())), check);
        let event = asynckit::AsyncValue::<u8, String>::new();
        let branch = event.map(|_| thread_name());
        event.set(1).unwrap();
        check(branch);
        check(asynckit::spawn(|| Ok(thread_name())));
    });
}

/// B20: `chain_on` names the pool of its work and of what comes after it; adoption changes no pool.
#[test]
fn chain_on_changes_the_pool_and_adoption_does_not() {
    watched(|| {
        let (first, second) = (named_pool("b20-first"), named_pool("b20-second"));
        let log = Log::new();
        let note = |step: &'static str| {
            let log = log.clone();
            move |n: u8| {
                log.add((step, thread_name()));
                n
            }
        };
        let (a, b, c, d, inner) =
            (note("map"), note("chain_on"), note("after"), note("adopted"), second.clone());
        let mut end: Promise<u8> = first
            .spawn(|| Ok(1))
            .map(a)
            .then(move |n| inner.spawn(move || Ok(n)))
            .map(d)
            .chain_on(&second, move |n| Ok(b(n)))
            .map(c);
        end.get(PATIENCE).unwrap();
        let steps: Vec<_> = log
            .entries()
            .into_iter()
            .map(|(step, name)| (step, name.starts_with("b20-first")))
            .collect();
        assert_eq!(
            steps,
            [("map", true), ("adopted", true), ("chain_on", false), ("after", false)]
        );
    });
}

/// A worker that is held at a gate inside a job, a promise of that job, and a log.
struct Held {
    gate: Gate, // goes first: dropping the pool waits for the job
    log: Log<&'static str>,
    pool: Pool,
    promise: Option<Promise<u8>>,
}

impl Held {
    fn new() -> Self {
        let (pool, gate, log) = (one_worker(), Gate::new(), Log::new());
        let (key, note) = (gate.key(), log.clone());
        let promise = pool.spawn(move || {
            key.wait();
            note.add("job");
            Ok(1)
        });
        gate.await_arrival(1);
        Held { gate, log, pool, promise: Some(promise) }
    }

    fn note(&self, entry: &'static str) -> impl FnOnce(u8) -> u8 + Send + use<> {
        let log = self.log.clone();
        move |n| {
            log.add(entry);
            n
        }
    }

    fn queue(&self, entry: &'static str) -> Promise<u8> {
        let note = self.note(entry);
        self.pool.run(move || note(0))
    }

    fn finish(self) -> Vec<&'static str> {
        self.gate.open();
        drop(self.pool); // the last handle: waits for all of it
        self.log.entries()
    }
}

/// `then`, `map`, `catch` go on at once, ahead of the queue.
#[test]
fn then_runs_ahead_of_the_queue() {
    watched(|| {
        let mut held = Held::new();
        let _queued = held.queue("queued");
        let (then, map, end) = (held.note("then"), held.note("map"), held.note("catch"));
        let failing = held.promise.take().unwrap().then(move |n| Ok(then(n))).map(map);
        let _chain = failing
            .then(|_| -> Result<u8, _> { Err(asynckit::AnyError::msg("e")) })
            .catch(move |_| Ok(end(0)));
        assert_eq!(held.finish(), ["job", "then", "map", "catch", "queued"]);
    });
}

/// What is behind a join goes on at once on the worker that settles its last input, as what is behind a job.
#[test]
fn what_is_behind_a_join_runs_at_once() {
    watched(|| {
        let (pool, gate, log) = (one_worker(), Gate::new(), Log::new());
        let note = |entry: &'static str| {
            let log = log.clone();
            move || {
                log.add(entry);
                0_u8
            }
        };
        let (deferred, settled) = deferred_on::<u8, String>(&pool);
        let (job, callback, map) = (note("job"), note("callback"), note("map"));
        let (then, chain, queued) = (note("then"), note("chain"), note("queued"));
        let _callback = settled.map(move |_| callback());
        let (first, key) = (pool.spawn(|| Ok(1)), gate.key());
        let last: Promise<u8, String> = pool.spawn(move || {
            key.wait();
            deferred.resolve(1);
            job();
            Ok(2)
        });
        let joins = join((join([first, last]), Promise::ready(3)));
        let _chain =
            join([joins.map(move |_| map())]).then(move |_| Ok(then())).chain(move |_| Ok(chain()));
        gate.await_arrival(1);
        let _queued = pool.run(queued);
        gate.open();
        flush(&pool);
        flush(&pool); // the chain goes behind the first one
        assert_eq!(log.entries(), ["job", "map", "then", "callback", "queued", "chain"]);
    });
}

/// `chain` goes behind what is queued when its source settles.
#[test]
fn chain_runs_behind_the_queue() {
    watched(|| {
        let mut held = Held::new();
        let (chain, then) = (held.note("chain"), held.note("then it"));
        let _chain = held.promise.take().unwrap().chain(move |n| Ok(chain(n))).map(then);
        let _queued = (held.queue("first"), held.queue("second"));
        assert_eq!(held.finish(), ["job", "first", "second", "chain", "then it"]);
    });
}

/// What a callback settles or attaches on its own worker runs when it returns, ahead of the queue.
#[test]
fn what_a_job_settles_runs_when_it_returns() {
    watched(|| {
        let pool = one_worker();
        let (deferred, promise) = deferred_on::<u8, String>(&pool);
        flush(&pool);
        let log = Log::new();
        let (in_callback, in_job, in_queue) = (log.clone(), log.clone(), log.clone());
        let _callback = promise.map(move |_| in_callback.add("callback"));
        let gate = Gate::new();
        let key = gate.key();
        let _job = pool.run(move || {
            key.wait();
            deferred.resolve(1);
            in_job.add("end of the job");
        });
        let _queued = pool.run(move || in_queue.add("queued"));
        gate.open();
        flush(&pool);
        assert_eq!(log.entries(), ["end of the job", "callback", "queued"]);
    });
}

/// After some dozens of callbacks in a row the queue has its turn, also where joins are between them.
#[test]
fn a_nest_of_joins_starves_nobody() {
    const JOINS: usize = 1_000;
    watched(|| {
        let mut held = Held::new();
        let (runs, early) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let nest = (0..JOINS).fold(held.promise.take().unwrap(), |nest, _| {
            let runs = runs.clone();
            join((nest, Promise::ready(0))).map(move |(n, _)| {
                runs.fetch_add(1, SeqCst);
                n
            })
        });
        let (so_far, seen) = (runs.clone(), early.clone());
        let _queued = held.pool.run(move || seen.store(so_far.load(SeqCst), SeqCst));
        held.finish();
        drop(nest);
        assert_eq!(runs.load(SeqCst), JOINS);
        assert!((1..JOINS).contains(&early.load(SeqCst)), "{early:?}");
    });
}

/// After some dozens of callbacks in a row the queue has its turn.
#[test]
fn a_then_loop_starves_nobody() {
    fn spin(source: AsyncValue<()>, stop: Arc<AtomicBool>) -> Promise<()> {
        let again = source.clone();
        source.then(
            move |()| {
                if stop.load(SeqCst) { Promise::ready(()) } else { spin(again, stop) }
            },
        )
    }
    watched(|| {
        let pool = one_worker();
        let stop = Arc::new(AtomicBool::new(false));
        let gate = Gate::new();
        let key = gate.key();
        let _held = pool.run(move || key.wait());
        let mut end = spin(pool.spawn(|| Ok(())).share(), stop.clone());
        let mut queued = pool.run(move || stop.store(true, SeqCst));
        gate.open();
        queued.get(PATIENCE).unwrap();
        end.get(PATIENCE).unwrap();
    });
}
