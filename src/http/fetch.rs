//! [`Fetch`]: all that happens to a request between its promise and its answer.

use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::time::sleep;

use super::census::Listed;
use super::core::Core;
use super::engine::{Head, Limits};
use super::redirect;
use super::response::Parts;
use super::retry::{Pauses, Retry};
use super::stage::Stage;
use super::transport::Unsent;
use super::turns::Turn;
use super::waiting::{First, first, limit};
use super::{
    Error, ErrorKind, HeaderMap, HeaderValue, Method, Redirect, Request, Response, StatusCode, Url,
};
use crate::sync::Arc;
use crate::{AnyError, Failure};

/// A redirect's body up to this length is read, so that its connection can be used again.
const SHORT: u64 = 16 * 1024;
/// The most that is set aside for a body because of what its head says; a longer one grows.
const TRUSTED_LENGTH: u64 = 64 * 1024;
/// Of a longer one so many times as much as has come: a body of 1 MiB is moved once, when its first 64 KiB are there.
const GROWTH: usize = 16;

/// What comes after a request.
enum Step {
    Done(Response),
    /// Its body is still to come.
    Open(Box<Head>),
    /// A redirect to the same host: with the same turn.
    Here,
    /// A redirect to another host.
    Elsewhere,
    /// The same once more, after a pause.
    Again(Duration),
}

/// What a request has come to.
enum Answer {
    Whole(Response),
    Open(Open),
}

/// An answer whose body is still to come, and the turn that it has until then.
pub(super) struct Open {
    pub(super) head: Box<Head>,
    pub(super) turn: Turn,
    pub(super) url: Url,
    pub(super) history: Vec<Redirect>,
}

/// One request on its way.
pub(super) struct Fetch {
    pub(super) core: Arc<Core>,
    listed: Listed,
    /// When its turn came.
    pub(super) start: Option<Instant>,
    pub(super) attempts: u32,
    /// Whether its body is left for others to read.
    opens: bool,
    /// What has ended it, where that is no error of this module.
    stopped: Option<Failure>,
}

impl Fetch {
    pub(super) fn new(core: Arc<Core>) -> Self {
        let listed = core.census.list();
        Self { core, listed, start: None, attempts: 0, opens: false, stopped: None }
    }

    /// Sends `request` and loads its answer.
    pub(super) async fn run(&mut self, request: Box<Request>) -> Result<Response, Failure> {
        let request = self.hooked(request).await?;
        let hooks = request.hooks.clone();
        match self.reached(request).await? {
            Answer::Whole(response) => self.looked_at(response, hooks).await,
            Answer::Open(_) => unreachable!("the body was loaded"),
        }
    }

    /// Sends `request`, hooked before, up to the head of its answer.
    pub(super) async fn opened(&mut self, request: Box<Request>) -> Result<Open, Failure> {
        self.opens = true;
        match self.reached(request).await? {
            Answer::Open(open) => Ok(open),
            Answer::Whole(_) => unreachable!("the body was left"),
        }
    }

    async fn reached(&mut self, request: Box<Request>) -> Result<Answer, Failure> {
        let (url, method, tag) = (request.url.clone(), request.method.clone(), request.tag.clone());
        let stopped = Arc::clone(&self.core.stage).reached(Stage::Over);
        let done = {
            let limited = pin!(self.limited(request));
            match first(limited, stopped).await {
                First::This(done) => done,
                First::That(()) => Err(Error::new(ErrorKind::Closed).of(&url)),
            }
        };
        if let Some(failure) = self.stopped.take() {
            return Err(failure);
        }
        let elapsed = self.taken();
        done.map_err(|error| {
            Failure::Error(AnyError::from(error.about(Some(&method), self.attempts, elapsed, tag)))
        })
    }

