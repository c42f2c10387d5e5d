//! The client: what all its handles share, and the one way in which all requests go.

mod endpoints;
mod error;
mod live;
mod model;

use std::time::Duration;

use asynckit::face::{Blocking, Face, Promised};
use asynckit::http::{CookieJar, Method, RequestBuilder, Response, Retry, Session};
use asynckit::{Backoff, Limiter, Memo, Pool, Promise};
use serde::de::DeserializeOwned;

pub(crate) use error::Error;
pub(crate) use live::Live;
pub(crate) use model::{Batch, Collection, Event, Page, Record, Usage};

/// A client of a service of datasets. Its methods block; those of [`promised`](Client::promised) return promises.
///
/// Clones, and the other face, are handles on the same client: they share connections, limits and what is remembered.
#[derive(Clone)]
pub(crate) struct Client<F: Face = Blocking> {
    api: Api,
    face: F,
}

/// What all handles share, whatever their face.
#[derive(Clone)]
struct Api {
    session: Session,
    token: String,
    /// So many requests at once are polite.
    limiter: Limiter,
    /// Descriptions of collections hardly ever change.
    collections: Memo<String, Collection, Error>,
}

impl Client {
    /// Makes a client of the service at `url`.
    pub(crate) fn new(url: &str, token: &str, pool: &Pool) -> Result<Client, Error> {
        let pauses = Backoff::exponential(Duration::from_millis(5)).full_jitter().times(3);
        let patience = Retry::default().pauses(pauses).max_retry_after(Duration::from_secs(1));
        let session = Session::builder().pool(pool).no_proxy().base_url(url).retries(patience);
        let session = session.cookies(&CookieJar::new()); // the service knows its visitors by one
        let api = Api {
            session: session.build().map_err(Error::from)?,
            token: token.to_owned(),
            limiter: Limiter::new(8).on(pool),
            collections: Memo::new().time_to_live(Duration::from_secs(60)).capacity(100).on(pool),
        };
        Ok(Client { api, face: Blocking::new() })
    }
}

impl<F: Face> Client<F> {
    fn with<G: Face>(&self, face: G) -> Client<G> {
        Client { api: self.api.clone(), face }
    }

    /// The same client, whose methods return promises.
    pub(crate) fn promised(&self) -> Client<Promised> {
        self.with(Promised)
    }

    /// The same client, whose methods wait.
    #[cfg(test)]
    pub(crate) fn blocking(&self) -> Client<Blocking> {
        self.with(Blocking::new())
    }

    /// The same client, whose methods wait so long and no longer.
    pub(crate) fn within(&self, limit: Duration) -> Client<Blocking> {
        self.with(Blocking::within(limit))
    }
}

impl Api {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.session.request(method, path).bearer_auth(&self.token)
    }

    /// Where all requests go through: their turn, and the errors of the client.
    fn send(&self, request: RequestBuilder) -> Promise<Response, Error> {
        self.limiter.run(move || {
            let answer = request.send().map_err(Error::from);
            answer.then(|response| response.error_for_status().map_err(Error::from))
        })
    }

    fn json<T: DeserializeOwned + Send + 'static>(
        &self,
        request: RequestBuilder,
    ) -> Promise<T, Error> {
        self.send(request).then(|response| response.json().map_err(Error::from))
    }

    fn get<T: DeserializeOwned + Send + 'static>(&self, path: &str) -> Promise<T, Error> {
        self.json(self.request(Method::GET, path))
    }
}
