//! [`Core`]: what the handles of a session, and its requests, share.

use std::pin::pin;
use std::time::Duration;

use super::census::Census;
use super::engine::Engine;
use super::hooks::Hooks;
use super::io_thread::{self, Io, OwnThreads};
use super::retry::Retry;
use super::stage::{Stage, Stages};
use super::transport::Transport;
use super::turns::{Turn, Turns};
use super::waiting::{First, first};
use super::{Error, ErrorKind, HeaderMap, Request, Url};
use crate::Pool;
use crate::sync::Arc;
use crate::sync::thread;

pub(super) struct Core {
    pub(super) engine: Engine,
    /// What answers in place of the engine, which then only dresses requests.
    pub(super) transport: Option<Transport>,
    /// Why `https` does not work on this machine, where that is so.
    pub(super) no_https: Option<Error>,
    pub(super) turns: Arc<Turns>,
    pub(super) hooks: Hooks,
    pub(super) base: Option<Url>,
    pub(super) headers: HeaderMap,
    pub(super) query: Vec<(String, String)>,
    pub(super) timeout: Duration,
    pub(super) first_byte: Duration,
    pub(super) idle: Duration,
    pub(super) retry: Option<Retry>,
    pub(super) redirects: usize,
    pub(super) body: u64,
    /// The same for what is not held in memory.
    pub(super) streamed: u64,
    pub(super) stage: Arc<Stages>,
    pub(super) census: Arc<Census>,
    pub(super) pool: OwnPool,
    pub(super) threads: Option<OwnThreads>,
}

impl Core {
    pub(super) fn pool(&self) -> &Pool {
        self.pool.get()
    }

    /// Where the session's requests run.
    pub(super) fn io(&self) -> std::io::Result<Io> {
        self.threads.as_ref().map_or_else(io_thread::common, |own| Ok(own.io()))
    }

    /// Waits for a turn to talk to the host of `url`, unless the session is closed.
    pub(super) async fn turn(&self, url: &Url) -> Result<Turn, Error> {
        let mut user = self.turns.ask(url);
        if self.stage.now() < Stage::Emptied {
            user = match user.take_now() {
                Ok(turn) => return Ok(turn),
                Err(user) => user,
            };
        }
        let closed = Arc::clone(&self.stage).reached(Stage::Emptied);
        let turn = pin!(user.wait());
        match first(turn, closed).await {
            First::This(turn) => Ok(turn),
            First::That(()) => Err(Error::new(ErrorKind::Closed).of(url)),
        }
    }

    /// What all requests of the session have, and the refusals that need no network.
    pub(super) fn admit(&self, mut request: Request) -> Result<Request, Error> {
        if self.stage.now() != Stage::Open {
            return Err(Error::new(ErrorKind::Closed).of(&request.url));
        }
        for name in self.headers.keys() {
            if !request.headers.contains_key(name) {
                for value in self.headers.get_all(name) {
                    request.headers.append(name, value.clone());
                }
            }
        }
        request.add_query(self.query.iter().map(|(name, value)| (name, value)));
        match (request.url.scheme(), &self.no_https) {
            ("https", Some(reason)) => Err(reason.clone()),
            _ => Ok(request),
        }
    }
}

/// The session's handle of its pool, which may be the last one.
///
/// Dropping the last handle waits for the pool's work. A session that a callback holds can be dropped on
/// an I/O thread, which must not wait: the work may be waiting for a download.
pub(super) struct OwnPool(Option<Pool>);

impl OwnPool {
    pub(super) fn new(pool: Pool) -> Self {
        Self(Some(pool))
    }

    fn get(&self) -> &Pool {
        self.0.as_ref().expect("there until it is dropped")
    }
}

impl Drop for OwnPool {
    fn drop(&mut self) {
        if io_thread::is_current() {
            let pool = self.0.take();
            let waiting = thread::Builder::new().spawn(move || drop(pool));
            drop(waiting); // detached; without a thread to be had, the pool was dropped here after all
        }
    }
}
