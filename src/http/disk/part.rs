//! [`Part`]: a file that is being written, and does not have its name yet.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use ring::digest::{Context, SHA256};

use super::claim::{Claim, Places};
use super::companion::Companion;
use super::{Meter, Options, of_file};
use crate::http::core::Core;
use crate::http::{Error, ErrorKind, HeaderMap, Url, io_thread};
use crate::sync::Arc;

/// What of a download is on disk. Its methods block: they are called on the pool.
///
/// Dropped before its end it stays, to be continued, or goes, as it was asked for.
pub(super) struct Part {
    core: Arc<Core>,
    pub(super) options: Arc<Options>,
    pub(super) places: Places,
    file: Option<File>,
    /// How many bytes of it are good.
    pub(super) length: u64,
    /// Of which file on the server it is.
    pub(super) known: Option<Companion>,
    pub(super) meter: Meter,
    is_done: bool,
    /// It was opened, and what is there under its name is its own.
    is_own: bool,
    /// The last one to go.
    claim: Option<Claim>,
}

impl Part {
    pub(super) fn new(
        core: Arc<Core>,
        options: Arc<Options>,
        places: Places,
        claim: Claim,
        meter: Meter,
    ) -> Self {
        let (file, known, claim) = (None, None, Some(claim));
        let (is_done, is_own) = (false, false);
        Self { core, options, places, file, length: 0, known, meter, is_done, is_own, claim }
    }

    /// Opens it, and leaves what is in it.
    pub(super) fn open(&mut self) -> Result<(), Error> {
        let path = &self.places.part;
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        self.file = Some(file.map_err(|error| of_file(path, error))?);
        self.is_own = true;
        Ok(())
    }

    /// Throws away what is in it: an answer with these headers comes, to be written from its beginning on.
    pub(super) fn begin(
        &mut self,
        url: &Url,
        headers: &HeaderMap,
        total: Option<u64>,
    ) -> Result<(), Error> {
        // In this order: no part is ever taken for one of another file.
        self.forget();
        self.length = 0;
        if self.file.is_none() {
            self.open()?;
        }
        let (file, path) = (self.file.as_mut().expect("it is open"), &self.places.part);
        let emptied = match file.metadata() {
            Ok(known) if known.len() == 0 => Ok(()),
            Ok(_) => file.set_len(0).and_then(|()| file.rewind()),
            Err(error) => Err(error),
        };
        emptied.map_err(|error| of_file(path, error))?;
        let known = Companion::new(url, headers, total);
        known
            .write(&self.places.companion)
            .map_err(|error| of_file(&self.places.companion, error))?;
        self.known = Some(known);
        self.meter.begin(0, total);
        Ok(())
    }

    /// The rest of what is in it comes.
    pub(super) fn go_on(&mut self, total: Option<u64>) -> Result<(), Error> {
        let file = self.file.as_mut().expect("it is open");
        let place = file.seek(SeekFrom::Start(self.length));
        place.map_err(|error| of_file(&self.places.part, error))?;
        self.meter.begin(self.length, total);
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let file = self.file.as_mut().expect("it is open");
        file.write_all(bytes).map_err(|error| of_file(&self.places.part, error))?;
        self.length += bytes.len() as u64;
        self.meter.moved(bytes.len() as u64);
        Ok(())
    }

    /// It is whole: gives it its name.
    pub(super) fn finish(mut self) -> Result<u64, Error> {
        let places = self.places.clone();
        if let Some(wanted) = &self.options.sha256 {
            let found = sha256(&places.part).map_err(|error| of_file(&places.part, error))?;
            if found != *wanted {
                self.length = 0; // what is wrong is not continued
                return Err(wrong(&places.part, &found));
            }
        }
        let synced = self.file.take().expect("it is open").sync_all();
        synced.map_err(|error| of_file(&places.part, error))?;
        let named = fs::rename(&places.part, &places.file);
        named.map_err(|error| of_file(&places.file, error))?;
        self.is_done = true;
        // The name is only on disk once the folder is; not every system can do that.
        drop(File::open(&places.folder).and_then(|folder| folder.sync_all()));
        let kept = match self.known.take().filter(|_| self.options.keeps_companion) {
            Some(mut known) => {
                (known.is_whole, known.length) = (true, Some(self.length));
                known.write(&places.companion)
            }
            None => Err(io::ErrorKind::NotFound.into()),
        };
        if kept.is_err() {
            self.forget(); // the file is there; it will be fetched again
        }
        self.meter.done(self.length);
        Ok(self.length)
    }

    /// The file is there already: nothing of this is of use.
    pub(super) fn abandon(mut self, length: u64) -> u64 {
        self.is_done = true;
        self.meter.done(length);
        length
    }

    fn forget(&mut self) {
        self.known = None;
        let _ = fs::remove_file(&self.places.companion); // without it there is no more to forget
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let remains = Remains {
            file: self.file.take(),
            goes: self.is_own && (!self.options.keeps_part || self.length == 0),
            // The file that is there is of another time, and what is known of it is told by its companion.
            with_companion: self.known.as_ref().is_some_and(|known| !known.is_whole),
            places: self.places.clone(),
            claim: self.claim.take(),
        };
        if remains.goes && io_thread::is_current() {
            // Where the pool is no more, it goes here.
            let removing = self.core.pool().run(move || drop(remains));
            *self.options.removing.lock() = Some(removing);
        }
    }
}

/// What a download leaves that has not come to its end.
struct Remains {
    file: Option<File>,
    goes: bool,
    with_companion: bool,
    places: Places,
    claim: Option<Claim>,
}

impl Drop for Remains {
    fn drop(&mut self) {
        drop(self.file.take()); // before its name goes
        if self.goes {
            if self.with_companion {
                let _ = fs::remove_file(&self.places.companion);
            }
            let _ = fs::remove_file(&self.places.part); // nothing more can be done about it
        }
        drop(self.claim.take());
    }
}

pub(super) fn sha256(path: &Path) -> io::Result<[u8; 32]> {
    let (mut file, mut context) = (File::open(path)?, Context::new(&SHA256));
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => context.update(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let digest = context.finish();
    Ok(digest.as_ref().try_into().expect("32 bytes"))
}

fn wrong(path: &Path, found: &[u8; 32]) -> Error {
    let found: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
    Error::new(ErrorKind::Checksum).saying(format!("that of {} is {found}", path.display()))
}
