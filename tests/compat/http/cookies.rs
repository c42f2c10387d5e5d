//! Cookies: kept, sent back, saved.

use asynckit::http::{CookieJar, Url};

use super::support::{answer, header, serve_each, settings, watched};

/// Sets a cookie at `/set`, there for a path, and sends what it got; `/moved` sets one and redirects.
fn site() -> String {
    serve_each(|connection, head| {
        let sent = header(head, "cookie").unwrap_or("none").to_owned();
        let headers = match head.split(' ').nth(1).expect("a path") {
            "/set" => "200 OK\r\nset-cookie: a=1; Path=/\r\nset-cookie: b=2; Path=/b; Max-Age=1000",
            "/moved" => "302 Found\r\nlocation: /\r\nset-cookie: m=3; Path=/",
            _ => "200 OK",
        };
        answer(connection, headers, sent.as_bytes())
    })
}

#[test]
fn what_a_server_sets_is_sent_back_where_it_belongs() {
    watched(|| {
        let (site, jar) = (site(), CookieJar::new());
        let session = settings().cookies(&jar).build().expect("valid settings");
        let text =
            |path: &str| session.get(format!("{site}{path}")).get(None).expect("an answer").text();
        assert_eq!(text("/set"), "none");
        assert_eq!(text("/"), "a=1");
        assert!(matches!(text("/b").as_str(), "a=1; b=2" | "b=2; a=1"));
        assert_eq!(jar.get(&Url::parse(&site).expect("a URL"), "a").as_deref(), Some("1"));
        let own = session.request("GET", &site).header("cookie", "own=1").send().get(None);
        assert_eq!(own.expect("an answer").text(), "own=1");
        jar.clear();
        assert_eq!(text("/moved"), "m=3");
        assert_eq!(format!("{jar:?}"), "CookieJar(1 cookies)");
    });
}

#[test]
fn a_jar_is_saved_and_loaded() {
    watched(|| {
        let (site, jar) = (site(), CookieJar::new());
        let session = settings().cookies(&jar).build().expect("valid settings");
        session.get(format!("{site}/set")).get(None).expect("an answer");
        let mut saved = Vec::new();
        jar.save(&mut saved).expect("memory");
        let again = CookieJar::load(saved.as_slice()).expect("a jar");
        let session = settings().cookies(&again).build().expect("valid settings");
        assert_eq!(session.get(&site).get(None).expect("an answer").text(), "a=1");
        assert!(CookieJar::load(b"no jar".as_slice()).is_err());
    });
}

#[test]
fn without_a_jar_no_cookie_is_kept() {
    watched(|| {
        let (site, session) = (site(), settings().build().expect("valid settings"));
        session.get(format!("{site}/set")).get(None).expect("an answer");
        assert_eq!(session.get(&site).get(None).expect("an answer").text(), "none");
    });
}
