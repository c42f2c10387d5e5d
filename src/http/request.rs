//! [`Request`]: what is sent, as a value.

use std::fmt::{self, Display};
use std::time::Duration;

use ::http::Version;
use ::http::header::{AUTHORIZATION, HeaderValue};
use base64::Engine as _;

use super::hooks::Hooks;
use super::redact::redacted;
use super::{Body, Error, ErrorKind, HeaderMap, Method, Url};
use crate::sync::Arc;

/// What is sent: method, URL, headers, body, and what holds for this request alone.
///
/// Made by [`RequestBuilder::build`](super::RequestBuilder::build), or from an `http::Request`; sent with
/// [`Session::execute`](super::Session::execute). [Hooks](super::SessionBuilder::on_request) may change it.
///
/// # Examples
///
/// ```
/// use asynckit::http::{Body, Request};
///
/// let request = http::Request::put("http://localhost:8000/note").body(Body::from("text"))?;
/// let request = Request::try_from(request)?;
/// assert_eq!(request.method(), "PUT");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    pub(super) version: Option<Version>,
    pub(super) limits: Overrides,
    pub(super) tag: Option<Arc<str>>,
    pub(super) hooks: Hooks,
}

/// What a request wants otherwise than its session.
#[derive(Clone, Copy, Default)]
pub(super) struct Overrides {
    pub(super) timeout: Option<Duration>,
    pub(super) first_byte: Option<Duration>,
    pub(super) idle: Option<Duration>,
    pub(super) redirects: Option<usize>,
    pub(super) body: Option<u64>,
}

impl Request {
    /// A request without headers and body. User name and password in the URL become its authorisation.
    ///
    /// # Errors
    ///
    /// [`BadUrl`](ErrorKind::BadUrl) for a URL that is not fetched over HTTP.
    pub fn new(method: Method, url: Url) -> Result<Self, Error> {
        let mut request = Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::default(),
            version: None,
            limits: Overrides::default(),
            tag: None,
            hooks: Hooks::default(),
        };
        request.check_url()?;
        Ok(request)
    }

    /// Gives the method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Gives the URL, without user name and password.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Gives the URL, to be changed.
    pub fn url_mut(&mut self) -> &mut Url {
        &mut self.url
    }

    /// Gives the headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Gives the headers, to be changed.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// Gives the body.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Gives the body, to be changed.
    pub fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    /// Gives the tag, if it has one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Adds pairs to the URL's query.
    pub(super) fn add_query<K: AsRef<str>, V: Display>(
        &mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) {
        let mut pairs = pairs.into_iter().peekable();
        if pairs.peek().is_none() {
            return; // else there were an empty query
        }
        let mut query = self.url.query_pairs_mut();
        for (name, value) in pairs {
            query.append_pair(name.as_ref(), &value.to_string());
        }
    }

    /// The same once more.
    pub(super) fn again(&self) -> Self {
        Self {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            version: self.version,
            limits: self.limits,
            tag: self.tag.clone(),
            hooks: self.hooks.clone(),
        }
    }

    /// Whether it can be sent; what is secret in the URL goes into a header.
    pub(super) fn check_url(&mut self) -> Result<(), Error> {
        if !matches!(self.url.scheme(), "http" | "https") || !self.url.has_host() {
            let error = Error::new(ErrorKind::BadUrl).of_text(self.url.as_str());
            return Err(error.saying("only http and https are fetched"));
        }
        if let Some(authorization) = take_credentials(&mut self.url) {
            self.headers.entry(AUTHORIZATION).or_insert(authorization);
        }
        Ok(())
    }
}

/// Takes user name and password out of a URL.
pub(super) fn take_credentials(url: &mut Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent_decoded(text);
    let header = basic(&decoded(url.username()), url.password().map(decoded).as_deref());
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some(header)
}

fn percent_decoded(text: &str) -> String {
    // Only a form's `+` is something else here.
    let form = format!("x={}", text.replace('+', "%2B"));
    let decoded = url::form_urlencoded::parse(form.as_bytes()).next();
    decoded.map_or_else(String::new, |(_, value)| value.into_owned())
}

/// Basic authorisation.
pub(super) fn basic(user: &str, password: Option<&str>) -> HeaderValue {
    let text = format!("{user}:{}", password.unwrap_or_default());
    let text = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text));
    let mut header = HeaderValue::try_from(text).expect("base64 is ASCII");
    header.set_sensitive(true);
    header
}

/// Method and URL; headers may be secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {}, {:?})", self.method, redacted(&self.url), self.body)
    }
}

impl<B: Into<Body>> TryFrom<::http::Request<B>> for Request {
    type Error = Error;

    fn try_from(request: ::http::Request<B>) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let text = parts.uri.to_string();
        let url = Url::parse(&text).map_err(|error| Error::bad_url(&text, error))?;
        let mut request = Self::new(parts.method, url)?;
        request.headers.extend(parts.headers);
        request.body = body.into();
        if parts.version != Version::HTTP_11 {
            request.version = Some(parts.version);
        }
        Ok(request)
    }
}

/// Gives up what only a session knows: the tag, limits and hooks.
impl TryFrom<Request> for ::http::Request<Body> {
    type Error = ::http::Error;

    fn try_from(request: Request) -> Result<Self, ::http::Error> {
        let mut made = ::http::Request::builder().method(request.method).uri(request.url.as_str());
        made = made.version(request.version.unwrap_or(Version::HTTP_11));
        let mut made = made.body(request.body)?;
        *made.headers_mut() = request.headers;
        Ok(made)
    }
}
