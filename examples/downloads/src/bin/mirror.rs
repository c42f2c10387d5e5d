//! Copies a web site to a folder: a page, and all that can be reached from it on its host.
//!
//!     cargo run -p downloads --bin mirror -- http://localhost:8000/docs/ copy
//!
//! It can be interrupted at any time, by ctrl-c as well, and run again: a file that was being fetched goes on where
//! it was, and one that is there and has not changed is not fetched again. Nothing is remembered but the files, and
//! what the session keeps beside them. Without arguments it copies this repository's documentation, from a server in
//! this process, and takes the copy away again.

#[path = "../folder.rs"]
mod folder;
#[path = "../links.rs"]
mod links;
#[path = "../loopback.rs"]
mod loopback;
#[path = "../ranges.rs"]
mod ranges;
#[path = "../render.rs"]
mod render;
#[path = "../server.rs"]
mod server;

use std::collections::HashSet;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use asynckit::http::{Downloaded, Retry, Session, Url};
use asynckit::{AnyError, AsyncList, Failure, Promise};
use clap::Parser;

use crate::folder::Folder;

const DOCUMENTATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");

/// Copies a web site to a folder, and goes on where it was interrupted
#[derive(Parser)]
#[command(name = "mirror")]
struct Options {
    /// The page to begin with [default: this repository's documentation]
    #[arg(requires = "folder")]
    url: Option<Url>,
    /// Where the copy goes
    folder: Option<PathBuf>,
    /// Serve this folder of files, and copy that
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    serve: Option<PathBuf>,
    /// The most files to fetch at once
    #[arg(long, value_name = "N", default_value_t = 8)]
    at_once: usize,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("mirror: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Copies and reports; says whether all is there.
fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let settings = Session::builder().retries(Retry::default()).max_per_host(options.at_once);
    let (session, root, is_shown) = match &options.url {
        Some(url) => (settings.build()?, url.clone(), false),
        None => {
            let folder = options.serve.as_ref().map_or_else(
                || Folder::with_broken_links(DOCUMENTATION.into()),
                |folder| Folder::new(folder.clone()),
            );
            let root = server::start(folder, Duration::from_millis(5))?;
            (settings.no_proxy().build()?, root, options.serve.is_none())
        }
    };
    let own = std::env::temp_dir().join(format!("mirror-{}", std::process::id()));
    let folder = options.folder.clone().unwrap_or_else(|| own.clone());
    let mirror = Arc::new(Mirror { session, root, folder, notes: Mutex::default() });
    mirror.notes().seen.insert(mirror.root.clone());
    copy(&mirror, mirror.root.clone()).get(None)?;

    let notes = mirror.notes();
    println!("{} to {}", mirror.root, mirror.folder.display());
    println!("  {} files fetched, {} of which went on", notes.fetched, notes.continued);
    println!("  {} files were there", notes.unchanged);
    println!("  {} bytes", notes.bytes);
    for (url, failure) in &notes.failures {
        println!("  {url}: {failure}");
    }
    if options.folder.is_none() {
        fs::remove_dir_all(&own)?;
    }
    Ok(is_shown || notes.failures.is_empty()) // what is only shown has broken links on purpose
}

struct Mirror {
    session: Session,
    root: Url,
    folder: PathBuf,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    seen: HashSet<Url>,
    fetched: usize,
    continued: usize,
    unchanged: usize,
    bytes: u64,
    failures: Vec<(Url, Failure)>,
}

/// Copies the file at `url`, and all that it links to. What goes wrong with one is written down, and stops no other.
fn copy(mirror: &Arc<Mirror>, url: Url) -> Promise<()> {
    let (reader, follower, clerk) = (mirror.clone(), mirror.clone(), mirror.clone());
    let place = mirror.place(&url);
    let session = mirror.session.clone();
    let asked = url.clone();
    let made = move || fs::create_dir_all(place.parent().unwrap_or(&place)).map(|()| place);
    asynckit::spawn(made)
        .any_error()
        .then(move |place| session.download(&asked, place))
        .then(move |done| Ok(reader.read(&done)?))
        .then(move |links| {
            links.into_iter().map(|url| copy(&follower, url)).collect::<AsyncList<_>>()
        })
        .map(|_all_below| ())
        .catch(move |failure: Failure| {
            clerk.notes().failures.push((url, failure));
            Ok::<_, AnyError>(())
        })
}

impl Mirror {
    /// Where the copy of `url` is. No name in it leads out of the folder.
    fn place(&self, url: &Url) -> PathBuf {
        let mut place = self.folder.clone();
        let mut names: Vec<_> = url.path_segments().into_iter().flatten().map(safe).collect();
        if names.last().is_none_or(String::is_empty) {
            names.pop();
            names.push("index.html".to_owned());
        }
        if let (Some(query), Some(name)) = (url.query(), names.last_mut()) {
            *name = format!("{name}@{}", safe(query));
        }
        place.extend(names.into_iter().filter(|name| !name.is_empty()));
        place
    }

    /// Finds the links in a file that is there, whether it was fetched now or before.
    fn read(&self, done: &Downloaded) -> io::Result<Vec<Url>> {
        let found = match text_of_page(&done.path)? {
            Some(text) => links::links(&text, &done.url),
            None => Vec::new(),
        };
        let mut notes = self.notes();
        match done.unchanged {
            true => notes.unchanged += 1,
            false => notes.fetched += 1,
        }
        notes.continued += usize::from(done.resumed_from > 0);
        notes.bytes += done.bytes;
        let near = found.into_iter().filter(|url| url.origin() == self.root.origin());
        let new = near.filter_map(|mut url| {
            url.set_fragment(None);
            notes.seen.insert(url.clone()).then_some(url)
        });
        Ok(new.collect())
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of a path as the name of a file.
fn safe(part: &str) -> String {
    let name: String =
        part.chars().map(|c| if "/\\:*?\"<>|\0".contains(c) { '_' } else { c }).collect();
    // `%2e` is a dot, too, but not to a disk.
    if name.starts_with('.') { name.replacen('.', "_", 1) } else { name }
}

/// The text of a file, if it is a page.
fn text_of_page(path: &Path) -> io::Result<Option<String>> {
    let bytes = fs::read(path)?;
    let start = bytes.trim_ascii_start();
    let start = start[..start.len().min(15)].to_ascii_lowercase();
    let is_page = start.starts_with(b"<!doctype html") || start.starts_with(b"<html");
    Ok(is_page.then(|| String::from_utf8_lossy(&bytes).into_owned()))
}
