//! Downloads to disk: a part file, its companion, and how both become the file that was asked for.

mod claim;
mod companion;
mod copy;
mod meter;
mod part;
mod plan;
mod run;

pub use meter::DownloadProgress;

pub(super) use meter::Meter;
pub(super) use run::run;

use std::path::PathBuf;

use super::{Error, ErrorKind, Url};
use crate::Promise;
use crate::sync::Mutex;

/// What a download is to do besides.
pub(super) struct Options {
    pub(super) path: PathBuf,
    pub(super) sha256: Option<[u8; 32]>,
    pub(super) keeps_part: bool,
    pub(super) keeps_companion: bool,
    /// What is there is of no interest.
    pub(super) afresh: bool,
    /// The part is being removed, on the pool.
    pub(super) removing: Mutex<Option<Promise<()>>>,
}

/// What has become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Downloaded {
    /// The URL that answered: the last one, where the request was redirected.
    pub url: Url,
    /// Where the file is, as it was asked for.
    pub path: PathBuf,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// How many of these were there before, from a download that had broken off.
    pub resumed_from: u64,
    /// The file was there before, and is what the server has: nothing was fetched.
    pub unchanged: bool,
}

/// An error of the disk, with the file that it is about.
fn of_file(path: &std::path::Path, error: std::io::Error) -> Error {
    let named = std::io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    Error::new(ErrorKind::File).because(named)
}
