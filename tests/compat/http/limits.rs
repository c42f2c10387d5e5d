//! Limits of time: which of them has passed, and what does not count.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use asynckit::http::{Error, ErrorKind, SessionBuilder};

use super::support::{answer, http_error, nobody, serve_each, session, settings, watched};

const SHORT: Duration = Duration::from_millis(100);

fn silent() -> String {
    serve_each(|connection, _| super::support::read_head(connection).is_some())
}

#[track_caller]
fn error_of(settings: SessionBuilder, url: &str) -> Error {
    let failure =
        settings.build().expect("valid settings").get(url).get(None).expect_err("an error");
    http_error(&failure).clone()
}

#[test]
fn each_limit_has_its_kind_and_its_words() {
    watched(|| {
        let site = silent();
        for (settings, kind, words) in [
            (settings().timeout(SHORT), ErrorKind::Timeout, "timed out: "),
            (settings().idle_timeout(SHORT), ErrorKind::IdleTimeout, "timed out, nothing moved: "),
            (
                settings().first_byte_timeout(SHORT),
                ErrorKind::FirstByteTimeout,
                "timed out before an answer began: ",
            ),
        ] {
            let error = error_of(settings, &site);
            assert_eq!(error.kind(), kind);
            assert_eq!(error.to_string(), format!("{words}{site}/"));
            assert!(error.elapsed() >= SHORT && error.attempts() == 1);
        }
    });
}

/// The name is looked up for longer than the limit.
#[test]
fn the_limit_for_connecting_has_its_kind() {
    watched(|| {
        let slow = settings().connect_timeout(SHORT).resolver(|_| {
            thread::sleep(SHORT * 3);
            Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
        });
        let error = error_of(slow, "http://slow.test/");
        assert_eq!(error.kind(), ErrorKind::ConnectTimeout);
        assert!(error.is_timeout() && error.is_connect());
        let text = error.to_string();
        assert!(text.starts_with("timed out while connecting: http://slow.test/"), "{text}");
    });
}

/// Each byte begins the idle time anew, in the head as in the body, and also what is sent does.
#[test]
fn a_head_that_drips_is_not_idle() {
    watched(|| {
        let idle = Duration::from_secs(2);
        let site = serve_each(move |connection, _| {
            let whole = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            whole.bytes().all(|byte| {
                thread::sleep(idle / 20); // twice the idle time in all
                connection.write_all(&[byte]).is_ok()
            })
        });
        let session = settings().idle_timeout(idle).build().expect("valid settings");
        assert_eq!(session.get(&site).get(None).expect("an answer").text(), "ok");
    });
}

#[test]
fn the_longest_duration_is_no_limit_anywhere() {
    watched(|| {
        let site = serve_each(|connection, _| answer(connection, "200 OK", b"here"));
        let all = settings()
            .timeout(Duration::MAX)
            .connect_timeout(Duration::MAX)
            .first_byte_timeout(Duration::MAX)
            .idle_timeout(Duration::MAX)
            .idle_connections(usize::MAX, usize::MAX, Duration::MAX)
            .max_concurrent(usize::MAX)
            .max_per_host(usize::MAX);
        let session = all.build().expect("valid settings");
        for _ in 0..2 {
            assert_eq!(session.get(&site).get(Duration::MAX).expect("an answer").text(), "here");
        }
        let request = session.request("GET", &site).timeout(Duration::MAX);
        let request = request.idle_timeout(Duration::MAX).first_byte_timeout(Duration::MAX);
        assert_eq!(request.send().get(None).expect("an answer").text(), "here");
    });
}

/// Opens for all at once.
#[derive(Clone, Default)]
struct Door(Arc<(Mutex<bool>, Condvar)>);

impl Door {
    fn open(&self) {
        *self.0.0.lock().expect("no panic") = true;
        self.0.1.notify_all();
    }

    fn wait(&self) {
        let open = self.0.0.lock().expect("no panic");
        drop(self.0.1.wait_while(open, |open| !*open).expect("no panic"));
    }
}

