//! A web server for a folder.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use asynckit::http::{StatusCode, Url};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::folder::{Answer, Folder};
use crate::loopback::serve;
use crate::ranges;

struct Server {
    folder: Folder,
    /// How long every answer takes at least.
    delay: Duration,
}

/// Serves `folder` until the process ends; gives the URL of its first page.
pub(crate) fn start(folder: Folder, delay: Duration) -> io::Result<Url> {
    let server = Server { folder, delay };
    let routes = Router::new()
        .route("/", get(|server, asked| answer(server, Path(String::new()), asked)))
        .route("/{*path}", get(answer))
        .with_state(Arc::new(server));
    serve(routes)
}

async fn answer(
    State(server): State<Arc<Server>>,
    Path(path): Path<String>,
    asked: HeaderMap,
) -> Response {
    if !server.delay.is_zero() {
        tokio::time::sleep(server.delay).await;
    }
    match server.folder.answer(&path) {
        Answer::Page { kind, body } => ranges::answer(&asked, kind, body),
        Answer::Folder => Redirect::permanent(&format!("/{path}/")).into_response(),
        Answer::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Answer::Missing => StatusCode::NOT_FOUND.into_response(),
    }
}
