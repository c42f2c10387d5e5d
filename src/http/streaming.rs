//! From a request to a [`Streamed`]: its head is handed out, its body is pumped to whoever reads it.

use std::future::Future;
use std::time::Instant;

use tokio::time::sleep_until;

use super::engine::Head;
use super::fetch::{Fetch, Open};
use super::pipe::{Inlet, pipe};
use super::session_error::SessionError;
use super::stage::Stage;
use super::turns::Turn;
use super::waiting::{First, first, limit};
use super::{Error, ErrorKind, Method, Request, Session, Streamed, Url};
use crate::sync::Arc;
use crate::{AnyError, Failure, Promise};

/// So much of the body of an error is kept for a person to read.
const BEGINNING: usize = 1024;

/// What bounds a body that is read as it comes.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// The most bytes.
    pub(super) most: u64,
    pub(super) deadline: Option<Instant>,
}

impl Bounds {
    pub(super) const NONE: Self = Self { most: u64::MAX, deadline: None };
}

impl<E: SessionError> Session<E> {
    /// Where requests come through whose body is read as it comes.
    #[track_caller]
    pub(super) fn start_stream(&self, request: Result<Request, Error>) -> Promise<Streamed, E> {
        self.launch(request, |mut fetch, request, deferred| async move {
            match streamed(&mut fetch, request).await {
                Err(failure) => deferred.settle(Err(E::of(failure))),
                Ok((streamed, pump)) => {
                    drop(tokio::spawn(pump.run(fetch))); // it ends with its reader
                    deferred.resolve(streamed);
                }
            }
        })
    }
}

async fn streamed(fetch: &mut Fetch, request: Box<Request>) -> Result<(Streamed, Pump), Failure> {
    let request = fetch.hooked(request).await?;
    let about = About::of(&request);
    let (limits, hooks) = (request.limits, request.hooks.clone());
    let open = fetch.opened(request).await?;
    let bounds = Bounds {
        most: limits.body.unwrap_or(fetch.core.streamed),
        deadline: limits.timeout.and_then(limit).and_then(|limit| fetch.start?.checked_add(limit)),
    };
    let Open { mut head, turn, url, history } = open;
    let beginning = match beginning(&mut head, bounds.most).await {
        Ok(beginning) => beginning,
        Err(error) => return Err(about.failure(error.of(&url), fetch)),
    };
    let length = head.announced();
    let known =
        fetch.response(&mut head, beginning.clone(), url.clone(), history, about.tag.clone());
    let known = fetch.looked_at(known, hooks).await?;
    let (inlet, outlet) = pipe();
    let mut left = bounds.most;
    if !beginning.is_empty() {
        left -= beginning.len() as u64;
        inlet.give(beginning.into());
    }
    let pump = Pump { head, turn, inlet, url, about, left, bounds };
    Ok((Streamed::new(known, length, outlet), pump))
}

/// The first KiB of the body of an error, so that the error can show it.
pub(super) async fn beginning(head: &mut Head, most: u64) -> Result<Vec<u8>, Error> {
    let mut beginning = Vec::new();
    let status = head.parts.status;
    if !status.is_client_error() && !status.is_server_error() {
        return Ok(beginning);
    }
    while beginning.len() < BEGINNING {
        match head.piece(most - beginning.len() as u64).await? {
            Some(piece) => beginning.extend_from_slice(&piece),
            None => break,
        }
    }
    Ok(beginning)
}

/// What an error says of its request.
pub(super) struct About {
    method: Method,
    pub(super) tag: Option<Arc<str>>,
}

impl About {
    pub(super) fn of(request: &Request) -> Self {
        Self { method: request.method.clone(), tag: request.tag.clone() }
    }

    pub(super) fn error(&self, error: Error, fetch: &Fetch) -> Error {
        error.about(Some(&self.method), fetch.attempts, fetch.taken(), self.tag.clone())
    }

    pub(super) fn failure(&self, error: Error, fetch: &Fetch) -> Failure {
        Failure::Error(AnyError::from(self.error(error, fetch)))
    }
}

/// Carries a body from its connection to its reader, for as long as there is one.
struct Pump {
    head: Box<Head>,
    turn: Turn,
    inlet: Inlet,
    url: Url,
    about: About,
    left: u64,
    bounds: Bounds,
}

impl Pump {
    async fn run(self, fetch: Fetch) {
        let Self { mut head, turn, inlet, url, about, mut left, bounds } = self;
        let pumped = pumped(&mut head, &inlet, &mut left);
        let end = match first(inlet.left(), bounded(pumped, &fetch, bounds)).await {
            First::This(()) => None,
            First::That(end) => Some(end),
        };
        // Before the reader can know of the end: its next request finds the connection and the turn.
        drop((head, turn));
        let Some(end) = end else { return };
        let end = end.map_err(|error| {
            let error = match error.kind() {
                ErrorKind::BodyTooLarge => error.saying(format!("more than {} bytes", bounds.most)),
                _ => error,
            };
            about.error(error.of(&url), &fetch)
        });
        inlet.end(end);
    }
}

async fn pumped(head: &mut Head, inlet: &Inlet, left: &mut u64) -> Result<(), Error> {
    loop {
        inlet.room().await;
        let Some(piece) = head.piece(*left).await? else { return Ok(()) };
        *left -= piece.len() as u64;
        inlet.give(piece);
    }
}

/// What has to be done before its deadline, and before the session is over.
pub(super) async fn bounded<T>(
    work: impl Future<Output = Result<T, Error>>,
    fetch: &Fetch,
    bounds: Bounds,
) -> Result<T, Error> {
    let over = Arc::clone(&fetch.core.stage).reached(Stage::Over);
    let late = async {
        match bounds.deadline {
            None => std::future::pending().await,
            Some(deadline) => sleep_until(deadline.into()).await,
        }
    };
    match first(work, first(over, late)).await {
        First::This(done) => done,
        First::That(First::This(())) => Err(Error::new(ErrorKind::Closed)),
        First::That(First::That(())) => Err(Error::new(ErrorKind::Timeout)),
    }
}
