//! Bodies without end: in a flood, and in drops.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use asynckit::http::ErrorKind;

use super::super::support::{http_error, serve_each, session, watched};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// Sends a body without end; counts what the client has taken.
fn endless() -> (String, Arc<AtomicU64>) {
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    let site = serve_each(move |connection, _| {
        let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
        let mut sent = connection.write_all(CHUNKED.as_bytes());
        while sent.is_ok() {
            sent = connection.write_all(&chunk);
            count.fetch_add(0x10000, Ordering::SeqCst);
        }
        false
    });
    (site, taken)
}

#[test]
fn an_endless_body_is_refused_at_32_mib() {
    watched(|| {
        let (site, taken) = endless();
        let failure = session().get(&site).get(None).expect_err("too large");
        let error = http_error(&failure);
        assert_eq!(error.kind(), ErrorKind::BodyTooLarge);
        let text = error.to_string();
        assert_eq!(text, format!("the body of {site}/ is too large: more than 33554432 bytes"));
        // What is on the way, in the buffers of both ends, is not much.
        assert!(taken.load(Ordering::SeqCst) < 64 << 20);
    });
}

#[test]
fn a_body_that_only_drips_is_ended_by_the_limit_for_all() {
    watched(|| {
        let site = serve_each(|connection, _| {
            let mut sent = connection.write_all(CHUNKED.as_bytes());
            while sent.is_ok() {
                sent = connection.write_all(b"1\r\nx\r\n");
                std::thread::sleep(Duration::from_millis(5)); // it drips
            }
            false
        });
        let request = session().request("GET", &site).timeout(Duration::from_millis(200));
        let failure = request.send().get(None).expect_err("too late");
        assert_eq!(http_error(&failure).kind(), ErrorKind::Timeout);
    });
}
