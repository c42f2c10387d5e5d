//! Serving pages inside of this process, on a free loopback port.

use std::io;
use std::net::TcpListener;
use std::thread;

use asynckit::http::Url;
use axum::Router;

/// Serves `routes` until the process ends; gives the URL of `/`.
pub(crate) fn serve(routes: Router) -> io::Result<Url> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let serving = thread::Builder::new().name("server".to_owned()).spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, routes).await
        })
    })?;
    drop(serving); // nobody waits for it
    Ok(Url::parse(&format!("http://{address}/")).expect("an address makes a URL"))
}
