//! Heads that are large, or without end.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use asynckit::http::ErrorKind;

use super::super::support::{answer, http_error, serve_each, session, watched};

#[test]
fn a_mebibyte_of_headers_is_refused_however_it_is_divided() {
    watched(|| {
        for (count, length) in [(1, 1 << 20), (16_384, 56), (64, 16_384)] {
            let site = serve_each(move |connection, _| {
                let line = format!("x-large: {}\r\n", "a".repeat(length));
                let head =
                    format!("HTTP/1.1 200 OK\r\n{}content-length: 0\r\n\r\n", line.repeat(count));
                let _ = connection.write_all(head.as_bytes());
                false
            });
            let failure = session().get(site).get(None).expect_err("too large");
            assert_eq!(http_error(&failure).kind(), ErrorKind::NoAnswer, "{failure}");
        }
    });
}

#[test]
fn a_head_without_end_is_refused() {
    watched(|| {
        for endless in [b"x: y\r\n".as_slice(), b"endless"] {
            let taken = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&taken);
            let site = serve_each(move |connection, _| {
                let pieces = endless.repeat(1000);
                let mut sent = connection.write_all(b"HTTP/1.1 200 OK\r\nx-begun: ");
                while sent.is_ok() {
                    sent = connection.write_all(&pieces);
                    count.fetch_add(pieces.len(), Ordering::SeqCst);
                }
                false
            });
            let failure = session().get(site).get(None).expect_err("no end");
            assert_eq!(http_error(&failure).kind(), ErrorKind::NoAnswer, "{failure}");
            // What is on the way, in the buffers of both ends, comes on top of the 256 KiB that are read.
            let taken = taken.load(Ordering::SeqCst);
            assert!(taken < 32 << 20, "{taken} bytes were taken");
        }
    });
}

#[test]
fn a_head_of_100_kib_is_read() {
    watched(|| {
        let site = serve_each(|connection, _| {
            let large = "a".repeat(1000);
            let lines: String = (0..90).map(|index| format!("\r\nx-{index}: {large}")).collect();
            answer(connection, &format!("200 OK{lines}"), b"here")
        });
        let page = session().get(site).get(None).expect("an answer");
        assert_eq!((page.headers().len(), page.text().as_str()), (91, "here"));
    });
}
