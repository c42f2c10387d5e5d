//! What a response says.

use std::collections::BTreeMap;
use std::sync::Arc;

use asynckit::AsyncList;
use asynckit::http::{ErrorKind, Response, Session, StatusCode};
use axum::Router;
use axum::http::{HeaderMap, header};
use axum::response::Redirect;
use axum::routing::get;
use tokio::sync::Barrier;

use super::support::{http_error, serve, session, settings, watched};

fn site() -> String {
    let json = || async { ([(header::CONTENT_TYPE, "application/json")], r#"{"a": 1, "b": 2}"#) };
    let latin1 = || async {
        let kind = [(header::CONTENT_TYPE, "text/plain; charset=iso-8859-1")];
        (kind, b"caf\xe9".as_slice())
    };
    let agent = |headers: HeaderMap| async move {
        let agent = headers[header::USER_AGENT].to_str();
        agent.expect("text").to_owned()
    };
    let broken = || async { (StatusCode::INTERNAL_SERVER_ERROR, "it broke") };
    let site = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/json", get(json))
        .route("/latin1", get(latin1))
        .route("/agent", get(agent))
        .route("/broken", get(broken))
        .route("/large", get(|| async { "0123456789".repeat(1 << 20) }))
        .route("/old", get(|| async { Redirect::permanent("/older") }))
        .route("/older", get(|| async { Redirect::temporary("/") }));
    serve(site)
}

fn fetch(session: &Session, url: String) -> Response {
    session.get(url).get(None).expect("an answer")
}

#[test]
fn a_response_has_status_url_headers_and_body() {
    watched(|| {
        let page = fetch(&session(), site());
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(page.status().as_u16(), 200);
        assert_eq!(page.url().path(), "/");
        assert_eq!(page.header("Content-Type"), Some("text/plain; charset=utf-8"));
        assert_eq!(page.headers()["content-length"], "5");
        assert_eq!(page.header("no-such-header"), None);
        assert_eq!(page.bytes(), b"hello");
        assert_eq!(page.text(), "hello");
        assert_eq!(page.clone().into_bytes(), b"hello");
        assert!(format!("{page:?}").contains("bytes: 5"));
    });
}

#[test]
fn a_large_body_arrives_whole() {
    watched(|| {
        let page = fetch(&session(), site() + "/large");
        assert_eq!(page.bytes().len(), 10 << 20);
        assert!(page.bytes().ends_with(b"0123456789"));
    });
}

#[test]
fn not_found_and_server_errors_are_answers() {
    watched(|| {
        let site = site();
        let missing = fetch(&session(), format!("{site}/missing"));
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
        let broken = fetch(&session(), format!("{site}/broken"));
        assert_eq!(broken.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(broken.text(), "it broke");
    });
}

#[test]
fn error_for_status_makes_failures_of_them() {
    watched(|| {
        let site = site();
        let checked = |path: &str| {
            let page = session().get(format!("{site}{path}"));
            page.then(|page| Ok(page.error_for_status()?)).get(None)
        };
        assert_eq!(checked("/").expect("a success").text(), "hello");
        let failure = checked("/missing").expect_err("a failure");
        let error = http_error(&failure);
        assert_eq!(error.kind(), ErrorKind::Status);
        assert!(error.is_status() && !error.is_timeout() && !error.is_connect());
        assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
        assert_eq!(error.to_string(), format!("{site}/missing answered 404 Not Found"));
    });
}

#[test]
fn redirects_are_followed_and_the_url_tells_where_to() {
    watched(|| {
        let site = site();
        let page = fetch(&session(), format!("{site}/old"));
        assert_eq!(page.text(), "hello");
        assert_eq!(page.url().as_str(), format!("{site}/"));
    });
}

#[test]
fn with_max_redirects_0_the_redirect_is_the_answer() {
    watched(|| {
        let session = settings().max_redirects(0).build().expect("valid settings");
        let answer = fetch(&session, site() + "/old");
        assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
        assert_eq!(answer.header("location"), Some("/older"));
    });
}

#[test]
fn json_becomes_any_type_that_serde_can_make() {
    watched(|| {
        let answer = fetch(&session(), site() + "/json");
        let map: BTreeMap<String, u32> = answer.json().expect("a map");
        assert_eq!(map, BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]));
    });
}

#[test]
fn what_is_not_the_json_asked_for_is_an_error_with_serdes_own_inside() {
    watched(|| {
        let answer = fetch(&session(), site());
        let error = answer.json::<u32>().expect_err("not JSON");
        assert_eq!(error.kind(), ErrorKind::Decode);
        let source = std::error::Error::source(&error).expect("a source");
        assert!(source.is::<serde_json::Error>());
        assert!(error.to_string().contains(answer.url().as_str()));
    });
}

#[test]
fn text_is_decoded_as_the_content_type_says() {
    watched(|| assert_eq!(fetch(&session(), site() + "/latin1").text(), "café"));
}

#[test]
fn the_user_agent_can_be_chosen() {
    watched(|| {
        let site = site() + "/agent";
        assert!(fetch(&session(), site.clone()).text().starts_with("asynckit/"));
        let session = settings().user_agent("a test").build();
        assert_eq!(fetch(&session.expect("valid settings"), site).text(), "a test");
    });
}

#[test]
fn a_hundred_requests_are_under_way_at_once() {
    watched(|| {
        let all = Arc::new(Barrier::new(100));
        let meet = move || async move {
            all.wait().await; // nobody is answered before all have arrived
            "met"
        };
        let site = serve(Router::new().route("/", get(meet)));
        let session = session();
        let mut pages: AsyncList<_> = (0..100).map(|_| session.get(&site)).collect();
        let pages = pages.get(None).expect("all answers");
        assert_eq!(pages.len(), 100);
        assert!(pages.iter().all(|page| page.text() == "met"));
    });
}

#[test]
fn a_url_can_be_given_as_str_string_or_url() {
    watched(|| {
        let (site, session) = (site(), session());
        let url = asynckit::http::Url::parse(&site).expect("a URL");
        let mut pages = AsyncList::from_iter([
            session.get(site.as_str()),
            session.get(&site),
            session.get(site),
            session.get(&url),
            session.get(url),
        ]);
        assert_eq!(pages.get(None).expect("all answers").len(), 5);
    });
}
