//! [`Jar`]: what keeps the cookies of a session, if something does.

use super::{HeaderMap, HeaderValue, Url};

/// Keeps cookies.
pub(super) trait Jar: Send + Sync {
    /// The `Cookie` header of a request.
    fn header(&self, url: &Url) -> Option<HeaderValue>;

    /// Takes what an answer sets.
    fn store(&self, url: &Url, headers: &HeaderMap);
}
