//! [`Transport`]: what takes requests to their answers in place of the session's own connections.

use bytes::Bytes;

use super::answer_body::AnswerBody;
use super::engine::{Engine, Head, Limits};
use super::net::Line;
use super::waiting::{First, first, while_moving};
use super::{Error, ErrorKind, Request, Response};
use crate::sync::Arc;
use crate::{Failure, Pool, Promise};

type Answering = dyn Fn(Request) -> Promise<Response, Error> + Send + Sync;

/// Takes a request to its answer.
#[derive(Clone)]
pub(super) enum Transport {
    /// A function of the user's.
    Function(Arc<Answering>),
    #[cfg(feature = "reqwest")]
    Reqwest(reqwest::Client),
}

/// Why there is no head of an answer.
pub(super) enum Unsent {
    Error(Error),
    /// Not one of this module's: the transport has panicked, say.
    Failure(Failure),
}

impl From<Error> for Unsent {
    fn from(error: Error) -> Self {
        Unsent::Error(error)
    }
}

impl Transport {
    /// Sends `request`, and waits for the head of its answer.
    pub(super) async fn send(
        &self,
        pool: &Pool,
        engine: &Engine,
        request: &Request,
        limits: Limits,
    ) -> Result<Box<Head>, Unsent> {
        let mut sent = request.again();
        let unpacks = engine.dress(&request.url, &mut sent.headers);
        let line = Line::new(None);
        let answer = async {
            let answer = self.answered(pool, sent);
            match limits.first_byte {
                None => First::This(answer.await),
                Some(limit) => first(answer, tokio::time::sleep(limit)).await,
            }
        };
        // A line that never moves: the wait as a whole is what must end in time.
        let late = |kind| Unsent::Error(Error::new(kind).of(&request.url));
        match while_moving(answer, || Some(Arc::clone(&line)), limits.idle).await {
            None => Err(late(ErrorKind::IdleTimeout)),
            Some(First::That(())) => Err(late(ErrorKind::FirstByteTimeout)),
            Some(First::This(Ok(answer))) => {
                let line = Line::new(answer.peer);
                let mut head =
                    engine.head(&request.url, answer.parts, answer.body, unpacks, limits);
                (head.line, head.url) = (Some(line), answer.url);
                Ok(head)
            }
            Some(First::This(Err(Unsent::Error(error)))) => {
                Err(Unsent::Error(if error.url().is_none() {
                    error.of(&request.url)
                } else {
                    error
                }))
            }
            Some(First::This(Err(failure))) => Err(failure),
        }
    }

    async fn answered(&self, pool: &Pool, request: Request) -> Result<Answer, Unsent> {
        match self {
            Transport::Function(send) => {
                let send = Arc::clone(send);
                let answer = pool.spawn(move || send(request)).cancel_on_drop();
                answer.await.map(Answer::from).map_err(|failure| match failure {
                    Failure::Error(error) => Unsent::Error(error),
                    other => Unsent::Failure(other.into_any()),
                })
            }
            #[cfg(feature = "reqwest")]
            Transport::Reqwest(client) => Ok(super::adopted::send(client, request).await?),
        }
    }
}

/// What a transport has brought.
pub(super) struct Answer {
    pub(super) parts: ::http::response::Parts,
    pub(super) body: AnswerBody,
    pub(super) peer: Option<std::net::SocketAddr>,
    /// Where it came from, if the transport has followed redirects.
    pub(super) url: Option<super::Url>,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let peer = response.remote_addr();
        let (parts, body) = ::http::Response::from(response).into_parts();
        let body = AnswerBody::Whole(Some(Bytes::from(body)));
        Self { parts, body, peer, url: None }
    }
}
