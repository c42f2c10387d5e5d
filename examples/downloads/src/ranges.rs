//! A file as servers send it: under a name of its own (an `ETag`), and the rest of it alone where that is asked for.

use axum::http::header::{
    ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

/// Answers with `body`, or as much of it as was asked for.
pub(crate) fn answer(asked: &HeaderMap, kind: &'static str, body: Vec<u8>) -> Response {
    let etag = etag(&body);
    let says = |name| asked.get(name).and_then(|value| value.to_str().ok());
    let known = [(ETAG, etag.clone()), (ACCEPT_RANGES, "bytes".to_owned())];
    let kind = [(CONTENT_TYPE, kind)];
    if says(IF_NONE_MATCH) == Some(&etag) {
        return (StatusCode::NOT_MODIFIED, known).into_response();
    }
    let is_same = says(IF_RANGE).is_none_or(|range| range == etag);
    let from = says(RANGE).filter(|_| is_same).and_then(first);
    match from {
        Some(from) if from < body.len() => {
            let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
            let rest = body[from..].to_vec();
            (StatusCode::PARTIAL_CONTENT, known, kind, [(CONTENT_RANGE, range)], rest)
                .into_response()
        }
        Some(_) => StatusCode::RANGE_NOT_SATISFIABLE.into_response(),
        None => (known, kind, body).into_response(),
    }
}

/// The `n` of `bytes=n-`.
fn first(range: &str) -> Option<usize> {
    range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

/// FNV-1a: another one for each content.
fn etag(body: &[u8]) -> String {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    format!("\"{:016x}\"", body.iter().fold(0xcbf2_9ce4_8422_2325, step))
}
