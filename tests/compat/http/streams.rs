//! Bodies that are read as they come.

use std::io::{ErrorKind as IoKind, Read, Write};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asynckit::Shutdown;
use asynckit::http::{ErrorKind, Response, Retry, Session, Streamed};
use futures_util::StreamExt;

use super::support::{
    PATIENCE, answer, http_error, read_head, send_a_tenth, serve_each, serve_raw, session,
    settings, watched,
};

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

#[track_caller]
fn stream(session: &Session, url: &str) -> Streamed {
    session.request("GET", url).stream().get(None).expect("the head of an answer")
}

/// Sends a chunk for each text that comes, and says when the client has gone.
fn on_demand() -> (String, Sender<&'static str>, Receiver<()>) {
    let (give, texts) = mpsc::channel::<&str>();
    let (tell, gone) = mpsc::channel();
    let site = serve_raw(move |mut connection| {
        connection.write_all(CHUNKED).expect("a client");
        for text in texts {
            let chunk = format!("{:x}\r\n{text}\r\n", text.len());
            connection.write_all(chunk.as_bytes()).expect("a client");
        }
        assert!(read_head(&mut connection).is_none());
        let _ = tell.send(()); // the test may be over
    });
    (site, give, gone)
}

fn text(piece: Option<Result<asynckit::http::Bytes, asynckit::http::Error>>) -> String {
    let piece = piece.expect("a piece").expect("no error");
    String::from_utf8(piece.to_vec()).expect("text")
}

#[test]
fn a_piece_is_there_before_the_next_one_was_sent() {
    watched(|| {
        let (site, give, _gone) = on_demand();
        let mut body = stream(&session(), &site);
        for word in ["one", "two", "three"] {
            give.send(word).expect("a server");
            assert_eq!(text(body.next()), word);
        }
    });
}

#[test]
fn a_reader_that_takes_part_of_a_piece_leaves_the_rest() {
    watched(|| {
        let site = serve_each(|connection, _| answer(connection, "200 OK", b"0123456789"));
        let mut body = stream(&session(), &site);
        assert_eq!(body.content_length(), Some(10));
        let mut start = [0; 4];
        body.read_exact(&mut start).expect("four bytes");
        assert_eq!(&start, b"0123");
        assert_eq!(body.read(&mut []).expect("nothing"), 0);
        assert_eq!(text(body.next()), "456789");
        assert!(body.next().is_none());
        assert_eq!(body.read(&mut start).expect("the end"), 0);
    });
}

#[test]
fn async_code_reads_it_as_a_stream() {
    watched(|| {
        let site = serve_each(|connection, _| answer(connection, "200 OK", &[b'x'; 300_000]));
        let length = futures_executor::block_on(async {
            let body = session().request("GET", &site).stream().await.expect("a head");
            body.stream()
                .fold(0, |sum, piece| async move { sum + piece.expect("a piece").len() })
                .await
        });
        assert_eq!(length, 300_000);
    });
}

/// The server says how much it could write whenever it can write no more.
fn endless() -> (String, Receiver<usize>) {
    let (tell, stuck) = mpsc::channel();
    let tell = Mutex::new(tell);
    let site = serve_each(move |connection, _| {
        connection.set_write_timeout(Some(Duration::from_millis(300))).expect("a setting");
        connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("a client");
        let mut written = 0;
        loop {
            match connection.write(&[b'x'; 0x10000]) {
                Ok(count) => written += count,
                Err(error) if matches!(error.kind(), IoKind::WouldBlock | IoKind::TimedOut) => {
                    let _ = tell.lock().expect("no panic").send(written);
                }
                Err(_) => return false,
            }
        }
    });
    (site, stuck)
}

#[test]
fn a_reader_that_does_not_read_stops_the_server() {
    watched(|| {
        let (site, stuck) = endless();
        let mut body = stream(&session(), &site);
        let first = stuck.recv_timeout(PATIENCE).expect("it is stopped");
        assert!(first < 32 << 20, "{first} bytes: more than two sockets hold");
        let mut read = 0;
        while read < first + (1 << 20) {
            read += body.next().expect("endless").expect("no error").len();
        }
        let mut second = first;
        while second <= read {
            second = stuck.recv_timeout(PATIENCE).expect("it is stopped again");
        }
        assert!(second < read + (32 << 20), "{second} bytes sent, {read} read");
    });
}

#[test]
fn lines_come_whole_and_as_soon_as_they_end() {
    watched(|| {
        let (site, give, _gone) = on_demand();
        let mut lines = stream(&session(), &site).lines();
        let mut next = || lines.next().expect("a line").expect("no error");
        give.send("first\nsec").expect("a server");
        assert_eq!(next(), "first");
        give.send("ond\r").expect("a server");
        give.send("\n\nlast").expect("a server");
        assert_eq!(next(), "second");
        assert_eq!(next(), "");
    });
}

