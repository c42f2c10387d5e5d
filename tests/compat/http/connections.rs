//! Connections that are kept, reused, and run out.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use asynckit::AsyncList;
use asynckit::http::ErrorKind;

use super::support::{
    PATIENCE, answer, http_error, read_head, serve_each, session, settings, watched,
};

/// How many connections are open at a server.
#[derive(Clone, Default)]
struct Open(Arc<AtomicUsize>);

impl Open {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    #[track_caller]
    fn becomes(&self, most: usize) {
        let start = std::time::Instant::now();
        while self.count() > most {
            assert!(start.elapsed() < PATIENCE, "{} stay open", self.count());
            thread::yield_now();
        }
    }

    /// A server that counts its connections.
    fn serve(&self) -> String {
        let open = self.clone();
        serve_each(move |connection, _| {
            open.0.fetch_add(1, Ordering::SeqCst);
            while answer(connection, "200 OK", b"here") && read_head(connection).is_some() {}
            open.0.fetch_sub(1, Ordering::SeqCst);
            false
        })
    }
}

#[test]
fn a_connection_is_used_again() {
    watched(|| {
        let open = Open::default();
        let (site, session) = (open.serve(), session());
        for _ in 0..20 {
            session.get(&site).get(None).expect("an answer");
        }
        assert_eq!(open.count(), 1);
    });
}

#[test]
fn idle_connections_are_bounded_in_total() {
    watched(|| {
        let open = Open::default();
        let sites: Vec<_> = (0..20).map(|_| open.serve()).collect();
        let few = settings().idle_connections(5, 5, Duration::from_secs(60));
        let session = few.build().expect("valid settings");
        let mut pages: AsyncList<_> = sites.iter().map(|site| session.get(site)).collect();
        pages.get(None).expect("all answers");
        open.becomes(5);
    });
}

#[test]
fn idle_connections_are_bounded_to_each_host_and_by_age() {
    watched(|| {
        let open = Open::default();
        let site = open.serve();
        for (settings, most) in [
            (settings().idle_connections(100, 2, Duration::from_secs(60)), 2),
            (settings().idle_connections(100, 100, Duration::from_millis(100)), 0),
        ] {
            let session = settings.build().expect("valid settings");
            let mut pages: AsyncList<_> = (0..20).map(|_| session.get(&site)).collect();
            pages.get(None).expect("all answers");
            open.becomes(most);
            drop(session);
            open.becomes(0);
        }
    });
}

#[test]
fn dropping_the_session_closes_what_is_idle() {
    watched(|| {
        let open = Open::default();
        let (site, session) = (open.serve(), session());
        session.get(&site).get(None).expect("an answer");
        drop(session);
        open.becomes(0);
    });
}

/// Answers the first request of each connection, and closes it when the second one has come.
fn closes_on_reuse(count: Arc<AtomicUsize>) -> String {
    serve_each(move |connection, _| {
        count.fetch_add(1, Ordering::SeqCst);
        if answer(connection, "200 OK", b"here") && read_head(connection).is_some() {
            count.fetch_add(1, Ordering::SeqCst);
        }
        false
    })
}

#[test]
fn a_request_on_a_connection_that_the_server_has_just_closed_is_sent_again() {
    watched(|| {
        let count = Arc::new(AtomicUsize::new(0));
        let (site, session) = (closes_on_reuse(Arc::clone(&count)), session());
        for _ in 0..5 {
            assert_eq!(session.get(&site).get(None).expect("an answer").text(), "here");
        }
        assert!(count.load(Ordering::SeqCst) > 5, "it was sent again");
    });
}

#[test]
fn what_might_do_harm_twice_is_not_sent_again() {
    watched(|| {
        let count = Arc::new(AtomicUsize::new(0));
        let (site, session) = (closes_on_reuse(Arc::clone(&count)), session());
        session.post(&site, ()).send().get(None).expect("an answer");
        let failure = session.post(&site, ()).send().get(None).expect_err("it ended");
        assert_eq!(http_error(&failure).kind(), ErrorKind::NoAnswer);
        assert_eq!(count.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn it_is_sent_again_only_once_and_not_on_a_new_connection() {
    watched(|| {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let site = serve_each(move |_, _| {
            counted.fetch_add(1, Ordering::SeqCst);
            false
        });
        let failure = session().get(&site).get(None).expect_err("no answer");
        assert_eq!(http_error(&failure).kind(), ErrorKind::NoAnswer);
        assert_eq!(count.load(Ordering::SeqCst), 1);
    });
}

/// In a child process that may open 40 files: 60 answers at once, and idle connections on the way. The server is in the
/// parent.
#[cfg(unix)]
#[test]
fn descriptors_that_run_out_are_waited_for() {
    const SITE: &str = "ASYNCKIT_TEST_SITE";
    if let Ok(site) = std::env::var(SITE) {
        let session = settings().build().expect("valid settings");
        let mut pages: AsyncList<_> = (0..60).map(|_| session.get(&site)).collect();
        let pages = pages.get(None).expect("all answers");
        assert!(pages.iter().all(|page| page.text() == "here"));
        return;
    }
    watched(|| {
        let site = serve_each(|connection, _| {
            thread::sleep(Duration::from_millis(20)); // so that they are there at once
            answer(connection, "200 OK", b"here")
        });
        let this = std::env::current_exe().expect("this program");
        let script = "ulimit -n 40; exec \"$0\" --exact \
                      http::connections::descriptors_that_run_out_are_waited_for --nocapture";
        let child = std::process::Command::new("sh")
            .args(["-c", script])
            .arg(this)
            .env(SITE, site)
            .output();
        let child = child.expect("a child");
        let text = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(
            child.status.success() && text.contains("1 passed"),
            "{text}{}",
            String::from_utf8_lossy(&child.stderr)
        );
    });
}

#[test]
fn a_large_answer_beside_small_ones_arrives_whole() {
    watched(|| {
        let site = serve_each(|connection, head| match head.starts_with("GET /large") {
            true => answer(connection, "200 OK", &vec![7; 8 << 20]),
            false => answer(connection, "200 OK", b"small"),
        });
        let session = session();
        let mut large = session.get(format!("{site}/large"));
        let mut small: AsyncList<_> = (0..100).map(|_| session.get(&site)).collect();
        assert_eq!(small.get(None).expect("all answers").len(), 100);
        let large = large.get(None).expect("an answer");
        assert!(large.bytes().len() == 8 << 20 && large.bytes().iter().all(|byte| *byte == 7));
    });
}

#[test]
fn own_io_threads_end_with_the_session() {
    watched(|| {
        let site = serve_each(|connection, _| answer(connection, "200 OK", b"here"));
        let session = settings().io_threads(2).build().expect("valid settings");
        let mut pages: AsyncList<_> = (0..50).map(|_| session.get(&site)).collect();
        assert_eq!(pages.get(None).expect("all answers").len(), 50);
        // The last handle goes inside a callback of its own request.
        let (tell, told) = mpsc::channel();
        let held = session.clone();
        session.get(&site).map(move |_| drop((held, tell.send(())))).detach();
        drop(session);
        told.recv().expect("the callback");
        let mut refused = serve_each(|connection, _| connection.write_all(b"x").is_ok());
        refused.clear();
    });
}
