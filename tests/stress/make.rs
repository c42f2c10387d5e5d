//! Makes the promises of a program: every kind of step, with callbacks that keep notes. The jobs are in `jobs.rs` and
//! `whole.rs`, what is made of several promises in `many.rs`.

use crate::ledger::{Value, code, inside, panic_payload, planned_panic};
use crate::model::{fold, number};
use crate::program::{Inner, Limit, Node, Op, Plan, PoolIndex};
use crate::run::{NEVER, Run, SHORT};
use crate::world::{Callback, Given, Place, Promised};
use asynckit::{AnyError, CancelSource, Failure, IntoPromise, Promise, join};
use std::time::Duration;

/// Attaches a callback that returns what its plan says: a `Result`, a promise or a shared value.
macro_rules! attach {
    ($callback:expr, $source:expr, $method:ident $(, $extra:expr)*) => {{
        let callback = $callback;
        match callback.plan {
            Plan::Adopt(Inner::Shared(..)) => {
                inside(|| $source.$method($($extra,)* move |given| callback.shared(given)))
            }
            Plan::Adopt(_) => inside(|| $source.$method($($extra,)* move |given| callback.promise(given))),
            _ => inside(|| $source.$method($($extra,)* move |given| callback.result(given))),
        }
    }};
}

impl Run<'_> {
    pub(crate) fn make(&mut self, node: Node, op: &Op) {
        let place = self.place(op);
        self.places.push(place);
        let promise = match op {
            Op::Share(source) => {
                let source = self.take(*source);
                self.values.insert(node, inside(|| source.share()));
                return;
            }
            Op::Deferred(pool) => self.deferred(node, *pool),
            Op::Cancellable(source) => {
                let source = self.take(*source);
                let (promise, cancel): (_, Box<dyn FnOnce() + Send>) = if node % 2 == 0 {
                    let (promise, canceller) = source.cancellable();
                    (promise, Box::new(move || canceller.cancel()))
                } else {
                    let afar = CancelSource::new();
                    let token =
                        if node % 4 == 1 { afar.token() } else { afar.token().child().token() };
                    (source.cancel_by(&token), Box::new(move || afar.cancel()))
                };
                self.cancellers.insert(node, cancel);
                promise
            }
            Op::Ready => Promise::ready(self.world.value(number(node, 0))),
            Op::Failed => Promise::failed(self.world.fault(code(node, 0))),
            _ if op.is_branch() => self.branch(node, op),
            _ => match op.takes().len() {
                0 => self.job(node, op),
                _ => self.link(node, op),
            },
        };
        self.promises.insert(node, promise);
    }

    /// Where the callbacks behind it run.
    fn place(&self, op: &Op) -> Place {
        match op {
            Op::Spawn(pool, ..) | Op::SpawnCancellable(pool, ..) => Place::Pool(*pool),
            Op::ChainOn(_, pool, _) | Op::BranchChainOn(_, pool, _) => Place::Pool(*pool),
            Op::WaitInJob(_, pool, _) | Op::Deferred(Some(pool)) => Place::Pool(*pool),
            Op::Serial(..) => Place::Pool(0),
            Op::CompletedInJob(_, pool) | Op::ListGetInJob(_, pool) => Place::Pool(*pool),
            Op::Ready | Op::Failed | Op::Deferred(None) | Op::Follow(_) => Place::Global,
            Op::MapConcurrent(..) | Op::Retry(..) | Op::Whole(..) => Place::Anywhere,
            Op::SetRace(..) | Op::SetAny(..) => Place::Anywhere,
            _ => op.takes().first().map_or(Place::Anywhere, |source| self.places[*source]),
        }
    }

    fn deferred(&mut self, node: Node, pool: Option<PoolIndex>) -> Promised {
        let (mut deferred, promise) = match pool.map(|pool| self.world.pool(pool)) {
            None => Promise::deferred(),
            Some(Some(pool)) => pool.deferred(),
            Some(None) => Promise::deferred(),
        };
        let handler = self.callback(node, Plan::Value, "on_cancel", Place::Anywhere);
        deferred.on_cancel(handler.release(None));
        self.deferreds.insert(node, deferred);
        promise
    }

    fn link(&mut self, node: Node, op: &Op) -> Promised {
        match op {
            Op::SetRace(items, keep) => return self.raced(node, items, *keep),
            Op::SetAny(items, keep) => return self.first_of_set(node, items, *keep),
            Op::Join(items)
            | Op::Race(items)
            | Op::Any(items)
            | Op::Some(items, _)
            | Op::JoinAll(items)
            | Op::Settled(items) => {
                if node % 3 == 0 {
                    return self.combined_with_keys(node, op, items);
                }
                let list = self.list(items);
                return self.combined(node, op, list);
            }
            Op::CompletedInJob(items, pool) if node % 3 > 0 => {
                let items = self.items(items);
                return self.taken_in_job(node, node % 3 == 1, items, *pool);
            }
            Op::CompletedInJob(items, pool) | Op::ListGetInJob(items, pool) => {
                let list = self.list(items);
                return self.list_in_job(node, matches!(op, Op::CompletedInJob(..)), list, *pool);
            }
            _ => {}
        }
        let takes = op.takes();
        let here = self.places[takes[0]];
        let source = self.take(takes[0]);
        match op {
            Op::Map(_, plan) => {
                let callback = self.callback(node, *plan, "map", here);
                inside(|| source.map(move |value| callback.plain(value)))
            }
            Op::Then(_, plan) => attach!(self.callback(node, *plan, "then", here), source, then),
            Op::Chain(_, plan) => attach!(self.callback(node, *plan, "chain", here), source, chain),
            Op::ChainOn(_, pool, plan) => match self.world.pool(*pool) {
                Some(on) => {
                    let callback = self.callback(node, *plan, "chain", Place::Pool(*pool));
                    attach!(callback, source, chain_on, &on)
                }
                None => Promise::settled(Err(Failure::Abandoned)),
            },
            Op::Catch(_, plan) => attach!(self.callback(node, *plan, "catch", here), source, catch),
            Op::OrElse(_, plan) => {
                attach!(self.callback(node, *plan, "or_else", here), source, or_else)
            }
            Op::CatchIf(_, yes, plan) => {
                let (callback, yes) = (self.callback(node, *plan, "catch_if", here), *yes);
                attach!(callback, source, catch_if, move |_: &Failure<AnyError>| yes)
            }
            Op::Handle(_, plan) => {
                attach!(self.callback(node, *plan, "handle", here), source, handle)
            }
            Op::MapErr(_) => {
                let callback = self.callback(node, Plan::Value, "map_err", here);
                inside(|| {
                    source.map_err(move |error| {
                        callback.begin();
                        error
                    })
                })
            }
            Op::Finally(_, plan) => self.finally(node, *plan, source, takes[0]),
            Op::Inspect(_, plan) => self.inspect(node, *plan, source, here),
            Op::FinallyThen(_, plan) => self.finally_then(node, *plan, source),
            Op::Serial(_, plan) => self.serial(node, *plan, source),
            Op::Timeout(_, limit) => source.timeout(match limit {
                Limit::Zero => Duration::ZERO,
                Limit::Soon => SHORT,
                Limit::Never => NEVER,
            }),
            Op::Shield(_) => source.shield(),
            Op::DelayValue(_) => source.delay_value(SHORT),
            Op::Follow(_) => {
                let (deferred, promise) = Promise::deferred();
                inside(|| deferred.follow(source));
                promise
            }
            Op::WaitInJob(_, pool, how) => self.wait_in_job(node, source, *pool, *how),
            Op::JoinPair(_, second) => {
                let second = self.take(*second);
                let callback = self.callback(node, Plan::Value, "fold", Place::Anywhere);
                inside(|| join((source, second)).map(move |(a, b)| callback.folded(vec![a, b])))
            }
            _ => unreachable!("{op:?} is made elsewhere"),
        }
    }

    fn finally(&self, node: Node, plan: Plan, source: Promised, from: Node) -> Promised {
        let callback = self.callback(node, plan, "finally", Place::Anywhere);
        // Only the panic that takes a value's place is a failure of its own.
        let counts = !self.model.outs[from].may_fail();
        inside(|| {
            source.finally(move || {
                callback.begin();
                if callback.plan == Plan::Panic {
                    let ledger = callback.world.ledger.clone();
                    if counts {
                        planned_panic(&ledger, code(node, 0));
                    }
                    std::panic::resume_unwind(panic_payload(&ledger, code(node, 0)));
                }
            })
        })
    }

    fn finally_then(&self, node: Node, plan: Plan, source: Promised) -> Promised {
        let callback = self.callback(node, plan, "finally_then", Place::Anywhere);
        let nothing = |value: Value| _ = value.defused();
        inside(|| match plan {
            Plan::Adopt(_) => source.finally_then(move || callback.promise(()).map(nothing)),
            _ => source.finally_then(move || callback.result(()).map(nothing)),
        })
    }

    fn serial(&self, node: Node, plan: Plan, source: Promised) -> Promised {
        let callback = self.callback(node, plan, "serial", Place::Pool(0));
        let (world, source) = (self.world.clone(), source.via(&self.world.serial));
        inside(|| match plan {
            Plan::Adopt(_) => source.then(move |value| world.in_turn(|| callback.promise(value))),
            _ => source.then(move |value| world.in_turn(|| callback.result(value))),
        })
    }

    fn inspect(&self, node: Node, plan: Plan, source: Promised, from: Place) -> Promised {
        let callback = self.callback(node, plan, "inspect", from);
        let callback = Callback { place: Place::Anywhere, ..callback };
        inside(|| {
            source.inspect(move |outcome| {
                callback.begin();
                let ledger = callback.world.ledger.clone();
                let out = ledger.see(outcome.as_ref());
                if callback.plan == Plan::Panic {
                    if out.is_ok() {
                        planned_panic(&ledger, code(node, 0));
                    }
                    std::panic::resume_unwind(panic_payload(&ledger, code(node, 0)));
                }
            })
        })
    }

    fn branch(&self, node: Node, op: &Op) -> Promised {
        let from = op.takes()[0];
        let (value, here) = (&self.values[&from], self.places[from]);
        match op {
            Op::BranchMap(_, plan) => {
                let callback = self.callback(node, *plan, "map", here);
                inside(|| value.map(move |value| callback.plain(value)))
            }
            Op::BranchThen(_, plan) => {
                attach!(self.callback(node, *plan, "then", here), value, then)
            }
            Op::BranchChain(_, plan) => {
                attach!(self.callback(node, *plan, "chain", here), value, chain)
            }
            Op::BranchHandle(_, plan) => {
                attach!(self.callback(node, *plan, "handle", here), value, handle)
            }
            Op::BranchCatch(_, plan) => {
                attach!(self.callback(node, *plan, "catch", here), value, catch)
            }
            Op::BranchChainOn(_, pool, plan) => match self.world.pool(*pool) {
                Some(on) => {
                    let callback = self.callback(node, *plan, "chain", Place::Pool(*pool));
                    attach!(callback, value, chain_on, &on)
                }
                None => Promise::settled(Err(Failure::Abandoned)),
            },
            _ => inside(|| value.clone().into_promise()),
        }
    }
}

impl Callback {
    /// One value of many.
    pub(crate) fn folded<G: Given>(self, all: Vec<G>) -> Value {
        self.begin();
        let numbers = all.into_iter().map(|given| given.take(&self.world.ledger));
        self.world.value(number(self.node, fold(numbers)))
    }
}