#[test]
fn a_slow_resolver_holds_up_neither_addresses_nor_other_names() {
    watched(|| {
        let site = serve_each(|connection, _| answer(connection, "200 OK", b"here"));
        let (door, inner) = (Door::default(), Door::default());
        let wait = door.clone();
        let resolving = settings().resolver(move |name| {
            if name.starts_with("slow") {
                wait.wait();
            }
            Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
        });
        drop(inner);
        let session = resolving.max_concurrent(100).build().expect("valid settings");
        let slow = |n: usize| site.replace("127.0.0.1", &format!("slow{n}.test"));
        let mut stuck: Vec<_> = (0..40).map(|n| session.get(slow(n))).collect();
        assert_eq!(session.get(&site).get(None).expect("an answer").text(), "here");
        let quick = site.replace("127.0.0.1", "quick.test");
        assert_eq!(session.get(&quick).get(None).expect("an answer").text(), "here");
        door.open();
        assert!(stuck.iter_mut().all(|page| page.get(None).is_ok()));
    });
}

#[test]
fn an_unknown_host_says_so_and_an_address_by_hand_needs_no_resolver() {
    watched(|| {
        let none = settings().resolver(|_| Err(std::io::Error::other("no such name")));
        let error = error_of(none, "http://nowhere.test/");
        assert_eq!(error.kind(), ErrorKind::UnknownHost);
        assert!(error.to_string().ends_with("no such name"), "{error}");
        let panics = settings().resolver(|_| panic!("a resolver"));
        assert_eq!(error_of(panics, "http://nowhere.test/").kind(), ErrorKind::UnknownHost);
        let site = serve_each(|connection, _| answer(connection, "200 OK", b"here"));
        let by_hand = settings().resolve("Nowhere.test", [IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        let session = by_hand.build().expect("valid settings");
        let page = session.get(site.replace("127.0.0.1", "nowhere.test")).get(None);
        assert_eq!(page.expect("an answer").text(), "here");
    });
}

#[test]
fn a_proxy_that_fails_is_named_without_its_password() {
    watched(|| {
        let proxy = nobody();
        let secret = proxy.replace("http://", "http://me:secret@");
        for url in ["http://example.test/", "https://example.test/"] {
            let error = error_of(asynckit::http::Session::builder().proxy(&secret, ""), url);
            if error.kind() == ErrorKind::Setup {
                continue; // no root certificates here
            }
            assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
            assert_eq!(error.url(), Some(url));
            assert_eq!(error.proxy(), Some(format!("{proxy}/").as_str()));
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
    });
}

#[test]
fn a_proxy_gets_the_whole_url_and_its_password() {
    watched(|| {
        let proxy = serve_each(|connection, head| answer(connection, "200 OK", head.as_bytes()));
        let secret = proxy.replace("http://", "http://me:secret@");
        let session = asynckit::http::Session::builder().proxy(&secret, "localhost").build();
        let page = session.expect("valid settings").get("http://example.test/x").get(None);
        let head = page.expect("an answer").text();
        assert!(head.starts_with("GET http://example.test/x HTTP/1.1"), "{head}");
        let authorization = super::support::header(&head, "proxy-authorization");
        assert_eq!(authorization, Some("Basic bWU6c2VjcmV0"));
    });
}

#[test]
fn json_with_a_byte_order_mark_is_json() {
    watched(|| {
        let site = serve_each(|connection, _| answer(connection, "200 OK", b"\xef\xbb\xbf[1, 2]"));
        let page = session().get(&site).get(None).expect("an answer");
        assert_eq!(page.json::<Vec<u8>>().expect("JSON"), [1, 2]);
    });
}

#[test]
fn error_for_status_keeps_status_headers_and_the_bodys_beginning() {
    watched(|| {
        let body = [b"why: ".as_slice(), &[b'x'; 5000]].concat();
        let site = serve_each(move |connection, _| {
            answer(connection, "503 Service Unavailable\r\nretry-after: 7", &body)
        });
        let page =
            session().request("GET", &site).tag("job 7").send().get(None).expect("an answer");
        assert_eq!(page.tag(), Some("job 7"));
        let error = page.error_for_status().expect_err("a status");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(503));
        assert_eq!(error.headers().expect("headers")["retry-after"], "7");
        assert_eq!((error.body().len(), &error.body()[..5]), (1024, b"why: ".as_slice()));
        assert_eq!(error.tag(), Some("job 7"));
    });
}
