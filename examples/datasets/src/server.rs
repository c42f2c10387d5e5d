//! The service, on a loopback port of this process: with latency, pages, a rate limit, a stream of events, and faults.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use crate::client::{Batch, Collection, Event, Page, Record, Usage};

pub(crate) const TOKEN: &str = "open sesame";
/// Records in a page.
const PAGE: usize = 25;
/// Requests that may be under way at once: the rate limit.
const AT_ONCE: usize = 8;

/// A running service.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<Service>,
}

struct Service {
    latency: Duration,
    inner: Mutex<Inner>,
    under_way: AtomicUsize,
    /// Of the requests that were under way at the same time.
    most: AtomicUsize,
}

/// A request that is under way, until it is dropped.
struct UnderWay(Arc<Service>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Default)]
struct Inner {
    collections: BTreeMap<String, BTreeMap<u64, Record>>,
    /// Method and path of each request.
    seen: Vec<String>,
    /// Each request's connection, and the cookie that it has brought.
    visits: Vec<(SocketAddr, Option<String>)>,
    events: Vec<Event>,
    /// How often a path was asked for, for faults that pass.
    asked: HashMap<String, usize>,
}

impl Service {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Serves until the process ends; each answer takes `latency` at least.
    pub(crate) fn start(latency: Duration) -> io::Result<Server> {
        let (under_way, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let state = Arc::new(Service { latency, inner: Mutex::default(), under_way, most });
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}/", listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let routes = routes(&state);
        let serving = thread::Builder::new().name("server".to_owned()).spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
                axum::serve(listener, routes).await
            })
        })?;
        drop(serving); // nothing waits for it
        Ok(Server { url, state })
    }

    /// The requests so far.
    #[cfg(test)]
    pub(crate) fn seen(&self) -> Vec<String> {
        self.state.lock().seen.clone()
    }

    /// How many are under way, and the most that ever were.
    #[cfg(test)]
    pub(crate) fn under_way(&self) -> (usize, usize) {
        let load = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (load(&self.state.under_way), load(&self.state.most))
    }

    /// The connection that each request came by, and its cookie.
    #[cfg(test)]
    pub(crate) fn visits(&self) -> Vec<(SocketAddr, Option<String>)> {
        self.state.lock().visits.clone()
    }

    /// Something happens.
    pub(crate) fn happen(&self, text: &str) {
        let mut inner = self.state.lock();
        let number = inner.events.len() as u64 + 1;
        inner.events.push(Event { number, text: text.to_owned() });
    }
}

fn routes(state: &Arc<Service>) -> Router {
    Router::new()
        .route("/collections", get(collections))
        .route("/collections/{name}", get(collection).put(create))
        .route("/collections/{name}/records", get(records).post(add))
        .route("/validate", post(validate))
        .route("/usage", get(usage))
        .route("/events", get(events))
        .layer(middleware::from_fn_with_state(Arc::clone(state), door))
        .with_state(Arc::clone(state))
}

fn refusal(status: StatusCode, message: impl Into<String>) -> Response {
    (status, Json(serde_json::json!({ "error": message.into() }))).into_response()
}

fn come_back(seconds: u16) -> Response {
    let mut refused = refusal(StatusCode::TOO_MANY_REQUESTS, "too many requests");
    refused.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    refused
}

/// Notes the request; who comes without a cookie gets one.
async fn door(
    State(service): State<Arc<Service>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let cookie = request.headers().get(header::COOKIE);
    let cookie = cookie.and_then(|cookie| cookie.to_str().ok()).map(str::to_owned);
    let (is_new, number, times) = {
        let mut inner = service.lock();
        inner.seen.push(format!("{} {}", request.method(), request.uri()));
        inner.visits.push((peer, cookie.clone()));
        let times = inner.asked.entry(request.uri().path().to_owned()).or_default();
        *times += 1;
        let times = *times;
        (cookie.is_none(), inner.seen.len(), times)
    };
    let others = service.under_way.fetch_add(1, Ordering::SeqCst);
    let _under_way = UnderWay(Arc::clone(&service));
    service.most.fetch_max(others + 1, Ordering::SeqCst);
    let mut response = match others {
        AT_ONCE.. => come_back(0),
        _ => answer(service, request, next, times).await,
    };
    if is_new {
        let cookie = HeaderValue::from_str(&format!("visitor={number}; Path=/"));
        response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    }
    response
}

