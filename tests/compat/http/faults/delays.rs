//! Servers that take their time: before the head, within it, before the body, within it.

use std::io::Write;
use std::sync::mpsc;
use std::time::Duration;

use asynckit::http::ErrorKind;

use super::super::support::{http_error, serve_raw, session, settings, watched};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n";

/// The whole answer, and where it stops: before the head, within it, before the body, within it.
fn stops() -> [usize; 4] {
    [0, HEAD.len() / 2, HEAD.len(), HEAD.len() + 2]
}

fn whole() -> Vec<u8> {
    [HEAD.as_bytes(), b"late"].concat()
}

#[test]
fn an_answer_that_pauses_anywhere_arrives() {
    watched(|| {
        for stop in stops() {
            let (go_on, told) = mpsc::channel::<()>();
            let site = serve_raw(move |mut connection| {
                let _ = connection.write_all(&whole()[..stop]);
                told.recv().expect("told to go on");
                let _ = connection.write_all(&whole()[stop..]);
            });
            let mut page = session().get(&site);
            assert!(!page.wait(Duration::from_millis(50)), "it pauses");
            go_on.send(()).expect("the server");
            assert_eq!(page.get(None).expect("an answer").text(), "late");
        }
    });
}

#[test]
fn an_answer_that_stops_anywhere_runs_into_each_limit_that_holds_there() {
    watched(|| {
        let short = Duration::from_millis(50);
        for (index, stop) in stops().into_iter().enumerate() {
            for (settings, kind) in [
                (settings().timeout(short), ErrorKind::Timeout),
                (settings().idle_timeout(short), ErrorKind::IdleTimeout),
                (settings().first_byte_timeout(short), ErrorKind::FirstByteTimeout),
            ] {
                if kind == ErrorKind::FirstByteTimeout && index > 1 {
                    continue; // the answer has begun
                }
                let (hold, held) = mpsc::channel::<()>();
                let site = serve_raw(move |mut connection| {
                    let _ = connection.write_all(&whole()[..stop]);
                    let _ = held.recv(); // the connection stays open meanwhile
                });
                let session = settings.build().expect("valid settings");
                let failure = session.get(&site).get(None).expect_err("too late");
                assert_eq!(http_error(&failure).kind(), kind, "at {stop}");
                drop(hold);
            }
        }
    });
}
