//! A client of an API with two faces, used three ways: called, promised, and awaited. The service that it talks to runs
//! in this process: `cargo run -p datasets`.

mod client;
mod server;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use asynckit::http::Bars;
use asynckit::{Inline, LocalQueue, Pool, Reporter, join};

use client::{Client, Record};
use server::{Server, TOKEN};

fn main() -> Result<(), Box<dyn Error>> {
    run(Bars::new)
}

/// `bars` makes those of each way; what a way says of its calls then stands below them.
fn run(bars: fn() -> Bars) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let (server, pool) = (Server::start(Duration::from_millis(5))?, Pool::new(4));
    let client = Client::new(&server.url, TOKEN, &pool)?;
    called(&client, &bars())?;
    promised(&client, &bars())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(awaited(&client, &bars()))?;
    listened_to(&client, &server);
    println!("{:.1?} in all", start.elapsed());
    Ok(())
}

/// As functions, one thing after the other; no call takes more than ten seconds.
fn called(client: &Client, bars: &Bars) -> Result<(), client::Error> {
    let client = client.within(Duration::from_secs(10));
    let collection = client.get_or_create("temperatures")?;
    let records = (0..300).map(|time| Record { time, value: (time % 24) as f64 }).collect();
    // The bar is moved by this thread, while it waits.
    let reporter = Reporter::here(bars.bar("called: upload"));
    let added = client.upload(&collection.name, records, &reporter)?;
    println!("called: {added} records of {}", collection.name);
    let mut hottest = f64::MIN;
    for page in client.query("temperatures", 0..200) {
        // While this page is looked at, the next ones are fetched.
        hottest = page?.iter().map(|record| record.value).fold(hottest, f64::max);
    }
    println!("called: no more than {hottest} degrees");
    Ok(())
}

/// As promises: what does not depend on each other is under way at the same time.
fn promised(client: &Client, bars: &Bars) -> Result<(), Box<dyn Error>> {
    let client = client.promised();
    // Each has a bar, moved where this thread drains its queue.
    let queue = LocalQueue::new();
    let day = |n: u64| {
        let reporter = Reporter::on(&queue, bars.bar(format!("promised: day {}", n + 1)));
        client.query_all("temperatures", n * 24..(n + 1) * 24, &reporter)
    };
    let (days, valid) = (join((0..7).map(day).collect::<Vec<_>>()), client.validate("select all"));
    let ((), days) = queue.get(&mut join((valid, days)), Duration::from_secs(10))?;
    while queue.run_pending() > 0 {} // the last reports
    println!("promised: {} records in {} days", days.concat().len(), days.len());
    // The raw answer, and what is made of it on this thread, from one handle.
    let mut lines = 0;
    let mut names = client.raw("/collections").process(|answer| {
        lines = answer.text().lines().count();
        answer.json::<Vec<String>>().map_err(client::Error::from)
    });
    let found = names.get(Duration::from_secs(10))?;
    println!("promised: {found:?} in {} bytes", names.raw(None)?.bytes().len());
    drop(names);
    println!("promised: {lines} line");
    Ok(())
}

/// In async code, on whatever runtime: the same promises.
async fn awaited(client: &Client, bars: &Bars) -> Result<(), Box<dyn Error>> {
    let client = client.promised();
    // The bar is moved by the threads that report, for this one must not wait.
    let reporter = Reporter::on(Inline, bars.bar("awaited: all"));
    let all = client.query_all("temperatures", 0..300, &reporter).await?;
    println!("awaited: {} records", all.len());
    let (usage, missing) = (client.usage(), client.collection("snowflakes"));
    println!("awaited: {:?} of {:?}", usage.await?, client.collections().await?);
    if let Err(error) = missing.await {
        println!("awaited: {error}");
    }
    Ok(())
}

fn listened_to(client: &Client, server: &Server) {
    let live = client.listen();
    live.on_message(|event| println!("event {}: {}", event.number, event.text));
    live.on_close(|outcome| println!("closed: {outcome:?}"));
    server.happen("it begins to snow");
    server.happen("the end");
    live.wait(Duration::from_secs(10));
    let (hears, heard) = channel();
    live.on_open(move || hears.send("a late listener hears that it was open").unwrap_or_default());
    println!("{}", heard.recv().unwrap_or("nothing heard"));
    live.close(); // nothing, as it is over
}
