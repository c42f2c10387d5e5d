//! [`Fetch`]: all that happens to a request between its promise and its answer.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::close::Listed;
use super::core::{Core, Stage};
use super::engine::{Head, Limits};
use super::redirect::{self, Redirect};
use super::response::Parts;
use super::retry::{Pauses, Retry};
use super::turns::Turn;
use super::waiting::{First, first, limit};
use super::{Error, ErrorKind, Method, Request, Response, StatusCode};
use crate::sync::Arc;
use crate::{AnyError, Failure};

/// A redirect's body up to this length is read, so that its connection can be used again.
const SHORT: u64 = 16 * 1024;
/// The most that is set aside for a body because of what its head says; a longer one grows.
const TRUSTED_LENGTH: u64 = 64 * 1024;

/// What comes after a request.
enum Step {
    Done(Response),
    /// A redirect to the same host: with the same turn.
    Here,
    /// A redirect to another host.
    Elsewhere,
    /// The same once more, after a pause.
    Again(Duration),
}

/// One request on its way.
pub(super) struct Fetch {
    core: Arc<Core>,
    listed: Listed,
    /// When its turn came.
    start: Option<Instant>,
    attempts: u32,
}

impl Fetch {
    pub(super) fn new(core: Arc<Core>) -> Self {
        let listed = core.census.list();
        Self { core, listed, start: None, attempts: 0 }
    }

    /// Sends `request` and loads its answer.
    pub(super) async fn run(&mut self, request: Request) -> Result<Response, Failure> {
        let request = self.hooked(request).await?;
        let (hooks, url) = (request.hooks.clone(), request.url.clone());
        let (method, tag) = (request.method.clone(), request.tag.clone());
        let mut stage = self.core.stage.subscribe();
        let stopped = stage.wait_for(|stage| *stage == Stage::Over);
        let done = match first(self.limited(request), stopped).await {
            First::This(done) => done,
            First::That(_) => Err(Error::new(ErrorKind::Closed).of(&url)),
        };
        let elapsed = self.elapsed();
        let response = done.map_err(|error| {
            Failure::Error(AnyError::from(error.about(Some(&method), self.attempts, elapsed, tag)))
        })?;
        self.looked_at(response, hooks).await
    }

    /// The session's hooks may change the request, on its pool.
    async fn hooked(&self, mut request: Request) -> Result<Request, Failure> {
        if !self.core.hooks.looks_at_requests() {
            return Ok(request);
        }
        let hooks = self.core.hooks.clone();
        let job = self.core.pool().spawn(move || {
            hooks.before(&mut request)?;
            request.check_url()?;
            Ok::<_, AnyError>(request)
        });
        job.await
    }

    /// Its own hooks come behind the session's.
    async fn looked_at(
        &self,
        response: Response,
        own: super::hooks::Hooks,
    ) -> Result<Response, Failure> {
        let hooks = self.core.hooks.clone();
        if !hooks.looks_at_responses() && !own.looks_at_responses() {
            return Ok(response);
        }
        let job = self.core.pool().spawn(move || own.after(hooks.after(response)?));
        job.await
    }

    fn elapsed(&self) -> Duration {
        self.start.map_or(Duration::ZERO, |start| crate::sync::now() - start)
    }

    /// Within the limit for all, which begins with its first turn.
    async fn limited(&mut self, request: Request) -> Result<Response, Error> {
        let url = request.url.clone();
        let turn = self.core.turn(&url).await?;
        self.listed.begins();
        self.start = Some(crate::sync::now());
        let most = request.limits.timeout.unwrap_or(self.core.timeout);
        // Boxed, and only now: what waits for its turn is small, however many there are.
        let work = Box::pin(self.answered(request, turn));
        match limit(most) {
            None => work.await,
            Some(most) => match first(work, sleep(most)).await {
                First::This(done) => done,
                First::That(()) => Err(Error::new(ErrorKind::Timeout).of(&url)),
            },
        }
    }

