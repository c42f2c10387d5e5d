//! What `asynckit::http` carries, and where its input and output saturate, next to plain reqwest and, for many requests, to
//! requests-futures: `cargo bench -p asynckit-bench --features http --bench http -- [many|full|beside|serve]`.
//!
//! `ASYNCKIT_BENCH_PYTHON` names a Python that has requests-futures; without it, that contestant is left out.

mod clients;
mod python;
mod server;

use std::time::{Duration, Instant};

use clients::{Client, clients};
use python::RequestsFutures;
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
    let load = Load {
        title: "10,000 requests, 1,000 at once, each 10 ms at the server",
        path: "later",
        tls: false,
        count: 10_000,
        at_once: 1_000,
        bytes: 4,
        rounds: 11,
    };
    let mut all = clients(load.at_once);
    all.extend(RequestsFutures::find().map(|found| Box::new(found) as Box<dyn Client>));
    run(&load, &all);
}

fn full() {
    let small = Load {
        title: "small answers, 100 at once",
        path: "",
        tls: false,
        count: 10_000,
        at_once: 100,
        bytes: 4,
        rounds: 7,
    };
    let large = Load {
        title: "answers of 1 MiB, 16 at once",
        path: "large",
        count: 500,
        at_once: 16,
        bytes: LARGE,
        ..small
    };
    for load in [
        &small,
        &Load { title: "small answers over TLS, 100 at once", tls: true, ..small },
        &large,
        &Load { title: "answers of 1 MiB over TLS, 16 at once", tls: true, ..large },
    ] {
        run(load, &clients(load.at_once));
    }
}

/// The contestants take turns, and none is always the first.
fn run(load: &Load, clients: &[Box<dyn Client>]) {
    println!("\n{}", load.title);
    let server = Server::start(load.tls);
    let url = format!("{}{}", server.url, load.path);
    let mut times = vec![Vec::new(); clients.len()];
    for round in 0..load.rounds {
        for turn in 0..clients.len() {
            let index = (turn + round) % clients.len();
            if round >= clients[index].rounds() {
                continue;
            }
            let start = Instant::now();
            let got = clients[index].get_all(&url, load.count, load.at_once);
            times[index].push(start.elapsed());
            assert_eq!(got, load.count * load.bytes);
        }
    }
    for (client, own) in clients.iter().zip(&times) {
        show(&client.name(), load, own, &times[clients::BASE]);
    }
}

fn show(name: &str, load: &Load, times: &[Duration], base: &[Duration]) {
    let ratios = times.iter().zip(base).map(|(a, b)| a.as_secs_f64() / b.as_secs_f64());
    let mut ratios: Vec<f64> = ratios.collect();
    ratios.sort_by(f64::total_cmp);
    let (times, base) = (sorted(times), sorted(base));
    let median = times[times.len() / 2].as_secs_f64();
    println!(
        "  {name:28} median {:8.1} ms  best {:8.1} ms {:7.0} a second {:7.1} MiB a second  x {:.2} (rounds), x {:.2} (best)",
        median * 1e3,
        times[0].as_secs_f64() * 1e3,
        load.count as f64 / median,
        (load.count * load.bytes) as f64 / median / 1024.0 / 1024.0,
        ratios[ratios.len() / 2],
        times[0].as_secs_f64() / base[0].as_secs_f64(),
    );
}

/// One small request after the other, alone and beside one download without end.
fn beside() {
    println!("\none small request after the other");
    let (quiet, busy) = (Server::start(false), Server::start(false));
    let endless = format!("{}endless", busy.url);
    for round in 1..=3 {
        for client in clients(100) {
            waits(&*client, &quiet.url, &format!("{round}: {}, alone", client.name()));
            let download = client.begin(&endless);
            waits(&*client, &quiet.url, &format!("{round}: {}, beside it", client.name()));
            drop(download);
        }
    }
}

fn waits(client: &dyn Client, url: &str, what: &str) {
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
    let times = sorted(&times);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!(
        "  {what:40} {:6} requests  p50 {:7.3} ms  p90 {:7.3}  p99 {:7.3}  max {:7.3}",
        times.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
}

fn sorted(times: &[Duration]) -> Vec<Duration> {
    let mut times = times.to_vec();
    times.sort();
    times
}
