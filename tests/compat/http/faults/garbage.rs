//! Something else in place of HTTP, or of TLS.

use asynckit::Failure;
use asynckit::http::{ErrorKind, Session};
use axum::Router;

use super::super::support::{http_error, serve, serve_raw, session, settings, watched};

fn failure(session: &Session, url: &str) -> Failure {
    session.get(url).get(None).expect_err("a failure")
}

#[test]
fn what_is_no_http_is_a_failure() {
    watched(|| {
        use std::io::Write;
        let site = serve_raw(|mut connection| connection.write_all(b"220 smtp ready\r\n").unwrap());
        let failure = failure(&session(), &site);
        assert_eq!(http_error(&failure).kind(), ErrorKind::NoAnswer, "{failure}");
    });
}

#[test]
fn https_with_a_server_that_does_not_speak_it_is_a_failure() {
    watched(|| {
        let site = serve(Router::new());
        // So that it does not matter whether the machine has root certificates.
        let session = settings().danger_accept_invalid_certs().build().expect("valid settings");
        let failure = failure(&session, &site.replace("http://", "https://"));
        assert_eq!(http_error(&failure).kind(), ErrorKind::Certificate, "{failure}");
    });
}
