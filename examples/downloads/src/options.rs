//! The command line.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use asynckit::http::Url;
use clap::Parser;

use crate::folder::Folder;

/// What is served where nothing else is asked for.
const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Downloads pages, all that they link to, and all that those link to, many at a time
///
/// Without arguments it serves the documentation and the source of this repository on a free port of this
/// machine, and crawls that.
#[derive(Debug, Parser)]
#[command(name = "downloads", args_override_self = true)]
pub(crate) struct Options {
    /// Crawl these pages, and stay on their hosts
    #[arg(value_name = "URL", value_parser = web_page)]
    pub(crate) urls: Vec<Url>,
    /// Serve this folder of HTML files on a free port of this machine, and crawl it
    #[arg(long, value_name = "DIR", value_parser = folder, conflicts_with = "urls")]
    serve: Option<PathBuf>,
    /// How many levels of links to follow
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) depth: u32,
    /// The most pages to fetch
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = at_least_one)]
    pub(crate) limit: usize,
    /// Threads that read the pages [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = at_least_one, default_value_t = processors(), hide_default_value = true)]
    pub(crate) workers: usize,
    /// The most pages to fetch from one host at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = at_least_one)]
    pub(crate) per_host: usize,
    /// How often to ask again for a page that fails in passing
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) retries: usize,
    /// The largest page to fetch
    #[arg(long, value_name = "MIB", default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..1 << 20))]
    pub(crate) largest: u64,
    /// The longest that one page may take
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub(crate) timeout: Duration,
    /// The longest that the whole crawl may take
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "600")]
    pub(crate) deadline: Duration,
    /// Let the server answer that late, as the real net does
    #[arg(long, value_name = "MS", conflicts_with = "urls", default_value_t = 10)]
    delay: u64,
}

impl Options {
    /// The folder to serve, if the pages are not somewhere else.
    pub(crate) fn folder(&self) -> Option<Folder> {
        match &self.serve {
            Some(folder) => Some(Folder::new(folder.clone())),
            None if self.urls.is_empty() => Some(Folder::with_broken_links(REPOSITORY.into())),
            None => None,
        }
    }

    /// How late the server of that folder answers; other servers do as they like.
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(if self.urls.is_empty() { self.delay } else { 0 })
    }
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn web_page(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(format!("{other}: is not fetched over HTTP")),
    }
}

fn folder(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.read_dir() {
        Ok(_) => Ok(path),
        Err(error) => Err(error.to_string()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(n) => Ok(n),
        Err(error) => Err(format!("{error}")),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    match duration.is_zero() {
        true => Err("more than 0".to_owned()),
        false => Ok(duration),
    }
}
