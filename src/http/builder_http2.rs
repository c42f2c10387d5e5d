//! The settings of a session that are about HTTP/2. With the feature `http2`.

use super::SessionBuilder;
use super::protocols::Protocols;

/// HTTP/2, with the feature `http2`: by default it is spoken over TLS where the server wants it.
///
/// Many requests then share one connection. A request that is given up ends its stream and not the connection. While
/// nothing at all moves on the connection, the idle limit passes as ever; in a body it is that request's own.
impl SessionBuilder {
    /// Speaks HTTP/1.1 only. With the feature `http2`.
    pub fn http1_only(mut self) -> Self {
        self.protocols = Protocols::One;
        self
    }

    /// Speaks HTTP/2 only, without asking, also without TLS. With the feature `http2`.
    ///
    /// ```
    /// # use asynckit::http::Session;
    /// let session = Session::builder().http2_prior_knowledge().build()?;
    /// # Ok::<(), asynckit::http::Error>(())
    /// ```
    pub fn http2_prior_knowledge(mut self) -> Self {
        self.protocols = Protocols::Two;
        self
    }
}
