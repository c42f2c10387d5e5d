//! The client against its service: the same whatever the face, typed errors, limits, events.

mod screen;
mod shared;

use std::error::Error as _;
use std::fmt::Debug;
use std::future::poll_fn;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use asynckit::face::{Blocking, Face, Promised, Reply, own_error};
use asynckit::http::{self, Bars, ErrorKind};
use asynckit::{AsyncList, Flow, Outcome, Pool, Promise, Reporter};
use smol::stream::StreamExt;

use crate::client::{Client, Error, Record};
use crate::server::{Server, TOKEN};

/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test that is to end.
fn watched(body: impl FnOnce() + Send + 'static) {
    let (done, ended) = channel::<()>();
    let running = thread::spawn(move || {
        let _done = done;
        body();
    });
    let hangs = ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout);
    assert!(!hangs, "no end after {PATIENCE:?}");
    if let Err(panic) = running.join() {
        std::panic::resume_unwind(panic);
    }
}

fn service() -> (Server, Client) {
    let server = Server::start(Duration::ZERO).expect("a server");
    let client = Client::new(&server.url, TOKEN, &Pool::new(2)).expect("a client");
    (server, client)
}

fn records(count: u64) -> Vec<Record> {
    (0..count).map(|time| Record { time, value: time as f64 / 2.0 }).collect()
}

// ── The same calls, four ways ────────────────────────────────────────────────────────────────────

/// How a caller gets what a face answers with.
trait Caller {
    type Face: Face;
    fn client(&self, client: &Client) -> Client<Self::Face>;
    fn take<T: Send + 'static>(&self, reply: Reply<Self::Face, T, Error>) -> Result<T, Error>;
    fn all<T: Send + 'static>(
        &self,
        items: <Self::Face as Face>::Items<T, Error>,
    ) -> Vec<Result<T, Error>>;
}

struct Called;

impl Caller for Called {
    type Face = Blocking;
    fn client(&self, client: &Client) -> Client {
        client.promised().blocking() // the other face's other face
    }
    fn take<T: Send + 'static>(&self, reply: Result<T, Error>) -> Result<T, Error> {
        reply
    }
    fn all<T: Send + 'static>(
        &self,
        items: asynckit::face::Items<T, Error>,
    ) -> Vec<Result<T, Error>> {
        items.collect()
    }
}

struct Got;

impl Caller for Got {
    type Face = Promised;
    fn client(&self, client: &Client) -> Client<Promised> {
        client.promised()
    }
    fn take<T: Send + 'static>(&self, mut reply: Promise<T, Error>) -> Result<T, Error> {
        reply.get(None).map_err(own_error)
    }
    fn all<T: Send + 'static>(&self, items: Flow<T, Error>) -> Vec<Result<T, Error>> {
        items.map(|item| item.map_err(own_error)).collect()
    }
}

/// Awaited by what runs futures.
struct Awaited<R>(R);

trait Runs {
    fn run<T>(&self, future: impl Future<Output = T>) -> T;
}

impl Runs for tokio::runtime::Runtime {
    fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.block_on(future)
    }
}

struct Smol;

impl Runs for Smol {
    fn run<T>(&self, future: impl Future<Output = T>) -> T {
        smol::block_on(future)
    }
}

impl<R: Runs> Caller for Awaited<R> {
    type Face = Promised;
    fn client(&self, client: &Client) -> Client<Promised> {
        client.promised()
    }
    fn take<T: Send + 'static>(&self, reply: Promise<T, Error>) -> Result<T, Error> {
        self.0.run(async { reply.await.map_err(own_error) })
    }
    fn all<T: Send + 'static>(&self, items: Flow<T, Error>) -> Vec<Result<T, Error>> {
        let items: Vec<Outcome<T, Error>> = self.0.run(items.stream().collect());
        items.into_iter().map(|item| item.map_err(own_error)).collect()
    }
}

/// An outcome, without the port of the server that it came from.
fn told<T: Debug>(result: Result<T, Error>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => {
            let text = match &error {
                Error::Transport(error) => format!("{:?}", error.kind()),
                other => other.to_string(),
            };
            let variant = format!("{error:?}");
            let variant = variant.split(['(', ' ']).next().unwrap_or_default().to_owned();
            format!("{variant}: {text}; {}", error.source().is_some())
        }
    }
}

