//! [`Response`]: an answer with its body loaded.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use ::http::header::CONTENT_TYPE;
use encoding_rs::{Encoding, UTF_8};
use serde::de::DeserializeOwned;

use super::links::{Link, links};
use super::redact::redacted;
use super::{Error, ErrorKind, HeaderMap, Redirect, StatusCode, Url, Version};
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
pub(super) struct Parts {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) history: Vec<Redirect>,
    pub(super) elapsed: Duration,
    pub(super) remote_addr: Option<SocketAddr>,
    pub(super) tag: Option<Arc<str>>,
    pub(super) attempts: u32,
}

impl Response {
    /// Makes a response by hand, for tests and for [hooks](super::SessionBuilder::on_response) that replace one.
    ///
    /// # Examples
    ///
    /// ```
    /// use asynckit::http::{HeaderMap, Response, StatusCode, Url};
    ///
    /// let url = Url::parse("http://localhost/answer").expect("a URL");
    /// let response = Response::new(StatusCode::OK, url, HeaderMap::new(), "42");
    /// assert_eq!(response.json::<u32>()?, 42);
    /// # Ok::<(), asynckit::http::Error>(())
    /// ```
    pub fn new(status: StatusCode, url: Url, headers: HeaderMap, body: impl Into<Vec<u8>>) -> Self {
        Self::from_parts(Parts {
            status,
            version: Version::HTTP_11,
            url,
            headers,
            body: body.into(),
            history: Vec::new(),
            elapsed: Duration::ZERO,
            remote_addr: None,
            tag: None,
            attempts: 1,
        })
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(Arc::make_mut(&mut self.parts));
        self
    }

    pub(super) fn from_parts(parts: Parts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// Gives the version of HTTP that the server spoke.
    pub fn version(&self) -> Version {
        self.parts.version
    }

    /// Gives the links of the `Link` headers: the next page of a list, and the like.
    ///
    /// ```no_run
    /// # let page: asynckit::http::Response = todo!();
    /// let next = page.links().into_iter().find(|link| link.rel == "next").map(|link| link.url);
    /// ```
    pub fn links(&self) -> Vec<Link> {
        links(self.headers(), self.url())
    }

    /// Gives the redirects that were followed, in their order.
    pub fn history(&self) -> &[Redirect] {
        &self.parts.history
    }

    /// Says how long it took, from the request's turn to the end of the body.
    pub fn elapsed(&self) -> Duration {
        self.parts.elapsed
    }

    /// Gives the address that answered: the proxy's, where there is one. `None` where there was no connection.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.parts.remote_addr
    }

    /// Gives the tag of the request, if it had one.
    pub fn tag(&self) -> Option<&str> {
        self.parts.tag.as_deref()
    }

    /// Says how many requests it took: redirects and repetitions count.
    pub fn attempts(&self) -> u32 {
        self.parts.attempts
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

    /// Reads the body as JSON. A byte order mark, which JSON should not have, is passed over.
    ///
    /// # Errors
    ///
    /// An [`Error`] of kind [`Decode`](super::ErrorKind::Decode) where the body is not JSON, or not the
    /// JSON of a `T`; its source is the `serde_json::Error`, which knows the place.
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
        let body = &self.parts.body;
        let json = serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body));
        json.map_err(|error| self.error(Error::new(ErrorKind::Decode).because(error)))
    }

    /// Turns an answer with a status from 400 on (a 404, a 500) into an error.
    ///
    /// # Errors
    ///
    /// An [`Error`] of kind [`Status`](super::ErrorKind::Status) for such a status. It keeps the status, the
    /// headers, and the first 1,024 bytes of the body.
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
            let error = Error::bad_status(status, self.headers(), self.bytes());
            return Err(self.error(error));
        }
        Ok(self)
    }

    fn error(&self, error: Error) -> Error {
        let Parts { attempts, elapsed, tag, url, .. } = &*self.parts;
        error.of(url).about(None, *attempts, *elapsed, tag.clone())
    }

    fn encoding(&self) -> &'static Encoding {
        self.header(CONTENT_TYPE.as_str())
            .and_then(charset)
            .and_then(|label| Encoding::for_label(label.as_bytes()))
            .unwrap_or(UTF_8)
    }
}

impl From<Response> for ::http::Response<Vec<u8>> {
    fn from(response: Response) -> Self {
        let Parts { status, version, headers, body, .. } = Arc::unwrap_or_clone(response.parts);
        let mut made = ::http::Response::new(body);
        *made.status_mut() = status;
        *made.version_mut() = version;
        *made.headers_mut() = headers;
        made
    }
}

/// Says what answered and how much, not the whole body.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("url", &redacted(self.url()))
            .field("headers", &self.headers().len())
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
        Response::new(StatusCode::OK, url, headers, body)
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
