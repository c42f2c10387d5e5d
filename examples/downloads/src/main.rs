//! A crawl of dependent downloads: an index page, then all that it links to, then all that those link to.
//!
//!     cargo run --release -p downloads
//!
//! serves this repository's documentation and source on a loopback port and crawls it. See `--help` for
//! folders and pages of your own. The crawl itself is in `crawl.rs`.

mod crawl;
mod folder;
mod links;
mod loopback;
mod options;
mod ranges;
mod render;
mod report;
mod server;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use asynckit::http::{Retry, Session, Url};
use asynckit::{Backoff, Pool};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use crate::crawl::{Crawl, Failed, Notes, links_to_follow};
use crate::options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options, &mut io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS, // who reads it has seen enough
        Err(error) => {
            eprintln!("downloads: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Crawls and reports; says whether it could fetch what it was asked for.
fn run(options: &Options, out: &mut impl Write) -> Result<bool, Box<dyn Error>> {
    let pool = Pool::builder().workers(options.workers).name("crawler").build()?;
    let (session, roots) = prepare(options, &pool)?;
    announce(out, &roots, options)?;

    let crawl = Crawl::new(session.clone(), options.depth, options.limit, progress_bar());
    let start = Instant::now();
    let mut pages = crawl.start(&roots);
    let finished = pages.get(Some(options.deadline));
    let time = start.elapsed();
    if finished.is_err() {
        pages.cancel(); // what is still to come
    }
    let notes = crawl.finish();

    report::totals(out, &notes, time)?;
    if options.urls.is_empty() && finished.is_ok() {
        report::comparison(out, one_by_one(&session, &notes), time)?;
    }
    report::failures(out, &notes.failures)?;
    complain(&notes, finished.as_ref().err());
    Ok(finished.is_ok() && !notes.failures.iter().any(is_root))
}

/// Makes the session, and starts the server if the pages to crawl are not somewhere else.
fn prepare(options: &Options, pool: &Pool) -> Result<(Session, Vec<Url>), Box<dyn Error>> {
    let pauses = Backoff::exponential(Duration::from_millis(100)).full_jitter();
    let settings = Session::builder()
        .pool(pool)
        .timeout(options.timeout)
        .max_per_host(options.per_host)
        .max_body(options.largest << 20)
        .retries(Retry::default().pauses(pauses.times(options.retries)));
    Ok(match options.folder() {
        Some(folder) => {
            let root = server::start(folder, options.delay())?;
            (settings.no_proxy().build()?, vec![root])
        }
        None => (settings.build()?, options.urls.clone()),
    })
}

/// Fetches and reads the pages of a crawl again, one after the other; gives the time that it takes.
fn one_by_one(session: &Session, notes: &Notes) -> Duration {
    let bar = progress_bar().with_message("one after the other");
    bar.set_length(notes.pages.len() as u64);
    let start = Instant::now();
    for page in &notes.pages {
        if let Ok(response) = session.get(&page.url).get(None) {
            links_to_follow(&response, page.depth);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    start.elapsed()
}

/// Shown on stderr, and only where that is a terminal.
fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("  {wide_bar} {pos}/{len} pages  {msg}");
    ProgressBar::new(0).with_style(style.expect("a valid template"))
}

fn announce(out: &mut impl Write, roots: &[Url], options: &Options) -> io::Result<()> {
    for root in roots {
        writeln!(out, "{root}")?;
    }
    let levels = match options.depth {
        1 => "1 level".to_owned(),
        n => format!("{n} levels"),
    };
    write!(out, "  {levels} of links")?;
    if !options.delay().is_zero() {
        write!(out, ", every answer {} ms late", options.delay().as_millis())?;
    }
    writeln!(out, "\n")
}

/// Says on stderr why not all is there that was asked for.
fn complain(notes: &Notes, ended_by: Option<&asynckit::Failure>) {
    if let Some(failure) = ended_by {
        eprintln!("downloads: the crawl has not finished: {failure}");
    }
    for root in notes.failures.iter().filter(|failed| is_root(failed)) {
        let reason = report::reason(&root.failure);
        eprintln!("downloads: cannot fetch {}: {reason}", root.link.url);
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
}

fn is_root(failed: &Failed) -> bool {
    failed.link.from.is_none()
}
