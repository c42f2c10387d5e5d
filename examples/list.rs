//! Many downloads handled as one: results in the order asked for, one deadline.

use asynckit::{AsyncList, Pool, Promise};
use std::{error::Error, io, thread, time::Duration};

const TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    let pool = Pool::new(4);
    let download_all = |urls: &[&str]| urls.iter().map(|u| download(&pool, u)).collect();

    // One limit for all, and what is late, or behind a failure, is cancelled.
    let pages: AsyncList<_> = download_all(&["a", "bb", "ccc", "dddd", "eeeee"]);
    let texts: Vec<String> = pages.join().timeout(TIMEOUT).get(None)?;
    println!("{texts:?}");

    // A list goes on like a promise: nobody has to wait in between.
    let pages: AsyncList<_> = download_all(&["a", "bb", "ccc", "dddd", "eeeee"]);
    let total = pages.chain(|texts| Ok(texts.iter().map(String::len).sum::<usize>()));
    println!("{} bytes", total.timeout(TIMEOUT).get(None)?);

    // Where a dead link, or a slow one, must not cost the others: a limit for each, and every outcome, good or bad.
    let urls = ["a", "no such page", "ccc"];
    let pages: AsyncList<_> =
        urls.iter().map(|url| download(&pool, url).timeout(TIMEOUT)).collect();
    for outcome in pages.settled().get(None)? {
        println!("{outcome:?}");
    }
    Ok(())
}

fn download(pool: &Pool, url: &str) -> Promise<String> {
    let url = url.to_owned();
    pool.spawn(move || Ok(fetch(&url)?))
}

/// Stands in for the network.
fn fetch(url: &str) -> io::Result<String> {
    thread::sleep(Duration::from_millis(20));
    let found = (!url.contains(' ')).then(|| url.to_owned());
    found.ok_or(io::ErrorKind::NotFound.into())
}
