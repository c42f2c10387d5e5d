//! Cycles are told although somebody is using what has to be looked into just then, or closes the same one (conformance
//! C5, F9).

use crate::common::{PATIENCE, alone, kind, named_thread, watched};
use asynckit::{AsyncList, Pool, Promise, for_each_concurrent};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use std::{hint, thread};

type Typed<T> = Promise<T, String>;

/// A value that is dropped where the list drains: it says so, and stays there until a moment after it is told to go on.
struct Lingers(Option<(Sender<()>, Receiver<()>)>);

impl Drop for Lingers {
    fn drop(&mut self) {
        let Some((tell, go_on)) = self.0.take() else { return };
        tell.send(()).unwrap();
        go_on.recv().unwrap();
        let end = Instant::now() + Duration::from_millis(3);
        (0..1000).take_while(|_| Instant::now() < end).for_each(|_| thread::yield_now());
    }
}

/// Runs a job that is given what waits for itself, while that drains what has come of something else.
#[track_caller]
fn told(name: &str, job: impl FnOnce(Typed<()>, Sender<()>) -> Typed<u8> + Send + 'static) {
    let pool = alone();
    let ((give, own), (tell, inside), (go, go_on)) = (channel(), channel(), channel());
    let own = pool.spawn(move || {
        inside.recv().unwrap();
        job(own.recv().unwrap(), go)
    });
    let (first, item) = Promise::<Lingers, String>::deferred();
    let (send, verdict) = channel();
    let seen = own.handle(move |outcome| {
        send.send(outcome.map_err(|failure| kind(&failure))).unwrap();
        Ok(Lingers(None))
    });
    let mut items = [item, seen].into_iter();
    give.send(for_each_concurrent(0..2, 2, move |_| items.next().unwrap())).unwrap();
    let drains = named_thread("drains", move || first.resolve(Lingers(Some((tell, go_on)))));
    assert_eq!(verdict.recv_timeout(PATIENCE), Ok(Err("WouldDeadlock")), "{name}");
    drains.join().unwrap();
}

/// C5
#[test]
fn a_job_that_follows_a_list_that_is_drained_just_then_is_told() {
    watched(|| {
        told("a list", |own, go| {
            go.send(()).unwrap();
            own.map(|()| 1)
        });
        told("a join of it", |own, go| {
            let joined = asynckit::join((own, Pool::global().spawn(|| Ok(1))));
            go.send(()).unwrap();
            joined.map(|((), n)| n)
        });
    });
}

/// C5: two jobs, each of which returns the other's promise: at the same time, neither follows the other one yet.
#[test]
fn two_jobs_that_follow_each_other_at_the_same_time_are_told() {
    type Chained = Typed<u8>;
    fn job(pool: &Pool, meet: &Arc<AtomicUsize>) -> (Sender<Chained>, Chained, Receiver<bool>) {
        let ((give, other), (tell, told)) = (channel::<Chained>(), channel());
        let meet = meet.clone();
        let job = pool.spawn(move || {
            let other = other.recv().unwrap();
            meet.fetch_add(1, SeqCst);
            for turn in 0_u32.. {
                match meet.load(SeqCst) {
                    2 => break,
                    _ if turn < 10_000 => hint::spin_loop(), // a barrier would let one of them go first
                    _ => thread::yield_now(),
                }
            }
            other
        });
        let seen = job.handle(move |outcome| {
            tell.send(outcome.is_err_and(|failure| failure.is_would_deadlock())).unwrap();
            Ok(1)
        });
        (give, seen, told)
    }
    watched(|| {
        let pool = Pool::new(2);
        for round in 0..500 {
            let meet = Arc::default();
            let (to_one, one, first) = job(&pool, &meet);
            let (to_other, other, second) = job(&pool, &meet);
            to_one.send(other).unwrap();
            to_other.send(one).unwrap();
            let told = [first, second].map(|told| told.recv_timeout(PATIENCE));
            assert!(
                told.contains(&Ok(true)) && told.iter().all(Result::is_ok),
                "{round}: {told:?}"
            );
        }
    });
}

/// F9
#[test]
fn a_job_that_waits_for_a_list_that_is_drained_just_then_is_told() {
    watched(|| {
        told("get", |mut own, go| {
            go.send(()).unwrap();
            Promise::settled(own.get(None).map(|()| 1))
        });
        told("a timed get", |mut own, go| {
            go.send(()).unwrap();
            Promise::settled(own.get(PATIENCE).map(|()| 1))
        });
        told("as_completed", |own, go| {
            let list: AsyncList<(), String> = [own].into_iter().collect();
            let mut completed = list.as_completed();
            go.send(()).unwrap();
            let first = completed.next().expect("one item");
            Promise::settled(first.outcome.map(|()| 1))
        });
    });
}
