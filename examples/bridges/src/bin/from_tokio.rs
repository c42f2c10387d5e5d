//! For a program that has tokio already: promises among its tasks.
//!
//!     cargo run -p bridges --bin from_tokio

use asynckit::{AnyError, AsyncList, Pool, Promise};
use std::time::Duration;
use tokio::runtime::Runtime;

fn main() -> Result<(), AnyError> {
    let runtime = Runtime::new()?;
    let pool = Pool::new(2);
    runtime.block_on(program(&pool))
}

async fn program(pool: &Pool) -> Result<(), AnyError> {
    // Work that computes, on a pool instead of `spawn_blocking`: awaited like everything else.
    let sum = pool.run(|| (1..=1_000_000_u64).sum::<u64>()).await?;
    println!("the sum is {sum}");

    // A task as a promise: it can be chained, joined, timed out, cancelled.
    let task = tokio::spawn(async { "from a task".len() });
    let length: Promise<usize> = Promise::from(task).timeout(Duration::from_secs(5)).map(|n| n + 1);
    println!("one more than its length is {}", length.await?);

    // A channel's end as a promise, and callbacks on tokio's threads.
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    let shouted = Promise::<&str>::from(receiver)
        .via(&runtime)
        .map(|word| (word.to_uppercase(), tokio::runtime::Handle::try_current().is_ok()));
    sender.send("hello").map_err(AnyError::msg)?;
    println!("{:?}", shouted.await?);

    // In `select!` as any future; a promise that loses there is only detached.
    let mut slow = asynckit::tokio::spawn(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok::<_, AnyError>("slow")
    });
    let first = tokio::time::timeout(Duration::from_millis(1), &mut slow).await;
    println!("in time: {}; later: {}", first.is_ok(), slow.await?);

    // Many at once, in the order of the inputs.
    let squares: AsyncList<u64> = (1..=5).map(|n| pool.run(move || n * n)).collect();
    println!("{:?}", squares.await?);
    Ok(())
}
