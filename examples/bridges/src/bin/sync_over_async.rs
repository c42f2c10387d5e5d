//! A plain `main` that uses async crates: reqwest as the client, axum as the server.
//!
//!     cargo run -p bridges --bin sync_over_async

use asynckit::{AnyError, AsyncList, Promise};
use axum::{Router, extract::Path, routing::get};
use std::time::Duration;

/// An async crate's answer as a promise: tokio starts by itself.
fn fetch(url: String) -> Promise<String> {
    asynckit::tokio::spawn(async move {
        let answer = reqwest::get(url).await?.error_for_status()?;
        Ok::<_, AnyError>(answer.text().await?)
    })
}

/// A server to talk to, so that this runs without a network. Cancelling its promise stops it.
fn serve(listener: std::net::TcpListener) -> Promise<()> {
    asynckit::tokio::spawn(async move {
        let greet = |Path(name): Path<String>| async move { format!("hello, {name}") };
        let router = Router::new().route("/{name}", get(greet));
        let listener = tokio::net::TcpListener::from_std(listener)?;
        Ok::<_, AnyError>(axum::serve(listener, router).await?)
    })
}

fn main() -> Result<(), AnyError> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let server = serve(listener);

    let mut greetings: AsyncList<String> = ["ada", "grace", "barbara"]
        .map(|name| fetch(format!("http://{address}/{name}")))
        .into_iter()
        .collect();
    for greeting in greetings.get(Duration::from_secs(20))? {
        println!("{greeting}");
    }
    let missing = fetch(format!("http://{address}/a/b")).get(Duration::from_secs(20));
    println!("{}", missing.expect_err("there is no such page"));
    server.cancel();
    Ok(())
}
