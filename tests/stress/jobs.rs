//! Makes the promises of jobs: those that take nothing, and those that wait for others.

use crate::ledger::{Out, Value, code};
use crate::model::{fold, is_bad, number};
use crate::program::{Node, Op, Plan, PoolIndex, Taking, Waiting};
use crate::run::{Run, get_in_pieces};
use crate::world::{Callback, Given, Place, Promised};
use asynckit::{
    AnyError, AsyncList, Failure, Outcome, Pool, Promise, TaskSet, buffered, map_concurrent, retry,
};
use std::iter::repeat_n;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

impl Run<'_> {
    pub(crate) fn job(&self, node: Node, op: &Op) -> Promised {
        let (Op::Spawn(pool, ..)
        | Op::SpawnCancellable(pool, ..)
        | Op::MapConcurrent(pool, ..)
        | Op::Retry(pool, ..)
        | Op::Whole(pool, ..)) = op
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
            Op::Whole(_, whole) => self.whole(node, *pool, handle, *whole),
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

    /// A job that waits for a promise.
    pub(crate) fn wait_in_job(
        &self,
        node: Node,
        mut source: Promised,
        pool: PoolIndex,
        how: Waiting,
    ) -> Promised {
        self.waiting_job(node, pool, move |callback| {
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

    /// A job that gets a list, all of it or one after the other.
    pub(crate) fn list_in_job(
        &self,
        node: Node,
        completed: bool,
        mut list: AsyncList<Value>,
        pool: PoolIndex,
    ) -> Promised {
        self.waiting_job(node, pool, move |callback| {
            if !completed {
                let outcome = list.get(None);
                let numbers = outcome
                    .map(|values| values.into_iter().map(Value::defused).collect::<Vec<_>>());
                return callback.waited(numbers, |numbers| number(node, fold(numbers)));
            }
            let mut numbers = vec![None; list.len()];
            let ledger = &callback.world.ledger;
            for item in list.as_completed() {
                let out = item.outcome.take(ledger);
                if numbers[item.index].replace(out).is_some() {
                    ledger.problem(format!("n{node}: item {} comes twice", item.index));
                }
            }
            let all: Vec<u64> = numbers.into_iter().flatten().collect();
            Ok(callback.world.value(number(node, fold(all))))
        })
    }

    /// As a list that completes, by a live set, of which half is pushed while others are taken; or in order, three at most.
    pub(crate) fn taken_in_job(
        &self,
        node: Node,
        set: bool,
        mut items: Vec<Promised>,
        pool: PoolIndex,
    ) -> Promised {
        self.waiting_job(node, pool, move |callback| {
            let mut numbers = vec![None; items.len()];
            let ledger = &callback.world.ledger;
            if set {
                let late = items.split_off(items.len() / 2);
                let (set, mut late) = (TaskSet::from_iter(items), late.into_iter());
                let pusher = set.pusher();
                late.next().map(|promise| pusher.push(promise));
                while let Some(item) = set.next() {
                    late.by_ref().for_each(|promise| _ = pusher.push(promise));
                    if numbers[item.key].replace(item.outcome.take(ledger)).is_some() {
                        ledger.problem(format!("n{node}: item {} comes twice", item.key));
                    }
                }
            } else {
                for (index, outcome) in buffered(items, 3).enumerate() {
                    numbers[index] = Some(outcome.take(ledger));
                }
            }
            let all: Vec<u64> = numbers.into_iter().flatten().collect();
            Ok(callback.world.value(number(node, fold(all))))
        })
    }

    pub(crate) fn waiting_job(
        &self,
        node: Node,
        pool: PoolIndex,
        wait: impl FnOnce(&Callback) -> Result<Value, AnyError> + Send + 'static,
    ) -> Promised {
        let callback = self.callback(node, Plan::Value, "job", Place::Pool(pool));
        let Some(pool) = self.world.pool(pool) else {
            return Promise::settled(Err(Failure::Abandoned));
        };
        pool.spawn(move || {
            callback.begin();
            wait(&callback)
        })
    }
}

impl Callback {
    /// What a job says that has waited.
    pub(crate) fn waited<T>(
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
