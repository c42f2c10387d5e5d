//! [`Unpacker`]: what a compressed body is, piece by piece, and never more than is allowed.

use std::io::{self, Write};

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::HeaderMap;
#[cfg(feature = "zstd")]
use super::unpack_zstd::Zstd;

/// So much is unpacked at once: a piece this small becomes 16 MiB at the very most.
const AT_ONCE: usize = 16 * 1024;

/// So much is unpacked at once by brotli, whose window comes on top: up to 16 MiB, as far as the body is that long.
#[cfg(feature = "brotli")]
const BROTLI_BUFFER: usize = 16 * 1024;

/// What is asked for, unless the request says so itself.
pub(super) const ACCEPTED: &str = match (cfg!(feature = "brotli"), cfg!(feature = "zstd")) {
    (false, false) => "gzip, deflate",
    (true, false) => "gzip, deflate, br",
    (false, true) => "gzip, deflate, zstd",
    (true, true) => "gzip, deflate, br, zstd",
};

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
    /// Nothing has come yet.
    New(Packing),
    Gzip(MultiGzDecoder<Room>),
    Zlib(ZlibDecoder<Room>),
    Deflate(DeflateDecoder<Room>),
    #[cfg(feature = "brotli")]
    Brotli(Box<BrotliDecoder>),
    #[cfg(feature = "zstd")]
    Zstd(Box<Zstd>),
}

#[cfg(feature = "brotli")]
type BrotliDecoder = brotli_decompressor::DecompressorWriter<Room>;

/// How a body is packed, as its header says.
#[derive(Clone, Copy)]
enum Packing {
    Gzip,
    /// It may lack its frame.
    Deflate,
    #[cfg(feature = "brotli")]
    Brotli,
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Packing {
    fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Packing::Gzip),
            "deflate" => Some(Packing::Deflate),
            #[cfg(feature = "brotli")]
            "br" => Some(Packing::Brotli),
            #[cfg(feature = "zstd")]
            "zstd" => Some(Packing::Zstd),
            _ => None,
        }
    }

    /// For a body that begins with `first`.
    fn begin(self, first: u8, room: Room) -> State {
        match self {
            Packing::Gzip => State::Gzip(MultiGzDecoder::new(room)),
            Packing::Deflate if first & 0x0f == 8 => State::Zlib(ZlibDecoder::new(room)),
            Packing::Deflate => State::Deflate(DeflateDecoder::new(room)),
            #[cfg(feature = "brotli")]
            Packing::Brotli => State::Brotli(Box::new(BrotliDecoder::new(room, BROTLI_BUFFER))),
            #[cfg(feature = "zstd")]
            Packing::Zstd => State::Zstd(Box::new(Zstd::new(room))),
        }
    }
}

impl Unpacker {
    /// For an answer with these headers; `None`: it is as it is.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let encoding = headers.get(::http::header::CONTENT_ENCODING)?.to_str().ok()?.trim();
        Some(Self { state: State::New(Packing::named(encoding)?) })
    }

    /// Unpacks what comes next, to at most `room` bytes.
    pub(super) fn unpack(&mut self, packed: &[u8], room: usize) -> Result<Vec<u8>, Unpacked> {
        self.begin(packed, room);
        let mut done = Ok(());
        for piece in packed.chunks(AT_ONCE) {
            done = done.and_then(|()| match &mut self.state {
                State::New(_) => Ok(()),
                State::Gzip(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
                State::Zlib(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
                State::Deflate(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
                #[cfg(feature = "brotli")]
                State::Brotli(decoder) => decoder.write_all(piece),
                #[cfg(feature = "zstd")]
                State::Zstd(decoder) => decoder.write(piece),
            });
        }
        self.take(done)
    }

    /// The body has ended: what was still in there, if that was its end.
    pub(super) fn finish(&mut self, room: usize) -> Result<Vec<u8>, Unpacked> {
        self.begin(&[], room);
        let done = match &mut self.state {
            State::New(_) => Ok(()),
            State::Gzip(decoder) => decoder.try_finish(),
            State::Zlib(decoder) => decoder.try_finish(),
            State::Deflate(decoder) => decoder.try_finish(),
            #[cfg(feature = "brotli")]
            State::Brotli(decoder) => decoder.close(),
            #[cfg(feature = "zstd")]
            State::Zstd(decoder) => decoder.finish(),
        };
        self.take(done)
    }

    fn begin(&mut self, packed: &[u8], left: usize) {
        let room = Room { left, ..Room::default() };
        match (&self.state, packed.first()) {
            (State::New(packing), Some(first)) => self.state = packing.begin(*first, room),
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
            State::New(_) => None,
            State::Gzip(decoder) => Some(decoder.get_mut()),
            State::Zlib(decoder) => Some(decoder.get_mut()),
            State::Deflate(decoder) => Some(decoder.get_mut()),
            #[cfg(feature = "brotli")]
            State::Brotli(decoder) => Some(decoder.get_mut()),
            #[cfg(feature = "zstd")]
            State::Zstd(decoder) => Some(decoder.room()),
        }
    }
}

/// Takes what is unpacked, as long as there is room.
#[derive(Default)]
pub(super) struct Room {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HeaderValue;

    /// 16 KiB of them become 16 MiB: no more of these is held than was asked for.
    #[test]
    fn a_piece_is_unpacked_to_no_more_than_there_is_room_for() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&vec![0; 16 << 20]).expect("memory");
        let packed = packer.finish().expect("memory");
        let gzip = (::http::header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let headers = HeaderMap::from_iter([gzip]);
        for (room, fits) in [(1000, false), ((16 << 20) - 1, false), (16 << 20, true)] {
            let mut unpacker = Unpacker::of(&headers).expect("packed");
            let unpacked = unpacker.unpack(&packed, room);
            assert!(unpacker.room().is_some_and(|kept| kept.bytes.len() <= room));
            match unpacked {
                Ok(bytes) => assert!(fits && bytes.len() == room),
                Err(Unpacked::TooLarge) => assert!(!fits, "{room}"),
                Err(Unpacked::Broken(error)) => panic!("{error}"),
            }
        }
    }
}
