//! One endpoint, two faces.

use crate::common::*;
use asynckit::face::{Blocking, CallError, Face, FromCall, Promised, Reply, own_error};
use asynckit::{AnyError, CancelSource, Failure, Flow, Pool, Promise, Reporter, join, pages};
use std::thread;
use std::time::Duration;

/// The error of a client.
#[derive(Debug)]
enum Error {
    Refused(u8),
    Call(CallError),
}

impl FromCall for Error {
    fn from_call(call: CallError) -> Self {
        Error::Call(call)
    }
}

struct Client<F: Face = Blocking> {
    pool: Pool,
    face: F,
}

impl<F: Face> Client<F> {
    fn call(
        &self,
        work: impl FnOnce() -> Result<u8, Error> + Send + 'static,
    ) -> Reply<F, u8, Error> {
        self.face.reply(self.pool.spawn(work))
    }

    fn answer(&self, promise: Promise<u8, Error>) -> Reply<F, u8, Error> {
        self.face.reply(promise)
    }

    fn with<G: Face>(&self, face: G) -> Client<G> {
        Client { pool: self.pool.clone(), face }
    }
}

fn client() -> Client {
    Client { pool: one_worker(), face: Blocking::new() }
}

#[test]
fn the_blocking_face_gives_the_value_or_the_clients_own_error() {
    watched(|| {
        let client = client();
        assert_eq!(client.call(|| Ok(7)).unwrap(), 7);
        assert!(matches!(client.call(|| Err(Error::Refused(3))), Err(Error::Refused(3))));
    });
}

#[test]
fn the_promised_face_of_the_same_client_gives_promises() {
    watched(|| {
        let client = client().with(Promised);
        let both = join((client.call(|| Ok(1)), client.call(|| Ok(2))));
        assert_eq!(both.map(|(a, b)| a + b).get(PATIENCE).unwrap(), 3);
        let refused = client.call(|| Err(Error::Refused(3))).get(PATIENCE);
        assert!(matches!(refused, Err(Failure::Error(Error::Refused(3)))));
        assert_eq!(client.with(Blocking::new()).call(|| Ok(4)).unwrap(), 4);
    });
}

#[test]
fn what_is_no_error_of_the_clients_is_made_one_in_one_place() {
    watched(|| {
        for (name, failure) in every_failure() {
            let failure = failure.map_error(|_| Error::Refused(1));
            let answer = client().answer(Promise::settled(Err(failure)));
            let call = match answer {
                Err(Error::Refused(1)) => "Error",
                Err(Error::Call(call)) => kind(&Failure::<u8>::from(call)),
                other => panic!("{other:?}"),
            };
            assert_eq!(call, name);
        }
        let Err(Error::Call(CallError::Panicked(panic))) = client().call(|| panic!("boom")) else {
            panic!("not a panic");
        };
        assert_eq!(panic.message(), "boom");
    });
}

#[test]
fn a_call_whose_time_is_over_is_cancelled() {
    watched(|| {
        let (deferred, never) = Promise::deferred();
        let answer = client().with(Blocking::within(Duration::from_millis(1))).answer(never);
        assert!(matches!(answer, Err(Error::Call(CallError::TimedOut))), "{answer:?}");
        assert!(deferred.is_cancelled());
    });
}

#[test]
fn a_running_call_whose_time_is_over_is_told() {
    watched(|| {
        let (pool, (told, hears)) = (one_worker(), std::sync::mpsc::channel());
        let call: Promise<u8, Error> = pool.spawn_cancellable(move |token| {
            token.on_cancel(move || told.send(()).unwrap());
            let (_deferred, mut never) = Promise::<u8>::deferred();
            while !token.is_cancelled() {
                _ = never.get(MOMENT);
            }
            Ok(1)
        });
        let late = Client { pool, face: Blocking::within(Duration::from_millis(20)) }.answer(call);
        assert!(matches!(late, Err(Error::Call(CallError::TimedOut))));
        hears.recv_timeout(PATIENCE).expect("the work is told");
    });
}

#[test]
fn a_call_that_is_in_time_is_not_touched_by_its_limit() {
    watched(|| {
        for limit in [PATIENCE, Duration::MAX] {
            assert_eq!(client().with(Blocking::within(limit)).call(|| Ok(7)).unwrap(), 7);
        }
    });
}

#[test]
fn a_call_whose_wait_could_never_end_is_cancelled() {
    watched(|| {
        let cancelled = on_the_only_worker("a call for what is behind it", |pool| {
            let (behind, (deferred, never)) = (pool.run(|| ()), Promise::<u8, Error>::deferred());
            let answer = Blocking::new().reply(never);
            let told = matches!(answer, Err(Error::Call(CallError::WouldDeadlock)));
            drop(behind);
            (told, deferred.is_cancelled())
        });
        assert_eq!(cancelled, (true, true));
    });
}

