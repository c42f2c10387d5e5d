//! The reference: which outcomes each promise of a program may have, and which callbacks must run.
//! It knows nothing of threads: where their order decides, a set says what is possible.

use crate::ledger::{Out, code};
use crate::outs::{
    Outs, beside, first_values, handled, joined, joined_all, observed, product, union, waited,
    whole,
};
use crate::program::{
    Actor, Ending, Inner, Last, Limit, Node, Op, Plan, Program, Step, Taking, Whole,
};
use crate::random::mix;

/// What the model says of a program.
pub(crate) struct Model {
    /// What each node may end with.
    pub(crate) outs: Vec<Outs>,
    /// Whether it may be cancelled, from wherever.
    pub(crate) hit: Vec<bool>,
    /// Whether it certainly is cancelled, by the main thread, while it is certainly pending.
    pub(crate) surely_cancelled: Vec<bool>,
    /// A failure that arises here is seen, or reported exactly once.
    pub(crate) reports: Vec<bool>,
    /// It may go to several promises that share it: each of them tells on its own when nobody looks at it.
    pub(crate) shared: Vec<bool>,
}

/// What `plan` makes of the number that it is given, as the callback of `node`.
pub(crate) fn answer(node: Node, plan: Plan, input: u64) -> Out {
    let fails = match plan {
        Plan::Value | Plan::Adopt(Inner::Ready) => false,
        Plan::Adopt(Inner::Job(_, fails) | Inner::Late(fails) | Inner::Shared(_, fails)) => fails,
        Plan::Panic => return Out::Panic(code(node, 0)),
        Plan::Fault | Plan::Adopt(Inner::Failed) => true,
    };
    if fails { Out::Fault(code(node, 0)) } else { Out::Ok(number(node, input)) }
}

/// The value that `node` makes of a number.
pub(crate) fn number(node: Node, input: u64) -> u64 {
    mix(input ^ (node as u64 + 1))
}

/// Folds numbers into one; their order counts.
pub(crate) fn fold(numbers: impl IntoIterator<Item = u64>) -> u64 {
    numbers.into_iter().fold(7, |sum, n| mix(sum).wrapping_add(n))
}

struct Analysis<'a> {
    program: &'a Program,
    model: Model,
}

/// What the model says of this program.
pub(crate) fn model(program: &Program) -> Model {
    let nodes = program.nodes();
    let model = Model {
        outs: vec![Outs::default(); nodes],
        hit: vec![false; nodes],
        surely_cancelled: vec![false; nodes],
        reports: vec![true; nodes],
        shared: vec![false; nodes],
    };
    let mut analysis = Analysis { program, model };
    let cancelled = analysis.cancels();
    for (node, cancelled) in cancelled.into_iter().enumerate() {
        let mut outs = analysis.outs(node);
        if analysis.may_abandon(node) {
            outs.add(Out::Abandoned);
            // Of its jobs some are abandoned and some are not.
            outs.any_value |= matches!(
                program.op(node),
                Op::MapConcurrent(.., Taking::Settled)
                    | Op::Whole(_, Whole::Limited(..) | Whole::Scope(_, _, false))
            );
        }
        if program.bombs.contains(&node) {
            outs.add(Out::Bomb);
        }
        if cancelled {
            outs.add(Out::Cancelled);
        }
        analysis.model.outs[node] = outs;
    }
    analysis.certain_cancels();
    analysis.model
}

