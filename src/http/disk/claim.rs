//! [`Claim`]: who writes a file, of all downloads of the process.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use tokio::sync::{Mutex as TokenMutex, OwnedMutexGuard};

use crate::sync::{Arc, Mutex, OnceLock};

/// The files of one download.
#[derive(Clone)]
pub(super) struct Places {
    pub(super) folder: PathBuf,
    pub(super) file: PathBuf,
    /// `name.part`: what has come.
    pub(super) part: PathBuf,
    /// `.name.download`: of which file on the server that is.
    pub(super) companion: PathBuf,
}

impl Places {
    /// The same for each way to write a path.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let no_file = || io::Error::new(io::ErrorKind::InvalidInput, "this is no name of a file");
        let name = path.file_name().ok_or_else(no_file)?;
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.canonicalize()?,
            _ => Path::new(".").canonicalize()?,
        };
        let file = folder.join(name);
        if file.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let named = |before: &str, after: &str| {
            let mut whole = OsString::from(before);
            whole.push(name);
            whole.push(after);
            folder.join(whole)
        };
        let (part, companion) = (named("", ".part"), named(".", ".download"));
        Ok(Self { folder, file, part, companion })
    }
}

type Token = Arc<TokenMutex<()>>;

fn all() -> &'static Mutex<HashMap<PathBuf, Token>> {
    static ALL: OnceLock<Mutex<HashMap<PathBuf, Token>>> = OnceLock::new();
    ALL.get_or_init(Mutex::default)
}

/// Nothing else of this process writes the file for as long as this is there.
pub(super) struct Claim {
    file: PathBuf,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Claim {
    /// Waits until no other download has it.
    pub(super) async fn wait(file: PathBuf) -> Self {
        let token = Arc::clone(all().lock().entry(file.clone()).or_default());
        let mut claim = Self { file, guard: None };
        claim.guard = Some(token.lock_owned().await);
        claim
    }
}

/// Also of one that waits no longer.
impl Drop for Claim {
    fn drop(&mut self) {
        let mut all = all().lock();
        drop(self.guard.take());
        if all.get(&self.file).is_some_and(|token| Arc::strong_count(token) == 1) {
            all.remove(&self.file);
        }
    }
}
