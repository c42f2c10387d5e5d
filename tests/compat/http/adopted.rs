//! A `reqwest::Client` that is adopted.

use std::sync::mpsc;
use std::time::Duration;

use asynckit::Backoff;
use asynckit::http::{Body, CookieJar, ErrorKind, Retry, Session, SessionBuilder};

use super::support::{
    answer, header, http_error, nobody, read_head, send_a_tenth, serve_each, serve_raw, watched,
};

fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy()
}

fn adopting(client: reqwest::ClientBuilder) -> SessionBuilder {
    Session::builder().reqwest(client.build().expect("a client"))
}

fn built(settings: SessionBuilder) -> Session {
    settings.build().expect("valid settings")
}

/// Answers with the head and the body that came.
fn echo() -> String {
    serve_each(|connection, head| {
        let mut body = Vec::new();
        if header(head, "transfer-encoding").is_some() {
            let size = |line: String| usize::from_str_radix(line.trim(), 16).expect("a size");
            loop {
                let count = size(line(connection));
                let mut piece = vec![0; count + 2];
                std::io::Read::read_exact(connection, &mut piece).expect("a chunk");
                body.extend_from_slice(&piece[..count]);
                if count == 0 {
                    break;
                }
            }
        } else if let Some(length) = header(head, "content-length") {
            body = vec![0; length.parse().expect("a length")];
            std::io::Read::read_exact(connection, &mut body).expect("a body");
        }
        let moved =
            if head.starts_with("GET /moved") { "302 Found\r\nlocation: /" } else { "200 OK" };
        let whole = [head.as_bytes(), b"[", &body, b"]"].concat();
        answer(connection, &format!("{moved}\r\nset-cookie: id=7"), &whole)
    })
}

fn line(connection: &mut std::net::TcpStream) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        std::io::Read::read_exact(connection, &mut byte).expect("a line");
        line.push(byte[0]);
    }
    String::from_utf8(line).expect("text")
}

#[test]
fn requests_go_through_the_client_with_what_it_and_the_session_have() {
    watched(|| {
        let headers = [(reqwest::header::ACCEPT_LANGUAGE, "eo".parse().expect("a value"))];
        let jar = CookieJar::new();
        let client =
            client().user_agent("crawler/7").default_headers(headers.into_iter().collect());
        let session = built(adopting(client).header("x-session", "1").cookies(&jar));
        let site = echo();
        let page = session.request("GET", &site).tag("t").send().get(None).expect("an answer");
        let head = page.text();
        for (name, value) in
            [("user-agent", "crawler/7"), ("accept-language", "eo"), ("x-session", "1")]
        {
            assert_eq!(header(&head, name), Some(value), "{head}");
        }
        assert_eq!((page.tag(), page.attempts()), (Some("t"), 1));
        assert!(page.remote_addr().is_some_and(|address| site.ends_with(&address.to_string())));
        let again = session.get(&site).get(None).expect("an answer").text();
        assert_eq!(header(&again, "cookie"), Some("id=7"));
    });
}

#[test]
fn bodies_are_streamed_both_ways() {
    watched(|| {
        let (session, site) = (built(adopting(client())), echo());
        let large = vec![b'x'; 300_000];
        let reader = Body::from_reader(std::io::Cursor::new(large.clone()));
        for (body, length) in [(Body::from("text"), 4), (reader, large.len()), (Body::default(), 0)]
        {
            let page = session.post(&site, body).send().get(None).expect("an answer");
            let text = page.text();
            let (_, body) = text.split_once("\r\n\r\n[").expect("a head");
            assert_eq!(body.len(), length + 1);
        }
        let small =
            session.post(&site, large).max_body(1000).send().get(None).expect_err("too large");
        assert_eq!(http_error(&small).kind(), ErrorKind::BodyTooLarge);
    });
}

#[test]
fn redirects_are_the_clients_unless_it_leaves_them() {
    watched(|| {
        let moved = echo() + "/moved";
        let page = built(adopting(client())).get(&moved).get(None).expect("an answer");
        assert_eq!((page.url().path(), page.history().len()), ("/", 0));
        let none = client().redirect(reqwest::redirect::Policy::none());
        let page = built(adopting(none)).get(&moved).get(None).expect("an answer");
        assert_eq!((page.url().path(), page.history().len()), ("/", 1));
    });
}

#[test]
fn its_failures_are_told_apart_and_retried() {
    watched(|| {
        let retry = Retry::default().pauses(Backoff::constant(Duration::ZERO).times(2));
        let session = built(adopting(client()).retries(retry));
        let failure = session.get(nobody()).get(None).expect_err("nobody listens");
        let error = http_error(&failure);
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Refused, 3), "{error}");
        let session = built(adopting(client()));
        let broken = serve_raw(|mut connection| send_a_tenth(&mut connection));
        let failure = session.get(broken).get(None).expect_err("it breaks off");
        assert_eq!(http_error(&failure).kind(), ErrorKind::Body, "{failure}");
        let failure = session.get(serve_raw(drop)).get(None).expect_err("no answer");
        assert_eq!(http_error(&failure).kind(), ErrorKind::NoAnswer, "{failure}");
        let looping =
            serve_each(|connection, _| answer(connection, "302 Found\r\nlocation: /", b""));
        let failure = session.get(looping).get(None).expect_err("no end");
        assert_eq!(http_error(&failure).kind(), ErrorKind::TooManyRedirects, "{failure}");
    });
}

#[test]
fn the_sessions_limits_hold_and_giving_up_closes_the_connection() {
    watched(|| {
        let (tell, gone) = mpsc::channel();
        let silent = serve_each(move |connection, head| {
            if head.starts_with("GET /tenth") {
                send_a_tenth(connection);
            }
            let closed = read_head(connection).is_none();
            tell.send(closed).expect("told");
            false
        });
        let short = Duration::from_millis(50);
        for (settings, path, kind) in [
            (adopting(client()).timeout(short), "/", ErrorKind::Timeout),
            (adopting(client()).idle_timeout(short), "/", ErrorKind::IdleTimeout),
            (adopting(client()).idle_timeout(short), "/tenth", ErrorKind::IdleTimeout),
            (adopting(client()).first_byte_timeout(short), "/", ErrorKind::FirstByteTimeout),
        ] {
            let failure =
                built(settings).get(format!("{silent}{path}")).get(None).expect_err("late");
            assert_eq!(http_error(&failure).kind(), kind);
            assert_eq!(gone.recv(), Ok(true));
        }
    });
}
