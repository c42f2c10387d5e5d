//! Connections: how they are made, watched, kept and closed.

mod connect;
mod dns;
mod failure;
mod kept;
mod line;
mod proxy;
mod tls;

pub(super) use connect::{Connector, Settings};
pub(super) use dns::{Lookup, Resolver};
pub(super) use failure::{Fault, NoConnection};
pub(super) use kept::Kept;
pub(super) use line::{Clock, Line};
pub(super) use proxy::Proxies;
pub(super) use tls::{Trust, tls_config};
