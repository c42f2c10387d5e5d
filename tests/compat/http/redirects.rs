//! What goes along with a redirect, and what does not.

use asynckit::http::{ErrorKind, Session, StatusCode};
use std::sync::{Arc, Mutex};

use super::support::{answer, header, http_error, serve_each, session, watched};

/// A server that sends `/` to `location`, and keeps the heads of its requests.
fn leading_to(location: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    let site = serve_each(move |connection, head| {
        kept.lock().expect("no panic").push(head.to_owned());
        match head.contains(" / ") {
            true => answer(connection, &format!("302 Found\r\nlocation: {location}"), b"moved"),
            false => answer(connection, "200 OK", b"here"),
        }
    });
    (site, heads)
}

fn last(heads: &Mutex<Vec<String>>) -> String {
    heads.lock().expect("no panic").last().expect("a request").clone()
}

fn with_secrets(session: &Session, url: &str) -> asynckit::http::Response {
    let request = session.request("GET", url).bearer_auth("token").header("cookie", "a=b");
    request
        .header("x-mine", "stays")
        .header("referer", "http://secret/")
        .send()
        .get(None)
        .expect("an answer")
}

#[test]
fn nothing_secret_and_no_referer_goes_to_another_origin() {
    watched(|| {
        let (there, heads) = leading_to("/nowhere".to_owned());
        let (here, own) = leading_to(format!("{there}/end"));
        let page = with_secrets(&session(), &here);
        assert_eq!(page.text(), "here");
        let head = last(&heads);
        for name in ["authorization", "cookie", "referer"] {
            assert_eq!(header(&head, name), None, "{head}");
            assert!(header(&last(&own), name).is_some());
        }
        assert_eq!(header(&head, "x-mine"), Some("stays"));
    });
}

#[test]
fn within_an_origin_they_go_along_and_no_referer_is_made() {
    watched(|| {
        let (site, heads) = leading_to("/end".to_owned());
        with_secrets(&session(), &site);
        assert_eq!(header(&last(&heads), "authorization"), Some("Bearer token"));
        assert_eq!(header(&last(&heads), "cookie"), Some("a=b"));
        session().get(&site).get(None).expect("an answer");
        assert_eq!(header(&last(&heads), "referer"), None);
    });
}

#[test]
fn a_password_in_a_url_becomes_authorisation_and_is_in_no_text() {
    watched(|| {
        let (site, heads) = leading_to("/end".to_owned());
        let secret = site.replace("http://", "http://me:p%40ss@");
        let page = session().get(&secret).get(None).expect("an answer");
        assert_eq!(header(&last(&heads), "authorization"), Some("Basic bWU6cEBzcw=="));
        let texts = [format!("{page:?}"), page.url().to_string(), format!("{:?}", page.history())];
        assert!(texts.iter().all(|text| !text.contains("p%40ss")), "{texts:?}");
    });
}

#[test]
fn a_password_in_a_location_is_in_no_text() {
    watched(|| {
        for location in
            ["http://me:secret@127.0.0.1:1/", "ftp://me:secret@host/", "http://me:secret@["]
        {
            let (site, _) = leading_to(location.to_owned());
            let failure = session().get(&site).get(None).expect_err("it leads nowhere");
            let error = http_error(&failure);
            let mut texts =
                vec![format!("{error} {error:?} {failure} {failure:?} {:?}", error.url())];
            let mut cause = std::error::Error::source(error);
            while let Some(deeper) = cause {
                texts.push(format!("{deeper} {deeper:?}"));
                cause = deeper.source();
            }
            assert!(texts.iter().all(|text| !text.contains("secret")), "{texts:?}");
        }
        let session = super::support::settings().max_redirects(0).build().expect("valid settings");
        let (site, _) = leading_to("http://me:secret@host/".to_owned());
        let page = session.get(&site).get(None).expect("the redirect");
        assert!(!format!("{page:?}").contains("secret"));
        assert_eq!(page.status(), StatusCode::FOUND);
    });
}

#[test]
fn a_scheme_that_is_not_followed_is_an_error_that_names_it() {
    watched(|| {
        let (site, _) = leading_to("ftp://host/file".to_owned());
        let failure = session().get(&site).get(None).expect_err("not followed");
        let error = http_error(&failure);
        assert_eq!(error.kind(), ErrorKind::Redirect);
        let text = error.to_string();
        assert!(text.contains("ftp://host/file, and ftp is not followed"), "{text}");
        assert_eq!(error.url(), Some(format!("{site}/").as_str()));
    });
}

#[test]
fn a_failure_behind_a_redirect_names_the_url_that_failed() {
    watched(|| {
        let nobody = super::support::nobody();
        let (site, _) = leading_to(format!("{nobody}/there"));
        let failure = session().get(&site).get(None).expect_err("refused");
        assert_eq!(http_error(&failure).url(), Some(format!("{nobody}/there").as_str()));
        assert_eq!(http_error(&failure).attempts(), 2);
    });
}

#[test]
fn a_post_becomes_a_get_where_browsers_do_so_and_else_keeps_its_body() {
    watched(|| {
        for (status, method, length) in [
            ("301", "GET", None),
            ("302", "GET", None),
            ("303", "GET", None),
            ("307", "POST", Some("4")),
            ("308", "POST", Some("4")),
        ] {
            let heads = Arc::new(Mutex::new(Vec::new()));
            let kept = Arc::clone(&heads);
            let site = serve_each(move |connection, head| {
                let body = header(head, "content-length")
                    .map_or(0, |length| length.parse().expect("a number"));
                std::io::Read::read_exact(connection, &mut vec![0; body]).expect("the body");
                kept.lock().expect("no panic").push(head.to_owned());
                match head.contains(" / ") {
                    true => answer(connection, &format!("{status} Moved\r\nlocation: /end"), b""),
                    false => answer(connection, "200 OK", b""),
                }
            });
            session().post(&site, "body").send().get(None).expect("an answer");
            let head = last(&heads);
            assert!(head.starts_with(&format!("{method} /end")), "{status}: {head}");
            assert_eq!(header(&head, "content-length"), length, "{status}");
        }
    });
}

#[test]
fn the_history_has_each_step() {
    watched(|| {
        let (site, _) = leading_to("/end".to_owned());
        let page = session().get(&site).get(None).expect("an answer");
        let history: Vec<_> =
            page.history().iter().map(|step| (step.url.path(), step.status)).collect();
        assert_eq!(history, [("/", StatusCode::FOUND)]);
        assert_eq!(page.attempts(), 2);
    });
}