impl Analysis<'_> {
    /// What is taken to make `node`, also by `Deferred::follow`.
    fn takes(&self, node: Node) -> Vec<Node> {
        let op = self.program.op(node);
        let mut takes = op.takes();
        if let Op::Deferred(_) = op {
            for step in &self.program.steps {
                if let Step::Settle(settled, Ending::Follow(source), _) = step {
                    if *settled == node {
                        takes.push(*source);
                    }
                }
            }
        }
        takes
    }

    /// Which nodes may be cancelled so that those who wait for them can see it. Fills `hit` and `reports` as well.
    fn cancels(&mut self) -> Vec<bool> {
        let nodes = self.program.nodes();
        let (mut seen, mut gives_up) = (vec![false; nodes], vec![false; nodes]);
        let mut dirty = vec![self.program.stops_pools(); nodes];
        for step in &self.program.steps {
            match step {
                Step::Cancel(node) | Step::CancelFromAfar(node, _) => seen[*node] = true,
                Step::End(node, Last::CancelThenGet | Last::CancelOnDrop) => seen[*node] = true,
                _ => {}
            }
        }
        for node in (0..nodes).rev() {
            let op = self.program.op(node).clone();
            let makes_shared = |plan: &Plan| matches!(plan, Plan::Adopt(Inner::Shared(..)));
            self.model.shared[node] |= op.plan().as_ref().is_some_and(makes_shared);
            // The failure of a job goes to its promise, and to the scope.
            self.model.shared[node] |= matches!(op, Op::Whole(_, Whole::Scope(..)));
            let gives_way = matches!(op, Op::FinallyThen(..));
            let quits = match op {
                Op::Timeout(_, limit) => limit != Limit::Never,
                Op::Join(_) | Op::JoinPair(..) | Op::Race(_) | Op::Any(_) | Op::Some(..) => true,
                Op::SetRace(..) | Op::SetAny(..) => true,
                _ => false,
            };
            let swallows = quits
                || gives_way
                || matches!(op, Op::Settled(_) | Op::JoinAll(_))
                || matches!(op, Op::CompletedInJob(..) | Op::ListGetInJob(..));
            dirty[node] |= self.program.bombs.contains(&node) || seen[node] || gives_way;
            let below = (
                seen[node] || matches!(op, Op::Timeout(_, Limit::Zero | Limit::Soon)),
                gives_up[node] || quits,
                dirty[node] || swallows,
            );
            for input in self.takes(node) {
                // A job that waits is not its promise: what it waits for is not cancelled with it. (A queued one
                // drops it.) A shield keeps it from what is upstream.
                let apart = matches!(
                    op,
                    Op::WaitInJob(..)
                        | Op::CompletedInJob(..)
                        | Op::ListGetInJob(..)
                        | Op::Shield(_)
                );
                if !apart {
                    seen[input] |= below.0 || (below.1 && op.is_branch());
                    gives_up[input] |= below.1;
                }
                dirty[input] |= below.2;
                // What a callback makes a promise of again was not seen, whatever it was before.
                let anew = matches!(op, Op::Share(_) | Op::SetRace(..));
                self.model.shared[input] |= self.model.shared[node] || anew;
            }
        }
        // What reads a shared value that may be cancelled may see it.
        for node in 0..nodes {
            self.model.hit[node] = seen[node] || gives_up[node];
            self.model.reports[node] = !dirty[node] && !self.model.hit[node];
        }
        seen
    }

    /// Whether a pool that is stopped may leave it without an outcome of its own.
    fn may_abandon(&self, node: Node) -> bool {
        self.program.stops_pools() && !matches!(self.program.op(node), Op::Ready | Op::Failed)
    }

    fn outs(&self, node: Node) -> Outs {
        let of = |input: &Node| &self.model.outs[*input];
        match self.program.op(node) {
            Op::Ready => Outs::one(Out::Ok(number(node, 0))),
            Op::Failed => Outs::one(Out::Fault(code(node, 0))),
            Op::Spawn(_, plan, _) | Op::SpawnCancellable(_, plan, _) => {
                Outs::one(answer(node, *plan, 0))
            }
            Op::Deferred(_) => self.settled(node),
            Op::Map(n, plan)
            | Op::Then(n, plan)
            | Op::Chain(n, plan)
            | Op::ChainOn(n, _, plan)
            | Op::Serial(n, plan)
            | Op::BranchMap(n, plan)
            | Op::BranchThen(n, plan)
            | Op::BranchChain(n, plan)
            | Op::BranchChainOn(n, _, plan) => handled(node, of(n), *plan, Out::is_ok),
            Op::Catch(n, plan) | Op::BranchCatch(n, plan) => {
                handled(node, of(n), *plan, |out| !out.is_ok())
            }
            Op::OrElse(n, plan) => handled(node, of(n), *plan, |out| matches!(out, Out::Fault(_))),
            Op::CatchIf(n, yes, plan) => handled(node, of(n), *plan, |out| *yes && !out.is_ok()),
            Op::Handle(n, plan) | Op::BranchHandle(n, plan) => {
                handled(node, of(n), *plan, |_| true)
            }
            Op::FinallyThen(n, plan) => beside(node, of(n), *plan),
            Op::Finally(n, plan) | Op::Inspect(n, plan) => observed(node, of(n), *plan),
            Op::Timeout(n, limit) => {
                let mut outs = of(n).clone();
                if *limit != Limit::Never {
                    outs.add(Out::Expired);
                }
                outs
            }
            Op::MapErr(n)
            | Op::Cancellable(n)
            | Op::Shield(n)
            | Op::DelayValue(n)
            | Op::Follow(n)
            | Op::Share(n)
            | Op::BranchCopy(n) => of(n).clone(),
            Op::WaitInJob(n, ..) => waited(node, of(n)),
            Op::Join(all) => joined(node, &all.iter().map(of).collect::<Vec<_>>()),
            Op::JoinPair(a, b) => joined(node, &[of(a), of(b)]),
            Op::ListGetInJob(all, _) => {
                waited(node, &joined(node, &all.iter().map(of).collect::<Vec<_>>()))
            }
            Op::Race(all) | Op::SetRace(all, _) => union(all.iter().map(of)),
            Op::JoinAll(all) => joined_all(node, &all.iter().map(of).collect::<Vec<_>>()),
            Op::Whole(_, calls) => whole(node, *calls),
            Op::Any(all) | Op::SetAny(all, _) => {
                first_values(node, 1, &all.iter().map(of).collect::<Vec<_>>())
            }
            Op::Some(all, n) => first_values(node, *n, &all.iter().map(of).collect::<Vec<_>>()),
            Op::Settled(all) | Op::CompletedInJob(all, _) => {
                product(node, &all.iter().map(of).collect::<Vec<_>>())
            }
            Op::MapConcurrent(_, count, limit, bad, taking) => {
                concurrent(node, *count, *limit, *bad, *taking)
            }
            Op::Retry(_, failures, pauses) => Outs::one(if failures <= pauses {
                Out::Ok(number(node, u64::from(failures + 1)))
            } else {
                Out::Fault(code(node, 0))
            }),
        }
    }

    fn settled(&self, node: Node) -> Outs {
        let ending = self.program.steps.iter().find_map(|step| match step {
            Step::Settle(settled, ending, _) if *settled == node => Some(*ending),
            _ => None,
        });
        match ending.expect("each Deferred is settled") {
            Ending::Resolve => Outs::one(Out::Ok(number(node, 0))),
            Ending::Reject => Outs::one(Out::Fault(code(node, 0))),
            Ending::SettleTimedOut => Outs::one(Out::Expired),
            Ending::Drop => Outs::one(Out::Abandoned),
            Ending::Follow(source) => self.model.outs[source].clone(),
        }
    }

    /// Cancellations by the main thread of what cannot have settled by then: their outcome is known.
    fn certain_cancels(&mut self) {
        if self.program.stops_pools() {
            return;
        }
        for (at, step) in self.program.steps.iter().enumerate() {
            if let Step::Cancel(node) | Step::CancelFromAfar(node, Actor::Main) = step {
                let node = *node;
                // Who has cancelled a shared value stays pending as long as somebody else wants it.
                let one_owner = !matches!(self.program.op(node), Op::Share(_));
                if one_owner && self.pends(node, at) && !self.model.surely_cancelled[node] {
                    self.model.outs[node] = Outs::one(Out::Cancelled);
                    self.cancelled_upstream(node);
                }
            }
        }
    }

    fn cancelled_upstream(&mut self, node: Node) {
        self.model.surely_cancelled[node] = true;
        let op = self.program.op(node).clone();
        let one_way = !matches!(op, Op::WaitInJob(..) | Op::Shield(_) | Op::Share(_))
            && !op.is_branch()
            && op.takes().len() == 1;
        if one_way {
            self.cancelled_upstream(op.takes()[0]);
        }
    }

    /// Whether it is certainly pending at this step: what it comes from is settled only later.
    fn pends(&self, node: Node, at: usize) -> bool {
        let op = self.program.op(node);
        let later = |wanted: &dyn Fn(&Step) -> bool| {
            self.program.steps.iter().position(wanted).is_some_and(|position| position > at)
        };
        match op {
            Op::Deferred(_) => later(&|step| matches!(step, Step::Settle(n, ..) if *n == node)),
            Op::Spawn(_, _, Some(gate)) => {
                later(&|step| matches!(step, Step::Open(g) if g == gate))
            }
            Op::Timeout(n, limit) => *limit == Limit::Never && self.upstream_pends(*n, at),
            Op::Map(n, _)
            | Op::Then(n, _)
            | Op::Chain(n, _)
            | Op::ChainOn(n, ..)
            | Op::Catch(n, _)
            | Op::OrElse(n, _)
            | Op::CatchIf(n, ..)
            | Op::MapErr(n)
            | Op::Handle(n, _)
            | Op::Finally(n, _)
            | Op::Inspect(n, _)
            | Op::FinallyThen(n, _)
            | Op::Serial(n, _)
            | Op::Cancellable(n)
            | Op::Shield(n)
            | Op::DelayValue(n)
            | Op::Follow(n) => self.upstream_pends(*n, at),
            _ => false,
        }
    }

    /// The same for what something was made of; a cancellation from afar settles it early.
    fn upstream_pends(&self, node: Node, at: usize) -> bool {
        let cancelled = self.program.steps[..at]
            .iter()
            .any(|step| matches!(step, Step::Cancel(n) | Step::CancelFromAfar(n, _) if *n == node));
        !cancelled && self.pends(node, at)
    }
}

/// Whether the call with this number fails.
pub(crate) fn is_bad(bits: u8, call: usize) -> bool {
    bits >> (call % 8) & 1 == 1
}

fn concurrent(node: Node, count: usize, limit: usize, bad: u8, taking: Taking) -> Outs {
    let failures: Vec<Out> = (0..count)
        .filter(|call| is_bad(bad, *call))
        .map(|call| Out::Fault(code(node, call as u64 + 1)))
        .collect();
    let all = (0..count).map(|call| {
        if is_bad(bad, call) {
            Out::Fault(code(node, call as u64 + 1)).number()
        } else {
            number(node, call as u64)
        }
    });
    if taking == Taking::Settled || failures.is_empty() {
        return Outs::one(Out::Ok(number(node, fold(all))));
    }
    let mut outs = Outs::default();
    let possible = if limit <= 1 { 1 } else { failures.len() };
    failures.into_iter().take(possible).for_each(|failure| outs.add(failure));
    outs
}
