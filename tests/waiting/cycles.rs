//! Cycles of waits (conformance F9): who would close one is told at once, whatever lies between.

use crate::common::{Gate, PATIENCE, alone, kind, watched};
use asynckit::{AsyncValue, Failure, Pool, Promise};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

type Typed<T> = Promise<T, String>;
/// What a job says that it was told.
type Told = Result<(), &'static str>;

/// Runs a job that gets what `make` makes of its own promise, and gives what that `get` said.
#[track_caller]
fn told<W: Send + 'static>(
    name: &str,
    make: impl FnOnce(Typed<u8>) -> W,
    get: impl FnOnce(W) -> Result<(), Failure<String>> + Send + 'static,
) {
    let pool = alone();
    told_by(name, |work| pool.spawn(work), make, get);
}

/// The same for whatever `spawn` makes a promise of.
#[track_caller]
fn told_by<W: Send + 'static>(
    name: &str,
    spawn: impl FnOnce(Box<dyn FnOnce() -> Result<u8, String> + Send>) -> Typed<u8>,
    make: impl FnOnce(Typed<u8>) -> W,
    get: impl FnOnce(W) -> Result<(), Failure<String>> + Send + 'static,
) {
    let (send, receive) = channel::<W>();
    let (tell, told) = channel::<Told>();
    let own = spawn(Box::new(move || {
        let outcome = get(receive.recv().unwrap());
        tell.send(outcome.map_err(|failure| kind(&failure))).unwrap();
        Ok(1)
    }));
    send.send(make(own)).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Err("WouldDeadlock")), "{name}");
}

/// F9: through links, followed promises, shared values and clones of them
#[test]
fn a_job_that_waits_for_what_waits_for_it_is_told() {
    watched(|| {
        told("itself", |own| own, |mut own| own.get(None).map(drop));
        told("links", |own| own.then(Ok).chain(Ok), |mut own| own.get(None).map(drop));
        told(
            "a value",
            |own| own.share(),
            |value: AsyncValue<u8, String>| value.get(None).map(drop),
        );
        told(
            "a clone of a value",
            |own| asynckit::IntoPromise::into_promise(own.share()),
            |mut own: Typed<u8>| own.get(None).map(drop),
        );
        told(
            "what follows it",
            |own| {
                let (deferred, promise) = Promise::deferred();
                deferred.follow(own);
                promise
            },
            |mut own: Typed<u8>| own.get(None).map(drop),
        );
    });
}

/// F9: through a branch of a shared value
#[test]
fn a_job_that_waits_for_a_branch_of_itself_is_told() {
    watched(|| {
        told("map", |own| own.share().map(|n| *n), |mut own| own.get(None).map(drop));
        told("chain", |own| own.share().chain(|n| Ok(*n)), |mut own| own.get(None).map(drop));
    });
}

/// F9: callbacks of each kind wait for themselves.
#[test]
fn whatever_runs_on_a_worker_is_told() {
    watched(|| {
        let get = |mut own: Typed<u8>| own.get(None).map(drop);
        let pool = alone();
        told_by("then", |work| pool.spawn(|| Ok(1)).then(move |_| work()), |own| own, get);
        let pool = alone();
        told_by("chain", |work| pool.spawn(|| Ok(1)).chain(move |_| work()), |own| own, get);
        let pool = alone();
        told_by(
            "catch",
            |work| pool.spawn(|| Err("no".into())).catch(move |_| work()),
            |own| own,
            get,
        );
        let pool = alone();
        told_by(
            "a branch",
            |work| pool.spawn(|| Ok(1)).share().then(move |_| work()),
            |own| own,
            get,
        );
        let pool = alone();
        let other = alone();
        told_by(
            "chain_on",
            |work| pool.spawn(|| Ok(1)).chain_on(&other, move |_| work()),
            |own| own,
            get,
        );
    });
}

/// F9: a ring of three jobs on three pools: who closes it is told, and with that failure the others go on.
#[test]
fn a_ring_of_jobs_is_told_once() {
    watched(|| {
        let pools = [(); 3].map(|()| alone());
        let mut senders = Vec::new();
        let mut promises: Vec<Typed<u8>> = Vec::new();
        for pool in &pools {
            let (send, receive): (_, Receiver<Typed<u8>>) = channel();
            senders.push(send);
            promises.push(pool.spawn(move || {
                let waited_for = receive.recv().unwrap().get(None);
                waited_for.map_err(|failure| match failure {
                    Failure::Error(text) => text,
                    other => kind(&other).to_owned(),
                })
            }));
        }
        let watching: Vec<_> = promises.into_iter().map(Promise::share).collect();
        for (sender, next) in senders.iter().zip(1..) {
            let next = watching[next % 3].clone();
            sender.send(asynckit::IntoPromise::into_promise(next)).unwrap();
        }
        for value in &watching {
            let failure = value.get(PATIENCE).expect_err("nobody has a value");
            assert!(
                matches!(&failure, Failure::Error(text) if text == "WouldDeadlock"),
                "{failure}"
            );
        }
    });
}

/// No cycle, but the only worker waits for what waits for a job that is queued behind it.
#[test]
fn a_wait_for_ones_own_queue_by_way_of_another_pool_ends() {
    watched(|| {
        let (first, second) = (alone(), alone());
        let gate = Gate::new();
        let (key, (send, receive)) = (gate.key(), channel::<Typed<u8>>());
        let mut waits = first.spawn(move || {
            key.wait();
            // Whoever waits last is told: this one, or the other, who passes it on.
            receive.recv().unwrap().get(None).map_err(|failure| match failure {
                Failure::Error(told) => told,
                other => kind(&other).to_owned(),
            })
        });
        let mut behind: Typed<u8> = first.spawn(|| Ok(2));
        let (tell, told) = channel();
        let between = second.spawn(move || {
            tell.send(()).unwrap();
            behind.get(None).map_err(|failure| kind(&failure).to_owned())
        });
        told.recv().unwrap();
        send.send(between).unwrap();
        gate.open();
        match waits.get(PATIENCE) {
            Ok(2) => {} // it has helped
            Err(Failure::Error(told)) if told == "WouldDeadlock" => {}
            other => panic!("{other:?}"),
        }
    });
}

/// A timed wait that would close a cycle is told at once as well.
#[test]
fn a_timed_wait_for_oneself_is_told() {
    watched(|| {
        told("a second", |own| own, |mut own| own.get(PATIENCE).map(drop));
        told("behind a link", |own| own.map(|n| n), |mut own| own.get(PATIENCE).map(drop));
    });
}

/// A timed wait ends by itself, so who waits for the one that waits so closes no cycle.
#[test]
fn a_timed_wait_closes_no_cycle_for_others() {
    watched(|| {
        let pool = Pool::new(2);
        let gate = Gate::new();
        let (key, (send, receive)) = (gate.key(), channel::<Typed<u8>>());
        let timed = pool.spawn(move || {
            key.wait();
            let outcome = receive.recv().unwrap().get(Duration::from_millis(300));
            assert!(outcome.is_err_and(|failure| failure.is_timed_out()));
            Ok(4)
        });
        let (hand, over) = channel::<Typed<u8>>();
        let waits = pool.spawn(move || {
            over.recv().unwrap().get(None).map_err(|failure| kind(&failure).to_owned())
        });
        let waits = waits.share();
        send.send(asynckit::IntoPromise::into_promise(waits.clone())).unwrap();
        gate.open();
        thread::sleep(Duration::from_millis(100)); // not needed to pass: the timed wait has begun
        hand.send(timed).unwrap();
        assert!(matches!(waits.get(PATIENCE), Ok(4)));
    });
}