/// Every endpoint, with success and with failure.
fn script<C: Caller>(caller: &C) -> (Vec<String>, Vec<String>) {
    let (server, client) = service();
    let stranger = Client::new(&server.url, "nobody", &Pool::new(1)).expect("a client");
    let (client, stranger) = (caller.client(&client), caller.client(&stranger));
    let none = Reporter::none();
    let log = vec![
        told(caller.take(stranger.usage())),
        told(caller.take(client.collections())),
        told(caller.take(client.collection("birds"))),
        told(caller.take(client.get_or_create("birds"))),
        told(caller.take(client.get_or_create("birds"))),
        told(caller.take(client.upload("birds", records(60), &none))),
        told(caller.take(client.upload("fish", records(5), &none))),
        told(caller.take(client.query_all("birds", 3..12, &none))),
        told(caller.take(client.query_all("fish", 0..9, &none))),
        told(caller.take(client.validate("select *"))),
        told(caller.take(client.validate("drop table"))),
        told(caller.take(client.usage())),
        told(caller.take(client.collection("flaky"))),
        told(caller.take(client.collection("popular"))),
        told(caller.take(client.collection("broken"))),
        told(caller.take(client.raw("/collections")).map(|answer| answer.text())),
    ];
    let pages = caller.all(client.query("birds", 0..100)).into_iter().map(told);
    let missing = caller.all(client.query("fish", 0..100)).into_iter().map(told);
    (log.into_iter().chain(pages).chain(missing).collect(), server.seen())
}

#[test]
fn all_faces_give_the_same_values_and_errors_and_make_the_same_requests() {
    watched(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let called = script(&Called);
        assert_eq!((called.0.len(), called.1.len()), (20, 24), "{called:#?}");
        assert!(
            called.0[0].starts_with("Auth: not allowed: who are you?; true"),
            "{}",
            called.0[0]
        );
        assert_eq!(called, script(&Got));
        assert_eq!(called, script(&Awaited(runtime)));
        assert_eq!(called, script(&Awaited(Smol)));
    });
}

// ── Errors ───────────────────────────────────────────────────────────────────────────────────────

#[test]
fn an_error_of_the_service_is_typed_and_has_the_answer_as_its_source() {
    watched(|| {
        let (_, client) = service();
        let Err(error) = client.collection("snow") else { panic!("there is no snow") };
        assert!(error.is_not_found());
        assert_eq!(error.to_string(), "not found: no collection snow");
        let source = error.source().and_then(|source| source.downcast_ref::<http::Error>());
        let source = source.expect("the answer");
        assert_eq!((source.kind(), source.status().unwrap().as_u16()), (ErrorKind::Status, 404));
        // The same one behind the promise.
        let promised = client.promised().collection("snow").get(None);
        assert!(matches!(promised.map_err(own_error), Err(Error::NotFound(_))));
    });
}

