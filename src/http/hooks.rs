//! [`Hooks`]: what looks at requests and responses on their way.

use super::{Request, Response};
use crate::AnyError;
use crate::sync::Arc;

type OnRequest = dyn Fn(&mut Request) -> Result<(), AnyError> + Send + Sync;
type OnResponse = dyn Fn(Response) -> Result<Response, AnyError> + Send + Sync;

/// Hooks in the order in which they are called.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    requests: Vec<Arc<OnRequest>>,
    responses: Vec<Arc<OnResponse>>,
}

impl Hooks {
    pub(super) fn add_before<F>(&mut self, hook: F)
    where
        F: Fn(&mut Request) -> Result<(), AnyError> + Send + Sync + 'static,
    {
        self.requests.push(Arc::new(hook));
    }

    pub(super) fn add<F>(&mut self, hook: F)
    where
        F: Fn(Response) -> Result<Response, AnyError> + Send + Sync + 'static,
    {
        self.responses.push(Arc::new(hook));
    }

    pub(super) fn looks_at_requests(&self) -> bool {
        !self.requests.is_empty()
    }

    pub(super) fn looks_at_responses(&self) -> bool {
        !self.responses.is_empty()
    }

    pub(super) fn before(&self, request: &mut Request) -> Result<(), AnyError> {
        self.requests.iter().try_for_each(|hook| hook(request))
    }

    pub(super) fn after(&self, response: Response) -> Result<Response, AnyError> {
        self.responses.iter().try_fold(response, |response, hook| hook(response))
    }
}
