//! [`Lookup`]: names to addresses, one thread a name and never more than one for the same name.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::{io, vec};

use hyper_util::client::legacy::connect::dns::Name;
use tokio::sync::watch;
use tower_service::Service;

use super::{Fault, NoConnection};
use crate::sync::{Arc, Mutex};

type Addresses = Arc<Result<Vec<IpAddr>, io::Error>>;
/// Looks a name up instead of the system.
pub(in crate::http) type Resolver = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Looks names up: those of a table first, then by a function of the user's or the system.
///
/// The system's resolver blocks for as long as it likes, so each name is looked up on a thread of its own, out
/// of tokio's for blocking work: as many as there are names of requests under way. Who asks for a name that
/// is being looked up waits for that answer.
#[derive(Clone, Default)]
pub(in crate::http) struct Lookup {
    table: Arc<HashMap<String, Vec<IpAddr>>>,
    custom: Option<Arc<Resolver>>,
    running: Arc<Mutex<HashMap<String, watch::Receiver<Option<Addresses>>>>>,
}

impl Lookup {
    pub(in crate::http) fn new(
        table: HashMap<String, Vec<IpAddr>>,
        custom: Option<Arc<Resolver>>,
    ) -> Self {
        Self { table: Arc::new(table), custom, running: Arc::default() }
    }

    /// The answer to come for a name, asked for unless it is under way.
    fn ask(&self, name: &str) -> watch::Receiver<Option<Addresses>> {
        let mut running = self.running.lock();
        if let Some(answer) = running.get(name) {
            return answer.clone();
        }
        let (tell, answer) = watch::channel(None);
        running.insert(name.to_owned(), answer.clone());
        let (this, name) = (self.clone(), name.to_owned());
        tokio::task::spawn_blocking(move || {
            let end = End { lookup: &this, name: &name };
            let addresses = match &this.custom {
                Some(custom) => custom(&name),
                None => by_system(&name),
            };
            drop(end); // who asks from here on gets a new answer
            tell.send_replace(Some(Arc::new(addresses)));
        });
        answer
    }

    async fn addresses(self, name: String) -> Result<Vec<IpAddr>, NoConnection> {
        if let Some(addresses) = self.table.get(&name.to_ascii_lowercase()) {
            return Ok(addresses.clone());
        }
        let mut answer = self.ask(&name);
        let Ok(found) = answer.wait_for(Option::is_some).await.map(|found| found.clone()) else {
            return Err(NoConnection::new(Fault::Name, "the resolver panicked"));
        };
        let found = found.expect("waited for");
        match &*found {
            Ok(addresses) if addresses.is_empty() => {
                Err(NoConnection::new(Fault::Name, "it has no address"))
            }
            Ok(addresses) => Ok(addresses.clone()),
            Err(error) => Err(NoConnection::new(Fault::Name, copy_of(error))),
        }
    }
}

/// Also where a resolver of the user's panics.
struct End<'a> {
    lookup: &'a Lookup,
    name: &'a str,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.lookup.running.lock().remove(self.name);
    }
}

fn by_system(name: &str) -> io::Result<Vec<IpAddr>> {
    Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
}

/// For each that waits; with the number, where it is the system's.
fn copy_of(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

impl Service<Name> for Lookup {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = NoConnection;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let found = self.clone().addresses(name.as_str().to_owned());
        Box::pin(async move {
            let addresses = found.await?;
            let with_port = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(with_port.collect::<Vec<_>>().into_iter())
        })
    }
}
