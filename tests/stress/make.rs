//! Makes the promises of a program: every kind of step, with callbacks that keep notes.

use crate::ledger::{Out, Value, code, inside, panic_payload, planned_panic};
use crate::model::{fold, is_bad, number};
use crate::program::{Inner, Limit, Node, Op, Plan, PoolIndex, Taking, Waiting};
use crate::run::{NEVER, Run, SHORT, get_in_pieces};
use crate::world::{Callback, Given, Place, Promised};
use asynckit::{
    AnyError, AsyncList, Failure, IntoPromise, Outcome, Pool, Promise, join, map_concurrent, retry,
};
use std::iter::repeat_n;
use std::sync::atomic::Ordering::SeqCst;
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
                let (promise, canceller) = self.take(*source).cancellable();
                self.cancellers.insert(node, canceller);
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

    /// Where the callbacks behind it run: rule 2.
    fn place(&self, op: &Op) -> Place {
        match op {
            Op::Spawn(pool, ..) | Op::SpawnCancellable(pool, ..) => Place::Pool(*pool),
            Op::ChainOn(_, pool, _) | Op::BranchChainOn(_, pool, _) => Place::Pool(*pool),
            Op::WaitInJob(_, pool, _) | Op::Deferred(Some(pool)) => Place::Pool(*pool),
            Op::CompletedInJob(_, pool) | Op::ListGetInJob(_, pool) => Place::Pool(*pool),
            Op::Ready | Op::Failed | Op::Deferred(None) | Op::Follow(_) => Place::Global,
            Op::MapConcurrent(..) | Op::Retry(..) => Place::Anywhere,
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

    fn job(&self, node: Node, op: &Op) -> Promised {
        let (Op::Spawn(pool, ..)
        | Op::SpawnCancellable(pool, ..)
        | Op::MapConcurrent(pool, ..)
        | Op::Retry(pool, ..)) = op
        else {
            unreachable!("it takes nothing")
        };
        let Some(handle) = self.world.pool(*pool) else {
            return Promise::settled(Err(Failure::Abandoned));
        };
        match op {
            Op::Spawn(_, plan, gate) => {
                let callback = self.callback(node, *plan, "job", Place::Pool(*pool));
                let gate = *gate;
                match plan {
                    Plan::Adopt(_) => handle.spawn(move || {
                        callback.wait_at(gate);
                        callback.promise(())
                    }),
                    _ => handle.spawn(move || {
                        callback.wait_at(gate);
                        callback.result(())
                    }),
                }
            }
            Op::SpawnCancellable(_, plan, gate) => {
                let callback = self.callback(node, *plan, "job", Place::Pool(*pool));
                let gate = *gate;
                match plan {
                    Plan::Adopt(_) => handle.spawn_cancellable(move |token| {
                        token.on_cancel(callback.release(gate));
                        callback.wait_at(gate);
                        callback.promise(())
                    }),
                    _ => handle.spawn_cancellable(move |token| {
                        token.on_cancel(callback.release(gate));
                        callback.wait_at(gate);
                        callback.result(())
                    }),
                }
            }
            Op::MapConcurrent(_, count, limit, bad, taking) => {
                self.concurrent(node, handle, (*count, *limit, *bad), *taking)
            }
            Op::Retry(_, failures, pauses) => self.retried(node, handle, *failures, *pauses),
            _ => unreachable!("it takes nothing"),
        }
    }

    fn concurrent(
        &self,
        node: Node,
        pool: Pool,
        (count, limit, bad): (usize, usize, u8),
        taking: Taking,
    ) -> Promised {
        let (world, token) = (self.world.clone(), self.world.ledger.token("map_concurrent", true));
        let call = move |call: usize| {
            let _token = &token;
            let world = world.clone();
            world.ledger.runs(node, "call");
            pool.spawn(move || {
                let running = world.under_way[node].fetch_add(1, SeqCst) + 1;
                if running > limit.max(1) {
                    world.ledger.problem(format!("n{node}: {running} calls at once"));
                }
                std::thread::yield_now();
                world.under_way[node].fetch_sub(1, SeqCst);
                if is_bad(bad, call) {
                    return Err(world.fault(code(node, call as u64 + 1)));
                }
                Ok(world.value(number(node, call as u64)))
            })
        };
        let list = map_concurrent(0..count, limit, call);
        let callback = self.callback(node, Plan::Value, "fold", Place::Anywhere);
        match taking {
            Taking::Join => list.map(move |values| callback.folded(values)),
            Taking::Settled => list.settled().map(move |outcomes| callback.folded(outcomes)),
        }
    }

    fn retried(&self, node: Node, pool: Pool, failures: u32, pauses: u32) -> Promised {
        let (world, token) = (self.world.clone(), self.world.ledger.token("retry", true));
        retry(repeat_n(Duration::ZERO, pauses as usize), move |attempt| {
            let _token = &token;
            let world = world.clone();
            world.ledger.runs(node, "attempt");
            pool.spawn(move || {
                let last = attempt > pauses;
                match attempt > failures {
                    true => Ok(world.value(number(node, u64::from(attempt)))),
                    false if last => Err(world.fault(code(node, 0))),
                    false => Err(AnyError::msg("again")),
                }
            })
        })
    }

    fn link(&mut self, node: Node, op: &Op) -> Promised {
        match op {
            Op::Join(items)
            | Op::Race(items)
            | Op::Any(items)
            | Op::Some(items, _)
            | Op::Settled(items) => {
                let list = self.list(items);
                return self.combined(node, op, list);
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

    fn combined(&self, node: Node, op: &Op, list: AsyncList<Value>) -> Promised {
        let callback = self.callback(node, Plan::Value, "fold", Place::Anywhere);
        let failed = self.callback(node, Plan::Fault, "all failed", Place::Anywhere);
        let all_failed = move |_: asynckit::AllFailed<AnyError>| {
            failed.begin();
            failed.world.fault(code(node, 0))
        };
        inside(|| match op {
            Op::Join(_) => list.map(move |values| callback.folded(values)),
            Op::Race(_) => list.race(),
            Op::Any(_) => {
                list.any().map_err(all_failed).map(move |value| callback.folded(vec![value]))
            }
            Op::Some(_, n) => {
                list.some(*n).map_err(all_failed).map(move |values| callback.folded(values))
            }
            _ => list.settled().map(move |outcomes| callback.folded(outcomes)),
        })
    }

    fn wait_in_job(
        &self,
        node: Node,
        mut source: Promised,
        pool: PoolIndex,
        how: Waiting,
    ) -> Promised {
        let callback = self.callback(node, Plan::Value, "job", Place::Pool(pool));
        let Some(pool) = self.world.pool(pool) else {
            return Promise::settled(Err(Failure::Abandoned));
        };
        pool.spawn(move || {
            callback.begin();
            let outcome = match how {
                Waiting::Get => source.get(None),
                Waiting::TimedGets => get_in_pieces(&mut source),
                Waiting::WaitThenTry => {
                    assert!(source.wait(None));
                    source.try_get().expect("it is set")
                }
            };
            callback.waited(outcome.map(|value| value.defused()), |n| n)
        })
    }

    fn list_in_job(
        &self,
        node: Node,
        completed: bool,
        mut list: AsyncList<Value>,
        pool: PoolIndex,
    ) -> Promised {
        let callback = self.callback(node, Plan::Value, "job", Place::Pool(pool));
        let Some(pool) = self.world.pool(pool) else {
            return Promise::settled(Err(Failure::Abandoned));
        };
        pool.spawn(move || {
            callback.begin();
            if !completed {
                let outcome = list.get(None);
                let numbers = outcome
                    .map(|values| values.into_iter().map(Value::defused).collect::<Vec<_>>());
                return callback.waited(numbers, |numbers| number(node, fold(numbers)));
            }
            let mut numbers = vec![None; list.len()];
            for item in list.as_completed() {
                let out = item.outcome.take(&callback.world.ledger);
                if numbers[item.index].replace(out).is_some() {
                    callback
                        .world
                        .ledger
                        .problem(format!("n{node}: item {} comes twice", item.index));
                }
            }
            let all: Vec<u64> = numbers.into_iter().flatten().collect();
            Ok(callback.world.value(number(node, fold(all))))
        })
    }
}

impl Callback {
    /// One value of many.
    fn folded<G: Given>(self, all: Vec<G>) -> Value {
        self.begin();
        let numbers = all.into_iter().map(|given| given.take(&self.world.ledger));
        self.world.value(number(self.node, fold(numbers)))
    }

    /// What a job says that has waited.
    fn waited<T>(
        &self,
        outcome: Outcome<T>,
        number: impl FnOnce(T) -> u64,
    ) -> Result<Value, AnyError> {
        match outcome {
            Ok(numbers) => Ok(self.world.value(number(numbers))),
            Err(failure) => match self.world.ledger.see::<Value>(Err(&failure)) {
                Out::Fault(_) | Out::Panic(_) | Out::Bomb => {
                    Err(self.world.fault(code(self.node, 0)))
                }
                _ => Err(failure.into()),
            },
        }
    }
}
