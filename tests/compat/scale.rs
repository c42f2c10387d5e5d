//! Ten thousand requests from one `fn main`, a thousand in flight, each of which takes the server 10 ms: the memory is
//! bounded and flat, and there is no thread for a request.
//!
//! The server is this program once more, in a process of its own, so that what it asks for is not counted.

#[path = "../common/alloc/counting.rs"]
mod counting;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use asynckit::AsyncList;
use asynckit::http::Session;

const REQUESTS: usize = 10_000;
const IN_FLIGHT: usize = 1_000;
const DELAY: Duration = Duration::from_millis(10);
/// The most that a request in flight may take, with its connection.
const EACH: isize = 64 * 1024;
/// What a round may leave: counters that have grown, not one allocation for a request that is over.
const LEFT: isize = 64 * 1024;
/// Idle threads of the pool and the I/O thread come on top of those that there were.
const THREADS: usize = 64;
/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(240);

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

/// Called by the allocator.
fn note(before: usize, after: usize) {
    let change = after as isize - before as isize;
    let live = LIVE.fetch_add(change, Relaxed) + change;
    if change > 0 {
        PEAK.fetch_max(live, Relaxed);
    }
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("--serve") {
        return serve();
    }
    thread::spawn(|| {
        thread::sleep(PATIENCE);
        eprintln!("10,000 requests hang");
        std::process::exit(1);
    });
    let server = Server::start();
    let session = Session::builder()
        .no_proxy()
        .max_concurrent(IN_FLIGHT)
        .max_per_host(IN_FLIGHT)
        .idle_connections(IN_FLIGHT, IN_FLIGHT, Duration::from_secs(50))
        .build()
        .expect("valid settings");
    let base = LIVE.load(Relaxed);
    round(&session, &server.url); // connections are made, threads are started
    round(&session, &server.url);
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    let start = Instant::now();
    let threads = round(&session, &server.url);
    let time = start.elapsed();
    let (after, peak) = (LIVE.load(Relaxed), PEAK.load(Relaxed));
    let each = (peak - base) / IN_FLIGHT as isize;
    println!(
        "{REQUESTS} requests in {time:?}, {threads} threads; {each} bytes for each in flight at most, {} left by all",
        after - before
    );
    assert!(each <= EACH, "{each} bytes for each request in flight");
    assert!(after - before <= LEFT, "{} bytes are left", after - before);
    assert!(threads <= THREADS, "{threads} threads");
}

/// All requests at once, and each is forgotten when it is over. Gives how many threads there were in its middle.
fn round(session: &Session, url: &str) -> usize {
    let sizes = (0..REQUESTS).map(|_| session.get(url).map(|page| page.bytes().len()));
    let sizes: AsyncList<_> = sizes.collect();
    let (mut done, mut threads) = (0, 0);
    for size in sizes.as_completed() {
        assert_eq!(size.outcome.expect("an answer"), 4);
        done += 1;
        if done == REQUESTS / 2 {
            threads = count_threads();
        }
    }
    assert_eq!(done, REQUESTS);
    threads
}

/// 0 where the system does not tell.
fn count_threads() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let threads = status.lines().find_map(|line| line.strip_prefix("Threads:"));
    threads.and_then(|threads| threads.trim().parse().ok()).unwrap_or(0)
}

/// The server's process, which ends with this one: its input is closed then.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start() -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        command.arg("--serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("a process");
        let out = process.stdout.take().expect("a pipe");
        let mut url = String::new();
        BufReader::new(out).read_line(&mut url).expect("its address");
        Self { process, url: url.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn serve() {
    thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]); // until the test is over
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("http://{}/", listener.local_addr().expect("its address"));
        std::io::stdout().flush().expect("a test");
        let answer = || async {
            tokio::time::sleep(DELAY).await;
            "here"
        };
        let routes = axum::Router::new().route("/", axum::routing::get(answer));
        axum::serve(listener, routes).await.expect("it serves");
    });
}
