//! `?` with everybody's errors: in jobs and callbacks, and behind `get`.

mod chains;
mod compiler;
mod outside;
mod returned;
mod within;

use std::error::Error;
use std::io;
use std::time::Duration;

/// Longer than anything here takes: a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// What libraries have in their boxes.
type Dyn = Box<dyn Error + Send + Sync>;

/// An error as applications define them.
#[derive(Debug, thiserror::Error)]
enum AppError {
    #[error("cannot read the settings")]
    Settings(#[source] io::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the work failed")]
    Failed(#[from] asynckit::Failure),
    #[error("the typed work failed")]
    Typed(#[from] asynckit::Failure<io::Error>),
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "cable cut")
}

fn in_anyhow() -> anyhow::Result<u32> {
    Err(anyhow::Error::new(cut()).context("no page"))
}

fn in_eyre() -> eyre::Result<u32> {
    Err(eyre::Report::new(cut()).wrap_err("no page"))
}

fn in_box() -> Result<u32, Dyn> {
    Err("no page".into())
}

fn in_local_box() -> Result<u32, Box<dyn Error>> {
    Err("no page".into())
}

fn in_string() -> Result<u32, String> {
    Err("no page".to_owned())
}

fn in_str() -> Result<u32, &'static str> {
    Err("no page")
}

fn in_io() -> io::Result<u32> {
    Err(cut())
}

fn in_app() -> Result<u32, AppError> {
    Err(AppError::Settings(cut()))
}

fn in_any() -> Result<u32, asynckit::AnyError> {
    Err("no page")?
}

/// The texts of an error and its sources, as reporters print them.
fn told(error: &(dyn Error + 'static)) -> Vec<String> {
    std::iter::successors(Some(error), |&error| error.source()).map(ToString::to_string).collect()
}
