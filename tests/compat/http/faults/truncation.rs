//! Connections that end, in good order, before or within the answer.

use asynckit::Failure;
use asynckit::http::{ErrorKind, Session};

use super::super::support::{http_error, send_a_tenth, serve_raw, session, watched};

fn failure(session: &Session, url: &str) -> Failure {
    session.get(url).get(None).expect_err("a failure")
}

#[test]
fn a_body_that_breaks_off_is_a_failure() {
    watched(|| {
        let site = serve_raw(|mut connection| send_a_tenth(&mut connection));
        let failure = failure(&session(), &site);
        assert_eq!(http_error(&failure).kind(), ErrorKind::Body, "{failure}");
    });
}

#[test]
fn a_connection_that_ends_before_the_answer_is_a_failure() {
    watched(|| {
        let failure = failure(&session(), &serve_raw(drop));
        assert_eq!(http_error(&failure).kind(), ErrorKind::NoAnswer, "{failure}");
    });
}
