//! [`Kept`]: the open connections of a session, and which of them nobody uses.

use tokio::sync::Notify;

use super::Line;
use crate::sync::{Arc, Mutex};

/// All connections of a session. What is idle is in the order in which it became so.
pub(in crate::http) struct Kept {
    idle: Mutex<Vec<Arc<Line>>>,
    /// How many may be idle.
    most: usize,
    /// A descriptor has become free.
    freed: Notify,
}

impl Kept {
    pub(in crate::http) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { idle: Mutex::new(Vec::new()), most, freed: Notify::new() })
    }

    /// A request has it, and over HTTP/2 others may have it, too. One that was being closed as too many, and whose end has not been seen, stays.
    pub(in crate::http) fn take(&self, line: &Arc<Line>) {
        line.reopen();
        let mut idle = self.idle.lock();
        line.enter();
        // Mostly one of the last: those are used first.
        if let Some(index) = idle.iter().rposition(|idle| Arc::ptr_eq(idle, line)) {
            idle.remove(index);
        }
    }

    /// Its request is over. The oldest ones that are too many are closed.
    pub(in crate::http) fn rest(&self, line: &Arc<Line>) {
        let surplus = {
            let mut idle = self.idle.lock();
            let is_last = line.leave();
            if !is_last || line.is_gone() {
                return;
            }
            idle.push(Arc::clone(line));
            let surplus = idle.len().saturating_sub(self.most);
            idle.drain(..surplus).collect::<Vec<_>>()
        };
        surplus.iter().for_each(|line| line.close());
    }

    /// It is closed.
    pub(super) fn gone(&self, line: &Arc<Line>) {
        {
            let mut idle = self.idle.lock();
            line.go();
            idle.retain(|idle| !Arc::ptr_eq(idle, line));
        }
        self.freed.notify_waiters();
    }

    /// Closes all that is idle.
    pub(in crate::http) fn close_idle(&self) {
        let idle = std::mem::take(&mut *self.idle.lock());
        idle.iter().for_each(|line| line.close());
    }

    /// Waits until a connection of this session was closed.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }
}
