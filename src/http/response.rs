//! [`Response`]: an answer with its body loaded.

use std::fmt;

use encoding_rs::{Encoding, UTF_8};
use reqwest::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use super::{Error, HeaderMap, StatusCode, Url};
use crate::sync::Arc;

/// An answer, of whatever status, with its body loaded.
///
/// Cheap to clone: the clones share one body.
///
/// # Examples
///
/// ```no_run
/// let mut page = asynckit::http::Session::new().get("https://www.rust-lang.org/");
/// let page = page.get(None)?;
/// println!("{} {}: {} bytes", page.status(), page.url(), page.bytes().len());
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[derive(Clone)]
pub struct Response {
    parts: Arc<Parts>,
}

#[derive(Clone)]
struct Parts {
    status: StatusCode,
    url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Response {
    pub(super) fn new(status: StatusCode, url: Url, headers: HeaderMap, body: Vec<u8>) -> Self {
        let parts = Parts { status, url, headers, body };
        Self { parts: Arc::new(parts) }
    }

    /// Gives the status, such as `200 OK`.
    pub fn status(&self) -> StatusCode {
        self.parts.status
    }

    /// Gives the URL that answered: the last one, where the request was redirected.
    pub fn url(&self) -> &Url {
        &self.parts.url
    }

    /// Gives all headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// Gives the header `name`, if there is one and it is readable text. Upper and lower case are the same.
    ///
    /// ```no_run
    /// # let page: asynckit::http::Response = todo!();
    /// let is_html = page.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// Gives the body as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.parts.body
    }

    /// Gives the body as it came, without copying it unless a clone of this response still holds it.
    pub fn into_bytes(self) -> Vec<u8> {
        Arc::unwrap_or_clone(self.parts).body
    }

    /// Decodes the body as text.
    ///
    /// A byte order mark decides on the encoding, else the `charset` of the content type, else it is
    /// UTF-8. What is not valid in it becomes `U+FFFD`.
    pub fn text(&self) -> String {
        let (text, _, _) = self.encoding().decode(&self.parts.body);
        text.into_owned()
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    ///
    /// An [`Error`] of kind [`Decode`](super::ErrorKind::Decode) where the body is not JSON, or not the
    /// JSON of a `T`; its source is the `serde_json::Error`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::collections::HashMap;
    ///
    /// let prices = asynckit::http::Session::new()
    ///     .get("http://localhost:8000/prices.json")
    ///     .then(|answer| Ok(answer.error_for_status()?.json::<HashMap<String, u32>>()?));
    /// # let prices: asynckit::Promise<_> = prices;
    /// ```
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.parts.body).map_err(|error| Error::not_json(error, self.url()))
    }

    /// Turns an answer with a status from 400 on (a 404, a 500) into an error.
    ///
    /// # Errors
    ///
    /// An [`Error`] of kind [`Status`](super::ErrorKind::Status) for such a status.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let page = asynckit::http::Session::new()
    ///     .get("https://www.rust-lang.org/")
    ///     .then(|page| Ok(page.error_for_status()?.text()));
    /// # let page: asynckit::Promise<String> = page;
    /// ```
    pub fn error_for_status(self) -> Result<Self, Error> {
        let status = self.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(Error::bad_status(status, self.url()));
        }
        Ok(self)
    }

    fn encoding(&self) -> &'static Encoding {
        self.header(CONTENT_TYPE.as_str())
            .and_then(charset)
            .and_then(|label| Encoding::for_label(label.as_bytes()))
            .unwrap_or(UTF_8)
    }
}

/// Says what answered and how much, not the whole body.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("url", &self.url().as_str())
            .field("headers", self.headers())
            .field("bytes", &self.bytes().len())
            .finish()
    }
}

/// Finds the charset in a content type: `text/html; charset="utf-8"`.
fn charset(content_type: &str) -> Option<&str> {
    content_type
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, label)| label.trim().trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(content_type: &str, body: &[u8]) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        let url = Url::parse("http://localhost/").unwrap();
        Response::new(StatusCode::OK, url, headers, body.to_vec())
    }

    #[test]
    fn the_charset_of_the_content_type_decides() {
        assert_eq!(response("text/plain; charset=ISO-8859-1", b"caf\xe9").text(), "café");
        assert_eq!(response("text/plain;a=b; Charset=\"windows-1251\"", b"\xe4\xe0").text(), "да");
    }

    #[test]
    fn without_a_known_charset_text_is_utf8_and_never_fails() {
        assert_eq!(response("text/plain", "café".as_bytes()).text(), "café");
        assert_eq!(response("text/plain; charset=nonsense", b"a\xffb").text(), "a\u{fffd}b");
    }

    #[test]
    fn a_byte_order_mark_decides_before_all_else() {
        assert_eq!(
            response("text/plain; charset=latin1", b"\xef\xbb\xbfcaf\xc3\xa9").text(),
            "café"
        );
    }

    #[test]
    fn into_bytes_copies_only_while_a_clone_is_there() {
        let only = response("text/plain", b"body");
        let place = only.bytes().as_ptr();
        let body = only.into_bytes();
        assert_eq!(body.as_ptr(), place);
        let one = response("text/plain", b"body");
        let other = one.clone();
        assert_eq!(one.into_bytes(), b"body");
        assert_eq!(other.bytes(), b"body");
    }
}
