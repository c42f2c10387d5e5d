//! An importer: a reader that what comes behind it slows down, three connections for many rows, a progress that is shown
//! now and then.

use asynckit::{AnyError, AsyncList, Failure, Pool, Semaphore, channel};
use std::time::Duration;

/// What a row comes to, in the database.
fn store(line: &str) -> Result<u64, AnyError> {
    let (name, count) = line.split_once(';').ok_or("no `;` in the row")?;
    let count: u64 = count.parse()?;
    println!("  {name}: {count}");
    Ok(count)
}

fn main() -> Result<(), Failure> {
    let pool = Pool::new(4);
    let (lines, rows) = channel(8);
    let reader = pool.attempt(move || {
        for n in 0..100 {
            lines.send(format!("row {n};{}", n * n)).get(None)?; // waits, if eight are not taken yet
        }
        Ok(())
    });

    let connections = Semaphore::new(3);
    let progress = pool.throttle(Duration::from_millis(100), |count: usize| {
        println!("{count} rows have been read");
        Ok::<_, AnyError>(())
    });
    let mut stored = AsyncList::new();
    for (n, line) in rows.iter().enumerate() {
        let pool = pool.clone();
        stored.push(connections.acquire().then(move |permit| {
            pool.attempt(move || {
                let _connection = permit; // given back at the end, also if this panics
                store(&line)
            })
        }));
        progress.call(n + 1);
    }
    progress.flush();

    { reader }.get(None)?;
    let sum: u64 = stored.join().get(None)?.into_iter().sum();
    println!("all in all {sum}");
    assert_eq!(sum, (0..100).map(|n| n * n).sum::<u64>());
    assert_eq!(connections.available_permits(), 3);
    Ok(())
}
