//! Ten thousand requests from one `fn main`, a thousand in flight, each of which takes the server 10 ms: the memory is
//! bounded and flat, and there is no thread for a request. And no descriptor is left by what is given up.
//!
//! The server is this program once more, in a process of its own, so that what it asks for is not counted.

#[path = "../common/alloc/counting.rs"]
mod counting;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use asynckit::http::Session;
use asynckit::{AsyncList, Shutdown};
use axum::routing::get;

const REQUESTS: usize = 10_000;
const IN_FLIGHT: usize = 1_000;
const DELAY: Duration = Duration::from_millis(10);
/// The most that a request in flight may take, with its connection.
const EACH: isize = 64 * 1024;
/// And one that waits for its turn.
const WAITING: isize = 6 * 1024;
/// What all rounds may leave once the session and its connections are gone: not one allocation for a request.
const LEFT: isize = 64 * 1024;
/// Idle threads of the pool and the I/O thread come on top of those that there were.
const THREADS: usize = 64;
const ROUNDS: usize = 5;
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
        let descriptors = count_descriptors();
        eprintln!("hangs, or does not give back: {LIVE:?} bytes, {descriptors} descriptors");
        std::process::exit(1);
    });
    let server = Server::start();
    let waiting = queue(&server.url);
    settled();
    let first = session(); // what is there once in a process is there
    let at_once = crowd(&first, &server.url);
    round(&first, &server.url);
    end(first);
    let base = settled();

    let session = session();
    let rounds: Vec<_> = (0..ROUNDS).map(|_| round(&session, &server.url)).collect();
    end(session);
    let peak = rounds.iter().map(|round| round.peak - base).max().unwrap_or(0);
    let threads = rounds.iter().map(|round| round.threads).max().unwrap_or(0);
    let time = rounds.iter().map(|round| round.time).min().unwrap_or(Duration::ZERO);
    println!("{REQUESTS} requests in {time:?}, {threads} threads, {peak} bytes at most");
    println!("bytes: {at_once} for each in flight at most, {waiting} for each that waits");
    assert!(at_once <= EACH, "{at_once} bytes for each request in flight");
    assert!(waiting <= WAITING, "{waiting} bytes for each request that waits");
    let all = EACH * IN_FLIGHT as isize + WAITING * (REQUESTS - IN_FLIGHT) as isize;
    assert!(peak <= all, "{peak} bytes for all");
    assert!(threads <= THREADS, "{threads} threads");
    while LIVE.load(Relaxed) - base > LEFT {
        thread::sleep(Duration::from_millis(10)); // connections end in their own time, or this hangs
    }
    give_up(&server.url);
}

/// Gives requests, streams and downloads up at each stage: no descriptor is left, and no part that was not to stay.
fn give_up(url: &str) {
    let before = count_descriptors();
    let session = session();
    let folder = std::env::temp_dir().join(format!("asynckit-scale-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let large = format!("{url}large");
    for number in 0..20 {
        let head = session.request("GET", format!("{url}never")).stream();
        let waiting = session.download(format!("{url}never"), folder.join(format!("n{number}")));
        let unread = session.request("GET", &large).stream().get(None).expect("a head");
        let mut begun = session.request("GET", &large).stream().get(None).expect("a head");
        begun.next().expect("a piece").expect("no error");
        let (tell, told) = std::sync::mpsc::channel();
        let file = session.request("GET", &large).download(folder.join(format!("l{number}")));
        let file = file.keep_part(false).on_progress(move |now| tell.send(now.bytes).unwrap_or(()));
        let file = file.send();
        while told.recv().expect("bytes") == 0 {}
        drop((head, waiting, unread, begun, file));
    }
    session.close(Shutdown::Drain, None);
    let left = || std::fs::read_dir(&folder).expect("the folder").count();
    while count_descriptors() > before || left() > 0 {
        thread::sleep(Duration::from_millis(10)); // in their own time, or this hangs
    }
    std::fs::remove_dir_all(&folder).expect("the folder");
    println!("{before} descriptors before and after");
}

/// 0 where the system does not tell.
fn count_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

fn session() -> Session {
    let session = Session::builder()
        .no_proxy()
        .max_concurrent(IN_FLIGHT)
        .max_per_host(IN_FLIGHT)
        .idle_connections(IN_FLIGHT, IN_FLIGHT, Duration::from_secs(50));
    session.build().expect("valid settings")
}

/// What is live when nothing changes any more: connections end in their own time.
fn settled() -> isize {
    loop {
        let live = LIVE.load(Relaxed);
        thread::sleep(Duration::from_millis(300));
        if live == LIVE.load(Relaxed) {
            return live;
        }
    }
}

fn end(session: Session) {
    session.close(Shutdown::Drain, None);
}

/// As many requests as may be under way, none of which is answered before all have come. Gives what each takes.
fn crowd(session: &Session, url: &str) -> isize {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    let pages: AsyncList<_> = (0..IN_FLIGHT).map(|_| session.get(format!("{url}crowd"))).collect();
    assert!(pages.as_completed().all(|page| page.outcome.is_ok()));
    (PEAK.load(Relaxed) - before) / IN_FLIGHT as isize
}

/// Gives what a request takes that waits for its turn.
fn queue(url: &str) -> isize {
    let session = Session::builder().no_proxy().max_concurrent(1).build();
    let session = session.expect("valid settings");
    let _first = session.get(format!("{url}never"));
    let before = LIVE.load(Relaxed);
    let waiting: Vec<_> = (0..1_000).map(|_| session.get(url)).collect();
    let taken = (LIVE.load(Relaxed) - before) / 1_000;
    drop(waiting);
    session.close(Shutdown::CancelQueued, Duration::ZERO);
    taken
}

/// What a round has taken.
struct Round {
    time: Duration,
    /// In its middle.
    threads: usize,
    peak: isize,
}

/// All requests at once, and each is forgotten when it is over.
fn round(session: &Session, url: &str) -> Round {
    let (before, start) = (LIVE.load(Relaxed), Instant::now());
    PEAK.store(before, Relaxed);
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
    let (time, peak) = (start.elapsed(), PEAK.load(Relaxed));
    Round { time, threads, peak }
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
        let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(IN_FLIGHT));
        let crowd = move || async move {
            barrier.wait().await;
            "here"
        };
        let routes = axum::Router::new()
            .route("/", get(answer))
            .route("/crowd", get(crowd))
            .route("/large", get(|| async { vec![b'.'; 64 << 20] }))
            .route("/never", get(std::future::pending::<&str>));
        axum::serve(listener, routes).await.expect("it serves");
    });
}
