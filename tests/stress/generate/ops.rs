//! Chooses how a promise is made: of nothing, of another one, of a shared value, of several.

use super::Generator;
use crate::program::{Limit, Node, Op, Steer, Taking, Waiting, Whole};

impl Generator {
    pub(super) fn leaf(&mut self) -> Op {
        let pool = self.pool();
        match self.random.below(13) {
            0 => Op::Ready,
            1 if self.trouble.failures => Op::Failed,
            2..5 => Op::Deferred(if self.random.one_in(2) { Some(pool) } else { None }),
            5 => {
                // Held more often than not: what runs is cancelled otherwise than what is queued.
                let gates = [self.gate(), self.gate(), self.gate()];
                let gate = gates.into_iter().flatten().next();
                Op::SpawnCancellable(pool, self.plan(), gate)
            }
            6 => {
                let (count, limit) = (self.random.below(7), self.random.below(4));
                let taking = self.random.pick(&[Taking::Join, Taking::Settled]);
                Op::MapConcurrent(pool, count, limit, self.bits(), taking)
            }
            7 => Op::Retry(pool, self.below(4), self.below(4)),
            8 | 9 => Op::Whole(pool, self.whole()),
            _ => Op::Spawn(pool, self.plan(), self.gate()),
        }
    }

    /// Which of some calls fail.
    fn bits(&mut self) -> u8 {
        if !self.trouble.failures {
            return 0;
        }
        (self.random.next() & self.random.next()).to_le_bytes()[0]
    }

    fn whole(&mut self) -> Whole {
        let (count, bad, coin) = (self.random.below(6), self.bits(), self.random.one_in(2));
        let steer = [Steer::Nothing, Steer::Pause, Steer::Narrow, Steer::Clear];
        match self.random.below(5) {
            0 => Whole::Scope(count, bad, coin),
            1 => Whole::RepeatUntil(1 + self.below(4), self.below(4)),
            2 => Whole::Unfold(self.below(6), coin && self.trouble.failures),
            3 if self.trouble.failures => Whole::Periodic(1 + self.below(4), coin),
            _ => Whole::Limited(count, 1 + self.random.below(3), bad, self.random.pick(&steer)),
        }
    }

    fn below(&mut self, end: usize) -> u32 {
        u32::try_from(self.random.below(end)).expect("small")
    }

    pub(super) fn link(&mut self, node: Node) -> Op {
        let pool = self.pool();
        match self.random.below(27) {
            0 | 1 => Op::Map(node, self.plain()),
            2..5 => Op::Then(node, self.plan()),
            5 | 6 => Op::Chain(node, self.plan()),
            7 => Op::ChainOn(node, pool, self.plan()),
            8 | 9 => Op::Catch(node, self.plan()),
            10 => Op::OrElse(node, self.plan()),
            11 => Op::CatchIf(node, self.random.one_in(2), self.plan()),
            12 => Op::MapErr(node),
            13 => Op::Handle(node, self.plan()),
            14 => Op::Finally(node, self.plain()),
            15 => Op::Inspect(node, self.plain()),
            16 => Op::Chain(node, self.plan()),
            17 if self.trouble.timeouts => {
                Op::Timeout(node, self.random.pick(&[Limit::Zero, Limit::Soon, Limit::Soon]))
            }
            17 => Op::Timeout(node, Limit::Never),
            18 => Op::Cancellable(node),
            19 => match self.random.below(3) {
                0 => Op::Shield(node),
                1 => Op::DelayValue(node),
                _ => Op::Follow(node),
            },
            20 | 21 => {
                let how = [Waiting::Get, Waiting::TimedGets, Waiting::WaitThenTry];
                Op::WaitInJob(node, pool, self.random.pick(&how))
            }
            22 => Op::FinallyThen(node, self.plan()),
            // A queue whose pool was shut down drops what is in it, and nothing of that runs.
            23 | 24 if !self.trouble.stops => Op::Serial(node, self.plan()),
            _ => Op::Share(node),
        }
    }

    pub(super) fn branch(&mut self) -> Op {
        let value = self.random.pick(&self.values.clone());
        let pool = self.pool();
        match self.random.below(8) {
            0 => Op::BranchMap(value, self.plain()),
            1 | 2 => Op::BranchThen(value, self.plan()),
            3 => Op::BranchChain(value, self.plan()),
            4 => Op::BranchChainOn(value, pool, self.plan()),
            5 => Op::BranchHandle(value, self.plan()),
            6 => Op::BranchCatch(value, self.plan()),
            _ => Op::BranchCopy(value),
        }
    }

    pub(super) fn list(&mut self) -> Op {
        let count = 1 + self.random.below(4);
        let mut items = vec![];
        for _ in 0..count {
            items.extend(self.random.take(&mut self.free));
        }
        let pool = self.pool();
        let keep = self.random.one_in(2);
        match self.random.below(11) {
            0 | 1 => Op::Join(items),
            2 if items.len() == 2 => Op::JoinPair(items[0], items[1]),
            2 => Op::Some(items, self.random.below(4)),
            3 => Op::Race(items),
            4 => Op::Any(items),
            5 => Op::Settled(items),
            6 => Op::CompletedInJob(items, pool),
            7 => Op::JoinAll(items),
            8 => Op::SetRace(items, keep),
            9 => Op::SetAny(items, keep),
            _ => Op::ListGetInJob(items, pool),
        }
    }
}
