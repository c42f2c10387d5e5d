//! [`Turns`]: how many requests are under way, in total and to each host.

use std::collections::HashMap;
use std::fmt::Write;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Url;
use crate::sync::{Arc, Mutex};

/// Gives turns, to those who ask for the same host in the order in which they ask.
///
/// Who waits for its host has no turn in total meanwhile: a host that hangs stops nobody else.
pub(super) struct Turns {
    total: Arc<Semaphore>,
    each: usize,
    hosts: Mutex<HashMap<String, Host>>,
}

struct Host {
    turns: Arc<Semaphore>,
    /// How many have a turn there, or wait for one.
    users: usize,
}

/// A request may be under way for as long as it has this.
pub(super) struct Turn {
    _total: OwnedSemaphorePermit,
    _host: OwnedSemaphorePermit,
    _user: User,
}

impl Turns {
    pub(super) fn new(total: usize, each: usize) -> Arc<Self> {
        let permits = |count: usize| count.clamp(1, Semaphore::MAX_PERMITS);
        let total = Arc::new(Semaphore::new(permits(total)));
        Arc::new(Self { total, each: permits(each), hosts: Mutex::new(HashMap::new()) })
    }

    pub(super) async fn take(self: Arc<Self>, url: &Url) -> Turn {
        let (host, user) = self.use_host(key(url));
        // Never closed, so these are no failures.
        let host = host.acquire_owned().await.expect("open");
        let total = Arc::clone(&self.total).acquire_owned().await.expect("open");
        Turn { _total: total, _host: host, _user: user }
    }

    /// The same where nothing has to be waited for: then there is none that waits, either.
    pub(super) fn take_now(self: &Arc<Self>, url: &Url) -> Option<Turn> {
        let (host, user) = self.use_host(key(url));
        let host = host.try_acquire_owned().ok()?;
        let total = Arc::clone(&self.total).try_acquire_owned().ok()?;
        Some(Turn { _total: total, _host: host, _user: user })
    }

    fn use_host(self: &Arc<Self>, key: String) -> (Arc<Semaphore>, User) {
        let mut hosts = self.hosts.lock();
        if !hosts.contains_key(&key) {
            let new = Host { turns: Arc::new(Semaphore::new(self.each)), users: 0 };
            hosts.insert(key.clone(), new);
        }
        let host = hosts.get_mut(&key).expect("it is there");
        host.users += 1;
        (Arc::clone(&host.turns), User { turns: Arc::clone(self), key })
    }
}

/// Host and port.
fn key(url: &Url) -> String {
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default());
    let mut key = String::with_capacity(host.len() + 6);
    let _ = write!(key, "{host}:{}", port.unwrap_or(0)); // a string takes everything
    key
}

/// Forgets a host that nobody uses any more.
struct User {
    turns: Arc<Turns>,
    key: String,
}

impl Drop for User {
    fn drop(&mut self) {
        let mut hosts = self.turns.hosts.lock();
        let Some(host) = hosts.get_mut(&self.key) else { return };
        host.users -= 1;
        if host.users == 0 {
            hosts.remove(&self.key);
        }
    }
}
