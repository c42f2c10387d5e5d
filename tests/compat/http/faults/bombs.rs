//! Packed bodies: whole, in small pieces, broken, and bombs.

use std::io::Write;

use asynckit::http::{Error, ErrorKind, Session, SessionBuilder};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::super::support::{answer, header, http_error, serve_each, settings, watched};

fn pack(name: &str, plain: &[u8]) -> Vec<u8> {
    let done = match name {
        "gzip" => {
            let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
            packer.write_all(plain).and_then(|()| packer.finish())
        }
        "deflate" => {
            let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
            packer.write_all(plain).and_then(|()| packer.finish())
        }
        "bare deflate" => {
            let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
            packer.write_all(plain).and_then(|()| packer.finish())
        }
        "br" => {
            let mut packer = brotli::CompressorWriter::new(Vec::new(), 4096, 4, 22);
            packer.write_all(plain).map(|()| packer.into_inner())
        }
        "zstd" => Ok(compress_to_vec(plain, CompressionLevel::Fastest)),
        other => panic!("{other}"),
    };
    done.expect("memory")
}

const ALL: [&str; 5] = ["gzip", "deflate", "bare deflate", "br", "zstd"];

/// Sends `body`, said to be packed as `name`; in pieces of `piece` bytes.
fn site(name: &'static str, body: Vec<u8>, piece: usize) -> String {
    let name = name.trim_start_matches("bare ");
    serve_each(move |connection, head| {
        assert!(
            header(head, "accept-encoding")
                .is_some_and(|all| all.split(", ").any(|one| one == name))
        );
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: {name}\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        let mut sent = connection.write_all(head.as_bytes());
        for piece in body.chunks(piece) {
            let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
            sent = sent.and_then(|()| connection.write_all(&chunk));
        }
        sent.and_then(|()| connection.write_all(b"0\r\n\r\n")).is_ok()
    })
}

fn fetch(settings: SessionBuilder, site: &str) -> Result<Vec<u8>, Error> {
    let session: Session = settings.build().expect("valid settings");
    let page = session.get(site).get(None);
    page.map(|page| page.into_bytes()).map_err(|failure| http_error(&failure).clone())
}

/// Text that repeats itself, and noise.
fn plain() -> Vec<u8> {
    let mut state = 7_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let text = "what is said twice is shorter ".repeat(10_000).into_bytes();
    text.into_iter().chain(noise.take(200_000)).collect()
}

#[test]
fn each_packing_is_asked_for_and_unpacked_however_it_comes() {
    watched(|| {
        for name in ALL {
            let packed = pack(name, &plain());
            for piece in [packed.len(), 8_000] {
                let body = fetch(settings(), &site(name, packed.clone(), piece)).expect(name);
                assert!(body == plain(), "{name} in pieces of {piece}");
            }
            let small = fetch(settings(), &site(name, pack(name, b"a few words"), 1)).expect(name);
            assert_eq!(small, b"a few words", "{name} byte by byte");
            assert_eq!(fetch(settings(), &site(name, pack(name, b""), 1)).expect(name), b"");
        }
    });
}

#[test]
fn a_bomb_of_each_packing_is_refused() {
    watched(|| {
        for name in ALL {
            let bomb = pack(name, &vec![0; 64 << 20]);
            assert!(bomb.len() < 1 << 20, "{name}: {} bytes", bomb.len());
            let error = fetch(settings(), &site(name, bomb.clone(), 1 << 20)).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::BodyTooLarge, "{name}: {error}");
            let error = fetch(settings().max_body(1000), &site(name, bomb, 100)).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::BodyTooLarge, "{name}: {error}");
        }
    });
}

#[test]
fn exactly_what_is_allowed_is_let_through() {
    watched(|| {
        for name in ALL {
            let site = site(name, pack(name, &[b'x'; 5000]), 1 << 20);
            assert_eq!(fetch(settings().max_body(5000), &site).expect(name).len(), 5000);
            let error = fetch(settings().max_body(4999), &site).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::BodyTooLarge, "{name}: {error}");
        }
    });
}

#[test]
fn what_is_cut_short_or_is_none_is_a_broken_body() {
    watched(|| {
        for name in ALL {
            let whole = pack(name, &plain());
            for length in [1, 5, whole.len() / 2, whole.len() - 1] {
                let error = fetch(settings(), &site(name, whole[..length].to_vec(), 1 << 20));
                let error = error.expect_err(name);
                assert_eq!(error.kind(), ErrorKind::Body, "{name} at {length}: {error}");
            }
            if name != "bare deflate" {
                let error = fetch(settings(), &site(name, b"\xffno such thing".repeat(9), 1 << 20));
                assert_eq!(error.expect_err(name).kind(), ErrorKind::Body, "{name}");
            }
        }
    });
}

#[test]
fn zstd_has_frames_and_what_is_to_be_skipped_and_a_largest_window() {
    watched(|| {
        let skipped = [b"\x5a\x2a\x4d\x18\x03\0\0\0abc".as_slice()].concat();
        let frames = [&skipped, &pack("zstd", b"one "), &skipped, &pack("zstd", b"two")];
        let frames = frames.map(Vec::as_slice).concat();
        assert_eq!(
            fetch(settings(), &site("zstd", frames.clone(), 1)).expect("frames"),
            b"one two"
        );
        assert_eq!(fetch(settings(), &site("zstd", frames, 9999)).expect("frames"), b"one two");
        // A head of a window of 8 MiB and an eighth, and a whole last block of one byte.
        let window = |descriptor: u8| {
            let head = [0x28, 0xb5, 0x2f, 0xfd, 0x00, descriptor];
            [head.as_slice(), &[0x09, 0, 0], b"x"].concat()
        };
        assert_eq!(fetch(settings(), &site("zstd", window(13 << 3), 99)).expect("8 MiB"), b"x");
        let error = fetch(settings(), &site("zstd", window(13 << 3 | 1), 99)).expect_err("more");
        assert!(error.kind() == ErrorKind::Body && error.to_string().contains("window"), "{error}");
        let mut wrong = pack("zstd", b"checked");
        let last = wrong.len() - 1;
        wrong[last] ^= 1; // of the checksum
        let error = fetch(settings(), &site("zstd", wrong, 99)).expect_err("a wrong checksum");
        assert_eq!(error.kind(), ErrorKind::Body, "{error}");
    });
}

#[test]
fn what_is_not_asked_for_is_not_unpacked() {
    watched(|| {
        let site = serve_each(|connection, head| {
            assert_eq!(header(head, "accept-encoding"), None);
            answer(connection, "200 OK\r\ncontent-encoding: br", b"as it is")
        });
        assert_eq!(fetch(settings().no_compression(), &site).expect("an answer"), b"as it is");
    });
}
