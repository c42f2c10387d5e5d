//! What the documents say is true: the tests that they name exist, and the README has its numbers and names from where
//! they are decided.

mod layers;
mod mutations;
mod readme;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
#[track_caller]
fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The Rust files in a folder, and in those below it.
fn sources_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let (folders, files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    let mut sources: Vec<_> =
        files.into_iter().filter(|file| file.extension().is_some_and(|end| end == "rs")).collect();
    sources.extend(folders.iter().flat_map(|folder| sources_in(folder)));
    sources
}
