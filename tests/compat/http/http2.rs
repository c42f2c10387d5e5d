//! HTTP/2: where it is spoken, and what shares a connection.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use asynckit::AsyncList;
use asynckit::http::{ErrorKind, Response, Session, SessionBuilder, Version};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use tokio::sync::Semaphore;

use super::secure::{Authority, serve_over};
use super::support::{PATIENCE, http_error, settings, watched};

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

fn fetch(session: &Session, url: &str) -> Response {
    session.get(url).get(None).expect("an answer")
}

fn built(settings: SessionBuilder) -> Session {
    settings.build().expect("valid settings")
}

fn secure(authority: &Authority, alpn: &[&str], routes: Router) -> (String, Arc<AtomicUsize>) {
    serve_over(Some(Authority::config(&authority.identity("127.0.0.1"), alpn, None)), routes)
}

#[test]
fn over_tls_the_server_chooses_and_requests_share_one_connection() {
    watched(|| {
        let authority = Authority::new();
        let (site, connections) = secure(&authority, &["h2", "http/1.1"], hello());
        let session = built(authority.settings());
        let page = fetch(&session, &site);
        assert_eq!((page.version(), page.text().as_str()), (Version::HTTP_2, "hello"));
        assert!(page.remote_addr().is_some());
        let mut pages: AsyncList<_> = (0..200).map(|_| session.get(&site)).collect();
        let pages = pages.get(None).expect("all answers");
        assert!(
            pages.iter().all(|page| page.version() == Version::HTTP_2 && page.text() == "hello")
        );
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn requests_at_once_on_no_connection_end_up_on_one() {
    watched(|| {
        let authority = Authority::new();
        let (site, _) = secure(&authority, &["h2"], hello());
        let session = built(authority.settings());
        let mut pages: AsyncList<_> = (0..100).map(|_| session.get(&site)).collect();
        assert_eq!(pages.get(None).expect("all answers").len(), 100);
    });
}

#[test]
fn a_server_or_a_session_without_it_speaks_http_1() {
    watched(|| {
        let authority = Authority::new();
        let (old, _) = secure(&authority, &["http/1.1"], hello());
        assert_eq!(fetch(&built(authority.settings()), &old).version(), Version::HTTP_11);
        let (both, _) = secure(&authority, &["h2", "http/1.1"], hello());
        let session = built(authority.settings().http1_only());
        assert_eq!(fetch(&session, &both).version(), Version::HTTP_11);
        let (plain, _) = serve_over(None, hello());
        assert_eq!(fetch(&built(settings()), &plain).version(), Version::HTTP_11);
    });
}

#[test]
fn with_prior_knowledge_it_needs_no_tls() {
    watched(|| {
        let (site, connections) = serve_over(None, hello());
        let session = built(settings().http2_prior_knowledge());
        for _ in 0..3 {
            assert_eq!(fetch(&session, &site).version(), Version::HTTP_2);
        }
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    });
}

/// Tells when it is dropped.
struct Gone(mpsc::Sender<&'static str>);

impl Drop for Gone {
    fn drop(&mut self) {
        let _ = self.0.send("gone");
    }
}

#[test]
fn giving_up_ends_the_stream_and_not_the_connection() {
    watched(|| {
        let (tell, told) = mpsc::channel();
        let wait = move || {
            let gone = Gone(tell.clone());
            async move {
                let _ = gone.0.send("asked");
                std::future::pending::<&'static str>().await
            }
        };
        let (site, connections) = serve_over(None, hello().route("/wait", get(wait)));
        let session = built(settings().http2_prior_knowledge());
        let waiting = session.get(format!("{site}/wait"));
        assert_eq!(told.recv_timeout(PATIENCE), Ok("asked"));
        drop(waiting);
        assert_eq!(told.recv_timeout(PATIENCE), Ok("gone"));
        assert_eq!(fetch(&session, &site).text(), "hello");
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    });
}

/// A body whose stream moves no more, beside others that do.
#[test]
fn a_body_that_stalls_is_ended_by_its_own_idle_limit_while_others_move() {
    watched(|| {
        let stalled = || async {
            let first = futures_util::stream::iter([Ok::<_, std::io::Error>("a tenth")]);
            Body::from_stream(futures_util::StreamExt::chain(
                first,
                futures_util::stream::pending(),
            ))
        };
        let (site, connections) = serve_over(None, hello().route("/stalled", get(stalled)));
        let session =
            built(settings().http2_prior_knowledge().idle_timeout(Duration::from_millis(200)));
        fetch(&session, &site);
        let mut stuck = session.get(format!("{site}/stalled"));
        let failure = loop {
            assert_eq!(fetch(&session, &site).text(), "hello");
            if let Some(end) = stuck.try_get() {
                break end.expect_err("it stalls");
            }
        };
        assert_eq!(http_error(&failure).kind(), ErrorKind::IdleTimeout);
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    });
}

/// One that is in use by others is not idle, however many there may be.
#[test]
fn a_connection_that_one_request_leaves_is_not_closed_under_the_others() {
    watched(|| {
        let answers = Arc::new(Semaphore::new(0));
        let permits = Arc::clone(&answers);
        let wait = move || {
            let permits = Arc::clone(&permits);
            async move {
                permits.acquire().await.expect("never closed").forget();
                "at last"
            }
        };
        let (site, connections) = serve_over(None, hello().route("/wait", get(wait)));
        let none = settings().http2_prior_knowledge().idle_connections(0, 100, Duration::MAX);
        let session = built(none);
        let mut waiting = session.get(format!("{site}/wait"));
        for _ in 0..3 {
            fetch(&session, &site);
        }
        answers.add_permits(1);
        assert_eq!(waiting.get(None).expect("an answer").text(), "at last");
        assert!(connections.load(Ordering::SeqCst) <= 2);
    });
}

#[test]
fn a_server_that_is_silent_after_tls_and_one_that_speaks_http_1_are_failures() {
    watched(|| {
        let session =
            built(settings().http2_prior_knowledge().idle_timeout(Duration::from_millis(50)));
        let silent = super::support::serve_each(|_, _| true);
        let failure = session.get(silent).get(None).expect_err("silence");
        assert_eq!(http_error(&failure).kind(), ErrorKind::IdleTimeout);
        let old = super::support::serve_raw(|mut connection| {
            super::support::answer(&mut connection, "400 Bad Request", b"");
        });
        let failure = session.get(old).get(None).expect_err("HTTP/1");
        assert_eq!(http_error(&failure).kind(), ErrorKind::NoAnswer, "{failure}");
    });
}
