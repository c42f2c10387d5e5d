//! [`Zstd`]: bodies packed by zstd, as RFC 8878 has them and RFC 9659 limits them. With the feature `zstd`.

use std::io;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::unpack::Room;

const MAGIC: u32 = 0xFD2F_B528;
/// The first of the sixteen that begin what is to be passed over.
const SKIPPED: u32 = 0x184D_2A50;
/// What a client has to be able to unpack. More is refused: so much is kept in memory before any of it is handed on.
const LARGEST_WINDOW: u64 = 8 << 20;
/// A block is never larger, packed or unpacked.
const LARGEST_BLOCK: usize = 128 * 1024;

/// Unpacks frames, block by block, as they come.
pub(super) struct Zstd {
    decoder: FrameDecoder,
    room: Room,
    /// What has come of the block, or the head, that is not whole.
    rest: Vec<u8>,
    place: Place,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Place {
    Frame,
    Block { checksum: bool },
    Skipped(usize),
}

impl Zstd {
    pub(super) fn new(room: Room) -> Self {
        Self { decoder: FrameDecoder::new(), room, rest: Vec::new(), place: Place::Frame }
    }

    pub(super) fn room(&mut self) -> &mut Room {
        &mut self.room
    }

    pub(super) fn write(&mut self, packed: &[u8]) -> io::Result<()> {
        self.rest.extend_from_slice(packed);
        let mut rest = std::mem::take(&mut self.rest);
        let mut used = 0;
        let done = loop {
            match self.step(&rest[used..]) {
                Ok(0) => break Ok(()),
                Ok(count) => used += count,
                Err(error) => break Err(error),
            }
        };
        rest.drain(..used);
        self.rest = rest;
        done
    }

    /// The body has ended: was that an end?
    pub(super) fn finish(&mut self) -> io::Result<()> {
        match self.place {
            Place::Frame if self.rest.is_empty() => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Uses what is whole of `bytes`; says how much. 0: more has to come first.
    fn step(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.place {
            Place::Frame => self.frame(bytes),
            Place::Skipped(left) => {
                let count = left.min(bytes.len());
                self.place =
                    if count == left { Place::Frame } else { Place::Skipped(left - count) };
                Ok(count)
            }
            Place::Block { checksum } => self.block(bytes, checksum),
        }
    }

    fn frame(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(magic) = bytes.first_chunk().map(|magic| u32::from_le_bytes(*magic)) else {
            return Ok(0);
        };
        if magic & !0xF == SKIPPED {
            let Some(length) = bytes.get(4..8) else { return Ok(0) };
            self.place = Place::Skipped(number(length) as usize);
            return Ok(8);
        }
        if magic != MAGIC {
            return Err(broken("it is not zstd"));
        }
        let Some(head) = Head::of(&bytes[4..]) else { return Ok(0) };
        if head.window > LARGEST_WINDOW {
            return Err(broken("its window is larger than 8 MiB"));
        }
        let whole = &bytes[..4 + head.length];
        self.decoder.reset(whole).map_err(io::Error::other)?;
        self.place = Place::Block { checksum: head.checksum };
        Ok(whole.len())
    }

    fn block(&mut self, bytes: &[u8], checksum: bool) -> io::Result<usize> {
        let Some(head) = bytes.get(..3) else { return Ok(0) };
        let head = number(head);
        let (is_last, kind, size) = (head & 1 == 1, head >> 1 & 3, (head >> 3) as usize);
        if size > LARGEST_BLOCK {
            return Err(broken("a block is too large"));
        }
        let is_checked = is_last && checksum;
        let body = if kind == 1 { 1 } else { size }; // one byte, repeated
        let Some(whole) = bytes.get(..3 + body + if is_checked { 4 } else { 0 }) else {
            return Ok(0);
        };
        let strategy = BlockDecodingStrategy::UptoBlocks(1);
        self.decoder.decode_blocks(whole, strategy).map_err(io::Error::other)?;
        self.decoder.collect_to_writer(&mut self.room)?;
        if is_last {
            let decoder = &self.decoder;
            let (told, found) =
                (decoder.get_checksum_from_data(), decoder.get_calculated_checksum());
            if is_checked && told != found {
                return Err(broken("the checksum is wrong"));
            }
            self.place = Place::Frame;
        }
        Ok(whole.len())
    }
}

/// What is to be known of the head of a frame, behind its magic number.
struct Head {
    length: usize,
    window: u64,
    checksum: bool,
}

impl Head {
    /// `None`: it is not whole.
    fn of(bytes: &[u8]) -> Option<Self> {
        let flags = *bytes.first()?;
        let is_single = flags & 0x20 != 0;
        let window_length = usize::from(!is_single);
        let name_length = [0, 1, 2, 4][usize::from(flags & 3)];
        let size_length = match flags >> 6 {
            0 => usize::from(is_single),
            exponent => 1 << exponent,
        };
        let size_at = 1 + window_length + name_length;
        let size = bytes.get(size_at..size_at + size_length)?;
        let window = if is_single {
            number(size) + if size_length == 2 { 256 } else { 0 }
        } else {
            let base = 1u64 << (10 + (bytes[1] >> 3));
            base + base / 8 * u64::from(bytes[1] & 7)
        };
        Some(Self { length: size_at + size_length, window, checksum: flags & 4 != 0 })
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn broken(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}
