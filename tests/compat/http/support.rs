//! Servers to talk to, and a watchdog.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use asynckit::Failure;
use asynckit::http::{Error, Session, SessionBuilder};
use axum::Router;

/// A test that takes longer than this hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test's body on a thread of its own, and fails where it does not come back.
#[track_caller]
pub(crate) fn watched(body: impl FnOnce() + Send + 'static) {
    let (done, finished) = mpsc::channel::<()>();
    let name = thread::current().name().unwrap_or("a test").to_owned();
    let running = thread::Builder::new().name(name.clone()).spawn(move || {
        let _done = done; // dropped at the end, also of a panic
        body();
    });
    let end = finished.recv_timeout(PATIENCE);
    assert_ne!(end, Err(mpsc::RecvTimeoutError::Timeout), "{name} hangs");
    if let Err(panic) = running.expect("a thread for the test").join() {
        std::panic::resume_unwind(panic);
    }
}

/// Serves `routes` on a free port until the process ends; gives the root's URL, without a slash.
pub(crate) fn serve(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    listener.set_nonblocking(true).expect("a setting");
    thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, routes).await
        })
    });
    root_of(address)
}

/// Answers one connection with `talk`, which gets it when the head of a request has been read.
pub(crate) fn serve_raw(talk: impl FnOnce(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a client");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            connection.read_exact(&mut byte).expect("a request");
            head.push(byte[0]);
        }
        talk(connection);
    });
    root_of(address)
}

/// Sends a head that promises 100 bytes, and 10 of them.
pub(crate) fn send_a_tenth(connection: &mut TcpStream) {
    connection
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789")
        .expect("a client that reads");
}

/// The URL of a port on which nobody listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    root_of(listener.local_addr().expect("its address"))
}

fn root_of(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// Settings that do not depend on the environment of the tests.
pub(crate) fn settings() -> SessionBuilder {
    Session::builder().no_proxy()
}

pub(crate) fn session() -> Session {
    settings().build().expect("valid settings")
}

/// What went wrong, where it is an error of the session.
#[track_caller]
pub(crate) fn http_error(failure: &Failure) -> &Error {
    failure.downcast_ref::<Error>().unwrap_or_else(|| panic!("no http::Error: {failure:?}"))
}

/// Answers each connection on a thread of its own, with `talk` once for each request on it: it gets the
/// connection, and the request's head. `false` ends the connection.
pub(crate) fn serve_each<F>(talk: F) -> String
where
    F: Fn(&mut TcpStream, &str) -> bool + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let talk = Arc::new(talk);
    thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { continue };
            let talk = Arc::clone(&talk);
            thread::spawn(move || {
                while let Some(head) = read_head(&mut connection) {
                    if !talk(&mut connection, &head) {
                        return;
                    }
                }
            });
        }
    });
    root_of(address)
}

/// The head of the next request; `None`: there is none.
pub(crate) fn read_head(connection: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

/// Sends a whole answer; whether the client took it.
pub(crate) fn answer(connection: &mut TcpStream, head: &str, body: &[u8]) -> bool {
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n");
    let whole = [head.as_bytes(), body].concat();
    connection.write_all(&whole).is_ok()
}

/// A header of a request's head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
