//! Cancelling a download, and losing interest in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};

use axum::Router;
use axum::routing::get;
use tokio::sync::Semaphore;

use super::support::{PATIENCE, serve, session, settings, watched};

/// What a server that keeps its clients waiting tells the test.
#[derive(Debug, PartialEq)]
enum Event {
    Arrived,
    Answered,
    /// The client closed the connection before it was answered.
    Gone,
}

struct Waiting {
    site: String,
    events: Receiver<Event>,
    /// One permit lets one request be answered.
    answers: Arc<Semaphore>,
}

impl Waiting {
    fn start() -> Self {
        let (tell, events) = mpsc::channel();
        let answers = Arc::new(Semaphore::new(0));
        let permits = Arc::clone(&answers);
        let wait = move || {
            let (tell, permits) = (tell.clone(), Arc::clone(&permits));
            async move {
                let mut client = Client { tell, answered: false };
                client.say(Event::Arrived);
                permits.acquire().await.expect("never closed").forget();
                client.answered = true;
                "at last"
            }
        };
        let site = serve(Router::new().route("/", get(wait)));
        Self { site, events, answers }
    }

    #[track_caller]
    fn expect(&self, event: Event) {
        assert_eq!(self.events.recv_timeout(PATIENCE), Ok(event));
    }
}

struct Client {
    tell: Sender<Event>,
    answered: bool,
}

impl Client {
    fn say(&self, event: Event) {
        let _ = self.tell.send(event); // the test may be over
    }
}

/// The server drops the handler when the connection closes.
impl Drop for Client {
    fn drop(&mut self) {
        self.say(if self.answered { Event::Answered } else { Event::Gone });
    }
}

#[test]
fn cancel_closes_the_connection() {
    watched(|| {
        let server = Waiting::start();
        let mut page = session().get(&server.site);
        server.expect(Event::Arrived);
        page.cancel();
        server.expect(Event::Gone);
        assert!(page.get(None).expect_err("cancelled").is_cancelled());
    });
}

#[test]
fn cancelling_what_was_derived_from_it_closes_the_connection_too() {
    watched(|| {
        let server = Waiting::start();
        let page = session().get(&server.site);
        let mut size = page.map(|page| page.text()).map(|text| text.len());
        server.expect(Event::Arrived);
        size.cancel();
        server.expect(Event::Gone);
        assert!(size.get(None).expect_err("cancelled").is_cancelled());
    });
}

#[test]
fn a_cancelled_request_that_waited_for_its_turn_is_never_sent() {
    watched(|| {
        let server = Waiting::start();
        let session = settings().max_concurrent(1).build().expect("valid settings");
        let mut first = session.get(&server.site);
        server.expect(Event::Arrived);
        let mut second = session.get(&server.site);
        let mut third = session.get(&server.site);
        second.cancel();
        server.answers.add_permits(2);
        assert_eq!(first.get(None).expect("an answer").text(), "at last");
        assert_eq!(third.get(None).expect("an answer").text(), "at last");
        assert!(second.get(None).expect_err("cancelled").is_cancelled());
        let rest = [Event::Answered, Event::Arrived, Event::Answered];
        rest.into_iter().for_each(|event| server.expect(event));
        assert!(server.events.try_recv().is_err(), "only two requests came");
    });
}

#[test]
fn cancel_after_the_answer_changes_nothing() {
    watched(|| {
        let server = Waiting::start();
        server.answers.add_permits(1);
        let mut page = session().get(&server.site);
        assert!(page.wait(PATIENCE));
        page.cancel();
        assert_eq!(page.get(None).expect("an answer").text(), "at last");
    });
}

#[test]
fn dropping_the_session_cancels_nothing() {
    watched(|| {
        let server = Waiting::start();
        let session = session();
        let mut page = session.get(&server.site);
        server.expect(Event::Arrived);
        drop(session);
        server.answers.add_permits(1);
        assert_eq!(page.get(None).expect("an answer").text(), "at last");
        server.expect(Event::Answered);
    });
}

#[test]
fn dropping_the_promise_closes_the_connection() {
    watched(|| {
        let server = Waiting::start();
        let page = session().get(&server.site);
        server.expect(Event::Arrived);
        drop(page);
        server.expect(Event::Gone);
    });
}

#[test]
fn dropping_what_was_derived_from_it_or_a_list_closes_the_connections() {
    watched(|| {
        let server = Waiting::start();
        let session = session();
        let size = session.get(&server.site).map(|page| page.bytes().len());
        server.expect(Event::Arrived);
        drop(size);
        server.expect(Event::Gone);
        let pages: asynckit::AsyncList<_> = (0..3).map(|_| session.get(&server.site)).collect();
        (0..3).for_each(|_| server.expect(Event::Arrived));
        drop(pages);
        (0..3).for_each(|_| server.expect(Event::Gone));
    });
}

#[test]
fn a_get_that_times_out_and_is_left_by_question_mark_leaves_no_request() {
    watched(|| {
        let server = Waiting::start();
        let session = session();
        let fetch = || -> Result<String, asynckit::Failure> {
            let mut page = session.get(&server.site);
            server.expect(Event::Arrived);
            Ok(page.get(std::time::Duration::from_millis(1))?.text())
        };
        assert!(fetch().expect_err("nothing answers").is_timed_out());
        server.expect(Event::Gone);
    });
}

#[test]
fn detached_a_request_goes_on() {
    watched(|| {
        let server = Waiting::start();
        session().get(&server.site).detach();
        server.expect(Event::Arrived);
        server.answers.add_permits(1);
        server.expect(Event::Answered);
    });
}

#[test]
fn a_request_over_the_limit_waits_for_its_turn() {
    watched(|| {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, peak) = (Arc::clone(&now), Arc::clone(&most));
        let visit = move || async move {
            peak.fetch_max(count.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            count.fetch_sub(1, Ordering::SeqCst);
        };
        let site = serve(Router::new().route("/", get(visit)));
        let session = settings().max_concurrent(2).build().expect("valid settings");
        let mut pages: asynckit::AsyncList<_> = (0..50).map(|_| session.get(&site)).collect();
        assert_eq!(pages.get(None).expect("all answers").len(), 50);
        assert!(most.load(Ordering::SeqCst) <= 2);
    });
}

/// Two clients of one server, one of which gives up, do not disturb each other.
#[test]
fn cancelling_one_request_leaves_the_others_alone() {
    watched(|| {
        let server = Waiting::start();
        let session = session();
        let mut kept = session.get(&server.site);
        let given_up = session.get(&server.site);
        server.expect(Event::Arrived);
        server.expect(Event::Arrived);
        given_up.cancel();
        server.expect(Event::Gone);
        assert_eq!(server.events.try_recv(), Err(mpsc::TryRecvError::Empty));
        server.answers.add_permits(1);
        assert_eq!(kept.get(None).expect("an answer").text(), "at last");
        server.expect(Event::Answered);
        let quiet = server.events.recv_timeout(std::time::Duration::ZERO);
        assert_eq!(quiet, Err(RecvTimeoutError::Timeout));
    });
}
