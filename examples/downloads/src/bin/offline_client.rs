//! A client of an API, tested without a network: its session is answered by a function.
//!
//! `cargo run -p downloads --bin offline_client` shows what the client does when all is well, when the server is busy, and
//! when it is gone; `cargo test -p downloads --bin offline_client` checks it.

use asynckit::http::{
    self, ErrorKind, Request, Response, Retry, Session, SessionBuilder, StatusCode,
};
use asynckit::{AsyncList, Backoff, Failure, Promise};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What is to be tested. It does not know what answers its requests.
struct Prices {
    session: Session<http::Error>,
}

impl Prices {
    fn new(settings: SessionBuilder) -> Result<Self, http::Error> {
        let settings =
            settings.base_url("https://prices.example/v1/").header("accept", "application/json");
        let pauses = Backoff::exponential(Duration::from_millis(1)).times(3);
        let session = settings.retries(Retry::default().pauses(pauses)).build()?;
        Ok(Self { session: session.typed() })
    }

    /// The price of one thing, in cents.
    fn of(&self, name: &str) -> Promise<u32, http::Error> {
        self.session.get(format!("items/{name}")).then(|answer| answer.error_for_status()?.json())
    }

    /// What all of them cost. Asked for at once; one that is not to be had is an error.
    fn sum(&self, names: &[&str]) -> Promise<u32, http::Error> {
        let prices: AsyncList<_, _> = names.iter().map(|name| self.of(name)).collect();
        prices.join().map(|prices| prices.into_iter().sum())
    }
}

/// Stands in for the server: every third request finds it busy.
fn busy_server() -> impl Fn(Request) -> Result<Response, http::Error> + Send + Sync + 'static {
    let requests = AtomicUsize::new(0);
    move |request| {
        if requests.fetch_add(1, Ordering::Relaxed) % 3 == 1 {
            let busy = Response::answer(&request, StatusCode::SERVICE_UNAVAILABLE, "busy");
            return Ok(busy.with_header("retry-after", "0"));
        }
        Ok(match request.url().path() {
            "/v1/items/tea" => Response::answer(&request, StatusCode::OK, "350"),
            "/v1/items/cake" => Response::answer(&request, StatusCode::OK, "420"),
            _ => Response::answer(&request, StatusCode::NOT_FOUND, "no such thing"),
        })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let prices = Prices::new(Session::builder().transport(busy_server()))?;
    println!("tea and cake: {} cents", prices.sum(&["tea", "cake", "cake"]).get(None)?);
    match prices.of("gold").get(None) {
        Err(Failure::Error(error)) if error.status() == Some(StatusCode::NOT_FOUND) => {
            println!("gold: {}", String::from_utf8_lossy(error.body()));
        }
        other => println!("gold: {other:?}"),
    }
    let gone = Prices::new(Session::builder().transport(|_| Err(ErrorKind::Refused.into())))?;
    if let Err(failure) = gone.of("tea").get(None) {
        println!("{failure}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(promise: &mut Promise<u32, http::Error>) -> http::Error {
        match promise.get(None) {
            Err(Failure::Error(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_busy_server_is_asked_again() {
        let prices = Prices::new(Session::builder().transport(busy_server())).expect("settings");
        assert_eq!(prices.sum(&["tea", "cake", "cake"]).get(None).expect("a sum"), 1190);
    }

    #[test]
    fn what_is_not_sold_and_what_is_no_number_are_told_apart() {
        let prices = Prices::new(Session::builder().transport(busy_server())).expect("settings");
        assert_eq!(error(&mut prices.of("gold")).status(), Some(StatusCode::NOT_FOUND));
        let odd = |request: Request| Ok(Response::answer(&request, StatusCode::OK, "much"));
        let prices = Prices::new(Session::builder().transport(odd)).expect("settings");
        assert_eq!(error(&mut prices.of("tea")).kind(), ErrorKind::Decode);
    }

    #[test]
    fn a_server_that_is_gone_is_asked_four_times() {
        let gone = Session::builder().transport(|_| Err(ErrorKind::Refused.into()));
        let error = error(&mut Prices::new(gone).expect("settings").of("tea"));
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Refused, 4));
    }
}