#[test]
fn the_last_line_may_lack_its_end_and_what_is_no_text_is_replaced() {
    watched(|| {
        let site = serve_each(|connection, _| answer(connection, "200 OK", b"a\xffb\nlast"));
        let lines = stream(&session(), &site).lines();
        let lines: Vec<_> = lines.map(|line| line.expect("no error")).collect();
        assert_eq!(lines, ["a\u{fffd}b", "last"]);
        let lines = stream(&session(), &site).lines();
        let lines = lines.stream().map(|line| line.expect("no error"));
        assert_eq!(futures_executor::block_on(lines.collect::<Vec<_>>()), ["a\u{fffd}b", "last"]);
    });
}

#[test]
fn an_endless_line_is_an_error() {
    watched(|| {
        let (site, _stuck) = endless();
        let mut lines = stream(&session(), &site).lines();
        let error = lines.next().expect("an item").expect_err("too long");
        assert_eq!(error.kind(), ErrorKind::BodyTooLarge);
        assert!(lines.next().is_none());
    });
}

/// All pieces up to the end, and the error.
fn drained(body: Streamed) -> (usize, Option<ErrorKind>) {
    let mut length = 0;
    let mut error = None;
    for piece in body {
        assert_eq!(error, None, "nothing comes behind an error");
        match piece {
            Ok(piece) => length += piece.len(),
            Err(failed) => error = Some(failed.kind()),
        }
    }
    (length, error)
}

#[test]
fn the_largest_body_is_a_limit_where_it_was_set() {
    watched(|| {
        let site = serve_each(|connection, _| answer(connection, "200 OK", &vec![0; 40 << 20]));
        assert_eq!(drained(stream(&session(), &site)), (40 << 20, None));
        let small = settings().max_body(1 << 20).build().expect("valid settings");
        let (length, error) = drained(stream(&small, &site));
        assert_eq!(error, Some(ErrorKind::BodyTooLarge));
        assert!(length <= 1 << 20, "{length}");
        let more = small.request("GET", &site).max_body(u64::MAX).stream().get(None);
        assert_eq!(drained(more.expect("a head")), (40 << 20, None));
    });
}

#[test]
fn a_silent_server_is_given_up_and_a_slow_reader_is_not() {
    watched(|| {
        let brief = settings().idle_timeout(Duration::from_millis(700));
        let brief = brief.timeout(Duration::from_millis(1500)).build().expect("valid settings");
        let silent = serve_raw(|mut connection| {
            send_a_tenth(&mut connection);
            read_head(&mut connection);
        });
        assert_eq!(drained(stream(&brief, &silent)), (10, Some(ErrorKind::IdleTimeout)));
        let site = serve_each(|connection, _| answer(connection, "200 OK", &vec![0; 16 << 20]));
        let body = stream(&brief, &site);
        std::thread::sleep(Duration::from_millis(2000)); // it is slow
        assert_eq!(drained(body), (16 << 20, None));
    });
}

#[test]
fn a_limit_of_the_requests_own_is_for_the_body_too() {
    watched(|| {
        let (site, give, gone) = on_demand();
        give.send("begin").expect("a server");
        let limit = Duration::from_secs(1);
        let body = session().request("GET", &site).timeout(limit).stream().get(None);
        assert_eq!(drained(body.expect("a head")), (5, Some(ErrorKind::Timeout)));
        drop(give);
        gone.recv_timeout(PATIENCE).expect("the connection is closed");
    });
}

#[test]
fn a_body_that_breaks_off_is_what_came_and_an_error() {
    watched(|| {
        let site = serve_raw(|mut connection| send_a_tenth(&mut connection));
        let body = session().request("GET", &site).tag("mine").stream().get(None);
        let mut body = body.expect("a head");
        let mut all = Vec::new();
        let error = body.read_to_end(&mut all).expect_err("broken off");
        assert_eq!((error.kind(), all.as_slice()), (IoKind::UnexpectedEof, &b"0123456789"[..]));
        let error = error.get_ref().and_then(|error| error.downcast_ref::<asynckit::http::Error>());
        let error = error.expect("the error of the session");
        assert_eq!(
            (error.kind(), error.tag(), error.attempts()),
            (ErrorKind::Body, Some("mine"), 1)
        );
        assert_eq!(error.url(), Some(format!("{site}/").as_str()));
    });
}

#[test]
fn a_packed_body_is_unpacked_as_it_comes() {
    watched(|| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&vec![7; 3 << 20]).expect("memory");
        let packed = packer.finish().expect("memory");
        let site = serve_each(move |connection, _| {
            answer(connection, "200 OK\r\ncontent-encoding: gzip", &packed)
        });
        let body = stream(&session(), &site);
        assert_eq!((body.content_length(), body.header("content-encoding")), (None, None));
        assert_eq!(drained(body), (3 << 20, None));
        let small = settings().max_body(1 << 20).build().expect("valid settings");
        assert_eq!(drained(stream(&small, &site)).1, Some(ErrorKind::BodyTooLarge));
    });
}

