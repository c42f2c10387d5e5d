//! [`Body`]: what a request sends.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;

use crate::sync::{Arc, Mutex};

/// A file is read, and given to the connection, in pieces of this size.
const PIECE: usize = 64 * 1024;

type Reader = Box<dyn Read + Send>;

/// What a request sends: bytes, files, or whatever can be read.
///
/// Text and bytes convert into one. Files and readers are read on a thread for blocking work, in pieces, no
/// faster than they are sent. A reader can be sent once: a request with one is neither sent again nor
/// redirected with its body.
///
/// # Examples
///
/// ```
/// use asynckit::http::Body;
///
/// let text = Body::from("a=1");
/// let file = Body::file("Cargo.toml");
/// let generated = Body::from_reader(std::io::repeat(b'x').take(1_000_000));
/// # use std::io::Read;
/// # drop((text, file, generated));
/// ```
#[derive(Clone)]
pub struct Body {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Bytes(Bytes),
    Pieces(Arc<Vec<Piece>>),
    Reader(Arc<Mutex<Option<Reader>>>),
}

/// A part of a body that is put together.
pub(super) enum Piece {
    Bytes(Vec<u8>),
    File(PathBuf),
}

impl Body {
    /// Sends a file, which is opened when the request is sent; its length is sent, too.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::of_pieces(vec![Piece::File(path.into())])
    }

    /// Sends what `reader` gives, up to its end, in chunks.
    pub fn from_reader(reader: impl Read + Send + 'static) -> Self {
        Self { kind: Kind::Reader(Arc::new(Mutex::new(Some(Box::new(reader))))) }
    }

    /// Gives the bytes, where they are known: not of a file or a reader.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.kind {
            Kind::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Reads all of it, files and readers, too: for what answers a request without a network. Blocks meanwhile.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, a reader that fails or was read before.
    ///
    /// # Examples
    ///
    /// ```
    /// use asynckit::http::Body;
    ///
    /// assert_eq!(Body::from("a=1").read_all()?, b"a=1");
    /// assert!(Body::file("no such file").read_all().is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn read_all(&self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        match &self.kind {
            Kind::Bytes(bytes) => all.extend_from_slice(bytes),
            Kind::Pieces(pieces) => drop(open(pieces)?.0.read_to_end(&mut all)?),
            Kind::Reader(reader) => {
                let reader = reader.lock().take(); // not under the lock: it is the user's
                reader.ok_or_else(sent_before)?.read_to_end(&mut all)?;
            }
        }
        Ok(all)
    }

    pub(super) fn of_pieces(pieces: Vec<Piece>) -> Self {
        Self { kind: Kind::Pieces(Arc::new(pieces)) }
    }

    /// Whether it can be sent more than once.
    pub(super) fn is_repeatable(&self) -> bool {
        !matches!(self.kind, Kind::Reader(_))
    }

    /// Opens what is to be opened.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened, or a reader that was sent before.
    pub(super) async fn open(&self) -> io::Result<Outgoing> {
        match &self.kind {
            Kind::Bytes(bytes) => Ok(Outgoing::Bytes(Some(bytes.clone()))),
            Kind::Reader(reader) => {
                let reader = reader.lock().take();
                let reader = reader.ok_or_else(sent_before)?;
                Ok(Outgoing::Read { source: Source::Reader(reader), length: None })
            }
            Kind::Pieces(pieces) => {
                let pieces = Arc::clone(pieces);
                let opened = tokio::task::spawn_blocking(move || open(&pieces)).await;
                let (reader, length) = opened.map_err(io::Error::other)??;
                Ok(Outgoing::Read { source: Source::Reader(reader), length: Some(length) })
            }
        }
    }
}

fn sent_before() -> io::Error {
    io::Error::other("the reader was sent before")
}

fn open(pieces: &Arc<Vec<Piece>>) -> io::Result<(Reader, u64)> {
    let (mut all, mut length): (Reader, u64) = (Box::new(io::empty()), 0);
    for piece in pieces.iter() {
        match piece {
            Piece::Bytes(bytes) => {
                length += bytes.len() as u64;
                all = Box::new(all.chain(io::Cursor::new(bytes.clone())));
            }
            Piece::File(path) => {
                let named = |error: io::Error| {
                    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
                };
                let file = File::open(path).map_err(named)?;
                let known = file.metadata().map_err(named)?;
                if known.is_dir() {
                    return Err(named(io::Error::from(io::ErrorKind::IsADirectory)));
                }
                length += known.len();
                // A file that grows meanwhile must not send more than was announced.
                all = Box::new(all.chain(file.take(known.len())));
            }
        }
    }
    Ok((all, length))
}

/// A body on its way, as hyper asks for it.
pub(super) enum Outgoing {
    Bytes(Option<Bytes>),
    Read { source: Source, length: Option<u64> },
}

pub(super) enum Source {
    /// Not asked for yet.
    Reader(Reader),
    Pieces(mpsc::Receiver<io::Result<Bytes>>),
    Ended,
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let source = match &mut *self {
            Outgoing::Bytes(bytes) => {
                let bytes = bytes.take().filter(|bytes| !bytes.is_empty());
                return Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))));
            }
            Outgoing::Read { source, .. } => source,
        };
        if let Source::Reader(_) = source {
            if let Source::Reader(reader) = std::mem::replace(source, Source::Ended) {
                *source = Source::Pieces(read(reader));
            }
        }
        match source {
            Source::Pieces(pieces) => pieces.poll_recv(cx).map_ok(Frame::data),
            _ => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Outgoing::Bytes(bytes) if bytes.as_ref().is_none_or(Bytes::is_empty))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Bytes(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
            Outgoing::Read { length: Some(length), .. } => SizeHint::with_exact(*length),
            Outgoing::Read { length: None, .. } => SizeHint::default(),
        }
    }
}

fn read_piece(reader: &mut Reader) -> io::Result<Bytes> {
    let mut piece = Vec::with_capacity(PIECE);
    reader.take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(Bytes::from(piece))
}

/// Reads on a thread that may block; one piece waits while another one is sent.
fn read(mut reader: Reader) -> mpsc::Receiver<io::Result<Bytes>> {
    let (give, pieces) = mpsc::channel(1);
    tokio::task::spawn_blocking(move || {
        loop {
            // A panic must not look like the end of the body.
            let read = catch_unwind(AssertUnwindSafe(|| read_piece(&mut reader)));
            let piece = read.unwrap_or_else(|_| Err(io::Error::other("the reader panicked")));
            let is_last = piece.as_ref().map_or(true, Bytes::is_empty);
            let is_end = piece.as_ref().is_ok_and(Bytes::is_empty);
            if is_end || give.blocking_send(piece).is_err() || is_last {
                return;
            }
        }
    });
    pieces
}

impl Default for Body {
    fn default() -> Self {
        Self::from(Bytes::new())
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self { kind: Kind::Bytes(bytes) }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes().to_vec())
    }
}

impl From<&[u8]> for Body {
    fn from(bytes: &[u8]) -> Self {
        Self::from(bytes.to_vec())
    }
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Bytes(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Kind::Pieces(_) => f.write_str("Body(files)"),
            Kind::Reader(_) => f.write_str("Body(a reader)"),
        }
    }
}
