//! Where a value goes along: each way in which the library calls user code later.

use crate::common::{PATIENCE, one_worker, watched};
use asynckit::{
    AnyError, AsyncList, AsyncValue, Backoff, ContextKey, Inline, Limiter, LocalQueue, Pool,
    Promise, Serial, TaskSet, delay, map_concurrent, repeat_until, retry, unfold,
};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

static ID: ContextKey<u32> = ContextKey::new();

const TICK: Duration = Duration::from_millis(1);

fn id() -> u32 {
    ID.get().unwrap_or(0)
}

/// Attaches with the value 7, and asks for what was seen.
#[track_caller]
fn seven<T: Send + 'static>(attach: impl FnOnce() -> Promise<T>) -> T {
    ID.with(7, attach).get(PATIENCE).expect("a value")
}

#[test]
fn jobs_and_callbacks_have_it() {
    watched(|| {
        let (pool, other) = (one_worker(), one_worker());
        let seen = seven(|| {
            pool.run(|| vec![id()])
                .map(|seen| [seen, vec![id()]].concat())
                .then(|seen| Ok([seen, vec![id()]].concat()))
                .chain(|seen| Ok([seen, vec![id()]].concat()))
                .chain_on(&other, |seen| Ok([seen, vec![id()]].concat()))
                .via(Inline)
                .map(|seen| [seen, vec![id()]].concat())
                .handle(|seen| Ok([seen.unwrap(), vec![id()]].concat()))
        });
        assert_eq!(seen, [7; 7]);
        assert_eq!(pool.run(id).get(PATIENCE).unwrap(), 0, "another job does not see it");
        let failed = seven(|| Promise::<u32>::failed("no".into()).via(&pool).catch(|_| Ok(id())));
        assert_eq!(failed, 7);
    });
}

/// What it was attached with counts, not what settles it.
#[test]
fn a_callback_has_that_of_where_it_was_attached() {
    watched(|| {
        let pool = one_worker();
        let (deferred, promise) = Promise::<()>::deferred();
        let mut seen = ID.with(7, || promise.via(&pool).map(|()| id())).map(|inner| (inner, id()));
        ID.with(8, || deferred.resolve(()));
        assert_eq!(seen.get(PATIENCE).unwrap(), (7, 0));
    });
}

#[test]
fn what_a_callback_attaches_in_turn_has_it() {
    watched(|| {
        let pool = one_worker();
        let inner = pool.clone();
        let seen = seven(|| pool.spawn(move || inner.run(id).then(|seen| Ok((seen, id())))));
        assert_eq!(seen, (7, 7));
    });
}

/// A worker runs the job that it waits for in the middle of its own.
#[test]
fn a_job_that_is_run_by_one_that_waits_has_its_own() {
    watched(|| {
        let pool = one_worker();
        let (inner, mut plain) = (pool.clone(), None);
        let (sender, receiver) = channel::<Promise<u32>>();
        let mut outer = ID.with(7, || {
            pool.spawn(move || {
                let mut plain = receiver.recv()?;
                Ok::<_, AnyError>((plain.get(None)?, id()))
            })
        });
        plain.get_or_insert_with(|| sender.send(inner.run(id))).as_ref().unwrap();
        assert_eq!(outer.get(PATIENCE).unwrap(), (0, 7));
    });
}

#[test]
fn futures_have_it_at_each_poll() {
    watched(|| {
        let pool = one_worker();
        let (deferred, gate) = Promise::<()>::deferred();
        let mut seen = ID.with(7, || {
            pool.spawn_future(async move {
                let first = id();
                gate.await?;
                Ok::<_, AnyError>((first, id()))
            })
        });
        pool.run(|| ()).get(PATIENCE).unwrap();
        deferred.resolve(());
        assert_eq!(seen.get(PATIENCE).unwrap(), (7, 7));
    });
}

