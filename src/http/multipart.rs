//! [`Multipart`]: a form with files.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::Body;
use super::body::Piece;
use crate::sync::atomic::{AtomicU64, Ordering};

/// A form with files, as browsers send it; for [`RequestBuilder::multipart`](super::RequestBuilder::multipart).
///
/// Files are read from disk while they are sent, and opened before a connection is made.
///
/// # Examples
///
/// ```no_run
/// use asynckit::http::{Multipart, Session};
///
/// let form = Multipart::new().text("title", "Summer").file("photo", "photos/1.jpg");
/// let answer = Session::new().post("http://localhost:8000/albums", ()).multipart(form).send();
/// # drop(answer);
/// ```
#[derive(Debug, Default)]
pub struct Multipart {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    /// All that stands in its head behind `form-data; `.
    about: String,
    kind: Option<String>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Bytes(Vec<u8>),
    File(PathBuf),
}

impl Multipart {
    /// Makes an empty form.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field of text.
    #[must_use]
    pub fn text(self, name: &str, value: impl Into<String>) -> Self {
        let content = Content::Bytes(value.into().into_bytes());
        self.part(field("name", name), None, content)
    }

    /// Adds bytes as a file of this name. Its content type follows from the name.
    #[must_use]
    pub fn bytes(self, name: &str, file_name: &str, content: impl Into<Vec<u8>>) -> Self {
        let kind = mime_guess::from_path(file_name).first_or_octet_stream().to_string();
        let about = format!("{}; {}", field("name", name), field("filename", file_name));
        self.part(about, Some(kind), Content::Bytes(content.into()))
    }

    /// Adds a file of the disk, with its name. Its content type follows from the name.
    #[must_use]
    pub fn file(self, name: &str, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let kind = mime_guess::from_path(&path).first_or_octet_stream().to_string();
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let about = format!("{}; {}", field("name", name), field("filename", &file_name));
        self.part(about, Some(kind), Content::File(path))
    }

    fn part(mut self, about: String, kind: Option<String>, content: Content) -> Self {
        self.parts.push(Part { about, kind, content });
        self
    }

    /// Gives the content type and the body.
    pub(super) fn into_body(self) -> (String, Body) {
        let boundary = boundary();
        let mut pieces = Vec::new();
        let mut text = String::new();
        for part in self.parts {
            let _ =
                write!(text, "--{boundary}\r\ncontent-disposition: form-data; {}\r\n", part.about);
            if let Some(kind) = part.kind {
                let _ = write!(text, "content-type: {kind}\r\n");
            }
            text.push_str("\r\n");
            pieces.push(Piece::Bytes(std::mem::take(&mut text).into_bytes()));
            pieces.push(match part.content {
                Content::Bytes(bytes) => Piece::Bytes(bytes),
                Content::File(path) => Piece::File(path),
            });
            text.push_str("\r\n");
        }
        let _ = write!(text, "--{boundary}--\r\n");
        pieces.push(Piece::Bytes(text.into_bytes()));
        (format!("multipart/form-data; boundary={boundary}"), Body::of_pieces(pieces))
    }
}

/// As the HTML standard has it: what would end the text is written otherwise.
fn field(name: &str, value: &str) -> String {
    let value = value.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    format!("{name}=\"{value}\"")
}

/// A text that is in no part: not guessable from outside, and another one each time.
fn boundary() -> String {
    use std::collections::hash_map::RandomState;
    use std::hash::BuildHasher;
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // ORDERING: Relaxed, a number and nothing else.
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let random = || RandomState::new().hash_one(count);
    format!("asynckit-{:016x}{:016x}", random(), random())
}
