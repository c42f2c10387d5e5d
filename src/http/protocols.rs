//! [`Protocols`]: which versions of HTTP a session speaks.

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
