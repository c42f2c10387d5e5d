//! Servers that say nothing, or nothing more.

use std::future;
use std::sync::mpsc;
use std::time::Duration;

use asynckit::Failure;
use asynckit::http::Session;
use axum::Router;
use axum::routing::get;

use super::super::support::{http_error, send_a_tenth, serve, serve_raw, settings, watched};

const SHORT: Duration = Duration::from_millis(50);

fn failure(session: &Session, url: &str) -> Failure {
    session.get(url).get(None).expect_err("a failure")
}

#[test]
fn a_server_that_never_answers_runs_into_the_timeout() {
    watched(|| {
        let never = || future::pending::<&'static str>();
        let site = serve(Router::new().route("/", get(never)));
        for settings in [settings().timeout(SHORT), settings().idle_timeout(SHORT)] {
            let failure = failure(&settings.build().expect("valid settings"), &site);
            assert!(http_error(&failure).is_timeout(), "{failure}");
        }
    });
}

#[test]
fn a_body_that_stalls_runs_into_the_timeout() {
    watched(|| {
        for settings in [settings().timeout(SHORT), settings().idle_timeout(SHORT)] {
            let (hold, held) = mpsc::channel::<()>();
            let site = serve_raw(move |mut connection| {
                send_a_tenth(&mut connection);
                let _ = held.recv(); // the connection stays open meanwhile
            });
            let failure = failure(&settings.build().expect("valid settings"), &site);
            assert!(http_error(&failure).is_timeout(), "{failure}");
            drop(hold);
        }
    });
}
