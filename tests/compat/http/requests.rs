//! What is sent: verbs, headers, bodies, hooks.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex};

use asynckit::AnyError;
use asynckit::http::{
    Body, ErrorKind, HeaderMap, Multipart, Request, Response, Session, StatusCode, Version,
};

use super::support::{answer, header, http_error, nobody, serve_each, session, settings, watched};

/// A server that gives back what it was sent: head and body.
fn echo() -> String {
    serve_each(|connection, head| {
        let mut body = Vec::new();
        if let Some(length) = header(head, "content-length") {
            body = vec![0; length.parse().expect("a number")];
            connection.read_exact(&mut body).expect("the body");
        } else if header(head, "transfer-encoding").is_some() {
            while !body.ends_with(b"0\r\n\r\n") {
                let mut byte = [0];
                connection.read_exact(&mut byte).expect("the body");
                body.push(byte[0]);
            }
        }
        let whole = [head.as_bytes(), &body].concat();
        let none = head.starts_with("HEAD");
        answer(connection, "200 OK", if none { b"" } else { &whole })
    })
}

#[track_caller]
fn text(page: asynckit::Promise<Response>) -> String {
    let mut page = page;
    page.get(None).expect("an answer").text()
}

#[test]
fn each_verb_is_sent() {
    watched(|| {
        let (site, session) = (echo(), session());
        assert!(text(session.get(&site)).starts_with("GET / HTTP/1.1\r\n"));
        assert!(text(session.options(&site)).starts_with("OPTIONS / "));
        assert!(text(session.delete(&site)).starts_with("DELETE / "));
        let head = session.head(&site).get(None).expect("an answer");
        assert_eq!((head.status(), head.bytes()), (StatusCode::OK, b"".as_slice()));
        for (verb, request) in [
            ("POST", session.post(&site, "body")),
            ("PUT", session.put(&site, "body")),
            ("PATCH", session.patch(&site, "body")),
            ("PROPFIND", session.request("PROPFIND", &site).body("body")),
        ] {
            let text = text(request.send());
            assert!(
                text.starts_with(&format!("{verb} / ")) && text.ends_with("\r\n\r\nbody"),
                "{text}"
            );
        }
    });
}

#[test]
fn headers_query_json_form_and_authorisation_are_sent() {
    watched(|| {
        let (site, session) = (echo(), session());
        let request = session.post(format!("{site}/p?a=1"), ()).query([("b", "x y"), ("c", "ü")]);
        let sent = text(request.header("X-Mine", "1").json(&BTreeMap::from([("k", 7)])).send());
        assert!(sent.starts_with("POST /p?a=1&b=x+y&c=%C3%BC "), "{sent}");
        assert!(sent.ends_with("{\"k\":7}"));
        assert_eq!(header(&sent, "x-mine"), Some("1"));
        assert_eq!(header(&sent, "content-type"), Some("application/json"));
        let sent = text(session.put(&site, ()).form([("n", 1), ("m", 2)]).send());
        assert!(sent.ends_with("n=1&m=2"));
        assert_eq!(header(&sent, "content-type"), Some("application/x-www-form-urlencoded"));
        let sent = text(session.request("GET", &site).basic_auth("me", Some("secret")).send());
        assert_eq!(header(&sent, "authorization"), Some("Basic bWU6c2VjcmV0"));
        let sent = text(session.request("GET", &site).bearer_auth("token").send());
        assert_eq!(header(&sent, "authorization"), Some("Bearer token"));
        let sent = text(session.request("GET", &site).version(Version::HTTP_10).send());
        assert!(sent.starts_with("GET / HTTP/1.0"), "{sent}");
    });
}

#[test]
fn files_and_readers_are_sent_in_pieces() {
    watched(|| {
        let (site, session) = (echo(), session());
        let path = std::env::temp_dir().join(format!("asynckit-upload-{}", std::process::id()));
        std::fs::write(&path, vec![b'f'; 300_000]).expect("a file");
        let sent = text(session.put(&site, Body::file(&path)).send());
        assert_eq!(header(&sent, "content-length"), Some("300000"));
        assert!(sent.ends_with("ffff"));
        let reader = std::io::repeat(b'r').take(200_000);
        let sent = text(session.put(&site, Body::from_reader(reader)).send());
        assert_eq!(header(&sent, "transfer-encoding"), Some("chunked"));
        assert!(sent.matches('r').count() >= 200_000);
        let form = Multipart::new().text("title", "a \"b\"").file("photo", &path);
        let sent =
            text(session.post(&site, ()).multipart(form.bytes("more", "x.json", *b"{}")).send());
        let kind = header(&sent, "content-type").expect("a kind").to_owned();
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").expect("its boundary");
        assert_eq!(sent.matches(boundary).count(), 5, "in the head, before each part, at the end");
        assert!(sent.contains("form-data; name=\"more\"; filename=\"x.json\"\r\ncontent-type: application/json\r\n\r\n{}\r\n"));
        assert!(sent.contains("form-data; name=\"photo\"; filename=\"asynckit-upload-"));
        std::fs::remove_file(&path).expect("it is there");
    });
}

