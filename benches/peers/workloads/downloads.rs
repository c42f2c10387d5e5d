//! Many downloads from a server that takes its time. With the feature `http`.

#[cfg(not(feature = "http"))]
pub(crate) fn serve_if_asked() {}

#[cfg(not(feature = "http"))]
pub(crate) fn workloads() -> Vec<crate::harness::Workload> {
    Vec::new()
}

#[cfg(feature = "http")]
pub(crate) use with_http::{serve_if_asked, workloads};

#[cfg(feature = "http")]
mod with_http {
    use std::io::{self, BufRead, BufReader, Read, Write};
    use std::process::{Child, Command, Stdio};
    use std::thread;
    use std::time::Duration;

    use asynckit::AsyncList;
    use asynckit::http::Session;
    use futures::StreamExt;

    use crate::harness::{Contestant, Workload, ratio, time};

    /// As much as a program does in passing.
    const FEW: Load = Load { count: 1_000, at_once: 100, delay: 50 };
    /// As much as one server is asked for at all.
    const MANY: Load = Load { count: 10_000, at_once: 1_000, delay: 10 };

    #[derive(Clone, Copy)]
    struct Load {
        count: usize,
        at_once: usize,
        /// In milliseconds.
        delay: u64,
    }

    pub(crate) fn workloads() -> Vec<Workload> {
        let target = || vec![ratio("asynckit", &["reqwest with its own runtime"], 1.1)];
        vec![
            Workload {
                name: "downloads",
                title: "1,000 downloads, 100 at once, each 50 ms at the server, per download",
                unit: "ns",
                rounds: 7,
                pinned: false,
                contestants: || contestants(FEW),
                targets: target(),
            },
            Workload {
                name: "downloads-many",
                title: "10,000 downloads, 1,000 at once, each 10 ms at the server, per download",
                unit: "ns",
                rounds: 5,
                pinned: false,
                contestants: || contestants(MANY),
                targets: target(),
            },
        ]
    }

    /// In the environment of a process of this program that is to serve.
    const SERVES: &str = "ASYNCKIT_BENCH_SERVES";

    /// A server in a process of its own: its sockets and its memory are not the contestants'. It ends with this
    /// process, whose end closes its input.
    struct Server {
        process: Child,
        url: String,
    }

    impl Server {
        fn start(delay: u64) -> Self {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.env(SERVES, delay.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut process = command.spawn().expect("a process");
            let mut url = String::new();
            let out = process.stdout.take().expect("a pipe");
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

    /// Serves until its input ends, if this process is to do so.
    pub(crate) fn serve_if_asked() {
        let Some(delay) = std::env::var(SERVES).ok().and_then(|delay| delay.parse().ok()) else {
            return;
        };
        thread::spawn(|| {
            let _ = io::stdin().read(&mut [0]);
            std::process::exit(0);
        });
        let answer = axum::routing::get(move || async move {
            tokio::time::sleep(Duration::from_millis(delay)).await;
            "here"
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            println!("http://{}/", listener.local_addr().expect("it is bound"));
            io::stdout().flush().expect("it is read");
            let routes = axum::Router::new().route("/", answer);
            axum::serve(listener, routes).await.expect("it serves")
        })
    }

    fn contestants(load: Load) -> Vec<Contestant> {
        let Load { count, at_once, delay } = load;
        let server = Server::start(delay);
        let (url, again) = (server.url.clone(), server.url.clone());
        let session = Session::builder()
            .max_concurrent(at_once)
            .max_per_host(at_once)
            .idle_connections(at_once, at_once, Duration::from_secs(50))
            .no_proxy()
            .build()
            .expect("a session");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        vec![
            Contestant::new("asynckit", count, move || {
                let _serves = &server;
                time(|| {
                    let all: AsyncList<_> = (0..count).map(|_| session.get(&url)).collect();
                    let sizes = all.map(|pages| pages.iter().map(|page| page.bytes().len()).sum());
                    assert_eq!(sizes.share().get(None).ok(), Some(&(4 * count)));
                })
            }),
            Contestant::new("reqwest with its own runtime", count, move || {
                time(|| {
                    let get = |_| async {
                        let page = client.get(&again).send().await?;
                        Ok::<_, reqwest::Error>(page.bytes().await?.len())
                    };
                    let all = futures::stream::iter(0..count).map(get).buffered(at_once);
                    let sizes = runtime.block_on(all.collect::<Vec<_>>());
                    let total: usize = sizes.into_iter().map(|size| size.unwrap_or(0)).sum();
                    assert_eq!(total, 4 * count);
                })
            }),
        ]
    }
}
