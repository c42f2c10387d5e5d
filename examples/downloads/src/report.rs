//! What a crawl found, in words and numbers.

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use asynckit::Failure;
use asynckit::http::{self, ErrorKind};
use indicatif::{HumanBytes, HumanCount};

use crate::crawl::{Failed, Notes};

/// More failures than this are counted, not shown.
const ROWS: usize = 20;

/// Writes the totals.
pub(crate) fn totals(out: &mut impl Write, notes: &Notes, time: Duration) -> io::Result<()> {
    let bytes = notes.pages.iter().map(|page| page.bytes as u64).sum();
    row(out, "pages", &count(notes.pages.len()))?;
    row(out, "bytes", &HumanBytes(bytes).to_string())?;
    if let Some(largest) = notes.pages.iter().max_by_key(|page| page.bytes) {
        let size = HumanBytes(largest.bytes as u64);
        row(out, "largest", &format!("{size}  {}", largest.url))?;
    }
    let again: u32 = notes.pages.iter().map(|page| page.attempts.saturating_sub(1)).sum();
    if again > 0 {
        row(out, "asked again", &count(again as usize))?;
    }
    row(out, "failures", &count(notes.failures.len()))?;
    row(out, "time taken", &seconds(time))?;
    if notes.left_out > 0 {
        let left_out = format!("{} pages (--limit takes more)", count(notes.left_out));
        row(out, "left out", &left_out)?;
    }
    if notes.missing() > 0 {
        let missing = format!("{} pages (--deadline gives more time)", count(notes.missing()));
        row(out, "not finished", &missing)?;
    }
    Ok(())
}

/// Writes how long the same pages take one after the other.
pub(crate) fn comparison(
    out: &mut impl Write,
    one_by_one: Duration,
    time: Duration,
) -> io::Result<()> {
    let times = one_by_one.as_secs_f64() / time.as_secs_f64().max(f64::EPSILON);
    let text = format!("{} ({times:.1} times as long)", seconds(one_by_one));
    row(out, "one by one", &text)
}

/// Writes a row for each failure, the first ones of a long list.
pub(crate) fn failures(out: &mut impl Write, failures: &[Failed]) -> io::Result<()> {
    let mut rows: Vec<_> =
        failures.iter().map(|failed| (reason(&failed.failure), &failed.link)).collect();
    rows.sort_by(|(why, link), (other, next)| (why, &link.url).cmp(&(other, &next.url)));
    let shown = &rows[..rows.len().min(ROWS)];
    let width = shown.iter().map(|(why, _)| why.chars().count()).max().unwrap_or(0);
    for (why, link) in shown {
        write!(out, "\n  {why:width$}  {}", link.url)?;
        if let Some(from) = &link.from {
            write!(out, "\n  {:width$}  in {from}", "")?;
        }
    }
    if rows.len() > ROWS {
        write!(out, "\n  … and {} more", count(rows.len() - ROWS))?;
    }
    if !rows.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

/// Why a page is not there, without its URL: `404 Not Found`, `timed out`, `Connection refused`.
pub(crate) fn reason(failure: &Failure) -> String {
    let Some(error) = failure.downcast_ref::<http::Error>() else {
        return failure.to_string();
    };
    match (error.kind(), error.status()) {
        (_, Some(status)) => status.to_string(),
        _ if error.is_timeout() => "timed out".to_owned(),
        (ErrorKind::Setup, _) => error.to_string(),
        _ => root_cause(error),
    }
}

fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

fn row(out: &mut impl Write, name: &str, value: &str) -> io::Result<()> {
    writeln!(out, "  {name:12}  {value}")
}

fn count(n: usize) -> String {
    HumanCount(n as u64).to_string()
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}
