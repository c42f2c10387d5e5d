//! A client of somebody else's server: so many requests at once, so many in a second, patient with
//! failures that pass, and not for ever.

use asynckit::{Backoff, Failure, Limiter, Pool, Promise, map_concurrent, retry_if};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{error::Error, fmt, thread};

fn main() -> Result<(), Box<dyn Error>> {
    let (client, start) = (Client::new(), Instant::now());
    let server = client.server.clone();

    // At most 10 users are worked at, whatever that takes; the answers come in order.
    let users = map_concurrent(1..=30, 10, move |id| client.user(id));
    for (id, outcome) in (1..).zip(users.settled().get(Duration::from_secs(30))?) {
        match outcome {
            Ok(name) => print!("{name}  "),
            Err(Failure::Error(error)) => print!("({id}: {error})  "),
            Err(other) => return Err(other.into()),
        }
    }
    let requests = server.requests.load(Ordering::Relaxed);
    println!("\n{requests} requests in {:.1?}", start.elapsed());
    Ok(())
}

/// What all requests share. A clone is the same client.
#[derive(Clone)]
struct Client {
    pool: Pool,
    limiter: Limiter,
    server: Arc<Server>,
}

impl Client {
    fn new() -> Self {
        let pool = Pool::new(8);
        let limiter = Limiter::new(4).per(20, Duration::from_millis(200)).on(&pool);
        Client { pool, limiter, server: Arc::default() }
    }

    /// The name of a user. What may pass is tried again, but each user has two seconds in all.
    fn user(&self, id: u32) -> Promise<String, ApiError> {
        let pauses = Backoff::exponential(Duration::from_millis(10))
            .cap(Duration::from_millis(200))
            .full_jitter()
            .times(5);
        let client = self.clone();
        retry_if(pauses, ApiError::may_pass, move |_| client.request(id))
            .timeout(Duration::from_secs(2))
            .catch_if(Failure::is_timed_out, |_| Err(ApiError::Slow))
    }

    /// One request, when the limiter lets it begin. It has 50 milliseconds from then on.
    fn request(&self, id: u32) -> Promise<String, ApiError> {
        let (pool, server) = (self.pool.clone(), self.server.clone());
        self.limiter.run(move || {
            pool.spawn(move || server.answer(id))
                .timeout(Duration::from_millis(50))
                .catch_if(Failure::is_timed_out, |_| Err(ApiError::Slow))
        })
    }
}

#[derive(Debug)]
enum ApiError {
    Busy,
    Slow,
    NoSuchUser,
}

impl ApiError {
    fn may_pass(&self) -> bool {
        matches!(self, ApiError::Busy | ApiError::Slow)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ApiError::Busy => "busy",
            ApiError::Slow => "slow",
            ApiError::NoSuchUser => "no such user",
        })
    }
}

impl Error for ApiError {}

/// Stands in for the network: every third request finds it busy, every tenth takes too long.
#[derive(Default)]
struct Server {
    requests: AtomicU32,
}

impl Server {
    fn answer(&self, id: u32) -> Result<String, ApiError> {
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(if request % 10 == 9 { 80 } else { 5 }));
        match (request % 3, id) {
            (1, _) => Err(ApiError::Busy),
            (_, 13) => Err(ApiError::NoSuchUser),
            _ => Ok(format!("user{id}")),
        }
    }
}
