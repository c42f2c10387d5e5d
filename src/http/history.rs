//! [`Redirect`]: a part of a response's history.

use super::{StatusCode, Url};

/// A redirect that was followed: from where, and with which status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redirect {
    /// The URL that answered with the redirect.
    pub url: Url,
    /// Its status, such as `302 Found`.
    pub status: StatusCode,
}

impl Redirect {
    /// Makes one by hand, for tests.
    pub fn new(url: Url, status: StatusCode) -> Self {
        Self { url, status }
    }
}
