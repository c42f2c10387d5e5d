//! Steps that make a promise.

use asynckit::controlled::thread;
use asynckit::{AnyError, AsyncList, Failure, Outcome, Promise, join, map_concurrent};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::ledger::{Value, fault};
use crate::program::{How, Kind, Node, Op, Plan, Taking};
use crate::world::{Promised, Thing, World};

/// Attaches a callback that returns a result or a promise.
macro_rules! attach {
    ($callback:expr, $promise:expr, $method:ident($($extra:expr),*), $see:expr) => {{
        let callback = $callback;
        match callback.adopts() {
            true => $promise.$method($($extra,)* move |given| {
                $see(&callback, given);
                callback.promise()
            }),
            false => $promise.$method($($extra,)* move |given| {
                $see(&callback, given);
                callback.result()
            }),
        }
    }};
}

/// Longer than a program takes, if the clock stands still while others can run.
const LONG: Duration = Duration::from_secs(60);
/// So long that what is waited for may come, or not.
const TINY: Duration = Duration::from_micros(300);
pub(crate) const SHORT: Duration = Duration::from_millis(2);

fn is_taken(outcome: &Outcome<Value>) -> bool {
    outcome.as_ref().is_err_and(Failure::is_taken)
}

type Called = crate::world::Callback;

impl World {
    pub(crate) fn make(self: &Arc<Self>, node: Node, op: &Op) {
        let thing = match op {
            Op::Share(source) => self.promise(*source).map(|promise| Thing::Value(promise.share())),
            Op::Guard(source) => {
                self.promise(*source).map(|promise| Thing::Guard(promise.cancel_on_drop()))
            }
            Op::List(items, taking) => self.list(node, items, *taking),
            Op::Branch(source, kind) => self.branch(node, *source, *kind).map(Thing::Promise),
            _ => self.leaf(node, op).or_else(|| self.link(node, op)).map(Thing::Promise),
        };
        if let Some(thing) = thing {
            self.put(node, thing);
        }
    }

    fn leaf(self: &Arc<Self>, node: Node, op: &Op) -> Option<Promised> {
        let promise = match op {
            Op::Ready => Promise::ready(self.ledger.value(node)),
            Op::Failed => Promise::failed(fault(node)),
            Op::Spawn(pool, plan) => {
                let callback = self.callback(node, *plan);
                match callback.adopts() {
                    true => self.pools[*pool].spawn(move || callback.promise()),
                    false => self.pools[*pool].spawn(move || callback.result()),
                }
            }
            Op::Limited(plan) => {
                let callback = self.callback(node, *plan);
                match callback.adopts() {
                    true => self.limiter.run(move || callback.promise()),
                    false => self.limiter.run(move || callback.result()),
                }
            }
            Op::SpawnCancellable(pool) => {
                let callback = self.callback(node, Plan::Slow);
                self.pools[*pool].spawn_cancellable(move |token| {
                    let handler = callback.world.ledger.token("a handler", callback.node);
                    token.on_cancel(move || drop(handler));
                    callback.result()
                })
            }
            Op::Deferred(pool) => {
                let (deferred, promise) = match pool {
                    Some(pool) => self.pools[*pool].deferred(),
                    None => Promise::deferred(),
                };
                self.deferreds.lock().insert(node, deferred);
                promise
            }
            Op::Future(pool, kind) => self.future(node, *pool, *kind),
            Op::Concurrent(pool, count, limit) => self.concurrent(node, *pool, *count, *limit),
            Op::Scope(pool) => self.scope(node, *pool),
            _ => return None,
        };
        Some(promise)
    }

