//! One file, several mirrors: the first that answers wins, the others are given up.

use asynckit::{AsyncList, Failure, Pool, Promise};
use std::{error::Error, io, thread, time::Duration};

const TIMEOUT: Option<Duration> = Some(Duration::from_secs(10));

fn main() -> Result<(), Box<dyn Error>> {
    let pool = Pool::new(4);
    let ask = |mirrors: &[(&'static str, u64)]| -> AsyncList<String, io::Error> {
        mirrors.iter().map(|&(name, millis)| download(&pool, name, millis)).collect()
    };

    // A mirror that is down does not matter, as long as another one has the file.
    let mirrors =
        ask(&[("down.example.org", 5), ("slow.example.org", 80), ("near.example.org", 20)]);
    println!("got {}", mirrors.any().get(TIMEOUT)?);

    // If all are down, the failure says why, mirror by mirror.
    let mirrors = ask(&[("down.example.org", 5), ("down.example.net", 10)]);
    if let Err(Failure::Error(all)) = mirrors.any().get(TIMEOUT) {
        println!("got nothing: {all}");
    }

    // To compare what two of them have, take the first two that answer.
    let mirrors = ask(&[("a.example.org", 30), ("down.example.org", 5), ("c.example.org", 20)]);
    for copy in mirrors.some(2).get(TIMEOUT)? {
        println!("got {copy}");
    }

    // A race is for whoever answers first, also if the answer is that it is down.
    let mirrors = ask(&[("down.example.org", 5), ("slow.example.org", 80)]);
    if let Err(failure) = mirrors.race().get(TIMEOUT) {
        println!("the first answer: {failure}");
    }
    Ok(())
}

/// Stands in for the network.
fn download(pool: &Pool, mirror: &'static str, millis: u64) -> Promise<String, io::Error> {
    pool.spawn(move || {
        thread::sleep(Duration::from_millis(millis));
        let up = !mirror.starts_with("down");
        up.then(|| format!("the file, from {mirror}"))
            .ok_or(io::ErrorKind::ConnectionRefused.into())
    })
}
