//! Waiting from ordinary code, but not for ever.

use asynckit::{Failure, Pool, Promise};
use std::time::{Duration, Instant};
use std::{error::Error, io, thread};

fn main() -> Result<(), Box<dyn Error>> {
    let pool = Pool::new(2);
    let mut page = download(&pool, "a");
    loop {
        match page.get(Some(Duration::from_millis(40))) {
            Ok(text) => break println!("{text}"),
            // This `get` is over, the promise is still there. One that has a time of its own, by
            // `timeout`, fails with the same, and is set then.
            Err(Failure::TimedOut) if !page.is_set() => println!("not yet"),
            Err(Failure::Error(error)) => break println!("{error}"), // an io::Error
            Err(other) => return Err(other.into()),
        }
    }

    // One deadline for several: the second waits only for what the first has left.
    let (mut b, mut c) = (download(&pool, "b"), download(&pool, "c"));
    let deadline = Instant::now() + Duration::from_secs(5);
    println!("{}, {}", b.get(deadline)?, c.get(deadline)?);
    Ok(())
}

fn download(pool: &Pool, url: &str) -> Promise<String, io::Error> {
    let url = url.to_owned();
    pool.spawn(move || fetch(&url))
}

/// Stands in for the network.
fn fetch(url: &str) -> io::Result<String> {
    thread::sleep(Duration::from_millis(100));
    Ok(format!("page {url}"))
}