#[test]
fn a_blocking_call_in_a_job_of_the_only_worker_returns() {
    watched(|| {
        let value = on_the_only_worker("a call in a job", |pool| {
            Client { pool: pool.clone(), face: Blocking::new() }.call(|| Ok(7)).ok()
        });
        assert_eq!(value, Some(7));
    });
}

#[test]
fn in_a_job_of_any_error_a_cancelled_call_is_the_same_failure_again() {
    watched(|| {
        let mut job: Promise<u8> = one_worker().spawn(|| {
            let cancelled: Promise<u8> = Promise::settled(Err(Failure::Cancelled));
            let answer = Blocking::new().reply(cancelled)?;
            Ok::<u8, AnyError>(answer + 1)
        });
        assert!(job.get(PATIENCE).unwrap_err().is_cancelled());
    });
}

#[test]
fn the_faces_map_a_failure_in_the_same_way() {
    watched(|| {
        let promised = client().with(Promised).call(|| panic!("boom")).get(PATIENCE);
        let same = promised.map_err(own_error);
        assert!(matches!(same, Err(Error::Call(CallError::Panicked(_)))), "{same:?}");
    });
}

#[test]
fn a_cancelled_call_says_why() {
    watched(|| {
        let cancelled =
            || Promise::<u8, Error>::settled(Err(Failure::CancelledFor("no need".into())));
        let Err(Error::Call(call)) = Blocking::new().reply(cancelled()) else { panic!("a call") };
        assert_eq!(call.to_string(), "the promise was cancelled: no need");
        let again = Failure::<u8>::from(call);
        assert!(
            matches!(&again, Failure::CancelledFor(why) if why.as_str() == "no need"),
            "{again:?}"
        );
        // By the source of its token, too.
        let (source, (deferred, never)) = (CancelSource::new(), Promise::<u8, Error>::deferred());
        let call = never.cancel_by(&source.token());
        source.cancel_for("the user has left");
        let Err(Error::Call(call)) = Blocking::new().reply(call) else { panic!("a call") };
        assert_eq!(call.to_string(), "the promise was cancelled: the user has left");
        drop(deferred);
    });
}

#[test]
fn many_values_are_results_of_the_clients_error_and_end_at_the_first() {
    watched(|| {
        let pool = one_worker();
        let flow = pages(1, move |n: u8| {
            pool.spawn(move || if n < 3 { Ok((n, Some(n + 1))) } else { Err(Error::Refused(n)) })
        });
        let mut items = Blocking::new().items(flow);
        assert_eq!((items.next().unwrap().unwrap(), items.next().unwrap().unwrap()), (1, 2));
        assert!(matches!(items.next(), Some(Err(Error::Refused(3)))));
        assert!(items.next().is_none() && items.next().is_none());
    });
}

#[test]
fn a_value_of_many_whose_time_is_over_ends_them_and_is_cancelled() {
    watched(|| {
        let (deferred, never) = Promise::<(u8, Option<()>), Error>::deferred();
        let mut never = Some(never);
        let flow = pages((), move |()| never.take().unwrap());
        let mut items = Blocking::within(Duration::from_millis(1)).items(flow);
        assert!(matches!(items.next(), Some(Err(Error::Call(CallError::TimedOut)))));
        assert!(deferred.is_cancelled());
        assert!(items.next().is_none());
    });
}

#[test]
fn many_values_of_the_promised_face_are_the_flow() {
    watched(|| {
        let flow: Flow<u8, Error> = Flow::at_once(1..4, 2, Ok);
        assert_eq!(Promised.items(flow).join().get(PATIENCE).unwrap(), [1, 2, 3]);
    });
}

#[test]
fn reports_are_told_on_the_thread_of_a_blocking_call_the_last_one_before_it_returns() {
    watched(|| {
        for face in [Blocking::new(), Blocking::within(PATIENCE)] {
            let log = Log::new();
            let heard = log.clone();
            let reporter = Reporter::here(move |report| {
                heard.add((thread::current().id(), report.fraction));
            });
            let (pool, progress) = (one_worker(), reporter.clone());
            let call = pool.spawn(move || {
                progress.fraction(0.5);
                Ok::<u8, Error>(7)
            });
            let call = reporter.finish_with(call);
            assert_eq!(face.reply_reporting(call, &reporter).unwrap(), 7);
            let entries = log.entries();
            assert!(entries.iter().all(|(id, _)| *id == thread::current().id()));
            assert_eq!(entries.last().map(|(_, fraction)| *fraction), Some(1.0));
        }
    });
}