#[test]
fn what_cannot_be_sent_fails_before_a_connection_is_made() {
    watched(|| {
        let (site, session) = (nobody(), session());
        for request in [
            session.request("GET", &site).header("bad name", "x"),
            session.request("GET", &site).header("x", "two\nlines"),
            session.request("B AD", &site),
            session.post(&site, Body::file("/no/such/file")),
            session.post(&site, ()).multipart(Multipart::new().file("f", "/no/such/file")),
            session.request("GET", &site).version(Version::HTTP_3),
        ] {
            let failure = request.send().get(None).expect_err("it cannot be sent");
            assert_eq!(http_error(&failure).kind(), ErrorKind::BadRequest, "{failure}");
        }
        let failure = session.post(&site, Body::file("/no/such/file")).send().get(None);
        let text = failure.expect_err("no file").to_string();
        assert!(text.contains("/no/such/file"), "{text}");
    });
}

/// Panics in its second piece.
struct Panics(bool);

impl Read for Panics {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        assert!(!std::mem::replace(&mut self.0, true), "a reader");
        buffer.fill(b'x');
        Ok(buffer.len())
    }
}

#[test]
fn a_reader_that_panics_or_fails_fails_the_request() {
    watched(|| {
        let site = super::support::serve_each(|connection, _| {
            let mut rest = Vec::new();
            let _ = connection.read_to_end(&mut rest);
            assert!(!rest.ends_with(b"0\r\n\r\n"), "the body looks whole");
            false
        });
        let failing = std::io::repeat(b'x').take(100_000).chain(Fails);
        for body in [Body::from_reader(Panics(false)), Body::from_reader(failing)] {
            let failure = session().post(&site, body).send().get(None).expect_err("it failed");
            assert!(failure.downcast_ref::<asynckit::http::Error>().is_some(), "{failure}");
        }
    });
}

struct Fails;

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the disk"))
    }
}

#[test]
fn the_session_has_a_base_and_headers_and_a_query_for_all() {
    watched(|| {
        let site = echo();
        let session =
            settings().base_url(format!("{site}/v1/")).header("x-all", "1").query([("key", 7)]);
        let session = session.build().expect("valid settings");
        let sent = text(session.get("users?a=b"));
        assert!(sent.starts_with("GET /v1/users?a=b&key=7 "), "{sent}");
        assert_eq!(header(&sent, "x-all"), Some("1"));
        let sent = text(session.request("GET", "/root").header("x-all", "2").send());
        assert!(
            sent.starts_with("GET /root?key=7 ") && header(&sent, "x-all") == Some("2"),
            "{sent}"
        );
        let error = Session::builder().base_url("no url").build().expect_err("no base");
        assert_eq!(error.kind(), ErrorKind::Setup);
    });
}

#[test]
fn hooks_run_in_order_on_the_pool_and_may_change_replace_and_fail() {
    watched(|| {
        let site = echo();
        let log = Arc::new(Mutex::new(Vec::new()));
        let note = |what: &'static str| {
            let log = Arc::clone(&log);
            move || {
                let thread = std::thread::current().name().unwrap_or_default().to_owned();
                assert!(thread.starts_with("hooks"), "{thread}");
                log.lock().expect("no panic").push(what);
            }
        };
        let pool = asynckit::Pool::builder().workers(1).name("hooks").build().expect("a pool");
        let (first, second, third, own) =
            (note("first"), note("second"), note("third"), note("own"));
        let session = settings().pool(&pool).on_request(move |request| {
            first();
            request.headers_mut().insert("x-signed", "yes".parse()?);
            Ok(())
        });
        let session = session.on_response(move |page| {
            second();
            assert!(page.text().contains("x-signed: yes"));
            Ok(page)
        });
        let session = session.on_response(move |page| {
            third();
            Ok(Response::new(page.status(), page.url().clone(), HeaderMap::new(), "replaced"))
        });
        let session = session.build().expect("valid settings");
        let request = session.request("GET", &site).on_response(move |page| {
            own();
            assert_eq!(page.text(), "replaced");
            Err(AnyError::msg("no"))
        });
        let failure = request.send().get(None).expect_err("the hook failed");
        assert_eq!(failure.to_string(), "no");
        assert_eq!(*log.lock().expect("no panic"), ["first", "second", "third", "own"]);
        let panics = settings().on_response(|_| panic!("a hook")).build().expect("valid settings");
        assert!(panics.get(&site).get(None).expect_err("a panic").is_panicked());
    });
}

#[test]
fn requests_and_responses_are_those_of_the_http_crate_too() {
    watched(|| {
        let request =
            axum::http::Request::post(echo()).header("x-a", "b").body("text").expect("a request");
        let request = Request::try_from(request).expect("over HTTP");
        let page = session().execute(request).get(None).expect("an answer");
        assert!(page.text().contains("x-a: b") && page.text().ends_with("text"));
        assert!(page.remote_addr().is_some() && page.version() == Version::HTTP_11);
        let response = axum::http::Response::<Vec<u8>>::from(page.clone());
        assert_eq!((response.status(), response.body().as_slice()), (page.status(), page.bytes()));
    });
}
