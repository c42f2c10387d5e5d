//! Several files at once: each is reported, by its name, when it has come or failed, and a bar shows how
//! far it is with all of them.
//!
//!     cargo run -p downloads --bin keyed_downloads
//!
//! The files come from a server in this process, so no network is needed.

#[path = "../loopback.rs"]
mod loopback;

use asynckit::AsyncList;
use asynckit::http::{Session, StatusCode};
use axum::{Router, extract::Path, routing::get};
use indicatif::{ProgressBar, ProgressStyle};
use std::error::Error;
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
    let session = Session::builder().no_proxy().build()?;

    let mut files = AsyncList::keyed(FILES.map(|(name, path)| {
        let file = session.get(format!("{server}{path}"));
        (name, file.then(|response| Ok(response.error_for_status()?.into_bytes())))
    }));
    let bar = progress_bar();
    let shown = bar.clone();
    files.on_progress(move |progress| shown.set_position(progress.done as u64));

    // The fastest comes first. One deadline for all; what has not come by then is left alone.
    let deadline = Instant::now() + Duration::from_secs(10);
    let (mut completed, mut missing) = (files.as_completed(), Vec::new());
    while let Some(file) = completed.next_timeout(deadline)? {
        bar.suspend(|| match &file.outcome {
            Ok(bytes) => println!("{:<12} {:>9} bytes", file.key, bytes.len()),
            Err(failure) => println!("{:<12} {failure}", file.key),
        });
        if file.outcome.is_err() {
            missing.push(file.key);
        }
    }
    bar.finish_and_clear();
    println!(
        "{} of {} are there, but not {}",
        FILES.len() - missing.len(),
        FILES.len(),
        missing.join(", ")
    );
    Ok(())
}

/// Shown on stderr, and only where that is a terminal.
fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("  {wide_bar} {pos} of {len} files");
    ProgressBar::new(FILES.len() as u64).with_style(style.expect("a valid template"))
}

/// The server: large files take longer, one is not there, and one cannot be read.
async fn answer(Path(file): Path<String>) -> Result<Vec<u8>, StatusCode> {
    let (millis, answer) = match file.as_str() {
        "film.mp4" => (200, Ok(5_000_000)),
        "photo.jpg" => (120, Ok(400_000)),
        "index.html" => (20, Ok(3_000)),
        "notes.txt" => (60, Ok(900)),
        "archive.zip" => (90, Err(StatusCode::INTERNAL_SERVER_ERROR)),
        _ => (40, Err(StatusCode::NOT_FOUND)),
    };
    tokio::time::sleep(Duration::from_millis(millis)).await;
    answer.map(|size| vec![b'.'; size])
}
