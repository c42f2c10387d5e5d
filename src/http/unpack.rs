//! [`Unpacker`]: what a compressed body is, piece by piece, and never more than is allowed.

use std::io::{self, Write};

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::HeaderMap;

/// So much is unpacked at once: a piece this small becomes 16 MiB at the very most.
const AT_ONCE: usize = 16 * 1024;

/// What is asked for, unless the request says so itself.
pub(super) const ACCEPTED: &str = "gzip, deflate";

/// Why a body cannot be unpacked.
pub(super) enum Unpacked {
    TooLarge,
    Broken(io::Error),
}

/// Unpacks one body.
pub(super) struct Unpacker {
    state: State,
}

enum State {
    /// Nothing has come yet. `gzip`, or what is called deflate and may lack its frame.
    New {
        gzip: bool,
    },
    Gzip(MultiGzDecoder<Room>),
    Zlib(ZlibDecoder<Room>),
    Deflate(DeflateDecoder<Room>),
}

impl Unpacker {
    /// For an answer with these headers; `None`: it is as it is.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let encoding = headers.get(::http::header::CONTENT_ENCODING)?.to_str().ok()?.trim();
        let gzip = encoding.eq_ignore_ascii_case("gzip") || encoding.eq_ignore_ascii_case("x-gzip");
        let deflate = encoding.eq_ignore_ascii_case("deflate");
        (gzip || deflate).then_some(Self { state: State::New { gzip } })
    }

    /// Unpacks what comes next, to at most `room` bytes.
    pub(super) fn unpack(&mut self, packed: &[u8], room: usize) -> Result<Vec<u8>, Unpacked> {
        self.begin(packed, room);
        let mut done = Ok(());
        for piece in packed.chunks(AT_ONCE) {
            done = done.and_then(|()| match &mut self.state {
                State::New { .. } => Ok(()),
                State::Gzip(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
                State::Zlib(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
                State::Deflate(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
            });
        }
        self.take(done)
    }

    /// The body has ended: what was still in there, if that was its end.
    pub(super) fn finish(&mut self, room: usize) -> Result<Vec<u8>, Unpacked> {
        self.begin(&[], room);
        let done = match &mut self.state {
            State::New { .. } => Ok(()),
            State::Gzip(decoder) => decoder.try_finish(),
            State::Zlib(decoder) => decoder.try_finish(),
            State::Deflate(decoder) => decoder.try_finish(),
        };
        self.take(done)
    }

    fn begin(&mut self, packed: &[u8], left: usize) {
        let room = Room { left, ..Room::default() };
        match (&self.state, packed.first()) {
            (State::New { gzip: true }, Some(_)) => {
                self.state = State::Gzip(MultiGzDecoder::new(room));
            }
            (State::New { .. }, Some(first)) if first & 0x0f == 8 => {
                self.state = State::Zlib(ZlibDecoder::new(room));
            }
            (State::New { .. }, Some(_)) => {
                self.state = State::Deflate(DeflateDecoder::new(room));
            }
            _ => self.room().into_iter().for_each(|known| known.left = left),
        }
    }

    fn take(&mut self, done: io::Result<()>) -> Result<Vec<u8>, Unpacked> {
        let Some(room) = self.room() else { return Ok(Vec::new()) };
        match done {
            Ok(()) => Ok(std::mem::take(&mut room.bytes)),
            Err(_) if room.is_full => Err(Unpacked::TooLarge),
            Err(error) => Err(Unpacked::Broken(error)),
        }
    }

    fn room(&mut self) -> Option<&mut Room> {
        match &mut self.state {
            State::New { .. } => None,
            State::Gzip(decoder) => Some(decoder.get_mut()),
            State::Zlib(decoder) => Some(decoder.get_mut()),
            State::Deflate(decoder) => Some(decoder.get_mut()),
        }
    }
}

/// Takes what is unpacked, as long as there is room.
#[derive(Default)]
struct Room {
    bytes: Vec<u8>,
    left: usize,
    is_full: bool,
}

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.left {
            self.is_full = true;
            return Err(io::Error::other("no room"));
        }
        self.left -= bytes.len();
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