    /// Sends it again where the session does so, and follows redirects.
    async fn answered(&mut self, mut request: Request, turn: Turn) -> Result<Response, Error> {
        let mut turn = Some(turn);
        let mut history = Vec::new();
        let mut pauses = self.core.retry.as_ref().map(Retry::begin);
        loop {
            let done = self.step(&mut request, &mut history, pauses.as_mut()).await;
            let pause = match done? {
                Step::Done(response) => return Ok(response),
                Step::Here => continue,
                Step::Elsewhere => Duration::ZERO,
                Step::Again(pause) => pause,
            };
            drop(turn.take()); // neither who pauses nor who waits for a turn has one
            if !pause.is_zero() {
                sleep(pause).await;
            }
            turn = Some(self.core.turn(&request.url).await?);
        }
    }

    /// One request, and what its answer leads to.
    async fn step(
        &mut self,
        request: &mut Request,
        history: &mut Vec<Redirect>,
        pauses: Option<&mut Pauses>,
    ) -> Result<Step, Error> {
        let done = match self.sent(request).await {
            Ok(head) => self.followed(head, request, history).await,
            Err(error) => Err(error),
        };
        let Some(pauses) = pauses else { return done };
        let pause = match &done {
            Err(error) => pauses.after_error(request, error),
            Ok(Step::Done(response)) => {
                pauses.after_answer(request, response.status(), response.headers())
            }
            Ok(_) => None,
        };
        pause.map_or(done, |pause| Ok(Step::Again(pause)))
    }

    async fn followed(
        &self,
        mut head: Head,
        request: &mut Request,
        history: &mut Vec<Redirect>,
    ) -> Result<Step, Error> {
        let most = request.limits.redirects.unwrap_or(self.core.redirects);
        let status = head.parts.status;
        let target = match most {
            0 => None,
            _ => redirect::target(status, &head.parts.headers, &request.url)?,
        };
        let Some(target) = target else {
            let response = self.loaded(head, request, history.clone()).await;
            return response.map(Step::Done);
        };
        if history.len() >= most {
            let error = Error::new(ErrorKind::TooManyRedirects).of(&request.url);
            return Err(error.saying("too many redirects"));
        }
        if head.announced().is_some_and(|length| length <= SHORT) {
            while let Ok(Some(_)) = head.piece(SHORT).await {}
        }
        drop(head);
        history.push(Redirect { url: request.url.clone(), status });
        let elsewhere = target.origin() != request.url.origin();
        redirect::follow(request, status, target)?;
        Ok(if elsewhere { Step::Elsewhere } else { Step::Here })
    }

    async fn sent(&mut self, request: &Request) -> Result<Head, Error> {
        self.attempts += 1;
        let limits = Limits {
            first_byte: limit(request.limits.first_byte.unwrap_or(self.core.first_byte)),
            idle: limit(request.limits.idle.unwrap_or(self.core.idle)),
        };
        self.core.engine.send(request, limits).await
    }

    async fn loaded(
        &self,
        mut head: Head,
        request: &Request,
        history: Vec<Redirect>,
    ) -> Result<Response, Error> {
        let most = request.limits.body.unwrap_or(self.core.body);
        let has_body =
            request.method != Method::HEAD && head.parts.status != StatusCode::NOT_MODIFIED;
        let body = match load(&mut head, most, has_body).await {
            Ok(body) => body,
            Err(error) if error.kind() == ErrorKind::BodyTooLarge => {
                return Err(error.of(&request.url).saying(format!("more than {most} bytes")));
            }
            Err(error) => return Err(error.of(&request.url)),
        };
        Ok(Response::from_parts(Parts {
            status: head.parts.status,
            version: head.parts.version,
            url: request.url.clone(),
            headers: std::mem::take(&mut head.parts.headers),
            body,
            history,
            elapsed: self.elapsed(),
            remote_addr: head.line.as_ref().and_then(|line| line.peer),
            tag: request.tag.clone(),
            attempts: self.attempts,
        }))
    }
}

async fn load(head: &mut Head, most: u64, has_body: bool) -> Result<Vec<u8>, Error> {
    let announced = head.announced().filter(|_| has_body).unwrap_or(0);
    if announced > most {
        return Err(Error::new(ErrorKind::BodyTooLarge));
    }
    let announced = announced.min(TRUSTED_LENGTH);
    let mut body = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
    while let Some(piece) = head.piece(most - body.len() as u64).await? {
        body.extend_from_slice(&piece);
    }
    Ok(body)
}
