//! Several files to disk at once: each has a bar, and is reported, by its name, when it is there or has failed.
//!
//!     cargo run -p downloads --bin keyed_downloads
//!
//! The files come from a server in this process, so no network is needed. It breaks the film off in the middle, to
//! show that the download goes on there.

#[path = "../loopback.rs"]
mod loopback;
#[path = "../ranges.rs"]
mod ranges;

use asynckit::AsyncList;
use asynckit::http::{Bars, Retry, Session};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header::CONTENT_LENGTH};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_core::Stream;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// What to fetch, and the names to report it by.
const FILES: [(&str, &str); 6] = [
    ("the film", "film.mp4"),
    ("the photo", "photo.jpg"),
    ("the index", "index.html"),
    ("the notes", "notes.txt"),
    ("the archive", "archive.zip"),
    ("the manual", "manual.pdf"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let server = loopback::serve(Router::new().route("/{file}", get(answer)))?;
    let session = Session::builder().no_proxy().retries(Retry::default()).build()?;
    let folder = std::env::temp_dir().join(format!("keyed-downloads-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;

    // What was fetched before and has not changed would stay, and what had broken off would go on.
    let bars = Bars::new();
    let files = AsyncList::keyed(FILES.map(|(name, path)| {
        let file = session.request("GET", format!("{server}{path}"));
        let file = file.download(folder.join(path)).progress_bar(&bars.add(name));
        (name, file.send())
    }));

    // The fastest comes first. One deadline for all; what has not come by then is left alone.
    let deadline = Instant::now() + Duration::from_secs(20);
    let (mut completed, mut missing) = (files.as_completed(), Vec::new());
    while let Some(file) = completed.next_timeout(deadline)? {
        bars.multi().suspend(|| match &file.outcome {
            Ok(done) => println!("{:<12} {:>9} bytes", file.key, done.bytes),
            Err(failure) => println!("{:<12} {failure}", file.key),
        });
        if file.outcome.is_err() {
            missing.push(file.key);
        }
    }
    println!(
        "{} of {} are there, but not {}",
        FILES.len() - missing.len(),
        FILES.len(),
        missing.join(", ")
    );
    std::fs::remove_dir_all(&folder)?; // it was an example
    Ok(())
}

/// The server: large files take longer, one is not there, and one cannot be read.
async fn answer(Path(file): Path<String>, asked: HeaderMap) -> Response {
    let (millis, answer) = match file.as_str() {
        "film.mp4" => (200, Ok(5_000_000)),
        "photo.jpg" => (120, Ok(400_000)),
        "index.html" => (20, Ok(3_000)),
        "notes.txt" => (60, Ok(900)),
        "archive.zip" => (90, Err(StatusCode::INTERNAL_SERVER_ERROR)),
        _ => (40, Err(StatusCode::NOT_FOUND)),
    };
    tokio::time::sleep(Duration::from_millis(millis)).await;
    let size = match answer {
        Ok(size) => size,
        Err(status) => return status.into_response(),
    };
    let whole = ranges::answer(&asked, "application/octet-stream", vec![b'.'; size]);
    if file == "film.mp4" && whole.status() == StatusCode::OK { broken(whole, size) } else { whole }
}

/// The half of an answer.
fn broken(whole: Response, size: usize) -> Response {
    let (mut head, _) = whole.into_parts();
    head.headers.insert(CONTENT_LENGTH, size.into());
    Response::from_parts(head, Body::from_stream(Half(Some(Bytes::from(vec![b'.'; size / 2])))))
}

/// Half of a body, and then an error.
struct Half(Option<Bytes>);

impl Stream for Half {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(Some(self.0.take().ok_or_else(|| io::Error::other("broken off on purpose"))))
    }
}