#[test]
fn attempts_and_loops_have_it() {
    watched(|| {
        let pool = one_worker();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (noted, again) = (Arc::clone(&seen), pool.clone());
        let mut tries = ID.with(7, || {
            retry(Backoff::constant(TICK).times(3), move |number| {
                noted.lock().unwrap().push(id());
                again.spawn(move || if number < 3 { Err("once more") } else { Ok(id()) })
            })
        });
        assert_eq!(tries.get(PATIENCE).unwrap(), 7);
        assert_eq!(*seen.lock().unwrap(), [7; 3]);

        let again = pool.clone();
        let attempt = move |number| again.run(move || (number, id()));
        let until = seven(|| repeat_until([TICK; 3], |got: &(u32, u32)| got.0 == 3, attempt));
        assert_eq!(until, (3, 7));

        let (sender, ticks) = channel();
        let ticking = ID.with(7, || {
            pool.repeat_every(TICK, move |_| {
                sender.send(id())?;
                Ok::<(), AnyError>(())
            })
        });
        assert!(ticks.iter().take(3).all(|id| id == 7));
        drop(ticking);

        let later = seven(|| delay(TICK).map(|()| id()));
        assert_eq!(later, 7);
    });
}

#[test]
fn lists_have_it() {
    watched(|| {
        let pool = one_worker();
        let jobs = || -> AsyncList<u32> { (0..3).map(|_| pool.run(id)).collect() };
        assert_eq!(seven(|| jobs().join()), [7; 3]);
        assert_eq!(seven(|| jobs().reduce(0, |sum, n| Ok(sum + n + id()))), 42);
        let inner = pool.clone();
        let mapped = move || {
            map_concurrent(0..6, 2, move |_| {
                let outer = id();
                inner.run(move || (outer, id()))
            })
        };
        assert_eq!(seven(|| mapped().join()), [(7, 7); 6]);

        let (sender, reports) = channel();
        let mut list = jobs();
        ID.with(7, || {
            list.on_progress(move |progress| {
                let _ = sender.send((progress.done, id()));
            })
        });
        list.get(PATIENCE).unwrap();
        assert!(reports.iter().find(|report| report.0 == 3).is_some_and(|report| report.1 == 7));

        let set: TaskSet<u32> = TaskSet::new();
        ID.with(7, || set.push(pool.run(id)));
        assert_eq!(set.next().unwrap().outcome.unwrap(), 7);
    });
}

#[test]
fn limiters_serials_queues_scopes_and_values_have_it() {
    watched(|| {
        let pool = one_worker();
        let (limiter, gate) = (Limiter::new(1), Promise::<u32>::deferred());
        let first = limiter.run(move || gate.1);
        let mut second = ID.with(7, || limiter.run(|| Ok::<_, AnyError>(id())));
        gate.0.resolve(0);
        assert_eq!(second.get(PATIENCE).unwrap(), 7);
        drop(first);

        let serial = Serial::new(&pool);
        let mut own = ID.with(7, || serial.run(id));
        let mut other = ID.with(8, || serial.run(id));
        assert_eq!((own.get(PATIENCE).unwrap(), other.get(PATIENCE).unwrap()), (7, 8));

        let queue = LocalQueue::new();
        let mut queued = ID.with(7, || Promise::<_>::ready(()).via(&queue).map(|()| id()));
        assert_eq!(queue.get(&mut queued, PATIENCE).unwrap(), 7);

        let borrowed = ID
            .with(7, || pool.scope(|scope| scope.spawn(|| Ok::<_, AnyError>(id())).get(PATIENCE)));
        assert_eq!(borrowed.unwrap(), 7);

        let value: AsyncValue<u32> = AsyncValue::new();
        let mut branch = ID.with(7, || value.map(|n| n + id()));
        value.set(1).unwrap();
        assert_eq!(branch.get(PATIENCE).unwrap(), 8);

        let page = |n| Ok::<_, AnyError>((n < 3).then(|| (id(), n + 1)));
        assert_eq!(seven(|| unfold(0, page)), [7; 3]);
    });
}

#[test]
fn a_thread_of_the_standard_library_has_none() {
    ID.with(7, || assert_eq!(std::thread::spawn(id).join().unwrap(), 0));
    assert_eq!(Pool::new(1).run(id).get(PATIENCE).unwrap(), 0);
}
