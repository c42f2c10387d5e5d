//! What `asynckit::http` carries, and where its input and output saturate, next to plain reqwest and, for many requests, to
//! requests-futures: `cargo bench -p asynckit-bench --features http --bench http -- [many|full|small|large|beside|serve]`.
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
    for part in ["small", "large"] {
        if wants("full") || wants(part) {
            full(part);
        }
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

/// How much one I/O thread carries, of small or of large answers.
fn full(part: &str) {
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
    let small_tls = Load { title: "small answers over TLS, 100 at once", tls: true, ..small };
    let large_tls = Load { title: "answers of 1 MiB over TLS, 16 at once", tls: true, ..large };
    let loads = if part == "small" { [&small, &small_tls] } else { [&large, &large_tls] };
    for load in loads {
        run(load, &clients(load.at_once));
    }
}

/// The contestants take turns, and none is always the first.
fn run(load: &Load, clients: &[Box<dyn Client>]) {
    println!("\n{}", load.title);
    let server = Server::start(load.tls);
    let url = format!("{}{}", server.url, load.path);
    let (mut times, mut work) = (vec![Vec::new(); clients.len()], vec![Vec::new(); clients.len()]);
    for round in 0..load.rounds {
        for turn in 0..clients.len() {
            let index = (turn + round) % clients.len();
            if round >= clients[index].rounds() {
                continue;
            }
            let (start, worked) = (Instant::now(), cpu());
            let got = clients[index].get_all(&url, load.count, load.at_once);
            times[index].push(start.elapsed());
            work[index].push(cpu() - worked);
            assert_eq!(got, load.count * load.bytes);
        }
    }
    for (index, client) in clients.iter().enumerate() {
        let base = (&*times[clients::BASE], &*work[clients::BASE]);
        show(&client.name(), load, (&times[index], &work[index]), base);
    }
}

/// The time that passed and the work of this process, without the server's; the latter says more on a busy machine.
type Measured<'a> = (&'a [Duration], &'a [Duration]);

fn show(name: &str, load: &Load, own: Measured<'_>, base: Measured<'_>) {
    let (times, work) = (sorted(own.0), sorted(own.1));
    let (median, worked) = (times[times.len() / 2].as_secs_f64(), work[work.len() / 2]);
    println!(
        "  {name:28} median {:8.1} ms  best {:8.1} ms  x {:.2}, best x {:.2}  work {:5.1} us each, x {:.2}  {:7.0} a second {:7.1} MiB a second",
        median * 1e3,
        times[0].as_secs_f64() * 1e3,
        ratio(own.0, base.0),
        times[0].as_secs_f64() / sorted(base.0)[0].as_secs_f64(),
        worked.as_secs_f64() * 1e6 / load.count as f64,
        ratio(own.1, base.1),
        load.count as f64 / median,
        (load.count * load.bytes) as f64 / median / 1024.0 / 1024.0,
    );
}

/// The median of the ratios round by round.
fn ratio(times: &[Duration], base: &[Duration]) -> f64 {
    let ratios = times.iter().zip(base).map(|(a, b)| a.as_secs_f64() / b.as_secs_f64());
    let mut ratios: Vec<f64> = ratios.collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

/// What all threads of this process have worked, in hundredths of a second; none where the system does not tell.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = text.rsplit(')').next().unwrap_or_default();
    let words = behind_name.split_whitespace().skip(11).take(2);
    let ticks: u64 = words.filter_map(|word| word.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
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
