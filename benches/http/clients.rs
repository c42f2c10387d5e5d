//! The contestants: a session with one and with two I/O threads, and reqwest on a runtime of one and of two.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use asynckit::AsyncList;
use asynckit::http::Session;
use futures::StreamExt;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Notify;

pub(crate) trait Client {
    fn name(&self) -> String;
    /// In how many rounds it takes part at most.
    fn rounds(&self) -> usize {
        usize::MAX
    }
    /// How many bytes they had in all.
    fn get_all(&self, url: &str, count: usize, at_once: usize) -> usize;
    fn get(&self, url: &str);
    /// A download that goes on until what is given back is dropped.
    fn begin(&self, url: &str) -> Box<dyn Any>;
}

/// The one that the others are compared with.
pub(crate) const BASE: usize = 2;

pub(crate) fn clients(at_once: usize) -> Vec<Box<dyn Client>> {
    vec![
        Box::new(Ours::new(1, at_once)),
        Box::new(Ours::new(2, at_once)),
        Box::new(Theirs::new(1)),
        Box::new(Theirs::new(2)),
    ]
}

struct Ours {
    session: Session,
    threads: usize,
}

impl Ours {
    /// With one thread it is the common one.
    fn new(threads: usize, at_once: usize) -> Self {
        let mut builder = Session::builder()
            .max_concurrent(at_once)
            .max_per_host(at_once)
            .idle_connections(at_once, at_once, Duration::from_secs(50))
            .danger_accept_invalid_certs()
            .no_proxy();
        if threads > 1 {
            builder = builder.io_threads(threads);
        }
        Self { session: builder.build().expect("a session"), threads }
    }
}

impl Client for Ours {
    fn name(&self) -> String {
        format!("asynckit, I/O threads: {}", self.threads)
    }

    fn get_all(&self, url: &str, count: usize, _at_once: usize) -> usize {
        let all: AsyncList<_> = (0..count).map(|_| self.session.get(url)).collect();
        let mut sizes = all.map(|pages| pages.iter().map(|page| page.bytes().len()).sum());
        sizes.get(None).expect("all answer")
    }

    fn get(&self, url: &str) {
        self.session.get(url).get(None).expect("it answers");
    }

    fn begin(&self, url: &str) -> Box<dyn Any> {
        let mut streamed = self.session.request("GET", url).timeout(Duration::MAX).stream();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let reader = thread::spawn(move || {
            for piece in streamed.get(None).expect("it answers") {
                piece.expect("it goes on");
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        Box::new(Stop { stop, reader: Some(reader) })
    }
}

struct Stop {
    stop: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.reader.take().map(JoinHandle::join);
    }
}

/// In `get_all` a runtime of one thread is driven by the caller, as in a program that is async; in `get` requests come from
/// plain code, as with us, and threads of its own drive it.
struct Theirs {
    client: reqwest::Client,
    threads: usize,
    runtime: Runtime,
    /// For a runtime of one thread: what drives one for requests from outside.
    driver: Option<Driver>,
}

struct Driver {
    handle: Handle,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl Driver {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (handle, stop) = (runtime.handle().clone(), Arc::new(Notify::new()));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || runtime.block_on(stopped.notified()));
        Self { handle, stop, thread: Some(thread) }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.stop.notify_one();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Theirs {
    fn new(threads: usize) -> Self {
        let client = reqwest::Client::builder().no_proxy().danger_accept_invalid_certs(true);
        let client = client.build().expect("a client");
        let mut builder = match threads {
            1 => Builder::new_current_thread(),
            _ => Builder::new_multi_thread(),
        };
        let runtime = builder.worker_threads(threads).enable_all().build().expect("a runtime");
        let driver = (threads == 1).then(Driver::start);
        Self { client, threads, runtime, driver }
    }

    fn handle(&self) -> &Handle {
        self.driver.as_ref().map_or(self.runtime.handle(), |driver| &driver.handle)
    }
}

impl Client for Theirs {
    fn name(&self) -> String {
        format!("reqwest, threads: {}", self.threads)
    }

    fn get_all(&self, url: &str, count: usize, at_once: usize) -> usize {
        let get = |_| {
            let (client, url) = (self.client.clone(), url.to_owned());
            async move {
                let page = client.get(url).send().await.expect("it answers");
                page.bytes().await.expect("it is whole").len()
            }
        };
        self.runtime.block_on(async {
            if self.threads == 1 {
                let all = futures::stream::iter(0..count).map(get).buffered(at_once);
                return all.collect::<Vec<_>>().await.into_iter().sum();
            }
            let spawned = |n| async move { tokio::spawn(get(n)).await.expect("no panic") };
            let all = futures::stream::iter(0..count).map(spawned).buffered(at_once);
            all.collect::<Vec<_>>().await.into_iter().sum()
        })
    }

    fn get(&self, url: &str) {
        let (done, came) = mpsc::channel();
        let (client, url) = (self.client.clone(), url.to_owned());
        self.handle().spawn(async move {
            let page = client.get(url).send().await.expect("it answers");
            let _ = done.send(page.bytes().await.expect("it is whole").len());
        });
        came.recv().expect("it answers");
    }

    fn begin(&self, url: &str) -> Box<dyn Any> {
        let (client, url) = (self.client.clone(), url.to_owned());
        let download = self.handle().spawn(async move {
            let mut answer = client.get(url).send().await.expect("it answers");
            while answer.chunk().await.expect("it goes on").is_some() {}
        });
        Box::new(Abort(download))
    }
}

struct Abort(tokio::task::JoinHandle<()>);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}
