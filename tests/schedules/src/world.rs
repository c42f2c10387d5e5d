//! What the threads of a program share.

use asynckit::controlled::thread::{self, JoinHandle};
use asynckit::controlled::{Condvar, Mutex};
use asynckit::{
    AnyError, AsyncList, AsyncValue, CancelOnDrop, Canceller, Deferred, ExecutorRef, Inline, Job,
    Limiter, LocalQueue, Pool, Promise,
};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::Waker;

use crate::ledger::{Ledger, Token, Value, fault};
use crate::program::{Node, Place, Plan, Program};

pub(crate) type Promised = Promise<Value>;

/// What is in the place of a node.
pub(crate) enum Thing {
    Promise(Promised),
    Value(AsyncValue<Value>),
    Guard(CancelOnDrop<Value>),
    List(AsyncList<Value>),
}

/// What another thread is to do.
enum Chore {
    Run(Job),
    Wake(Waker),
    /// The library's queue has something.
    Look,
    End,
}

/// All that threads share.
pub(crate) struct World {
    pub(crate) program: Program,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) pools: Vec<Pool>,
    pub(crate) limiter: Limiter,
    pub(crate) things: Mutex<HashMap<Node, Thing>>,
    pub(crate) deferreds: Mutex<HashMap<Node, Deferred<Value>>>,
    pub(crate) cancellers: Mutex<HashMap<Node, Canceller>>,
    chores: Mutex<VecDeque<Chore>>,
    bell: Condvar,
    local: Mutex<Option<ExecutorRef>>,
}

impl World {
    pub(crate) fn new(program: &Program) -> Arc<Self> {
        let spares = program.trouble.spares.unwrap_or(64);
        let builder = || Pool::builder().max_spare_workers(spares);
        let pool =
            |workers: &usize| builder().workers(*workers).build().expect("there are threads");
        let pools: Vec<_> = program.pools.iter().map(pool).collect();
        let world = World {
            ledger: Ledger::new(program.trouble),
            limiter: Limiter::new(1).on(&pools[0]),
            pools,
            program: program.clone(),
            things: Mutex::default(),
            deferreds: Mutex::default(),
            cancellers: Mutex::default(),
            chores: Mutex::default(),
            bell: Condvar::new(),
            local: Mutex::default(),
        };
        Arc::new(world)
    }

    fn ask(&self, chore: Chore) {
        self.chores.lock().push_back(chore);
        self.bell.notify_one();
    }

    /// Starts the thread that runs what executors have taken, and wakes what waits to be woken.
    pub(crate) fn start_driver(self: &Arc<Self>) -> JoinHandle<()> {
        let (world, alarm) = (self.clone(), Arc::downgrade(self));
        let ready = Arc::new((Mutex::new(false), Condvar::new()));
        let is_ready = ready.clone();
        let driver = thread::spawn(move || {
            let queue = LocalQueue::with_notify(move || {
                if let Some(world) = alarm.upgrade() {
                    world.ask(Chore::Look);
                }
            });
            *world.local.lock() = Some((&queue).into());
            *is_ready.0.lock() = true;
            is_ready.1.notify_all();
            world.drive(&queue);
        });
        let mut is_ready = ready.0.lock();
        while !*is_ready {
            is_ready = ready.1.wait(is_ready);
        }
        driver
    }

    fn drive(&self, queue: &LocalQueue) {
        loop {
            let mut chores = self.chores.lock();
            while chores.is_empty() {
                chores = self.bell.wait(chores);
            }
            let chore = chores.pop_front();
            drop(chores);
            match chore {
                Some(Chore::Run(job)) => job.run(),
                Some(Chore::Wake(waker)) => waker.wake(),
                Some(Chore::Look) | None => drop(queue.run_pending()),
                Some(Chore::End) => break,
            }
        }
        drop(self.local.lock().take());
        queue.run_pending();
    }

    pub(crate) fn end_driver(&self) {
        self.ask(Chore::End);
    }

