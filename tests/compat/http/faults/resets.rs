//! Connections that are reset: at once, before the answer, within head and body.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use asynckit::Backoff;
use asynckit::http::{ErrorKind, Retry, SessionBuilder};

use super::super::support::{http_error, settings, watched};

/// Resets each connection after `said`: to close one on which something unread waits is a reset.
fn resetting(said: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { continue };
            let _ = connection.read_exact(&mut [0]); // the rest of the request has come, too
            let _ = connection.write_all(said);
        }
    });
    format!("http://{address}")
}

fn kind(settings: SessionBuilder, said: &'static [u8]) -> (ErrorKind, u32) {
    let session = settings.build().expect("valid settings");
    let failure = session.get(resetting(said)).get(None).expect_err("a reset");
    let error = http_error(&failure);
    (error.kind(), error.attempts())
}

#[test]
fn a_reset_before_or_within_the_head_is_no_answer() {
    watched(|| {
        for said in [b"".as_slice(), b"HTTP/1.1 200 OK\r\ncontent-"] {
            assert_eq!(kind(settings(), said), (ErrorKind::NoAnswer, 1));
        }
    });
}

#[test]
fn a_reset_within_the_body_is_a_broken_body() {
    watched(|| {
        let said = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789";
        // The reset may overtake what was said before it.
        let (kind, _) = kind(settings(), said);
        assert!(matches!(kind, ErrorKind::Body | ErrorKind::NoAnswer), "{kind:?}");
    });
}

#[test]
fn a_reset_is_asked_again_where_that_is_wished() {
    watched(|| {
        let retry = Retry::default().pauses(Backoff::constant(Duration::ZERO).times(3));
        assert_eq!(kind(settings().retries(retry), b""), (ErrorKind::NoAnswer, 4));
    });
}
