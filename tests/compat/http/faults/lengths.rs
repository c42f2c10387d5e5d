//! Lengths that are wrong, missing, double, or none.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use asynckit::http::{Error, ErrorKind, Session};

use super::super::support::{http_error, serve_each, session, watched};

fn fetch(session: &Session, site: &str) -> Result<String, Error> {
    let page = session.get(site).get(None);
    page.map(|page| page.text()).map_err(|failure| http_error(&failure).clone())
}

/// Sends this; then the connection ends.
fn sending(answer: &'static str) -> String {
    serve_each(move |connection, _| {
        let _ = connection.write_all(answer.as_bytes());
        false
    })
}

#[test]
fn without_a_length_the_body_ends_with_the_connection() {
    watched(|| {
        let site = sending("HTTP/1.1 200 OK\r\n\r\nup to the end");
        assert_eq!(fetch(&session(), &site).expect("an answer"), "up to the end");
    });
}

#[test]
fn a_length_that_is_too_large_or_a_chunk_that_lacks_is_a_broken_body() {
    watched(|| {
        for answer in [
            "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nshort",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nshort",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nx\r\n",
        ] {
            let error = fetch(&session(), &sending(answer)).expect_err(answer);
            assert_eq!(error.kind(), ErrorKind::Body, "{answer}: {error}");
        }
    });
}

#[test]
fn a_length_that_is_none_or_two_is_no_answer() {
    watched(|| {
        for length in ["five", "-5", "5\r\ncontent-length: 6", "99999999999999999999999"] {
            let site = serve_each(move |connection, _| {
                let _ =
                    write!(connection, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nshort");
                false
            });
            let error = fetch(&session(), &site).expect_err(length);
            assert_eq!(error.kind(), ErrorKind::NoAnswer, "{length}: {error}");
        }
    });
}

/// What comes behind the length must not be taken for the next answer.
#[test]
fn what_is_behind_the_length_is_no_answer_to_the_next_request() {
    watched(|| {
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let site = serve_each(move |connection, _| {
            count.fetch_add(1, Ordering::SeqCst);
            let forged = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged";
            let whole = format!("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue{forged}");
            connection.write_all(whole.as_bytes()).is_ok()
        });
        let session = session();
        for _ in 0..3 {
            assert_eq!(fetch(&session, &site).expect("an answer"), "true");
        }
        assert_eq!(connections.load(Ordering::SeqCst), 3);
    });
}

#[test]
fn an_answer_without_a_body_has_none_whatever_its_length_says() {
    watched(|| {
        let site = serve_each(|connection, _| {
            connection.write_all(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n").is_ok()
        });
        let session = session();
        assert_eq!(fetch(&session, &site).expect("an answer"), "");
        let head = serve_each(|connection, _| {
            connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n").is_ok()
        });
        assert!(session.head(head).get(None).expect("an answer").bytes().is_empty());
    });
}
