//! Where a redirect leads, and what of a request goes along.

use ::http::StatusCode;
use ::http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderMap,
    LOCATION, PROXY_AUTHORIZATION, REFERER, TRANSFER_ENCODING,
};

use super::redact::{redacted, redacted_text};
use super::request::take_credentials;
use super::{Body, Error, ErrorKind, Method, Request, Url};

/// Where an answer leads; `None`: it is no redirect.
pub(super) fn target(
    status: StatusCode,
    headers: &HeaderMap,
    from: &Url,
) -> Result<Option<Url>, Error> {
    let Some(location) = headers.get(LOCATION).filter(|_| is_redirect(status)) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(location.as_bytes());
    let bad = |text: String| Error::new(ErrorKind::Redirect).of(from).saying(text);
    let target = from.join(&text);
    let mut target =
        target.map_err(|error| bad(format!("it leads to {:?}, {error}", redacted_text(&text))))?;
    if !matches!(target.scheme(), "http" | "https") {
        let shown = redacted(&target);
        let scheme = target.scheme();
        return Err(bad(format!("it leads to {shown}, and {scheme} is not followed")));
    }
    if target.fragment().is_none() {
        target.set_fragment(from.fragment());
    }
    Ok(Some(target))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Turns `request` into the one that a redirect asks for.
///
/// # Errors
///
/// Its body is to be sent again, and cannot be.
pub(super) fn follow(
    request: &mut Request,
    status: StatusCode,
    mut target: Url,
) -> Result<(), Error> {
    let by_get = match status.as_u16() {
        303 => request.method != Method::HEAD,
        301 | 302 => request.method == Method::POST,
        _ => false,
    };
    if by_get {
        request.method = Method::GET;
        request.body = Body::default();
        for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING] {
            request.headers.remove(name);
        }
    } else if !request.body.is_repeatable() {
        let error = Error::new(ErrorKind::Redirect).of(&request.url);
        return Err(error.saying("its body was read, and cannot be sent again"));
    }
    request.headers.remove(HOST);
    if target.origin() != request.url.origin() {
        for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, REFERER] {
            request.headers.remove(name);
        }
        request.headers.remove("cookie2");
    }
    if let Some(authorization) = take_credentials(&mut target) {
        request.headers.insert(AUTHORIZATION, authorization);
    }
    request.url = target;
    Ok(())
}