#[test]
fn a_rate_limit_says_when_to_come_back() {
    watched(|| {
        let (_, client) = service();
        match client.collection("popular") {
            Err(Error::RateLimited { retry_after, refusal }) => {
                assert_eq!(retry_after, Some(Duration::from_secs(7)));
                assert_eq!(refusal.message, "too many requests");
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_client_that_limits_itself_is_never_refused() {
    watched(|| {
        let server = Server::start(Duration::from_millis(2)).expect("a server");
        let client = Client::new(&server.url, TOKEN, &Pool::new(2)).expect("a client").promised();
        let calls: AsyncList<_, _> = (0..100).map(|_| client.usage()).collect();
        assert_eq!(calls.join().get(None).unwrap().len(), 100);
        assert_eq!(server.seen().len(), 100, "none was sent again");
    });
}

#[test]
fn faults_that_pass_are_tried_again() {
    watched(|| {
        let (server, client) = service();
        assert_eq!(client.collection("flaky").unwrap().name, "flaky");
        assert_eq!(server.seen(), ["GET /collections/flaky"; 2]);
    });
}

#[test]
fn a_collection_is_created_where_there_is_none_and_for_no_other_reason() {
    watched(|| {
        let (server, client) = service();
        client.get_or_create("birds").unwrap();
        assert!(matches!(client.get_or_create("popular"), Err(Error::RateLimited { .. })));
        let puts = server.seen().into_iter().filter(|seen| seen.starts_with("PUT"));
        assert_eq!(puts.collect::<Vec<_>>(), ["PUT /collections/birds"]);
    });
}

#[test]
fn a_server_that_is_not_there_is_a_transport_error() {
    watched(|| {
        let nowhere = Client::new("http://127.0.0.1:1/", TOKEN, &Pool::new(1)).unwrap();
        assert!(matches!(nowhere.usage(), Err(Error::Transport(_))));
    });
}

// ── Pages, uploads, progress, what is remembered ─────────────────────────────────────────────────

#[test]
fn a_query_of_many_pages_gives_all_records_in_order_and_tells_how_far_it_is() {
    watched(|| {
        let (server, client) = service();
        client.get_or_create("birds").unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (listener, this) = (heard.clone(), thread::current().id());
        let reporter = Reporter::here(move |report| {
            assert_eq!(thread::current().id(), this);
            listener.lock().unwrap().push(report.fraction);
        });
        assert_eq!(client.upload("birds", records(130), &Reporter::none()).unwrap(), 130);
        let all = client.query_all("birds", 0..130, &reporter).unwrap();
        assert_eq!(all, records(130));
        let heard = heard.lock().unwrap();
        assert!(heard.is_sorted() && heard.iter().filter(|one| **one == 1.0).count() == 1);
        assert_eq!(heard.last(), Some(&1.0));
        let pages = server.seen().into_iter().filter(|seen| seen.contains("records?"));
        assert_eq!(pages.count(), 6);
    });
}

#[test]
fn a_query_that_fails_is_never_told_to_be_complete() {
    watched(|| {
        let (_, client) = service();
        let reporter = Reporter::here(|report| assert!(report.fraction < 1.0));
        assert!(client.query_all("snow", 0..9, &reporter).unwrap_err().is_not_found());
    });
}

#[test]
fn many_that_ask_for_the_same_collection_make_one_request() {
    watched(|| {
        let (server, client) = service();
        client.get_or_create("birds").unwrap();
        let promised = client.promised();
        let asked: AsyncList<_, _> = (0..32).map(|_| promised.collection("birds")).collect();
        assert_eq!(asked.join().get(None).unwrap().len(), 32);
        let gets = server.seen().into_iter().filter(|seen| seen == "GET /collections/birds");
        assert_eq!(gets.count(), 2); // that which has found nothing, and one
    });
}

// ── Events ───────────────────────────────────────────────────────────────────────────────────────

#[test]
fn events_come_in_order_and_a_late_listener_hears_that_it_is_open() {
    watched(|| {
        let (server, client) = service();
        let live = client.listen();
        let (heard, hears) = channel();
        let messages = heard.clone();
        live.on_message(move |event| messages.send(event.text.clone()).unwrap());
        let (opens, closes) = (heard.clone(), heard.clone());
        live.on_open(move || opens.send("open".to_owned()).unwrap());
        server.happen("one");
        let two = [hears.recv().unwrap(), hears.recv().unwrap()];
        assert!(two.contains(&"open".to_owned()) && two.contains(&"one".to_owned()), "{two:?}");
        live.on_open(move || heard.send("late".to_owned()).unwrap());
        assert_eq!(hears.recv().unwrap(), "late");
        live.on_close(move |outcome| closes.send(format!("{}", outcome.is_ok())).unwrap());
        server.happen("two");
        server.happen("the end");
        let rest: Vec<_> = (0..3).map(|_| hears.recv().unwrap()).collect();
        assert_eq!(rest, ["two", "the end", "true"]);
        assert!(live.wait(PATIENCE));
    });
}

#[test]
fn a_stream_that_is_closed_says_so() {
    watched(|| {
        let (_, client) = service();
        let live = client.listen();
        let (closed, closes) = channel();
        live.on_close(move |outcome| closed.send(outcome.unwrap_err().is_cancelled()).unwrap());
        live.close();
        assert!(closes.recv().unwrap());
    });
}

#[test]
fn the_program_runs_to_its_end() {
    watched(|| crate::run(Bars::hidden).expect("no error"));
}

#[test]
fn a_promise_is_polled_like_any_future() {
    watched(|| {
        let (_, client) = service();
        let mut usage = client.promised().usage();
        let polled = poll_fn(|context| std::pin::Pin::new(&mut usage).poll(context));
        assert_eq!(smol::block_on(polled).unwrap().records, 0);
    });
}