    pub(crate) fn wake_later(&self, waker: Waker) {
        self.ask(Chore::Wake(waker));
    }

    /// An executor for a promise of this node.
    pub(crate) fn executor(self: &Arc<Self>, node: Node, place: Place) -> ExecutorRef {
        // The executor is dropped with the last promise that goes through it.
        let token = self.ledger.token("an executor", node);
        let world = Arc::downgrade(self);
        match place {
            Place::Inline => Inline.into(),
            Place::Pool(pool) => (&self.pools[pool]).into(),
            Place::Local => self.local.lock().clone().expect("while the driver lives"),
            Place::Queue => (move |job: Job| {
                let _token = &token;
                if let Some(world) = world.upgrade() {
                    world.ask(Chore::Run(job));
                }
            })
            .into(),
            Place::Mixed => {
                let calls = AtomicU32::new(0);
                (move |job: Job| {
                    let _token = &token;
                    let Some(world) = world.upgrade() else { return };
                    match calls.fetch_add(1, Relaxed) % 3 {
                        0 => job.run(),
                        1 if world.program.trouble.ends => drop(job),
                        _ => world.ask(Chore::Run(job)),
                    }
                })
                .into()
            }
        }
    }

    pub(crate) fn take(&self, node: Node) -> Option<Thing> {
        self.things.lock().remove(&node)
    }

    /// The promise of this node, whatever it was made into.
    pub(crate) fn promise(&self, node: Node) -> Option<Promised> {
        match self.take(node)? {
            Thing::Promise(promise) => Some(promise),
            Thing::Guard(guard) => Some(guard.into_inner()),
            Thing::Value(value) => {
                let copy = value.then(|value| Ok(value.clone()));
                self.put(node, Thing::Value(value));
                Some(copy)
            }
            list @ Thing::List(_) => {
                self.put(node, list);
                None
            }
        }
    }

    pub(crate) fn put(&self, node: Node, thing: Thing) {
        let before = self.things.lock().insert(node, thing);
        drop(before);
    }

    pub(crate) fn callback(self: &Arc<Self>, node: Node, plan: Plan) -> Callback {
        let token = self.ledger.token("a callback", node);
        Callback { world: self.clone(), node, plan, _token: token }
    }
}

/// What a callback holds.
pub(crate) struct Callback {
    pub(crate) world: Arc<World>,
    pub(crate) node: Node,
    pub(crate) plan: Plan,
    _token: Token,
}

impl Callback {
    pub(crate) fn see(&self, source: Node, value: &Value) {
        let makers = self.world.program.makers[source];
        self.world.ledger.see_value(self.node, makers, value);
    }

    pub(crate) fn value(&self) -> Value {
        self.world.ledger.value(self.node)
    }

    /// What it returns.
    pub(crate) fn promise(self) -> Promised {
        match self.plan {
            Plan::Value | Plan::Ready => Promise::ready(self.value()),
            Plan::Slow => {
                thread::yield_now();
                Promise::ready(self.value())
            }
            Plan::Fault => Promise::failed(fault(self.node)),
            Plan::Panic => std::panic::resume_unwind(Box::new("as planned")),
            Plan::Job(pool) => {
                let pool = self.world.pools[pool].clone();
                pool.run(move || self.value())
            }
            Plan::Other(other) => match self.world.promise(other) {
                Some(promise) => promise,
                None => Promise::ready(self.value()),
            },
        }
    }

    /// Whether it returns a promise, not a result.
    pub(crate) fn adopts(&self) -> bool {
        matches!(self.plan, Plan::Ready | Plan::Job(_) | Plan::Other(_))
    }

    pub(crate) fn result(self) -> Result<Value, AnyError> {
        match self.plan {
            Plan::Fault => Err(fault(self.node)),
            Plan::Panic => std::panic::resume_unwind(Box::new("as planned")),
            Plan::Slow => {
                thread::yield_now();
                Ok(self.value())
            }
            _ => Ok(self.value()),
        }
    }
}
