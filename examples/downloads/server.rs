//! A web server in this process, on a free loopback port.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use asynckit::http::{StatusCode, Url};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::folder::{Answer, Folder};

struct Server {
    folder: Folder,
    /// How long every answer takes at least.
    delay: Duration,
}

/// Serves `folder` until the process ends; gives the URL of its first page.
pub(crate) fn start(folder: Folder, delay: Duration) -> io::Result<Url> {
    let server = Server { folder, delay };
    let routes = Router::new()
        .route("/", get(|server| answer(server, Path(String::new()))))
        .route("/{*path}", get(answer))
        .with_state(Arc::new(server));
    serve(routes)
}

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

async fn answer(State(server): State<Arc<Server>>, Path(path): Path<String>) -> Response {
    if !server.delay.is_zero() {
        tokio::time::sleep(server.delay).await;
    }
    match server.folder.answer(&path) {
        Answer::Page { kind, body } => ([(CONTENT_TYPE, kind)], body).into_response(),
        Answer::Folder => Redirect::permanent(&format!("/{path}/")).into_response(),
        Answer::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Answer::Missing => StatusCode::NOT_FOUND.into_response(),
    }
}
