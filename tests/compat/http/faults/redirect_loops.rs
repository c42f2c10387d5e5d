//! Redirects without end: to oneself, and between two hosts.

use asynckit::http::{ErrorKind, StatusCode};
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;

use super::super::support::{answer, http_error, serve, serve_each, session, settings, watched};

#[test]
fn redirects_have_an_end() {
    watched(|| {
        let site = Router::new()
            .route("/loop", get(|| async { Redirect::temporary("/loop") }))
            .route("/old", get(|| async { Redirect::permanent("/older") }))
            .route("/older", get(|| async { Redirect::temporary("/") }))
            .route("/", get(|| async { "hello" }));
        let site = serve(site);
        let failure = session().get(format!("{site}/loop")).get(None).expect_err("no end");
        let error = http_error(&failure);
        assert_eq!(error.kind(), ErrorKind::TooManyRedirects);
        assert_eq!(error.url(), Some(format!("{site}/loop").as_str()));
        assert_eq!(error.attempts(), 11, "ten were followed");
        let with = |most| settings().max_redirects(most).build().expect("valid settings");
        let failure = with(1).get(format!("{site}/old")).get(None).expect_err("two");
        assert_eq!(http_error(&failure).kind(), ErrorKind::TooManyRedirects);
        let page = with(2).get(format!("{site}/old")).get(None).expect("an answer");
        assert_eq!((page.status(), page.history().len()), (StatusCode::OK, 2));
    });
}

#[test]
fn two_hosts_that_lead_to_each_other_are_left_too() {
    watched(|| {
        let one = serve_each(|connection, head| {
            let to = super::super::support::header(head, "x-other").expect("told where");
            answer(connection, &format!("302 Found\r\nlocation: {to}/?{}", head.len()), b"")
        });
        let back = one.clone();
        let other = serve_each(move |connection, _| {
            answer(connection, &format!("302 Found\r\nlocation: {back}/"), b"")
        });
        let settings = settings().max_concurrent(1).max_per_host(1);
        let session = settings.build().expect("valid settings");
        let request = session.request("GET", &one).header("x-other", &other);
        let failure = request.send().get(None).expect_err("no end");
        let error = http_error(&failure);
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::TooManyRedirects, 11));
    });
}
