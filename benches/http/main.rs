//! Where the input and output of `asynckit::http` saturates, and how long small requests wait beside a large download, next to
//! plain reqwest: `cargo bench -p asynckit-bench --features http --bench http -- [many|full|beside|serve]`.

#![expect(missing_docs, reason = "a program")]

mod clients;
mod server;

use std::time::{Duration, Instant};

use clients::{Client, clients};
use server::{LARGE, Server};

fn main() {
    server::serve_if_asked();
    let asked: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wants = |part: &str| asked.is_empty() || asked.iter().any(|word| word == part);
    if asked.iter().any(|word| word == "serve") {
        return server::serve(false);
    }
    if wants("many") {
        many();
    }
    if wants("full") {
        full();
    }
    if wants("beside") {
        beside();
    }
}

/// So many requests, so many at once, in turns; the median and the best of the rounds.
struct Load {
    title: &'static str,
    path: &'static str,
    tls: bool,
    count: usize,
    at_once: usize,
    bytes: usize,
    rounds: usize,
}

fn many() {
    let title = "10,000 requests, 1,000 at once, each 10 ms at the server";
    run(&Load {
        title,
        path: "later",
        tls: false,
        count: 10_000,
        at_once: 1_000,
        bytes: 4,
        rounds: 11,
    });
}

fn full() {
    let small = Load {
        title: "small answers, 100 at once",
        path: "",
        tls: false,
        count: 10_000,
        at_once: 100,
        bytes: 4,
        rounds: 5,
    };
    run(&small);
    run(&Load { title: "small answers over TLS, 100 at once", tls: true, ..small });
    let large = Load {
        title: "answers of 1 MiB, 16 at once",
        path: "large",
        count: 500,
        at_once: 16,
        bytes: LARGE,
        ..small
    };
    run(&large);
    run(&Load { title: "answers of 1 MiB over TLS, 16 at once", tls: true, ..large });
}

fn run(load: &Load) {
    println!("\n{}", load.title);
    let server = Server::start(load.tls);
    let url = format!("{}{}", server.url, load.path);
    let clients = clients(load.at_once);
    let mut times = vec![Vec::new(); clients.len()];
    let only: Option<usize> = std::env::var("ONLY").ok().and_then(|n| n.parse().ok());
    for _ in 0..load.rounds {
        for (n, (client, times)) in clients.iter().zip(&mut times).enumerate() {
            if only.is_some_and(|only| only != n) {
                times.push(Duration::from_secs(1));
                continue;
            }
            let start = Instant::now();
            let got = client.get_all(&url, load.count, load.at_once);
            times.push(start.elapsed());
            assert_eq!(got, load.count * load.bytes);
        }
    }
    let base = times[2].clone();
    for (client, times) in clients.iter().zip(times) {
        let mut ratios: Vec<f64> =
            times.iter().zip(&base).map(|(a, b)| a.as_secs_f64() / b.as_secs_f64()).collect();
        ratios.sort_by(f64::total_cmp);
        let times = sorted(times);
        let median = times[times.len() / 2].as_secs_f64();
        println!(
            "  {:32} median {:7.1} ms  best {:7.1} ms  {:8.0} a second  {:7.1} MiB a second  x {:.2} (median of rounds)",
            client.name(),
            median * 1e3,
            times[0].as_secs_f64() * 1e3,
            load.count as f64 / median,
            (load.count * load.bytes) as f64 / median / 1024.0 / 1024.0,
            ratios[ratios.len() / 2],
        );
    }
}

/// One small request after the other, alone and beside one download without end.
fn beside() {
    println!("\none small request after the other");
    let (quiet, busy) = (Server::start(false), Server::start(false));
    let endless = format!("{}endless", busy.url);
    for round in 0..2 {
        for client in clients(100) {
            alone(&*client, &quiet.url, &format!("{round} {}, alone", client.name()));
            let download = client.begin(&endless);
            alone(&*client, &quiet.url, &format!("{round} {}, beside a download", client.name()));
            drop(download);
        }
    }
}

fn alone(client: &dyn Client, url: &str, what: &str) {
    for _ in 0..50 {
        client.get(url);
    }
    let begin = Instant::now();
    let mut times = Vec::new();
    while begin.elapsed() < Duration::from_secs(2) {
        let start = Instant::now();
        client.get(url);
        times.push(start.elapsed());
    }
    let times = sorted(times);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!(
        "  {what:52} n {:6}  p50 {:7.3} ms  p90 {:7.3}  p99 {:7.3}  max {:7.3}",
        times.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
}

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort();
    times
}
