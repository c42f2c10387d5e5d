//! How a request fails.

use std::error::Error as _;
use std::future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use asynckit::Failure;
use asynckit::http::{ErrorKind, Session};
use axum::Router;
use axum::routing::get;

use super::support::{http_error, nobody, serve, session, settings, watched};

fn failure(session: &Session, url: &str) -> Failure {
    session.get(url).get(None).expect_err("a failure")
}

#[test]
fn a_refused_connection_says_so() {
    watched(|| {
        let url = nobody();
        let failure = failure(&session(), &url);
        let error = http_error(&failure);
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.is_connect());
        assert_eq!(error.url(), Some(format!("{url}/").as_str()));
        let text = error.to_string();
        assert!(text.starts_with(&format!("cannot connect to {url}/: ")), "{text}");
    });
}

#[test]
fn the_cause_is_kept_as_it_came() {
    watched(|| {
        let failure = failure(&session(), &nobody());
        let mut cause = http_error(&failure).source();
        let mut refused = false;
        while let Some(error) = cause {
            let io = error.downcast_ref::<io::Error>();
            refused |= io.is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused);
            cause = error.source();
        }
        assert!(refused);
    });
}

#[test]
fn the_trace_begins_where_the_download_was_asked_for() {
    watched(|| {
        let mut size = session().get(nobody()).map(|page| page.bytes().len());
        size.get(None).expect_err("a failure");
        let trace = size.trace().to_string();
        assert!(trace.contains(file!()) && !trace.contains("session.rs"), "{trace}");
    });
}

#[test]
fn a_bad_url_is_a_failed_promise_and_never_a_panic() {
    watched(|| {
        let session = session();
        let bad = [
            "",
            "index.html",
            "/index.html",
            "http://",
            "http://[",
            "http://a b/",
            "http://a:99999/",
            "ftp://localhost/",
            "file:///etc/passwd",
            "mailto:me@localhost",
            "data:,x",
            "\0",
            "https:",
        ];
        for url in bad {
            let failure = failure(&session, url);
            let error = http_error(&failure);
            assert_eq!(error.kind(), ErrorKind::BadUrl, "{url:?}");
            assert_eq!(error.url(), Some(url));
            let text = error.to_string();
            assert!(text.starts_with(&format!("cannot fetch {url:?}: ")), "{text}");
        }
    });
}

#[test]
fn the_wait_for_a_turn_does_not_count_for_the_timeout() {
    watched(|| {
        let first = Arc::new(AtomicBool::new(true));
        let only_later = move || {
            let first = first.swap(false, Ordering::SeqCst);
            async move { if first { future::pending().await } else { "hello" } }
        };
        let site = serve(Router::new().route("/", get(only_later)));
        let settings = settings().max_concurrent(1).timeout(Duration::from_secs(2));
        let session = settings.build().expect("valid settings");
        let mut first = session.get(&site);
        let mut second = session.get(&site); // starts when the first one's time is over
        assert!(http_error(&first.get(None).expect_err("a timeout")).is_timeout());
        assert_eq!(second.get(None).expect("an answer").text(), "hello");
    });
}

#[test]
fn a_setting_that_cannot_work_is_an_error_of_build() {
    let error = settings().user_agent("two\nlines").build();
    let error = error.expect_err("no header can hold it");
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert_eq!(error.url(), None);
}
