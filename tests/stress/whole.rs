//! Makes the promises of calls that go together: scopes, loops, what a limiter lets through.

use crate::ledger::{Out, Value, code};
use crate::model::{fold, is_bad, number};
use crate::program::{Node, Plan, PoolIndex, Steer, Whole};
use crate::run::Run;
use crate::world::{Callback, Place, Promised, World};
use asynckit::{AnyError, AsyncList, Limiter, Outcome, Pool, Tick, repeat_until, unfold};
use std::iter::repeat_n;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

/// Between the runs of periodic work.
const OFTEN: Duration = Duration::from_micros(50);

impl Run<'_> {
    pub(crate) fn whole(&self, node: Node, pool: PoolIndex, on: Pool, whole: Whole) -> Promised {
        match whole {
            Whole::Scope(count, bad, together) => self.waiting_job(node, pool, move |callback| {
                callback.scoped(&on, count, bad, together)
            }),
            Whole::RepeatUntil(turns, pauses) => self.repeated(node, on, turns, pauses),
            Whole::Unfold(count, fails) => self.unfolded(node, on, count, fails),
            Whole::Periodic(runs, at_rate) => self.periodic(node, &on, runs, at_rate),
            Whole::Limited(count, limit, bad, steer) => {
                self.limited(node, on, (count, limit, bad), steer)
            }
        }
    }

    fn repeated(&self, node: Node, on: Pool, turns: u32, pauses: u32) -> Promised {
        let (world, token) = (self.world.clone(), self.world.ledger.token("repeat_until", true));
        let right = number(node, u64::from(turns));
        let done = move |value: &Value| value.n == right;
        repeat_until(repeat_n(Duration::ZERO, pauses as usize), done, move |attempt| {
            let _token = &token;
            let world = world.clone();
            world.ledger.runs(node, "attempt");
            on.spawn(move || Ok(world.value(number(node, u64::from(attempt)))))
        })
    }

    fn unfolded(&self, node: Node, on: Pool, count: u32, fails: bool) -> Promised {
        let (world, token) = (self.world.clone(), self.world.ledger.token("unfold", true));
        let all = unfold(0, move |n: u32| {
            let _token = &token;
            let world = world.clone();
            on.spawn(move || {
                world.ledger.runs(node, "turn");
                match n == count {
                    true if fails => Err(world.fault(code(node, 0))),
                    true => Ok(None),
                    false => Ok(Some((world.value(number(node, u64::from(n))), n + 1))),
                }
            })
        });
        let callback = self.callback(node, Plan::Value, "fold", Place::Anywhere);
        all.map(move |values| callback.folded(values))
    }

    fn periodic(&self, node: Node, on: &Pool, runs: u32, at_rate: bool) -> Promised {
        let (world, token) = (self.world.clone(), self.world.ledger.token("periodic", true));
        let run = move |tick: Tick| {
            let _token = &token;
            let _call = world.under_way(node, 1);
            let number = world.ledger.runs(node, "tick");
            if tick.number != u64::from(number) || (tick.missed > 0 && !at_rate) {
                world.ledger.problem(format!("n{node}: {tick:?} is the run {number}"));
            }
            if number < runs { Ok(()) } else { Err(world.fault(code(node, 0))) }
        };
        let ticking = match at_rate {
            true => on.repeat_every(OFTEN, run),
            false => on.repeat_after(OFTEN, run),
        };
        let world = self.world.clone();
        ticking.into_inner().map(move |()| world.value(0))
    }

    fn limited(
        &self,
        node: Node,
        on: Pool,
        (count, limit, bad): (usize, usize, u8),
        steer: Steer,
    ) -> Promised {
        let limiter = Limiter::new(limit).on(&on);
        if matches!(steer, Steer::Pause | Steer::Clear) {
            limiter.pause();
        }
        let call = |call: usize| {
            let (world, on) = (self.world.clone(), on.clone());
            let token = world.ledger.token("limited", true);
            let priority = i32::try_from(call % 3).expect("small");
            limiter.run_with_priority(priority, move || {
                on.spawn(move || {
                    let _token = token;
                    let _call = world.under_way(node, limit);
                    one_of(&world, node, call, bad).map(|n| world.value(n))
                })
            })
        };
        let all: AsyncList<Value> = (0..count).map(call).collect();
        match steer {
            Steer::Nothing => {}
            Steer::Pause => self.world.help(node, move || limiter.resume()),
            Steer::Narrow => limiter.set_limit(1),
            Steer::Clear => {
                let cleared = limiter.clear();
                if cleared != count && !self.world.stops {
                    let problem = format!("n{node}: cleared {cleared} of {count} calls");
                    self.world.ledger.problem(problem);
                }
            }
        }
        let callback = self.callback(node, Plan::Value, "fold", Place::Anywhere);
        all.settled().map(move |outcomes| callback.folded(outcomes))
    }
}

/// One of some calls: its number, or its fault.
fn one_of(world: &Arc<World>, node: Node, call: usize, bad: u8) -> Result<u64, AnyError> {
    world.ledger.runs(node, "call");
    thread::yield_now();
    match is_bad(bad, call) {
        true => Err(world.fault(code(node, call as u64 + 1))),
        false => Ok(number(node, call as u64)),
    }
}

impl Callback {
    /// A scope, whose jobs borrow from this stack.
    fn scoped(&self, on: &Pool, count: usize, bad: u8, together: bool) -> Result<Value, AnyError> {
        let (world, node) = (&self.world, self.node);
        let marks: Vec<AtomicU64> = (0..count).map(|_| AtomicU64::new(0)).collect();
        let job = |call: usize| {
            let _call = world.under_way(node, count);
            let number = one_of(world, node, call, bad)?;
            marks[call].store(number, SeqCst);
            Ok::<u64, AnyError>(number)
        };
        let job = &job;
        let outcome: Outcome<Vec<u64>> = match together {
            true => on.try_scope(|scope| {
                let jobs = (0..count).map(|call| scope.spawn(move || job(call)));
                jobs.collect::<AsyncList<u64>>().get(None)
            }),
            false => on.scope(|scope| {
                let jobs = (0..count).map(|call| scope.spawn(move || job(call)));
                let outcomes = jobs.collect::<AsyncList<u64>>().settled().get(None)?;
                let number = |outcome: &Outcome<u64>| world.ledger.see(outcome.as_ref()).number();
                Ok(outcomes.iter().map(number).collect())
            }),
        };
        if world.under_way[node].load(SeqCst) > 0 {
            world.ledger.problem(format!("n{node}: a job of the scope still runs"));
        }
        if let Err(failure) = &outcome {
            let out = world.ledger.look::<u64>(Err(failure));
            let caused = (0..count)
                .any(|call| is_bad(bad, call) && out == Out::Fault(code(node, call as u64 + 1)));
            if !caused && !world.stops {
                world.ledger.problem(format!("n{node}: the scope fails with {out:?}"));
            }
        } else if !world.stops {
            let all = marks.iter().zip(0..).filter(|(_, call)| !is_bad(bad, *call));
            if all.into_iter().any(|(mark, call)| mark.load(SeqCst) != number(node, call as u64)) {
                world.ledger.problem(format!("n{node}: a job of the scope has not run"));
            }
        }
        self.waited(outcome, |numbers| number(node, fold(numbers)))
    }
}