#[test]
fn dropped_at_any_stage_it_closes_its_connection() {
    watched(|| {
        let (arrived, heads) = mpsc::channel();
        let silent = serve_raw(move |mut connection| {
            arrived.send(()).expect("a test");
            assert!(read_head(&mut connection).is_none());
            arrived.send(()).expect("a test");
        });
        let before_the_head = session().request("GET", &silent).stream();
        heads.recv_timeout(PATIENCE).expect("a request");
        drop(before_the_head);
        heads.recv_timeout(PATIENCE).expect("the connection is closed");

        let (site, give, gone) = on_demand();
        drop(stream(&session(), &site));
        drop(give);
        gone.recv_timeout(PATIENCE).expect("the connection is closed");

        let (site, give, gone) = on_demand();
        let mut body = stream(&session(), &site);
        give.send("piece").expect("a server");
        assert_eq!(text(body.next()), "piece");
        drop((body, give));
        gone.recv_timeout(PATIENCE).expect("the connection is closed");

        let (site, give, gone) = on_demand();
        let unread = session().request("GET", &site).stream();
        assert!({ unread }.wait(PATIENCE));
        drop(give);
        gone.recv_timeout(PATIENCE).expect("the connection is closed");
    });
}

#[test]
fn read_to_its_end_it_leaves_a_connection_to_be_used_again() {
    watched(|| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let site = serve_each(move |connection, _| {
            noted.lock().expect("no panic").push(connection.peer_addr().expect("a peer"));
            answer(connection, "200 OK", &[b'x'; 200_000])
        });
        let session = session();
        for _ in 0..3 {
            assert_eq!(drained(stream(&session, &site)), (200_000, None));
        }
        let seen = seen.lock().expect("no panic");
        assert!(seen.len() == 3 && seen.iter().all(|peer| *peer == seen[0]), "{seen:?}");
    });
}

#[test]
fn it_has_its_turn_until_it_was_read_or_dropped() {
    watched(|| {
        let site = serve_each(|connection, _| answer(connection, "200 OK", &vec![0; 16 << 20]));
        let session = settings().max_concurrent(1).build().expect("valid settings");
        let body = stream(&session, &site);
        let mut next = session.get(&site);
        assert!(!next.wait(Duration::from_millis(50)));
        assert_eq!(drained(body), (16 << 20, None));
        next.get(None).expect("an answer");
        let body = stream(&session, &site);
        let mut next = session.get(&site);
        assert!(!next.wait(Duration::from_millis(50)));
        drop(body);
        next.get(None).expect("an answer");
    });
}

#[test]
fn a_session_that_is_closed_waits_for_it_and_then_ends_it() {
    watched(|| {
        let (site, give, gone) = on_demand();
        let session = session();
        let body = stream(&session, &site);
        let report = session.close(Shutdown::Drain, Duration::from_millis(50));
        assert_eq!((report.finished, report.aborted), (0, 1));
        assert_eq!(drained(body), (0, Some(ErrorKind::Closed)));
        drop(give);
        gone.recv_timeout(PATIENCE).expect("the connection is closed");
    });
}

#[test]
fn an_error_has_the_beginning_of_its_body_and_so_has_the_stream() {
    watched(|| {
        let site = serve_each(|connection, _| answer(connection, "404 Not Found", &[b'?'; 5000]));
        let body = stream(&session(), &site);
        assert_eq!(drained(body), (5000, None));
        let error = stream(&session(), &site).error_for_status().expect_err("a 404");
        assert_eq!(
            (error.status().map(|status| status.as_u16()), error.body().len()),
            (Some(404), 1024)
        );
    });
}

#[test]
fn it_is_asked_for_again_where_the_session_does_so() {
    watched(|| {
        let asked = Mutex::new(0);
        let site = serve_each(move |connection, _| {
            let mut asked = asked.lock().expect("no panic");
            *asked += 1;
            match *asked {
                1 => answer(connection, "503 Service Unavailable", b"later"),
                _ => answer(connection, "200 OK", b"now"),
            }
        });
        let patient = settings().retries(Retry::default()).build().expect("valid settings");
        let mut body = stream(&patient, &site);
        assert_eq!((text(body.next()).as_str(), body.attempts()), ("now", 2));
    });
}

#[test]
fn hooks_see_its_head_and_may_fail_it() {
    watched(|| {
        let site = serve_each(|connection, _| answer(connection, "404 Not Found", b"not here"));
        let strict = settings()
            .on_response(|response: Response| Ok(response.error_for_status()?))
            .build()
            .expect("valid settings");
        let failure = strict.request("GET", &site).stream().get(None).expect_err("a 404");
        assert_eq!(http_error(&failure).body(), b"not here");
    });
}
