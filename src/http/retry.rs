//! [`Retry`]: which requests are sent again, after which pause, and when no more.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, SystemTime};

use ::http::header::RETRY_AFTER;

use super::{Error, ErrorKind, HeaderMap, Method, Request, StatusCode};
use crate::Backoff;
use crate::sync::{Arc, Mutex};

/// So much of the budget each request adds: one in five may be sent again.
const EARNED: f64 = 0.2;
/// So many may be sent again before anything was earned, and the most that is saved up.
const RESERVE: f64 = 10.0;

/// Which requests a session sends again by itself; for [`SessionBuilder::retries`](super::SessionBuilder::retries).
///
/// By default: up to three times, requests that do no harm when they are sent twice (GET, HEAD, OPTIONS, TRACE,
/// PUT, DELETE), where there was no connection or it broke, or the answer was 408, 429, 500, 502, 503 or 504. The
/// pauses grow from 100 ms to 10 s, with full jitter. A `Retry-After` of up to a minute is waited for; one of
/// more, and the answer is handed out.
///
/// All requests of the session share a budget: one retry for five requests, and ten in reserve. A server that
/// is down is not stormed.
///
/// # Examples
///
/// ```
/// use asynckit::Backoff;
/// use asynckit::http::{Method, Retry, Session};
/// use std::time::Duration;
///
/// let pauses = Backoff::exponential(Duration::from_secs(1)).full_jitter().times(5);
/// let session = Session::builder().retries(Retry::default().pauses(pauses).method(Method::POST)).build()?;
/// # Ok::<(), asynckit::http::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "it does nothing until it is given to a session"]
pub struct Retry {
    pauses: Backoff,
    methods: Vec<Method>,
    statuses: BTreeSet<u16>,
    longest: Duration,
    budget: Option<Arc<Mutex<f64>>>,
}

impl Default for Retry {
    fn default() -> Self {
        let first = Duration::from_millis(100);
        Self {
            pauses: Backoff::exponential(first).cap(Duration::from_secs(10)).full_jitter().times(3),
            methods: Vec::new(),
            statuses: BTreeSet::from([408, 429, 500, 502, 503, 504]),
            longest: Duration::from_secs(60),
            budget: Some(Arc::new(Mutex::new(RESERVE))),
        }
    }
}

impl Retry {
    /// Pauses for so long before each, and sends as often again as there are pauses.
    pub fn pauses(mut self, pauses: Backoff) -> Self {
        self.pauses = pauses;
        self
    }

    /// Sends requests of this method again, too, though that may do harm.
    pub fn method(mut self, method: Method) -> Self {
        self.methods.push(method);
        self
    }

    /// Sends again where the answer has one of these statuses, instead of the usual ones.
    pub fn statuses(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.statuses = statuses.into_iter().collect();
        self
    }

    /// Waits as a `Retry-After` says, if it says no more than this; one minute by default.
    pub fn max_retry_after(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// Sends again however many others were.
    pub fn no_budget(mut self) -> Self {
        self.budget = None;
        self
    }

    /// The pauses of one request.
    pub(super) fn begin(&self) -> Pauses {
        if let Some(budget) = &self.budget {
            let mut budget = budget.lock();
            *budget = (*budget + EARNED).min(RESERVE);
        }
        Pauses { rules: self.clone(), left: self.pauses.clone() }
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("statuses", &self.statuses)
            .field("also", &self.methods)
            .finish_non_exhaustive()
    }
}

/// What is left of a request's retries.
pub(super) struct Pauses {
    rules: Retry,
    left: Backoff,
}

impl Pauses {
    /// The pause before the request is sent again; `None`: it is not.
    pub(super) fn after_answer(
        &mut self,
        request: &Request,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Option<Duration> {
        if !self.rules.statuses.contains(&status.as_u16()) || !self.may_repeat(request) {
            return None;
        }
        let asked = retry_after(headers).unwrap_or(Duration::ZERO);
        if asked > self.rules.longest {
            return None;
        }
        self.next().map(|pause| pause.max(asked))
    }

    /// The same where there was no answer, or not the whole one.
    pub(super) fn after_error(&mut self, request: &Request, error: &Error) -> Option<Duration> {
        use ErrorKind::{Body, Connect, ConnectTimeout, NoAnswer, Refused, UnknownHost};
        let kind = error.kind();
        let passes = matches!(kind, Connect | ConnectTimeout | Refused | UnknownHost)
            || matches!(kind, NoAnswer | Body | ErrorKind::IdleTimeout);
        if !passes || !self.may_repeat(request) { None } else { self.next() }
    }

    fn may_repeat(&self, request: &Request) -> bool {
        let method = &request.method;
        let harmless = method.is_idempotent() || self.rules.methods.contains(method);
        harmless && request.body.is_repeatable()
    }

    fn next(&mut self) -> Option<Duration> {
        let pause = self.left.next()?;
        let Some(budget) = &self.rules.budget else { return Some(pause) };
        let mut budget = budget.lock();
        (*budget >= 1.0).then(|| {
            *budget -= 1.0;
            pause
        })
    }
}

/// What a server asks for: seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO))
}
