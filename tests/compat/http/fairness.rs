//! One server that floods, or sends much, does not delay other sessions.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::support::{answer, serve_each, session, settings, watched};

/// While the flood runs, small requests are answered, and little of the flood is read beside each.
fn small_requests_beside(flood: String, flooded: &AtomicU64) {
    let small = serve_each(|connection, _| answer(connection, "200 OK", b"small"));
    let one = settings().max_body(1 << 30).build().expect("valid settings");
    let flooding = one.get(flood);
    let much = 1 << 20;
    while flooded.load(Ordering::SeqCst) < much {
        thread::yield_now();
    }
    let other = session();
    let mut between = Vec::new();
    for _ in 0..11 {
        let before = flooded.load(Ordering::SeqCst);
        assert_eq!(other.get(&small).get(None).expect("an answer").text(), "small");
        between.push(flooded.load(Ordering::SeqCst) - before);
    }
    drop(flooding);
    between.sort_unstable();
    // Of what the flood brings, a piece or two pass before each step of a small one. The middle one, because a busy machine
    // may stop a thread at any time.
    let middle = between[between.len() / 2];
    assert!(middle < 8 << 20, "{middle} bytes of flood beside half of the small answers");
}

fn flood_of(head: &'static str, piece: Vec<u8>) -> (String, Arc<AtomicU64>, Arc<AtomicBool>) {
    let (flooded, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (count, end) = (Arc::clone(&flooded), Arc::clone(&over));
    let site = serve_each(move |connection, _| {
        let mut sent = connection.write_all(head.as_bytes());
        while sent.is_ok() {
            sent = connection.write_all(&piece);
            count.fetch_add(piece.len() as u64, Ordering::SeqCst);
        }
        end.store(true, Ordering::SeqCst);
        false
    });
    (site, flooded, over)
}

#[test]
fn an_endless_row_of_interim_answers_delays_no_other_session() {
    watched(|| {
        let (flood, flooded, _) = flood_of("", b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000));
        small_requests_beside(flood, &flooded);
    });
}

#[test]
fn a_large_download_delays_no_other_session() {
    watched(|| {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n";
        let (flood, flooded, _) = flood_of(head, vec![b'x'; 64 * 1024]);
        small_requests_beside(flood, &flooded);
    });
}

#[test]
fn an_endless_row_of_interim_answers_ends_with_the_limit_for_all() {
    watched(|| {
        let (flood, _, over) = flood_of("", b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000));
        let limit = std::time::Duration::from_millis(100);
        let failure = session().request("GET", &flood).timeout(limit).send().get(None);
        let failure = failure.expect_err("no answer");
        assert!(super::support::http_error(&failure).is_timeout());
        while !over.load(Ordering::SeqCst) {
            thread::yield_now(); // its connection is closed: else the watchdog tells
        }
    });
}
