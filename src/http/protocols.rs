//! [`Protocols`]: which versions of HTTP a session speaks.

#[cfg(feature = "http2")]
use super::SessionBuilder;

/// Which versions of HTTP a session speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Protocols {
    /// HTTP/2 where the server wants it and TLS says so.
    #[default]
    #[cfg(feature = "http2")]
    Both,
    #[cfg_attr(not(feature = "http2"), default)]
    One,
    #[cfg(feature = "http2")]
    Two,
}

impl Protocols {
    /// What is offered when TLS begins; it does not depend on what other crates switch on.
    pub(super) fn alpn(self) -> Vec<Vec<u8>> {
        let names: &[&[u8]] = match self {
            #[cfg(feature = "http2")]
            Protocols::Both => &[b"h2", b"http/1.1"],
            Protocols::One => &[b"http/1.1"],
            #[cfg(feature = "http2")]
            Protocols::Two => &[b"h2"],
        };
        names.iter().map(|name| name.to_vec()).collect()
    }
}

/// HTTP/2, with the feature `http2`: by default it is spoken over TLS where the server wants it.
///
/// Many requests then share one connection. A request that is given up ends its stream and not the connection. While
/// nothing at all moves on the connection, the idle limit passes as ever; in a body it is that request's own.
#[cfg(feature = "http2")]
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
