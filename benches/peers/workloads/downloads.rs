//! A thousand downloads, each of which takes the server 50 ms. With the feature `http`.

#[cfg(not(feature = "http"))]
pub(crate) fn workloads() -> Vec<crate::harness::Workload> {
    Vec::new()
}

#[cfg(feature = "http")]
pub(crate) use with_http::workloads;

#[cfg(feature = "http")]
mod with_http {
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    use asynckit::AsyncList;
    use asynckit::http::Session;
    use futures::StreamExt;

    use crate::harness::{Contestant, Workload, ratio, time};

    const COUNT: usize = 1_000;
    /// What the session does by itself, and the peer is told.
    const AT_ONCE: usize = 100;
    const DELAY: Duration = Duration::from_millis(50);

    pub(crate) fn workloads() -> Vec<Workload> {
        vec![Workload {
            name: "downloads",
            title: "1,000 downloads, 100 at once, each 50 ms at the server, per download",
            unit: "ns",
            rounds: 7,
            pinned: false,
            contestants,
            targets: vec![ratio("asynckit", &["reqwest with its own runtime"], 1.1)],
        }]
    }

    /// A server in this process; gives its URL.
    fn serve() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("tokio needs it");
        let address = listener.local_addr().expect("it is bound");
        let answer = axum::routing::get(|| async {
            tokio::time::sleep(DELAY).await;
            "here"
        });
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("in a runtime");
                let routes = axum::Router::new().route("/", answer);
                axum::serve(listener, routes).await.expect("it serves")
            })
        });
        format!("http://{address}/")
    }

    fn contestants() -> Vec<Contestant> {
        let url = serve();
        let again = url.clone();
        let session =
            Session::builder().max_concurrent(AT_ONCE).no_proxy().build().expect("a session");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        vec![
            Contestant::new("asynckit", COUNT, move || {
                time(|| {
                    let all: AsyncList<_> = (0..COUNT).map(|_| session.get(&url)).collect();
                    let sizes = all.map(|pages| pages.iter().map(|page| page.bytes().len()).sum());
                    assert_eq!(sizes.share().get(None).ok(), Some(&(4 * COUNT)));
                })
            }),
            Contestant::new("reqwest with its own runtime", COUNT, move || {
                time(|| {
                    let get = |_| async {
                        let page = client.get(&again).send().await?;
                        Ok::<_, reqwest::Error>(page.bytes().await?.len())
                    };
                    let all = futures::stream::iter(0..COUNT).map(get).buffered(AT_ONCE);
                    let sizes = runtime.block_on(all.collect::<Vec<_>>());
                    let total: usize = sizes.into_iter().map(|size| size.unwrap_or(0)).sum();
                    assert_eq!(total, 4 * COUNT);
                })
            }),
        ]
    }
}
