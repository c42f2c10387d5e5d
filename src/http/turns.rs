//! [`Turns`]: how many requests are under way, in total and to each host.

use std::collections::HashMap;
use std::fmt::Write;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Url;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Arc, Mutex};

/// Gives turns, to those who ask for the same host in the order in which they ask.
///
/// Who waits for its host has no turn in total meanwhile: a host that hangs stops nobody else.
pub(super) struct Turns {
    total: Arc<Semaphore>,
    each: usize,
    hosts: Mutex<Hosts>,
}

#[derive(Default)]
struct Hosts {
    known: HashMap<Arc<str>, Arc<Host>>,
    /// The name of the one that was asked for last: a request to a known host takes no memory for it.
    name: String,
}

struct Host {
    name: Arc<str>,
    turns: Arc<Semaphore>,
    /// How many have a turn there, or wait for one; changed under the lock.
    users: AtomicUsize,
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
        Arc::new(Self { total, each: permits(each), hosts: Mutex::new(Hosts::default()) })
    }

    /// Asks for a turn to talk to the host of `url`.
    pub(super) fn ask(self: &Arc<Self>, url: &Url) -> User {
        let mut hosts = self.hosts.lock();
        let Hosts { known, name } = &mut *hosts;
        write_name(name, url);
        let host = match known.get(name.as_str()) {
            Some(host) => Arc::clone(host),
            None => {
                let turns = Arc::new(Semaphore::new(self.each));
                let name = Arc::from(name.as_str());
                let new = Arc::new(Host { name, turns, users: AtomicUsize::new(0) });
                known.insert(Arc::clone(&new.name), Arc::clone(&new));
                new
            }
        };
        // ORDERING: Relaxed, the lock orders it.
        host.users.fetch_add(1, Ordering::Relaxed);
        User { turns: Arc::clone(self), host }
    }
}

/// Host and port.
fn write_name(name: &mut String, url: &Url) {
    name.clear();
    name.push_str(url.host_str().unwrap_or_default());
    let _ = write!(name, ":{}", url.port_or_known_default().unwrap_or(0)); // a string takes everything
}

/// One that asks for a turn, or has it. The last one of a host forgets it.
pub(super) struct User {
    turns: Arc<Turns>,
    host: Arc<Host>,
}

impl User {
    /// Waits for its turn.
    pub(super) async fn wait(self) -> Turn {
        // Never closed, so these are no failures.
        let host = Arc::clone(&self.host.turns).acquire_owned().await.expect("open");
        let total = Arc::clone(&self.turns.total).acquire_owned().await.expect("open");
        Turn { _total: total, _host: host, _user: self }
    }

    /// Takes it where nothing has to be waited for: then there is none that waits, either.
    pub(super) fn take_now(self) -> Result<Turn, Self> {
        let Ok(host) = Arc::clone(&self.host.turns).try_acquire_owned() else { return Err(self) };
        match Arc::clone(&self.turns.total).try_acquire_owned() {
            Ok(total) => Ok(Turn { _total: total, _host: host, _user: self }),
            Err(_) => Err(self),
        }
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let mut hosts = self.turns.hosts.lock();
        // ORDERING: Relaxed, the lock orders it.
        if self.host.users.fetch_sub(1, Ordering::Relaxed) == 1 {
            hosts.known.remove(&self.host.name);
        }
    }
}
