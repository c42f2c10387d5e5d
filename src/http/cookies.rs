//! [`CookieJar`]: the cookies of a session, which can be saved and loaded. With the feature `cookies`.

use std::fmt;
use std::io::{BufRead, Write};

use ::http::header::SET_COOKIE;
use cookie_store::{CookieStore, RawCookie};

use super::jar::Jar;
use super::{Error, ErrorKind, HeaderMap, HeaderValue, SessionBuilder, Url};
use crate::sync::{Arc, Mutex};

/// Cookies, as servers set them and as they are sent back to those who may have them. With the feature `cookies`.
///
/// There is no list of public suffixes in it: a server of `a.co.uk` may set a cookie for all of `co.uk`.
///
/// A clone is the same jar; sessions that have it share its cookies. A request with a `Cookie` header of its own
/// sends that alone.
///
/// # Examples
///
/// ```
/// use asynckit::http::{CookieJar, Session};
///
/// let jar = CookieJar::new();
/// let session = Session::builder().cookies(&jar).build()?;
/// // … the next time:
/// let mut saved = Vec::new();
/// jar.save(&mut saved)?;
/// let session = Session::builder().cookies(&CookieJar::load(saved.as_slice())?).build()?;
/// # Ok::<(), asynckit::http::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct CookieJar {
    store: Arc<Mutex<CookieStore>>,
}

impl CookieJar {
    /// Makes an empty jar.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a jar that was saved.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Setup`] for what is no saved jar, or cannot be read.
    pub fn load(reader: impl BufRead) -> Result<Self, Error> {
        let store = cookie_store::serde::json::load_all(reader);
        let store =
            store.map_err(|error| Error::new(ErrorKind::Setup).saying(error.to_string()))?;
        Ok(Self { store: Arc::new(Mutex::new(store)) })
    }

    /// Writes all cookies that have not expired, those of this run only included, as JSON. They are secrets.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Setup`] for what cannot be written.
    pub fn save(&self, mut writer: impl Write) -> Result<(), Error> {
        let mut text = Vec::new(); // nothing of the user's is called under the lock
        let saved = cookie_store::serde::json::save_incl_expired_and_nonpersistent(
            &self.store.lock(),
            &mut text,
        );
        saved.map_err(|error| Error::new(ErrorKind::Setup).saying(error.to_string()))?;
        writer.write_all(&text).map_err(|error| Error::new(ErrorKind::Setup).because(error))
    }

    /// Gives the value of a cookie that would be sent to `url`.
    pub fn get(&self, url: &Url, name: &str) -> Option<String> {
        let store = self.store.lock();
        let mut pairs = store.get_request_values(url);
        pairs.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
    }

    /// Forgets all cookies.
    pub fn clear(&self) {
        self.store.lock().clear();
    }
}

impl Jar for CookieJar {
    fn header(&self, url: &Url) -> Option<HeaderValue> {
        let store = self.store.lock();
        let pairs = store.get_request_values(url).map(|(name, value)| format!("{name}={value}"));
        let text = pairs.collect::<Vec<_>>().join("; ");
        let mut header = HeaderValue::try_from(text).ok().filter(|header| !header.is_empty())?;
        header.set_sensitive(true);
        Some(header)
    }

    fn store(&self, url: &Url, headers: &HeaderMap) {
        let texts = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies = texts.filter_map(|text| RawCookie::parse(text.to_owned()).ok());
        self.store.lock().store_response_cookies(cookies, url);
    }
}

impl SessionBuilder {
    /// Sends the cookies of `jar`, and keeps there what servers set, also with redirects. With the feature
    /// `cookies`.
    pub fn cookies(mut self, jar: &CookieJar) -> Self {
        self.jar = Some(Arc::new(jar.clone()));
        self
    }
}

/// Says how many there are, and no secrets.
impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CookieJar({} cookies)", self.store.lock().iter_any().count())
    }
}