/// Takes its time, and looks at the token; faults are here.
async fn answer(service: Arc<Service>, request: Request, next: Next, times: usize) -> Response {
    tokio::time::sleep(service.latency).await;
    let token = request.headers().get(header::AUTHORIZATION);
    if token.is_none_or(|token| token != format!("Bearer {TOKEN}").as_str()) {
        return refusal(StatusCode::UNAUTHORIZED, "who are you?");
    }
    match request.uri().path() {
        "/collections/flaky" if times == 1 => refusal(StatusCode::SERVICE_UNAVAILABLE, "not now"),
        "/collections/popular" => come_back(7),
        "/collections/broken" => (StatusCode::OK, "{\"name\":").into_response(),
        "/collections/endless" => std::future::pending().await,
        _ => next.run(request).await,
    }
}

async fn collections(State(service): State<Arc<Service>>) -> Json<Vec<String>> {
    Json(service.lock().collections.keys().cloned().collect())
}

async fn collection(State(service): State<Arc<Service>>, Path(name): Path<String>) -> Response {
    match service.lock().collections.get(&name) {
        Some(records) => Json(Collection { name, records: records.len() }).into_response(),
        None if name == "flaky" => Json(Collection { name, records: 0 }).into_response(),
        None => refusal(StatusCode::NOT_FOUND, format!("no collection {name}")),
    }
}

async fn create(State(service): State<Arc<Service>>, Path(name): Path<String>) -> Json<Collection> {
    let records = service.lock().collections.entry(name.clone()).or_default().len();
    Json(Collection { name, records })
}

async fn records(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
    Query(times): Query<HashMap<String, u64>>,
) -> Response {
    let time = |name| times.get(name).copied().unwrap_or_default();
    let (from, to) = (time("from"), time("to"));
    let inner = service.lock();
    let Some(all) = inner.collections.get(&name) else {
        return refusal(StatusCode::NOT_FOUND, format!("no collection {name}"));
    };
    if from > to {
        return refusal(StatusCode::BAD_REQUEST, "time goes forwards");
    }
    let mut found = all.range(from..to).map(|(_, record)| record.clone());
    let records: Vec<_> = found.by_ref().take(PAGE).collect();
    let next = found.next().map(|record| record.time);
    let total = all.range(from..to).count() as u64;
    Json(Page { records, total, next }).into_response()
}

async fn add(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
    Json(new): Json<Vec<Record>>,
) -> Response {
    match service.lock().collections.get_mut(&name) {
        Some(records) => {
            let count = new.len();
            records.extend(new.into_iter().map(|record| (record.time, record)));
            Json(count).into_response()
        }
        None => refusal(StatusCode::NOT_FOUND, format!("no collection {name}")),
    }
}

async fn validate(query: String) -> Response {
    match query.strip_prefix("select ") {
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => refusal(StatusCode::UNPROCESSABLE_ENTITY, format!("cannot read {query:?}")),
    }
}

async fn usage(State(service): State<Arc<Service>>) -> Json<Usage> {
    let collections = &service.lock().collections;
    let records = collections.values().map(BTreeMap::len).sum();
    Json(Usage { records, collections: collections.len() })
}

/// Waits for what comes after an event, but not long: then there is nothing, and the client asks again.
async fn events(
    State(service): State<Arc<Service>>,
    Query(query): Query<HashMap<String, usize>>,
) -> Json<Batch> {
    let after = query.get("after").copied().unwrap_or_default();
    for _ in 0..20 {
        let events: Vec<_> = service.lock().events.iter().skip(after).cloned().collect();
        if !events.is_empty() {
            let over = events.last().is_some_and(|event| event.text == "the end");
            return Json(Batch { events, over });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Json(Batch { events: Vec::new(), over: false })
}
