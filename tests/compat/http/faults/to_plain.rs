//! Redirects from TLS to another scheme and host, and back.

use std::sync::{Arc, Mutex};

use asynckit::http::{CookieJar, Session};
use axum::Router;
use axum::http::{HeaderMap, header};
use axum::response::Redirect;
use axum::routing::get;

use super::super::secure::{Authority, serve_over};
use super::super::support::watched;

/// Whether authorisation and cookies came.
fn secrets(headers: &HeaderMap) -> (bool, bool) {
    (headers.contains_key(header::AUTHORIZATION), headers.contains_key(header::COOKIE))
}

fn noting(notes: &Arc<Mutex<Vec<(bool, bool)>>>) -> Router {
    let notes = Arc::clone(notes);
    let note = move |headers: HeaderMap| {
        notes.lock().expect("no panic").push(secrets(&headers));
        async { "noted" }
    };
    Router::new().route("/note", get(note))
}

fn fetch(session: &Session, url: String) {
    let request = session.request("GET", url).bearer_auth("token").header("cookie", "own=1");
    assert_eq!(request.send().get(None).expect("an answer").text(), "noted");
}

#[test]
fn credentials_do_not_follow_to_another_scheme_or_host() {
    watched(|| {
        let notes = Arc::new(Mutex::new(Vec::new()));
        let (plain, _) = serve_over(None, noting(&notes));
        let authority = Authority::new();
        let config =
            |name: &str| Some(Authority::config(&authority.identity(name), &["http/1.1"], None));
        // The same port under another name is another host, too.
        let (other, _) = serve_over(config("localhost"), noting(&notes));
        let other = other.replace("127.0.0.1", "localhost");
        let to = |url: &str| {
            let url = format!("{url}/note");
            get(move || async move { Redirect::temporary(&url) })
        };
        let routes = noting(&notes).route("/plain", to(&plain)).route("/other", to(&other));
        let routes = routes.route("/here", to(""));
        let (site, _) = serve_over(config("127.0.0.1"), routes);
        let session =
            authority.settings().cookies(&CookieJar::new()).build().expect("valid settings");
        for (path, secret) in [("/plain", false), ("/other", false), ("/here", true)] {
            fetch(&session, format!("{site}{path}"));
            assert_eq!(notes.lock().expect("no panic").pop(), Some((secret, secret)), "{path}");
        }
    });
}
