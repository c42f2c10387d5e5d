//! Steps that end a promise, or act on it from another side.

use asynckit::controlled::thread;
use asynckit::{Failure, Promise, Shutdown};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};

use crate::ledger::fault;
use crate::make::SHORT;
use crate::program::{How, Node, Op};
use crate::world::{Thing, World};

/// Drops whom it has to wake.
struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {
        thread::yield_now();
    }
}

impl World {
    /// `false`: it is no such step.
    pub(crate) fn act(self: &Arc<Self>, op: &Op) -> bool {
        match op {
            Op::Get(node, how) => self.end(*node, *how),
            Op::TryGet(node) => self.try_get(*node),
            Op::Poll(node) => self.poll(*node),
            Op::Drop(node) => drop(self.take(*node)),
            Op::Cancel(node) => self.cancel(*node),
            Op::CancelBy(node) => self.cancel_by(*node),
            Op::Resize(pool, count) => self.pools[*pool].set_worker_count(*count),
            Op::Shutdown(pool, drains) => {
                let how = if *drains { Shutdown::Drain } else { Shutdown::CancelQueued };
                self.pools[*pool].shutdown(how, SHORT);
            }
            Op::Yield => thread::yield_now(),
            _ => return self.settle(op),
        }
        true
    }

    fn settle(self: &Arc<Self>, op: &Op) -> bool {
        let (Op::Resolve(node)
        | Op::Reject(node)
        | Op::Abandon(node)
        | Op::OnCancel(node)
        | Op::Follow(node, _)) = op
        else {
            return false;
        };
        let Some(mut deferred) = self.deferreds.lock().remove(node) else { return true };
        match op {
            Op::Resolve(_) => deferred.resolve(self.ledger.value(*node)),
            Op::Reject(_) => deferred.reject(fault(*node)),
            Op::Follow(_, source) => match self.promise(*source) {
                Some(source) => deferred.follow(source),
                None => deferred.follow(Promise::ready(self.ledger.value(*node))),
            },
            Op::OnCancel(_) => {
                let token = self.ledger.token("a handler", *node);
                let (called, told) = (Arc::new(AtomicBool::new(false)), deferred.is_cancelled());
                let is_called = called.clone();
                deferred.on_cancel(move || {
                    let _token = token;
                    called.store(true, Relaxed);
                });
                // At once, or by whoever is cancelling it at this moment.
                if told {
                    self.ledger.expect(*node, is_called);
                }
                let before = self.deferreds.lock().insert(*node, deferred);
                drop(before);
            }
            _ => drop(deferred),
        }
        true
    }

    pub(crate) fn end(&self, node: Node, how: How) {
        match self.take(node) {
            Some(Thing::Promise(promise)) => drop(self.get(node, promise, how)),
            Some(Thing::Guard(guard)) => drop(self.get(node, guard.into_inner(), how)),
            Some(Thing::Value(value)) => {
                let outcome = match how {
                    How::Get | How::Wait if self.program.closed[node] => value.get(None),
                    _ => value.get(SHORT),
                };
                self.see(node, outcome);
                self.put(node, Thing::Value(value));
            }
            Some(Thing::List(list)) => drop(list.settled().get(SHORT)),
            None => {}
        }
    }

    fn see(&self, node: Node, outcome: Result<&crate::ledger::Value, Failure>) {
        match outcome {
            Ok(value) => self.ledger.see_value(node, self.program.makers[node], value),
            Err(Failure::TimedOut) => {}
            Err(failure) => self.ledger.see_failure(node, &failure),
        }
    }

    fn try_get(&self, node: Node) {
        match self.take(node) {
            Some(Thing::Promise(mut promise)) => {
                let (was, outcome) = (promise.is_set(), promise.try_get());
                match outcome {
                    Some(outcome) => self.ledger.see(node, self.program.makers[node], &outcome),
                    None if was => self.ledger.problem(format!("n{node}: it was set, and is not")),
                    None => self.put(node, Thing::Promise(promise)),
                }
            }
            Some(Thing::Value(value)) => {
                value.try_get().into_iter().for_each(|outcome| self.see(node, outcome));
                self.put(node, Thing::Value(value));
            }
            other => other.into_iter().for_each(|thing| self.put(node, thing)),
        }
    }

    fn poll(&self, node: Node) {
        let Some(Thing::Promise(promise)) = self.take(node) else { return };
        let waker = Waker::from(Arc::new(Nobody));
        let mut future = pin!(promise.into_future());
        for _ in 0..3 {
            if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return self.ledger.see(node, self.program.makers[node], &outcome);
            }
            thread::yield_now();
        }
    }

    fn cancel(&self, node: Node) {
        match self.take(node) {
            Some(Thing::Promise(promise)) => {
                promise.cancel();
                self.put(node, Thing::Promise(promise));
            }
            Some(Thing::Value(value)) => {
                value.cancel();
                self.put(node, Thing::Value(value));
            }
            Some(Thing::Guard(guard)) => drop(guard),
            Some(Thing::List(list)) => list.cancel(),
            None => {}
        }
    }

    fn cancel_by(&self, node: Node) {
        let canceller = self.cancellers.lock().remove(&node);
        canceller.into_iter().for_each(|canceller| canceller.cancel());
    }
}
