//! How large a body may be, packed and unpacked.

use std::io::Write;
use std::net::TcpStream;

use asynckit::http::ErrorKind;

use super::support::{answer, header, http_error, serve_each, session, settings, watched};

#[test]
fn the_limit_is_a_setting_of_the_session_and_of_the_request() {
    watched(|| {
        let site = serve_each(|connection, _| answer(connection, "200 OK", &[b'x'; 1000]));
        let small = settings().max_body(999).build().expect("valid settings");
        let failure = small.get(&site).get(None).expect_err("too large");
        assert_eq!(http_error(&failure).kind(), ErrorKind::BodyTooLarge);
        let page = small.request("GET", &site).max_body(1000).send().get(None);
        assert_eq!(page.expect("it fits").bytes().len(), 1000);
    });
}

#[test]
fn without_a_limit_it_may_be_larger_than_the_default() {
    watched(|| {
        let site = serve_each(|connection, _| answer(connection, "200 OK", &vec![0; 40 << 20]));
        let page = session().request("GET", &site).max_body(u64::MAX).send().get(None);
        assert_eq!(page.expect("whole").bytes().len(), 40 << 20);
    });
}

#[test]
fn a_length_that_is_too_large_is_refused_before_the_body() {
    watched(|| {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n";
        let site = serve_each(|connection, _| {
            connection.write_all(head.as_bytes()).is_ok() && held(connection)
        });
        let failure = session().get(&site).get(None).expect_err("too large");
        assert_eq!(http_error(&failure).kind(), ErrorKind::BodyTooLarge);
    });
}

/// Until the client closes the connection.
fn held(connection: &mut TcpStream) -> bool {
    super::support::read_head(connection).is_some()
}

#[test]
fn nothing_is_set_aside_because_of_what_a_header_says() {
    watched(|| {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\nshort";
        let site = serve_each(|connection, _| {
            let _ = connection.write_all(head.as_bytes());
            false
        });
        let page = session().request("GET", &site).max_body(u64::MAX).send().get(None);
        let failure = page.expect_err("it breaks off");
        assert_eq!(http_error(&failure).kind(), ErrorKind::Body, "{failure}");
    });
}

/// 64 MiB of zeros in 64 KiB.
fn packed(zeros: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![0; zeros]).expect("memory");
    encoder.finish().expect("memory")
}

fn packing(body: Vec<u8>) -> String {
    serve_each(move |connection, head| {
        match header(head, "accept-encoding").is_some_and(|accepted| accepted.contains("gzip")) {
            true => answer(connection, "200 OK\r\ncontent-encoding: gzip", &body),
            false => answer(connection, "200 OK", b"plain"),
        }
    })
}

#[test]
fn a_packed_body_is_unpacked() {
    watched(|| {
        let site = packing(packed(1 << 20));
        let page = session().get(&site).get(None).expect("an answer");
        assert_eq!(page.bytes().len(), 1 << 20);
        assert_eq!(page.header("content-encoding"), None);
        let plain = settings().no_compression().build().expect("valid settings");
        assert_eq!(plain.get(&site).get(None).expect("an answer").text(), "plain");
    });
}

#[test]
fn what_unpacks_to_more_than_the_limit_is_refused() {
    watched(|| {
        let failure = session().get(packing(packed(64 << 20))).get(None).expect_err("a bomb");
        assert_eq!(http_error(&failure).kind(), ErrorKind::BodyTooLarge);
    });
}

#[test]
fn a_packed_body_that_breaks_off_or_is_none_is_a_failure() {
    watched(|| {
        let mut half = packed(1 << 20);
        half.truncate(half.len() / 2);
        for body in [half, b"no gzip at all".to_vec()] {
            let failure = session().get(packing(body)).get(None).expect_err("broken");
            assert_eq!(http_error(&failure).kind(), ErrorKind::Body, "{failure}");
        }
    });
}
