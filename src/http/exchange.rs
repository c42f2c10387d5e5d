//! One request and its answer, as they happen on the I/O thread.

use reqwest::{Client, Request};
use tokio::sync::Semaphore;

use super::{Error, Response};
use crate::sync::Arc;

/// The most that is set aside for a body because of what its `content-length` says; a longer one grows.
const TRUSTED_LENGTH: u64 = 1 << 20;

/// Waits for a turn, sends `request` and loads the answer with its body.
pub(super) async fn exchange(
    client: Client,
    turns: Arc<Semaphore>,
    request: Request,
) -> Result<Response, Error> {
    // The clock of the session's timeout starts in `execute`: waiting for a turn does not count.
    let _turn = turns.acquire().await; // never closed, so this is no failure
    let url = request.url().clone();
    let answer = client.execute(request).await;
    let mut answer = answer.map_err(|error| Error::no_answer(error, &url))?;
    let body = load(&mut answer).await;
    let body = body.map_err(|error| Error::broken_body(error, answer.url()))?;
    Ok(Response::new(
        answer.status(),
        answer.url().clone(),
        std::mem::take(answer.headers_mut()),
        body,
    ))
}

async fn load(answer: &mut reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    let announced = answer.content_length().unwrap_or(0).min(TRUSTED_LENGTH);
    let mut body = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
