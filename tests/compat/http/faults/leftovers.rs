//! Giving up at each stage leaves nothing: no descriptor, no thread.
//!
//! In a child process of its own, where nothing else opens and closes.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{fs, thread};

use asynckit::http::{Response, Retry, Session, SessionBuilder};
use asynckit::{AsyncList, Backoff, Promise};

use super::super::support::{PATIENCE, answer, send_a_tenth, settings, watched};

const CHILD: &str = "ASYNCKIT_TEST_LEFTOVERS";
const THIS: &str =
    "http::faults::leftovers::giving_up_at_each_stage_leaves_no_descriptor_and_no_thread";

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("a list").count()
}

/// Without those that are kept for ten seconds, in case that there is more to be looked up.
fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("a list").filter_map(Result::ok);
    let name =
        |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).unwrap_or_default();
    tasks.map(name).filter(|name| !name.is_empty() && !name.starts_with("asynckit-http-d")).count()
}

/// Waits until neither is more than it was.
fn expect(stage: &str, before: (usize, usize)) {
    let start = Instant::now();
    while descriptors() > before.0 || threads() > before.1 {
        assert!(
            start.elapsed() < PATIENCE,
            "{stage}: {:?} became {:?}",
            before,
            (descriptors(), threads())
        );
        thread::sleep(Duration::from_millis(5)); // the system's own work
    }
}

/// One thread answers all connections of the test, so that their number does not count: each gets `talk`, and is held
/// until the client ends it.
struct Server {
    site: String,
    arrived: mpsc::Receiver<()>,
}

fn serve(talk: fn(&mut std::net::TcpStream)) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let site = format!("http://{}", listener.local_addr().expect("its address"));
    let (tell, arrived) = mpsc::channel();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { continue };
            talk(&mut connection);
            let _ = tell.send(());
            while super::super::support::read_head(&mut connection).is_some() {}
        }
    });
    Server { site, arrived }
}

fn silent(connection: &mut std::net::TcpStream) {
    super::super::support::read_head(connection);
}

fn within_head(connection: &mut std::net::TcpStream) {
    silent(connection);
    let _ = std::io::Write::write_all(connection, b"HTTP/1.1 200 OK\r\nx-half: ");
}

fn within_body(connection: &mut std::net::TcpStream) {
    silent(connection);
    send_a_tenth(connection);
}

fn unavailable(connection: &mut std::net::TcpStream) {
    silent(connection);
    answer(connection, "503 Service Unavailable\r\nconnection: close", b"");
}

fn resolving() -> SessionBuilder {
    settings().resolver(|_| {
        thread::sleep(Duration::from_millis(200)); // slow on purpose
        Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
    })
}

fn session() -> Session {
    let pauses = Backoff::constant(Duration::from_secs(600)).times(3);
    let settings = resolving().retries(Retry::default().pauses(pauses));
    settings.build().expect("valid settings")
}

/// A request that has come to its stage when this returns.
fn at_stage(stage: &str, session: &Session, server: &Server) -> Promise<Response> {
    let url = match stage {
        "looking up the name" => server.site.replace("127.0.0.1", "slow.test"),
        "TLS" => server.site.replace("http://", "https://"),
        _ => server.site.clone(),
    };
    let page = session.get(url);
    if !matches!(stage, "looking up the name" | "TLS") {
        server.arrived.recv_timeout(PATIENCE).expect("it arrives");
    }
    if matches!(stage, "TLS" | "within the body" | "pausing before the next try") {
        thread::sleep(Duration::from_millis(20)); // what was sent is read
    }
    page
}

type Stage = (&'static str, fn(&mut std::net::TcpStream));

const STAGES: [Stage; 6] = [
    ("looking up the name", silent),
    ("TLS", silent),
    ("before the head", silent),
    ("within the head", within_head),
    ("within the body", within_body),
    ("pausing before the next try", unavailable),
];

fn in_child() {
    // What stays: the I/O thread, the pool's, the resolver's, and their descriptors.
    let first = resolving().build().expect("valid settings");
    first.get("http://slow.test:1/").get(None).expect_err("refused");
    drop(first);
    for (stage, talk) in STAGES {
        let server = serve(talk);
        let mut least = (usize::MAX, usize::MAX);
        for end in ["cancel", "drop", "timeout", "with the list", "with the session"] {
            // What is still going away from the end before does not count.
            least = (least.0.min(descriptors()), least.1.min(threads()));
            let session = session();
            let mut page = at_stage(stage, &session, &server);
            match end {
                "cancel" => page.cancel(),
                "drop" => drop(page),
                "timeout" => {
                    page.get(Duration::ZERO).expect_err("too early");
                    drop(page);
                }
                "with the list" => drop(AsyncList::from_iter([page])),
                _ => {
                    session.close(asynckit::Shutdown::CancelQueued, Duration::ZERO);
                    page.get(None).expect_err("closed");
                }
            }
            drop(session);
            expect(&format!("{stage}, {end}"), least);
        }
    }
}

#[test]
fn giving_up_at_each_stage_leaves_no_descriptor_and_no_thread() {
    if std::env::var_os(CHILD).is_some() {
        return in_child();
    }
    watched(|| {
        let this = std::env::current_exe().expect("this program");
        let arguments = ["--exact", THIS, "--nocapture"];
        let child = std::process::Command::new(this).args(arguments).env(CHILD, "1").output();
        let child = child.expect("a child");
        let text = String::from_utf8_lossy(&child.stdout).into_owned();
        let errors = String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success() && text.contains("1 passed"), "{text}{errors}");
    });
}
