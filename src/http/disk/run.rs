//! One download, from what is there to what was asked for.

use tokio::time::sleep;

use super::claim::{Claim, Places};
use super::copy::copied;
use super::part::Part;
use super::plan::{Ask, rest};
use super::{Downloaded, Meter, Options, of_file};
use crate::http::engine::Head;
use crate::http::fetch::{Fetch, Open};
use crate::http::hooks::Hooks;
use crate::http::retry::{Pauses, Retry};
use crate::http::streaming::{About, Bounds, beginning, bounded};
use crate::http::turns::Turn;
use crate::http::waiting::limit;
use crate::http::{Error, ErrorKind, Method, Request, Response, StatusCode, Url};
use crate::sync::Arc;
use crate::{AnyError, Failure, Promise};

/// A download on its way.
struct Run<'a> {
    fetch: &'a mut Fetch,
    request: Box<Request>,
    options: Arc<Options>,
    about: About,
    pauses: Option<Pauses>,
    /// How much was there before it began.
    before: u64,
}

/// What comes after an answer.
enum Next {
    Done(Downloaded),
    /// All bytes are there.
    Finish(Part, Url),
    /// What was asked for is not to be had; all of it is.
    All(Part),
    /// The body has broken off.
    Broken(Part, Error),
}

/// An answer that is being looked at.
struct Answer {
    known: Response,
    head: Box<Head>,
    _turn: Turn,
    url: Url,
}

/// Fetches what `request` asks for into a file.
pub(in crate::http) async fn run(
    fetch: &mut Fetch,
    request: Box<Request>,
    options: Options,
    meter: Meter,
) -> Result<Downloaded, Failure> {
    let about = About::of(&request);
    let pauses = fetch.core.retry.as_ref().map(Retry::begin);
    let options = Arc::new(options);
    let mut run = Run { fetch, request, options, about, pauses, before: 0 };
    let done = run.whole(meter).await;
    let removing = run.options.removing.lock().take();
    if let Some(removing) = removing {
        let _ = removing.await; // before it is told, what is to go is gone
    }
    done.map_err(|failure| run.told(failure))
}

