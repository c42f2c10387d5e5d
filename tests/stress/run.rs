//! Runs a program, step by step, and notes what comes of it.

use asynckit::{AnyError, AsyncList, AsyncValue, Deferred, Failure, Outcome, Shutdown};
use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;
use std::time::Duration;

use crate::common::named_thread;
use crate::common::wakers::{CountingWaker, block_on};
use crate::ledger::{Out, Value, code, inside};
use crate::model::{Model, number};
use crate::program::{Actor, Ending, Last, Node, Plan, Program, Step};
use crate::world::{Callback, Place, Promised, World};

/// Longer than a program takes.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);
pub(crate) const SHORT: Duration = Duration::from_micros(300);

/// What the main thread of a program holds.
pub(crate) struct Run<'a> {
    pub(crate) program: &'a Program,
    pub(crate) model: &'a Model,
    pub(crate) world: &'a Arc<World>,
    pub(crate) promises: HashMap<Node, Promised>,
    pub(crate) values: HashMap<Node, AsyncValue<Value>>,
    pub(crate) deferreds: HashMap<Node, Deferred<Value>>,
    /// What cancels a promise from afar: a canceller, or a source of which it has a token.
    pub(crate) cancellers: HashMap<Node, Box<dyn FnOnce() + Send>>,
    /// Where the callbacks behind each node run.
    pub(crate) places: Vec<Place>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(program: &'a Program, model: &'a Model, world: &'a Arc<World>) -> Self {
        Run {
            program,
            model,
            world,
            promises: HashMap::new(),
            values: HashMap::new(),
            deferreds: HashMap::new(),
            cancellers: HashMap::new(),
            places: vec![],
        }
    }

    pub(crate) fn step(&mut self, step: &Step) {
        match step {
            Step::Make(node, op) => self.make(*node, op),
            Step::Settle(node, ending, actor) => self.settle(*node, *ending, *actor),
            Step::Cancel(node) => self.cancel(*node),
            Step::CancelFromAfar(node, actor) => {
                if let Some(canceller) = self.cancellers.remove(node) {
                    self.act(*actor, canceller);
                }
            }
            Step::Open(gate) => self.world.gates[*gate].open(),
            Step::Resize(pool, count) => {
                if let Some(pool) = self.world.pool(*pool) {
                    pool.set_worker_count(*count);
                }
            }
            Step::Shutdown(pool, drains, limit) => {
                let how = if *drains { Shutdown::Drain } else { Shutdown::CancelQueued };
                if let Some(pool) = self.world.pool(*pool) {
                    pool.shutdown(how, Duration::from_millis(*limit));
                }
            }
            Step::DropPool(pool) => {
                // It waits for the pool's work, and that may wait for the steps to come.
                let pool = self.world.take_pool(*pool);
                drop(named_thread("dropper", move || drop(pool)));
            }
            Step::End(node, last) => self.end(*node, *last),
        }
    }

    pub(crate) fn take(&mut self, node: Node) -> Promised {
        self.promises.remove(&node).expect("nobody else has taken it")
    }

    pub(crate) fn list(&mut self, nodes: &[Node]) -> AsyncList<Value> {
        let items = self.items(nodes);
        inside(|| items.into_iter().collect())
    }

    pub(crate) fn items(&mut self, nodes: &[Node]) -> Vec<Promised> {
        nodes.iter().map(|node| self.take(*node)).collect()
    }

    pub(crate) fn callback(
        &self,
        node: Node,
        plan: Plan,
        what: &'static str,
        place: Place,
    ) -> Callback {
        let mut token = self.world.ledger.token(&format!("n{node}: {what}"), true);
        token.bomb = self.program.bombs.contains(&node);
        Callback { world: self.world.clone(), node, plan, what, place, token: Some(token) }
    }

    fn act(&self, actor: Actor, task: impl FnOnce() + Send + 'static) {
        match actor {
            Actor::Main => task(),
            Actor::Helper(helper) => self.world.help(helper, task),
            Actor::Job(pool) => match self.world.pool(pool) {
                Some(pool) => drop(pool.run(task)),
                None => task(),
            },
        }
    }

    fn settle(&mut self, node: Node, ending: Ending, actor: Actor) {
        let deferred = self.deferreds.remove(&node).expect("it is settled once");
        if self.model.surely_cancelled[node] && !deferred.is_cancelled() {
            self.world
                .ledger
                .problem(format!("n{node}: its Deferred was not told of the cancellation"));
        }
        let source = match ending {
            Ending::Follow(source) => Some(self.take(source)),
            _ => None,
        };
        let world = self.world.clone();
        self.act(actor, move || {
            inside(|| match ending {
                Ending::Resolve => deferred.resolve(world.value(number(node, 0))),
                Ending::Reject => deferred.reject(world.fault(code(node, 0))),
                Ending::SettleTimedOut => deferred.settle(Err(Failure::TimedOut)),
                Ending::Drop => drop(deferred),
                Ending::Follow(_) => deferred.follow(source.expect("it was taken above")),
            });
        });
    }

    fn cancel(&mut self, node: Node) {
        if let Some(value) = self.values.get(&node) {
            value.cancel();
        } else if let Some(promise) = self.promises.get(&node) {
            promise.cancel();
            if !promise.is_set() {
                self.world.ledger.problem(format!("n{node}: pending after it was cancelled"));
            }
        }
    }

    fn end(&mut self, node: Node, last: Last) {
        if let Some(value) = self.values.remove(&node) {
            match last {
                Last::Get => self.observe_value(node, value.get(None)),
                Last::TimedGet => {
                    while value.get(SHORT).is_err_and(|failure| failure.is_timed_out())
                        && !value.is_set()
                    {}
                    self.observe_value(node, value.get(None));
                }
                Last::Await => {
                    let outcome = block_on(value.clone());
                    self.observe(node, outcome);
                }
                Last::WaitThenDrop => assert!(value.wait(None)),
                _ => drop(value),
            }
            return;
        }
        let mut promise = self.take(node);
        match last {
            Last::Get => {
                let outcome = promise.get(None);
                let first = given_again(&outcome);
                self.observe(node, outcome);
                // What has nothing of the user's in it is given again.
                let again = promise.get(None);
                if again.is_ok() || given_again(&again) != first || !promise.is_set() {
                    self.world
                        .ledger
                        .problem(format!("n{node}: taken, and then not Taken, or not the same"));
                }
            }
            Last::TimedGet => {
                let outcome = get_in_pieces(&mut promise);
                self.observe(node, outcome);
            }
            Last::Await => self.observe(node, block_on(promise)),
            Last::TryGet => loop {
                if let Some(outcome) = promise.try_get() {
                    break self.observe(node, outcome);
                }
                std::thread::yield_now();
            },
            Last::PollThenGet => match CountingWaker::new().poll(&mut promise) {
                std::task::Poll::Ready(outcome) => self.observe(node, outcome),
                std::task::Poll::Pending => self.observe(node, promise.get(None)),
            },
            Last::WaitThenDrop => assert!(promise.wait(None) && promise.is_set()),
            Last::Drop => drop(promise),
            Last::CancelOnDrop => drop(promise.cancel_on_drop()),
            Last::CancelThenGet => {
                promise.cancel();
                if !promise.is_set() {
                    self.world.ledger.problem(format!("n{node}: pending after it was cancelled"));
                }
                self.observe(node, promise.get(None));
            }
        }
    }

    fn observe(&self, node: Node, outcome: Outcome<Value>) {
        let out = self.world.ledger.see(outcome.as_ref());
        drop(outcome.map(Value::defused));
        self.check(node, out);
    }

    fn observe_value(&self, node: Node, outcome: Result<&Value, Failure<AnyError>>) {
        let out = match &outcome {
            Ok(value) => self.world.ledger.see(Ok(*value)),
            Err(failure) => self.world.ledger.see::<Value>(Err(failure)),
        };
        self.check(node, out);
    }

    fn check(&self, node: Node, out: Out) {
        let allowed = &self.model.outs[node];
        if !allowed.may(&out) {
            self.world.ledger.problem(format!("n{node}: {out:?}, the model allows {allowed:?}"));
        }
    }
}

/// What a promise has afterwards: what has nothing of the user's in it, or that it was taken.
fn given_again(outcome: &Outcome<Value>) -> Discriminant<Failure> {
    let taken = discriminant(&Failure::Taken);
    match outcome {
        Ok(_) | Err(Failure::Error(_) | Failure::Panicked(_)) => taken,
        Err(failure) => discriminant(failure),
    }
}

/// The outcome, in many small waits.
pub(crate) fn get_in_pieces(promise: &mut Promised) -> Outcome<Value> {
    loop {
        match promise.get(SHORT) {
            Err(Failure::TimedOut) if !promise.is_set() => {}
            // The wait, or the promise itself? What it has can still be had in the first case.
            Err(Failure::TimedOut) => {
                return match promise.try_get() {
                    Some(Err(Failure::Taken)) | None => Err(Failure::TimedOut),
                    Some(outcome) => outcome,
                };
            }
            outcome => return outcome,
        }
    }
}
