//! Sessions whose requests are answered by a function, without a socket.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use asynckit::http::{
    Body, CookieJar, ErrorKind, Request, Response, Retry, Session, SessionBuilder, StatusCode,
};
use asynckit::{AsyncList, Backoff, Pool, Promise, Shutdown};

use super::support::{http_error, watched};

const SITE: &str = "https://site.test/";

/// Answers everything with 200 and this body.
fn saying(body: &'static str) -> SessionBuilder {
    Session::builder()
        .transport(move |request| Ok(Response::answer(&request, StatusCode::OK, body)))
}

fn built(settings: SessionBuilder) -> Session {
    settings.build().expect("valid settings")
}

#[test]
fn requests_are_answered_without_a_socket_and_what_the_session_knows_is_on_the_answer() {
    watched(|| {
        let session = built(saying("here"));
        let page = session.request("GET", SITE).tag("one").send().get(None).expect("an answer");
        assert_eq!((page.status(), page.text().as_str()), (StatusCode::OK, "here"));
        assert_eq!((page.url().as_str(), page.tag(), page.attempts()), (SITE, Some("one"), 1));
        assert_eq!((page.remote_addr(), page.history().len()), (None, 0));
    });
}

#[test]
fn the_transport_sees_the_request_as_it_would_go_out_and_on_the_pool() {
    watched(|| {
        let (tell, told) = mpsc::channel();
        let pool = Pool::builder().workers(1).name("answering").build().expect("a pool");
        let settings = Session::builder().pool(&pool).header("x-all", "1").query([("key", "k")]);
        let settings =
            settings.base_url("https://api.test/v1/").transport(move |request: Request| {
                let thread = thread::current().name().map(str::to_owned);
                tell.send((thread, format!("{} {}", request.method(), request.url())))
                    .expect("told");
                let headers = request.headers();
                assert!(
                    ["x-all", "x-own", "accept-encoding"].map(|name| headers.contains_key(name))
                        == [true; 3]
                );
                let body = request.body().read_all().expect("a body");
                Ok(Response::answer(&request, StatusCode::CREATED, body))
            });
        let session = built(settings);
        let reader = Body::from_reader(std::io::Cursor::new("read"));
        for (body, text) in [(Body::from("text"), "text"), (reader, "read")] {
            let page = session.post("items", body).header("x-own", "2").send().get(None);
            assert_eq!(page.expect("an answer").text(), text);
            let (thread, line) = told.recv().expect("told");
            assert!(thread.is_some_and(|name| name.starts_with("answering")));
            assert_eq!(line, "POST https://api.test/v1/items?key=k");
        }
    });
}

#[test]
fn faults_become_errors_with_url_method_and_attempts_and_are_retried() {
    watched(|| {
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        let failing = Session::builder().transport(move |_| -> Result<Response, _> {
            count.fetch_add(1, Ordering::SeqCst);
            Err(ErrorKind::Refused.into())
        });
        let retry = Retry::default().pauses(Backoff::constant(Duration::ZERO).times(2));
        let session = built(failing.retries(retry));
        let failure = session.get(SITE).get(None).expect_err("a fault");
        let error = http_error(&failure);
        assert_eq!(
            (error.kind(), error.url(), error.attempts()),
            (ErrorKind::Refused, Some(SITE), 3)
        );
        assert_eq!(error.method().map(|method| method.as_str()), Some("GET"));
        assert_eq!(calls.load(Ordering::SeqCst), 3);
    });
}

