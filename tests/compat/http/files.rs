//! What tests of downloads to disk need: folders of their own, and servers that do as they are told.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::support::{answer, serve_each};

/// A folder of the test's own, which goes with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("asynckit-downloads-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The names of what is in it.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("the folder");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<_> =
            entries.map(|entry| name(entry).into_string().expect("text")).collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Bytes of which each place has its own.
pub(crate) fn content(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place * 31 + place / 251) as u8).collect()
}

/// One answer: it gets the connection and the request's head. `false` ends the connection.
pub(crate) type Step = Box<dyn Fn(&mut TcpStream, &str) -> bool + Send + Sync>;

/// A server that answers the first request with the first step, and so on, and the last one for ever.
pub(crate) struct Scripted {
    pub(crate) url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub(crate) fn new(steps: Vec<Step>) -> Self {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&heads);
        let site = serve_each(move |connection, head| {
            let number = {
                let mut noted = noted.lock().expect("no panic");
                noted.push(head.to_ascii_lowercase());
                noted.len() - 1
            };
            steps[number.min(steps.len() - 1)](connection, head)
        });
        Self { url: format!("{site}/file"), heads }
    }

    /// The heads of all requests so far, in small letters.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }

    /// A header of the request with this number.
    pub(crate) fn header(&self, number: usize, name: &str) -> Option<String> {
        super::support::header(&self.heads()[number], name).map(str::to_owned)
    }
}

/// All of `body`, with these headers.
pub(crate) fn whole(headers: &'static str, body: Vec<u8>) -> Step {
    Box::new(move |connection, _| answer(connection, &format!("200 OK{headers}"), &body))
}

/// The first `sent` bytes of it, and the end of the connection.
pub(crate) fn broken(headers: &'static str, body: Vec<u8>, sent: usize) -> Step {
    use std::io::Write;
    Box::new(move |connection, _| {
        let head = format!("HTTP/1.1 200 OK{headers}\r\ncontent-length: {}\r\n\r\n", body.len());
        let _ = connection.write_all(&[head.as_bytes(), &body[..sent]].concat());
        false
    })
}

/// What comes behind the first `from` bytes of it.
pub(crate) fn rest(body: Vec<u8>, from: usize) -> Step {
    Box::new(move |connection, _| {
        let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
        let head = format!("206 Partial Content\r\netag: \"1\"\r\ncontent-range: {range}");
        answer(connection, &head, &body[from..])
    })
}

/// A status, and nothing else.
pub(crate) fn status(text: &'static str) -> Step {
    Box::new(move |connection, _| answer(connection, text, b""))
}
