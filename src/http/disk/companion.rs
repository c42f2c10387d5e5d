//! [`Companion`]: the small file that says of which file on the server a part, or a whole file, is.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use ::http::header::{DATE, ETAG, HeaderName, HeaderValue, LAST_MODIFIED};

use crate::http::{HeaderMap, Url};

const FIRST_LINE: &str = "asynckit download 1";
/// Without it, the file was not written to its end.
const LAST_LINE: &str = "end";

/// What is known of a part or a file on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Companion {
    /// Of the URL, which may have a secret in it.
    pub(super) url: u64,
    pub(super) is_whole: bool,
    pub(super) length: Option<u64>,
    etag: Option<String>,
    modified: Option<String>,
    /// The time of the last change is old enough to tell one change from the next.
    is_settled: bool,
}

impl Companion {
    pub(super) fn new(url: &Url, headers: &HeaderMap, length: Option<u64>) -> Self {
        let text = |name: HeaderName| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let time = |name: HeaderName| httpdate::parse_http_date(&text(name)?).ok();
        let is_settled = time(DATE).zip(time(LAST_MODIFIED)).is_some_and(|(now, then)| {
            now.duration_since(then).is_ok_and(|age| age >= Duration::from_secs(1))
        });
        let (etag, modified) = (text(ETAG), text(LAST_MODIFIED));
        Self { url: number_of(url), is_whole: false, length, etag, modified, is_settled }
    }

    /// What `If-Range` may say; `None`: the rest cannot be asked for.
    pub(super) fn exact(&self) -> Option<HeaderValue> {
        let etag = self.etag.as_ref().filter(|etag| etag.starts_with('"'));
        let modified = self.modified.as_ref().filter(|_| self.is_settled && self.etag.is_none());
        HeaderValue::try_from(etag.or(modified)?).ok()
    }

    /// Asks for the file only if it is another one now; `None`: that cannot be asked.
    pub(super) fn condition(&self) -> Option<(HeaderName, HeaderValue)> {
        use ::http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH};
        let (name, value) = match (&self.etag, &self.modified) {
            (Some(etag), _) => (IF_NONE_MATCH, etag),
            (None, Some(modified)) => (IF_MODIFIED_SINCE, modified),
            (None, None) => return None,
        };
        Some((name, HeaderValue::try_from(value).ok()?))
    }

    pub(super) fn is_of(&self, url: &Url) -> bool {
        self.url == number_of(url)
    }

    /// `None`: there is none, or none that can be read.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) || lines.next_back() != Some(LAST_LINE) {
            return None;
        }
        let mut known = Self::default();
        for line in lines {
            let (name, value) = line.split_once(": ")?;
            match name {
                "url" => known.url = u64::from_str_radix(value, 16).ok()?,
                "state" => known.is_whole = value == "whole",
                "length" => known.length = Some(value.parse().ok()?),
                "etag" => known.etag = Some(value.to_owned()),
                "last-modified" => known.modified = Some(value.to_owned()),
                "settled" => known.is_settled = value == "yes",
                _ => return None,
            }
        }
        Some(known)
    }

    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let state = if self.is_whole { "whole" } else { "part" };
        let mut text = format!("{FIRST_LINE}\nurl: {:016x}\nstate: {state}\n", self.url);
        let mut line = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                text.push_str(&format!("{name}: {value}\n"));
            }
        };
        line("length", self.length.map(|length| length.to_string()).as_deref());
        line("etag", self.etag.as_deref());
        line("last-modified", self.modified.as_deref());
        line("settled", self.is_settled.then_some("yes"));
        text.push_str(LAST_LINE);
        text.push('\n');
        fs::write(path, text)
    }
}

/// FNV-1a, which is the same in every version of Rust.
fn number_of(url: &Url) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    url.as_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(HeaderName, &'static str)]) -> Companion {
        let pairs =
            pairs.iter().cloned().map(|(name, value)| (name, HeaderValue::from_static(value)));
        let url = Url::parse("http://localhost/a").unwrap();
        Companion::new(&url, &HeaderMap::from_iter(pairs), Some(7))
    }

    #[test]
    fn only_what_tells_every_change_continues_a_part() {
        let then = "Sun, 06 Nov 1994 08:49:37 GMT";
        let later = "Sun, 06 Nov 1994 08:49:38 GMT";
        assert_eq!(with(&[(ETAG, "\"a\"")]).exact().unwrap(), "\"a\"");
        assert_eq!(with(&[(ETAG, "W/\"a\""), (LAST_MODIFIED, then), (DATE, later)]).exact(), None);
        assert_eq!(with(&[(LAST_MODIFIED, then), (DATE, later)]).exact().unwrap(), then);
        assert_eq!(with(&[(LAST_MODIFIED, then), (DATE, then)]).exact(), None);
        assert_eq!(with(&[(LAST_MODIFIED, then)]).exact(), None);
        assert_eq!(with(&[]).exact(), None);
    }

    #[test]
    fn what_was_written_is_read_and_what_breaks_off_is_not() {
        let path = std::env::temp_dir().join(format!("asynckit-companion-{}", std::process::id()));
        let mut known = with(&[(ETAG, "\"a: b\""), (LAST_MODIFIED, "yesterday")]);
        known.is_whole = true;
        known.write(&path).unwrap();
        assert_eq!(Companion::read(&path), Some(known));
        let text = fs::read_to_string(&path).unwrap();
        for end in 0..text.len() - 1 {
            fs::write(&path, &text[..end]).unwrap();
            assert_eq!(Companion::read(&path), None, "{}", &text[..end]);
        }
        fs::remove_file(&path).unwrap();
    }
}
