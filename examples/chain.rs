//! Downloads that depend on each other: each step needs what the one before it has found.

use asynckit::{AnyError, Pool, Promise};
use std::{error::Error, io, thread, time::Duration};

fn main() -> Result<(), Box<dyn Error>> {
    let pool = Pool::new(2);
    let again = pool.clone();
    let mut size = download(&pool, "index")
        .then(|index| first_link(&index)) // returns a Result ...
        .then(move |url| download(&again, &url)) // ... or a Promise, adopted
        .map(|body| body.len());
    println!("two downloads are under way, and this thread is free");
    let bytes = size.get(Some(Duration::from_secs(5)))?;
    println!("the first page of the index has {bytes} bytes");

    // A failure skips the steps after it, and comes out at the end as it was made.
    let mut lost = download(&pool, "no such page").map(|body| body.len());
    println!("the other: {:?}", lost.get(Some(Duration::from_secs(5))));
    Ok(())
}

fn download(pool: &Pool, url: &str) -> Promise<String> {
    let url = url.to_owned();
    pool.spawn(move || Ok(fetch(&url)?))
}

fn first_link(index: &str) -> Result<String, AnyError> {
    let link = index.split('"').nth(1).ok_or(AnyError::msg("no link"))?;
    Ok(link.to_owned())
}

/// Stands in for the network.
fn fetch(url: &str) -> io::Result<String> {
    thread::sleep(Duration::from_millis(20));
    let pages = [("index", r#"<a href="page">"#), ("page", "Hello, world!")];
    let found = pages.iter().find(|page| page.0 == url);
    Ok(found.ok_or(io::ErrorKind::NotFound)?.1.to_owned())
}