    /// The session's hooks may change the request, on its pool.
    pub(super) async fn hooked(&self, mut request: Box<Request>) -> Result<Box<Request>, Failure> {
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
    pub(super) async fn looked_at(
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

    pub(super) fn taken(&self) -> Duration {
        self.start.map_or(Duration::ZERO, |start| crate::sync::now() - start)
    }

    /// Within the limit for all, which begins with its first turn.
    async fn limited(&mut self, request: Box<Request>) -> Result<Answer, Error> {
        let url = request.url.clone();
        let turn = self.core.turn(&url).await?;
        self.listed.begins();
        self.start.get_or_insert_with(crate::sync::now);
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
    async fn answered(&mut self, mut request: Box<Request>, turn: Turn) -> Result<Answer, Error> {
        let mut turn = Some(turn);
        let mut history = Vec::new();
        let mut pauses = self.core.retry.as_ref().map(Retry::begin);
        loop {
            let done = self.step(&mut request, &mut history, pauses.as_mut()).await;
            let pause = match done? {
                Step::Done(response) => return Ok(Answer::Whole(response)),
                Step::Open(head) => {
                    let turn = turn.take().expect("it has its turn");
                    return Ok(Answer::Open(Open { head, turn, url: request.url, history }));
                }
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
            Ok(mut head) => {
                if let Some(url) = head.url.take() {
                    request.url = url;
                }
                self.followed(head, request, history).await
            }
            Err(error) => Err(error),
        };
        let Some(pauses) = pauses else { return done };
        let pause = match &done {
            Err(error) => pauses.after_error(request, error),
            Ok(Step::Done(response)) => {
                pauses.after_answer(request, response.status(), response.headers())
            }
            Ok(Step::Open(head)) => {
                pauses.after_answer(request, head.parts.status, &head.parts.headers)
            }
            Ok(_) => None,
        };
        let Some(pause) = pause else { return done };
        if let Ok(Step::Open(head)) = done {
            read_if_short(head).await;
        }
        Ok(Step::Again(pause))
    }

    async fn followed(
        &self,
        head: Box<Head>,
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
            if self.opens {
                return Ok(Step::Open(head));
            }
            let response = self.loaded(head, request, history.clone()).await;
            return response.map(Step::Done);
        };
        if history.len() >= most {
            let error = Error::new(ErrorKind::TooManyRedirects).of(&request.url);
            return Err(error.saying("too many redirects"));
        }
        read_if_short(head).await;
        history.push(Redirect { url: request.url.clone(), status });
        let elsewhere = target.origin() != request.url.origin();
        redirect::follow(request, status, target)?;
        Ok(if elsewhere { Step::Elsewhere } else { Step::Here })
    }

    async fn sent(&mut self, request: &Request) -> Result<Box<Head>, Error> {
        self.attempts += 1;
        let limits = Limits {
            first_byte: limit(request.limits.first_byte.unwrap_or(self.core.first_byte)),
            idle: limit(request.limits.idle.unwrap_or(self.core.idle)),
        };
        let Some(transport) = &self.core.transport else {
            return self.core.engine.send(request, limits).await;
        };
        let sent = transport.send(self.core.pool(), &self.core.engine, request, limits).await;
        sent.map_err(|unsent| match unsent {
            Unsent::Error(error) => error,
            Unsent::Failure(failure) => {
                self.stopped = Some(failure);
                Error::new(ErrorKind::Closed) // which is not sent again
            }
        })
    }

    async fn loaded(
        &self,
        mut head: Box<Head>,
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
        Ok(self.response(&mut head, body, request.url.clone(), history, request.tag.clone()))
    }

    /// The head of an answer, and what there is of its body.
    pub(super) fn response(
        &self,
        head: &mut Head,
        body: Vec<u8>,
        url: Url,
        history: Vec<Redirect>,
        tag: Option<Arc<str>>,
    ) -> Response {
        Response::from_parts(Parts {
            status: head.parts.status,
            version: head.parts.version,
            url,
            headers: own(std::mem::take(&mut head.parts.headers)),
            body,
            history,
            elapsed: self.taken(),
            remote_addr: head.line.as_ref().and_then(|line| line.peer),
            tag,
            attempts: self.attempts,
        })
    }
}

/// The same headers in memory of their own. As they come they are parts of what was read at once, and a response that is
/// kept would keep all of that, 8 KiB and more.
fn own(mut headers: HeaderMap) -> HeaderMap {
    let mut all = BytesMut::with_capacity(headers.values().map(HeaderValue::len).sum());
    headers.values().for_each(|value| all.extend_from_slice(value.as_bytes()));
    let mut all = all.freeze();
    for value in headers.values_mut() {
        let bytes = all.split_to(value.len());
        if let Ok(same) = HeaderValue::from_maybe_shared(bytes) {
            *value = same;
        }
    }
    headers
}

/// So that its connection can be used again.
async fn read_if_short(mut head: Box<Head>) {
    if head.announced().is_some_and(|length| length <= SHORT) {
        while let Ok(Some(_)) = head.piece(SHORT).await {}
    }
}

async fn load(head: &mut Head, most: u64, has_body: bool) -> Result<Vec<u8>, Error> {
    let announced = head.announced().filter(|_| has_body).unwrap_or(0);
    if announced > most {
        return Err(Error::new(ErrorKind::BodyTooLarge));
    }
    let trusted = announced.min(TRUSTED_LENGTH);
    let mut body = Vec::with_capacity(usize::try_from(trusted).unwrap_or(0));
    while let Some(piece) = head.piece(most - body.len() as u64).await? {
        if body.capacity() - body.len() < piece.len() {
            body.reserve_exact(growth(body.len(), piece.len(), announced));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// How much more memory a body of `length` is given for its next piece: as much as its head says, if [`GROWTH`] times what has
/// come is not less, else that; where its head says nothing, or was wrong, twice as much.
fn growth(length: usize, piece: usize, announced: u64) -> usize {
    let come = length + piece;
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    let whole = if announced < come {
        come.saturating_mul(2)
    } else {
        announced.min(come.saturating_mul(GROWTH))
    };
    whole - length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Session, Url};

    /// Thousands may wait for their turn: each is a task of this size, which is moved some times, too.
    #[test]
    fn a_request_that_waits_for_its_turn_is_small() {
        let session = Session::builder().no_proxy().build().expect("valid settings");
        let request = || Request::new(Method::GET, Url::parse("http://x.test/").unwrap()).unwrap();
        let mut fetch = Fetch::new(Arc::clone(&session.core));
        let whole = size_of_val(&fetch.run(Box::new(request())));
        assert!(whole <= 2048, "{whole} bytes");
    }
}