#[test]
fn redirects_cookies_and_hooks_work_over_it_and_secrets_stay_with_their_origin() {
    watched(|| {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&heads);
        let (jar, looked) = (CookieJar::new(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&looked);
        let settings = Session::builder().cookies(&jar).transport(move |request| {
            let secret = |name| request.headers().contains_key(name);
            let head =
                format!("{} {} {}", request.url(), secret("authorization"), secret("cookie"));
            keep.lock().expect("no panic").push(head);
            let moved =
                |to| Response::answer(&request, StatusCode::FOUND, "").with_header("location", to);
            Ok(match request.url().as_str() {
                SITE => moved("/login").with_header("set-cookie", "id=7"),
                "https://site.test/login" => moved("http://elsewhere.test/"),
                _ => Response::answer(&request, StatusCode::OK, "there"),
            })
        });
        let session = built(settings.on_response(move |page| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(page)
        }));
        let page = session.request("GET", SITE).bearer_auth("token").send().get(None);
        let page = page.expect("an answer");
        assert_eq!((page.text().as_str(), page.history().len()), ("there", 2));
        let expected = [
            format!("{SITE} true false"),
            format!("{SITE}login true true"),
            "http://elsewhere.test/ false false".to_owned(),
        ];
        assert_eq!(*heads.lock().expect("no panic"), expected);
        assert_eq!(looked.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_redirect_loop_has_an_end() {
    watched(|| {
        let session = built(Session::builder().transport(|request| {
            Ok(Response::answer(&request, StatusCode::FOUND, "").with_header("location", "/"))
        }));
        let failure = session.get(SITE).get(None).expect_err("no end");
        assert_eq!(http_error(&failure).kind(), ErrorKind::TooManyRedirects);
    });
}

#[test]
fn limits_of_time_and_size_hold_over_it() {
    watched(|| {
        // Never settled while the promise is held.
        let slow = || {
            let held = Mutex::new(Vec::new());
            Session::builder().transport(move |_| {
                let (deferred, promise) = Promise::deferred();
                held.lock().expect("no panic").push(deferred);
                promise
            })
        };
        let short = Duration::from_millis(20);
        for (settings, kind) in [
            (slow().timeout(short), ErrorKind::Timeout),
            (slow().first_byte_timeout(short), ErrorKind::FirstByteTimeout),
            (slow().idle_timeout(short), ErrorKind::IdleTimeout),
            (saying("eleven byte").max_body(10), ErrorKind::BodyTooLarge),
        ] {
            let failure = built(settings).get(SITE).get(None).expect_err("a limit");
            assert_eq!(http_error(&failure).kind(), kind);
        }
        assert_eq!(
            built(saying("ten bytes.").max_body(10))
                .get(SITE)
                .get(None)
                .expect("fits")
                .text()
                .len(),
            10
        );
    });
}

#[test]
fn turns_hold_over_it() {
    watched(|| {
        let (now, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let peak = Arc::clone(&most);
        let settings =
            Session::builder().pool(&Pool::new(4)).max_concurrent(2).transport(move |request| {
                peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::yield_now();
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(Response::answer(&request, StatusCode::OK, ""))
            });
        let session = built(settings);
        let mut pages: AsyncList<_> = (0..50).map(|_| session.get(SITE)).collect();
        assert_eq!(pages.get(None).expect("all answers").len(), 50);
        assert!(most.load(Ordering::SeqCst) <= 2);
    });
}

#[test]
fn a_request_that_is_given_up_cancels_the_promise_of_the_transport() {
    watched(|| {
        let (tell, told) = mpsc::channel();
        let session = built(Session::builder().transport(move |_| {
            let (mut deferred, promise) = Promise::deferred();
            let tell = tell.clone();
            let cancelled = tell.clone();
            deferred.on_cancel(move || {
                let _ = cancelled.send("cancelled");
            });
            tell.send("asked").expect("told");
            thread::spawn(move || {
                while !deferred.is_cancelled() {
                    thread::yield_now(); // until the test gives up
                }
            });
            promise
        }));
        for end in [|page: Promise<Response>| page.cancel(), |page| drop(page)] {
            let page = session.get(SITE);
            assert_eq!(told.recv(), Ok("asked"));
            end(page);
            assert_eq!(told.recv(), Ok("cancelled"));
        }
    });
}

#[test]
fn a_transport_that_panics_fails_the_promise_with_the_panic_once() {
    watched(|| {
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        let panicking = Session::builder().transport(move |request| {
            assert!(count.fetch_add(1, Ordering::SeqCst) > 0, "not this one");
            Ok(Response::answer(&request, StatusCode::OK, "later"))
        });
        let session = built(panicking.retries(Retry::default()));
        let failure = session.get(SITE).get(None).expect_err("a panic");
        assert!(failure.is_panicked() && failure.to_string().contains("not this one"), "{failure}");
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        assert_eq!(session.get(SITE).get(None).expect("an answer").text(), "later");
    });
}

#[test]
fn a_transport_that_drops_its_promise_or_a_pool_that_is_shut_down_ends_the_request() {
    watched(|| {
        let session = built(Session::builder().transport(|_| {
            let (deferred, promise) = Promise::deferred();
            drop(deferred);
            promise
        }));
        assert!(session.get(SITE).get(None).expect_err("nothing").is_abandoned());
        let pool = Pool::new(1);
        let session = built(saying("never").pool(&pool));
        pool.shutdown(Shutdown::Drain, None);
        assert!(session.get(SITE).get(None).expect_err("no pool").is_abandoned());
    });
}

#[test]
fn packed_answers_are_unpacked_and_a_bomb_is_refused() {
    watched(|| {
        let packed = |zeros: usize| {
            use std::io::Write;
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&vec![0; zeros]).expect("memory");
            encoder.finish().expect("memory")
        };
        for (zeros, fits) in [(1000, true), (64 << 20, false)] {
            let body = packed(zeros);
            let page = built(Session::builder().transport(move |request| {
                let answer = Response::answer(&request, StatusCode::OK, body.clone());
                Ok(answer.with_header("content-encoding", "gzip"))
            }));
            match page.get(SITE).get(None) {
                Ok(page) => assert_eq!((page.bytes().len(), fits), (zeros, true)),
                Err(failure) => assert_eq!(
                    (http_error(&failure).kind(), fits),
                    (ErrorKind::BodyTooLarge, false)
                ),
            }
        }
    });
}

#[test]
fn closing_the_session_aborts_what_the_transport_has_not_answered() {
    watched(|| {
        let (tell, told) = mpsc::channel();
        let session = built(Session::builder().transport(move |_| {
            let (deferred, promise) = Promise::deferred();
            tell.send(deferred).expect("told");
            promise
        }));
        let mut page = session.get(SITE);
        let deferred = told.recv().expect("asked");
        let report = session.close(Shutdown::Drain, Duration::from_millis(10));
        assert_eq!((report.aborted, report.finished), (1, 0));
        assert_eq!(http_error(&page.get(None).expect_err("closed")).kind(), ErrorKind::Closed);
        assert!(deferred.is_cancelled());
    });
}
