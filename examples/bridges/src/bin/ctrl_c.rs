//! Ctrl-c ends all that a program has begun, cleanly: one source, whose token goes along with everything.
//!
//!     cargo run -p bridges --bin ctrl_c          # and press ctrl-c; it gives up by itself after a second
//!     cargo run -p bridges --bin ctrl_c -- 60000 # after a minute

use asynckit::{AnyError, AsyncList, Backoff, CancelSource, CancelToken, Pool, Promise, retry};
use std::time::Duration;

fn main() -> Result<(), AnyError> {
    let source = CancelSource::new();
    let ctrl_c = source.clone();
    let pressed: Promise<()> = asynckit::tokio::spawn(async { Ok(tokio::signal::ctrl_c().await?) });
    drop(pressed.map(move |()| ctrl_c.cancel_for("ctrl-c was pressed")));
    let limit = std::env::args().nth(1).map_or(Ok(1000), |limit| limit.parse())?;
    source.cancel_after(Duration::from_millis(limit));

    let pool = Pool::new(4);
    let outcome = work(&pool, &source.token()).get(None);
    if let Err(failure) = outcome {
        println!("{failure}"); // the promise was cancelled: ctrl-c was pressed
    }
    Ok(()) // here the pool is dropped: jobs that run have been told, those that wait are gone
}

/// A job that computes, a call that is tried again for hours, many jobs that wait in the queue.
fn work(pool: &Pool, token: &CancelToken) -> Promise<()> {
    let own = token.clone();
    let computes = pool.attempt(move || {
        for step in 1.. {
            own.check()?; // now and then
            println!("step {step}");
            own.wait(Duration::from_millis(100)); // a pause that ends early
        }
        Ok(())
    });
    let again = pool.clone();
    let hourly: Promise<()> = retry(Backoff::constant(Duration::from_secs(3600)), move |_| {
        again.attempt(|| Err(AnyError::msg("the server is down")))
    });
    let (own, queue) = (token.clone(), pool.clone());
    let many: AsyncList<()> = (0..1000)
        .map(|_| {
            let own = own.clone();
            queue.attempt(move || {
                own.wait(Duration::from_millis(50));
                Ok(own.check()?)
            })
        })
        .collect();
    asynckit::join((computes, hourly, many)).map(|_| ()).cancel_by(token)
}