impl Run<'_> {
    async fn whole(&mut self, meter: Meter) -> Result<Downloaded, Failure> {
        if self.request.method != Method::GET {
            let error = Error::new(ErrorKind::BadRequest);
            return Err(failure(error.saying("only what is got is written to a file")));
        }
        let (mut part, mut ask) = self.prepared(meter).await?;
        if matches!(ask, Ask::Rest { .. } | Ask::NameIfUnchanged(_)) {
            self.before = part.length;
        }
        loop {
            if let Ask::Nothing { length } = ask {
                return self.unchanged(part, length, self.request.url.clone()).await;
            }
            match self.attempt(part, ask).await? {
                Next::Done(done) => return Ok(done),
                Next::Finish(part, url) => return self.finished(part, url).await,
                Next::All(back) => (part, ask) = (back, Ask::All),
                Next::Broken(back, error) => {
                    let pause = match &mut self.pauses {
                        None => None,
                        Some(pauses) => pauses.after_error(&self.request, &error),
                    };
                    let Some(pause) = pause else { return Err(failure(error)) };
                    let paused = async {
                        sleep(pause).await;
                        Ok(())
                    };
                    let bounds = self.bounds(0);
                    bounded(paused, self.fetch, bounds).await.map_err(failure)?;
                    ask = Ask::again(&back);
                    part = back;
                }
            }
        }
    }

    /// Looks at what is there, as soon as no other download has the file.
    async fn prepared(&self, meter: Meter) -> Result<(Part, Ask), Failure> {
        let options = Arc::clone(&self.options);
        let places = self
            .on_pool(move || {
                Places::of(&options.path).map_err(|error| of_file(&options.path, error))
            })
            .await?;
        let file = places.file.clone();
        let claim = bounded(async { Ok(Claim::wait(file).await) }, self.fetch, Bounds::NONE);
        let claim = claim.await.map_err(failure)?;
        let (core, options) = (Arc::clone(&self.fetch.core), Arc::clone(&self.options));
        let mut part = Part::new(core, options, places, claim, meter);
        let url = self.request.url.clone();
        self.on_pool(move || {
            let ask = Ask::of(&mut part, &url)?;
            Ok((part, ask))
        })
        .await
    }

    /// Asks once, and writes what comes.
    async fn attempt(&mut self, part: Part, ask: Ask) -> Result<Next, Failure> {
        let mut request = Box::new(self.request.again());
        if let (Some(limit), Some(start)) = (request.limits.timeout, self.fetch.start) {
            request.limits.timeout = Some(limit.saturating_sub(crate::sync::now() - start));
        }
        ask.write(&mut request);
        let request = self.fetch.hooked(request).await?;
        let hooks = request.hooks.clone();
        let open = self.fetch.opened(request).await?;
        let status = open.head.parts.status;
        match (status, &ask) {
            (StatusCode::NOT_MODIFIED, Ask::AllIfChanged(_)) => {
                let length = part.length;
                return Ok(Next::Done(self.unchanged(part, length, open.url).await?));
            }
            (StatusCode::NOT_MODIFIED, Ask::NameIfUnchanged(_)) => Ok(Next::Finish(part, open.url)),
            (StatusCode::RANGE_NOT_SATISFIABLE, Ask::Rest { .. }) => Ok(Next::All(part)),
            (StatusCode::PARTIAL_CONTENT, Ask::Rest { from, .. }) => {
                let known = part.known.as_ref().and_then(|known| known.length);
                let Some(total) = rest(&open.head.parts.headers, *from, known) else {
                    return Ok(Next::All(part));
                };
                let answer = self.looked_at(open, hooks).await?;
                self.rest(answer, part, total).await
            }
            _ => {
                let answer = self.looked_at(open, hooks).await?;
                self.all(answer, part).await
            }
        }
    }

    /// What comes goes behind what is there.
    async fn rest(&self, answer: Answer, part: Part, total: Option<u64>) -> Result<Next, Failure> {
        let mut part = part;
        let begun = self.on_pool(move || {
            part.go_on(total)?;
            Ok(part)
        });
        let part = begun.await?;
        self.copied(answer, part, total).await
    }

    /// What comes takes the place of what is there, if it is what was asked for.
    async fn all(&mut self, answer: Answer, part: Part) -> Result<Next, Failure> {
        let status = answer.known.status();
        if !status.is_success() || status == StatusCode::PARTIAL_CONTENT {
            let (headers, body) = (answer.known.headers(), answer.known.bytes());
            return Err(failure(Error::bad_status(status, headers, body).of(&answer.url)));
        }
        self.before = 0;
        let mut part = part;
        let total = answer.head.announced();
        let (asked, headers) = (self.request.url.clone(), answer.known.headers().clone());
        let begun = self.on_pool(move || {
            part.begin(&asked, &headers, total)?;
            Ok(part)
        });
        let part = begun.await?;
        self.copied(answer, part, total).await
    }

    /// Hooks see the head.
    async fn looked_at(&self, open: Open, hooks: Hooks) -> Result<Answer, Failure> {
        let Open { mut head, turn, url, history } = open;
        let beginning = bounded(beginning(&mut head, u64::MAX), self.fetch, self.bounds(0));
        let beginning = beginning.await.map_err(|error| failure(error.of(&url)))?;
        let tag = self.about.tag.clone();
        let known = self.fetch.response(&mut head, beginning, url.clone(), history, tag);
        let known = self.fetch.looked_at(known, hooks).await?;
        Ok(Answer { known, head, _turn: turn, url })
    }

    async fn copied(
        &self,
        answer: Answer,
        part: Part,
        total: Option<u64>,
    ) -> Result<Next, Failure> {
        let Answer { mut head, url, .. } = answer;
        let bounds = self.bounds(part.length);
        if total.is_some_and(|total| total > bounds.most.saturating_add(part.length)) {
            return Err(failure(too_large(&url, bounds.most)));
        }
        let core = &self.fetch.core;
        let work = async { Ok(copied(&mut head, part, core.pool(), bounds.most).await) };
        let done = bounded(work, self.fetch, bounds).await;
        let (part, end) = done.map_err(|error| failure(error.of(&url)))??;
        let end = match end {
            Ok(()) if total.is_some_and(|total| total != part.length) => {
                Err(Error::new(ErrorKind::Body).saying("less has come than was announced"))
            }
            end => end,
        };
        match end {
            Ok(()) => Ok(Next::Finish(part, url)),
            Err(error) if error.kind() == ErrorKind::BodyTooLarge => {
                Err(failure(too_large(&url, bounds.most)))
            }
            Err(error) => Ok(Next::Broken(part, error.of(&url))),
        }
    }

    async fn finished(&self, part: Part, url: Url) -> Result<Downloaded, Failure> {
        let bytes = self.on_pool(move || part.finish()).await?;
        let path = self.options.path.clone();
        Ok(Downloaded { url, path, bytes, resumed_from: self.before, unchanged: false })
    }

    async fn unchanged(&self, part: Part, length: u64, url: Url) -> Result<Downloaded, Failure> {
        let bytes = self.on_pool(move || Ok(part.abandon(length))).await?;
        let path = self.options.path.clone();
        Ok(Downloaded { url, path, bytes, resumed_from: 0, unchanged: true })
    }

    /// Behind `have` bytes.
    fn bounds(&self, have: u64) -> Bounds {
        let most = self.request.limits.body.unwrap_or(self.fetch.core.streamed);
        let limit = self.request.limits.timeout.and_then(limit);
        let deadline =
            limit.zip(self.fetch.start).and_then(|(limit, start)| start.checked_add(limit));
        Bounds { most: if most == u64::MAX { most } else { most.saturating_sub(have) }, deadline }
    }

    /// Does on the pool what blocks.
    fn on_pool<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Promise<T> {
        self.fetch.core.pool().spawn(move || work().map_err(AnyError::from))
    }

    /// With what is known of the request, where it is an error of this module that does not say it yet.
    fn told(&self, failure: Failure) -> Failure {
        let Some(error) = failure.downcast_ref::<Error>() else { return failure };
        if error.method().is_some() {
            return failure;
        }
        let mut error = error.clone();
        if error.url().is_none() {
            error = error.of(&self.request.url);
        }
        self.about.failure(error, self.fetch)
    }
}

fn failure(error: Error) -> Failure {
    Failure::Error(AnyError::from(error))
}

fn too_large(url: &Url, most: u64) -> Error {
    Error::new(ErrorKind::BodyTooLarge).of(url).saying(format!("more than {most} bytes"))
}