    fn future(self: &Arc<Self>, node: Node, pool: usize, kind: Kind) -> Promised {
        let callback = self.callback(node, Plan::Value);
        let handle = &self.pools[pool];
        match kind {
            Kind::Await(source) => match self.promise(source) {
                Some(promise) => handle.spawn_future(async move {
                    let _callback = callback;
                    Ok::<_, AnyError>(promise.await?)
                }),
                None => handle.spawn_future(async move { callback.result() }),
            },
            Kind::Again(mut times) => handle.spawn_future(async move {
                poll_fn(|context| {
                    context.waker().wake_by_ref();
                    times -= 1;
                    if times == 0 { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                callback.result()
            }),
            Kind::Afar => {
                let mut polls = 0;
                handle.spawn_future(async move {
                    let world = callback.world.clone();
                    poll_fn(|context| {
                        world.wake_later(context.waker().clone());
                        polls += 1;
                        if polls > 1 { Poll::Ready(()) } else { Poll::Pending }
                    })
                    .await;
                    callback.result()
                })
            }
        }
    }

    fn concurrent(
        self: &Arc<Self>,
        node: Node,
        pool: usize,
        count: usize,
        limit: usize,
    ) -> Promised {
        let (callback, calls) =
            (self.callback(node, Plan::Value), self.callback(node, Plan::Value));
        let call = move |_| {
            let one = calls.world.callback(node, Plan::Slow);
            calls.world.pools[pool].spawn(move || one.result())
        };
        map_concurrent(0..count, limit, call).map(move |values| {
            if values.len() != count {
                callback.world.ledger.problem(format!("n{node}: {} of {count}", values.len()));
            }
            callback.value()
        })
    }

    fn scope(self: &Arc<Self>, node: Node, pool: usize) -> Promised {
        let (mut first, mut second) = (0, 0);
        let ends = self.program.trouble.ends;
        self.pools[pool].scope(|scope| {
            let one = scope.spawn(|| {
                first = 1;
                Ok::<_, AnyError>(())
            });
            let mut two = scope.spawn(|| {
                second = 2;
                Ok::<_, AnyError>(())
            });
            drop(one);
            let _ = two.get(None);
        });
        if first + second != 3 && !ends {
            self.ledger.problem(format!("n{node}: the scope's jobs gave {first} and {second}"));
        }
        Promise::ready(self.ledger.value(node))
    }

    fn link(self: &Arc<Self>, node: Node, op: &Op) -> Option<Promised> {
        let source = match op {
            Op::Pair(a, b) => return self.pair(node, *a, *b),
            Op::Map(source)
            | Op::Then(source, _)
            | Op::Chain(source, _)
            | Op::ChainOn(source, ..)
            | Op::Catch(source, _)
            | Op::Finally(source)
            | Op::Inspect(source)
            | Op::Via(source, _)
            | Op::Timeout(source, _)
            | Op::Delay(source)
            | Op::Cancellable(source)
            | Op::Shield(source)
            | Op::WaitIn(source, ..) => *source,
            _ => return None,
        };
        let promise = self.promise(source)?;
        let see = move |callback: &Called, value: Value| callback.see(source, &value);
        let fails = move |_: &Called, _: Failure<AnyError>| {};
        let with = |plan: &Plan| self.callback(node, *plan);
        Some(match op {
            Op::Map(_) => {
                let callback = with(&Plan::Value);
                promise.map(move |value| {
                    callback.see(source, &value);
                    callback.value()
                })
            }
            Op::Then(_, plan) => attach!(with(plan), promise, then(), see),
            Op::Chain(_, plan) => attach!(with(plan), promise, chain(), see),
            Op::ChainOn(_, pool, plan) => {
                attach!(with(plan), promise, chain_on(&self.pools[*pool]), see)
            }
            Op::Catch(_, plan) => attach!(with(plan), promise, catch(), fails),
            _ => return Some(self.pass(node, promise, op)),
        })
    }

    /// Steps behind which the value is the same, and a job that waits.
    fn pass(self: &Arc<Self>, node: Node, promise: Promised, op: &Op) -> Promised {
        let token = self.ledger.token("a look", node);
        match op {
            Op::Finally(_) => promise.finally(move || drop(token)),
            Op::Inspect(_) => promise.inspect(move |_| drop(token)),
            Op::Via(_, place) => promise.via(self.executor(node, *place)),
            Op::Timeout(_, limit) => promise.timeout(Duration::from_millis(*limit)),
            Op::Delay(_) => promise.delay_value(SHORT),
            Op::Shield(_) => promise.shield(),
            Op::Cancellable(_) => {
                let (promise, canceller) = promise.cancellable();
                self.cancellers.lock().insert(node, canceller);
                promise
            }
            Op::WaitIn(source, pool, how) => {
                let (callback, source, how) = (self.callback(node, Plan::Value), *source, *how);
                self.pools[*pool].spawn(move || {
                    let outcome = callback.world.clone().get(source, promise, how);
                    outcome.transpose()?;
                    Ok::<_, AnyError>(callback.value())
                })
            }
            _ => promise,
        }
    }

    /// Waits for a promise; no longer than is sure to end.
    pub(crate) fn get(
        &self,
        node: Node,
        mut promise: Promised,
        how: How,
    ) -> Option<Outcome<Value>> {
        let closed = self.program.closed[node];
        let limit = if closed { None } else { Some(LONG) };
        let outcome = match how {
            How::Get if closed => Some(promise.get(None)),
            How::Get | How::Timed => match promise.get(SHORT) {
                // It may be its own failure, which is taken then, or its time.
                Err(Failure::TimedOut) => promise.try_get().filter(|left| !is_taken(left)),
                outcome => Some(outcome),
            },
            How::Wait if closed => {
                promise.wait(limit);
                promise.try_get()
            }
            How::Wait => {
                promise.wait(SHORT);
                promise.try_get()
            }
        };
        let outcome = outcome?;
        self.ledger.see(node, self.program.makers[node], &outcome);
        Some(outcome)
    }

    fn pair(self: &Arc<Self>, node: Node, a: Node, b: Node) -> Option<Promised> {
        let first = self.promise(a)?;
        let Some(second) = self.promise(b) else {
            self.put(a, Thing::Promise(first));
            return None;
        };
        let callback = self.callback(node, Plan::Value);
        Some(join((first, second)).map(move |(one, two)| {
            callback.see(a, &one);
            callback.see(b, &two);
            callback.value()
        }))
    }

    fn branch(self: &Arc<Self>, node: Node, source: Node, kind: u8) -> Option<Promised> {
        let things = self.things.lock();
        let Some(Thing::Value(value)) = things.get(&source) else { return None };
        let value = value.clone();
        drop(things);
        let callback = self.callback(node, Plan::Slow);
        Some(match kind {
            0 => value.then(|value| Ok(value.clone())),
            1 => value.map(move |value| {
                callback.see(source, value);
                callback.value()
            }),
            2 => value.then(move |_| callback.result()),
            _ => value.chain(move |_| callback.result()),
        })
    }

    fn list(self: &Arc<Self>, node: Node, items: &[Node], taking: Taking) -> Option<Thing> {
        let mut list: AsyncList<Value> = AsyncList::new();
        for item in items {
            self.promise(*item).into_iter().for_each(|promise| list.push(promise));
            thread::yield_now();
        }
        // Some that settle while it is made and looked at.
        for number in 0..node % 4 {
            let one = self.callback(node, Plan::Value);
            list.push(self.pools[number % self.pools.len()].spawn(move || one.result()));
        }
        self.asked(self.callback(node, Plan::Value), list, taking)
    }

    /// What becomes of a list.
    fn asked(
        self: &Arc<Self>,
        callback: Called,
        mut list: AsyncList<Value>,
        taking: Taking,
    ) -> Option<Thing> {
        let node = callback.node;
        let any =
            |failures: asynckit::AllFailed<AnyError>| AnyError::msg(failures.failures().len());
        Some(Thing::Promise(match taking {
            Taking::Join => list.map(move |_| callback.value()),
            Taking::Race if !list.is_empty() => list.race(),
            Taking::Any if !list.is_empty() => list.any().map_err(any),
            Taking::Some(count) => {
                let count = count.min(list.len());
                list.some(count).map_err(any).map(move |_| callback.value())
            }
            Taking::Completed(pool) => self.pools[pool].spawn(move || {
                let count = list.len();
                let seen = list.as_completed().count();
                if seen != count {
                    callback.world.ledger.problem(format!("n{node}: {seen} of {count} come"));
                }
                callback.result()
            }),
            Taking::GetIn(pool) => self.pools[pool].spawn(move || {
                list.get(None)?;
                callback.result()
            }),
            Taking::Timed | Taking::Next => self.watched(callback, list, taking),
            Taking::Cancel => {
                list.cancel();
                return Some(Thing::List(list));
            }
            _ => list.settled().map(move |_| callback.value()),
        }))
    }

    /// Waits for a list, a while at a time.
    fn watched(&self, callback: Called, mut list: AsyncList<Value>, taking: Taking) -> Promised {
        if let Taking::Next = taking {
            let count = list.len();
            let mut completed = list.as_completed();
            for _ in 0..count {
                let _ = completed.next_timeout(TINY);
            }
            return Promise::ready(callback.value());
        }
        let waited = (0..3).any(|_| list.wait(TINY));
        if waited && !list.is_set() {
            self.ledger.problem(format!("n{}: waited for, and it is not set", callback.node));
        }
        list.map(move |_| callback.value())
    }
}
