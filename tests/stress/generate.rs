//! Makes a program out of a seed. How a promise is made is chosen in `generate/ops.rs`.

mod ops;

use crate::program::{Actor, Ending, GateIndex, Inner, Last, Node, Op, Plan, Program, Step};
use crate::random::Random;

/// What kinds of trouble a program may have.
struct Trouble {
    failures: bool,
    cancels: bool,
    timeouts: bool,
    stops: bool,
    resizes: bool,
    bombs: bool,
}

struct Generator {
    random: Random,
    trouble: Trouble,
    program: Program,
    /// Promises that nobody has taken.
    free: Vec<Node>,
    values: Vec<Node>,
    deferreds: Vec<Node>,
    cancellers: Vec<Node>,
    shut_gates: Vec<GateIndex>,
    nodes: usize,
}

/// The program of this seed.
pub(crate) fn generate(seed: u64) -> Program {
    let mut random = Random::new(seed);
    let trouble = Trouble {
        failures: !random.one_in(4),
        cancels: random.one_in(3),
        timeouts: random.one_in(5),
        stops: random.one_in(6),
        resizes: random.one_in(3),
        bombs: random.one_in(3),
    };
    let pools = (0..1 + random.below(3)).map(|_| 1 + random.below(3)).collect();
    let program = Program { seed, pools, gates: 0, steps: vec![], bombs: vec![] };
    let mut generator = Generator {
        random,
        trouble,
        program,
        free: vec![],
        values: vec![],
        deferreds: vec![],
        cancellers: vec![],
        shut_gates: vec![],
        nodes: 0,
    };
    let length = 2 + generator.random.below(28);
    for _ in 0..length {
        generator.make();
        generator.disturb();
    }
    generator.finish();
    generator.program
}

impl Generator {
    fn step(&mut self, step: Step) {
        self.program.steps.push(step);
    }

    fn pool(&mut self) -> usize {
        self.random.below(self.program.pools.len())
    }

    fn fails(&mut self) -> bool {
        self.trouble.failures && self.random.one_in(4)
    }

    fn plan(&mut self) -> Plan {
        match self.random.below(8) {
            0..4 => {
                let bad = self.random.pick(&[Plan::Fault, Plan::Fault, Plan::Panic]);
                if self.fails() { bad } else { Plan::Value }
            }
            4 if self.trouble.failures => Plan::Fault,
            4 => Plan::Value,
            5 if self.fails() => Plan::Adopt(Inner::Failed),
            5 => Plan::Adopt(Inner::Ready),
            6 => {
                let fails = self.fails();
                Plan::Adopt(Inner::Late(fails))
            }
            _ => {
                let (pool, fails) = (self.pool(), self.fails());
                let shared = self.random.one_in(3);
                Plan::Adopt(if shared {
                    Inner::Shared(pool, fails)
                } else {
                    Inner::Job(pool, fails)
                })
            }
        }
    }

    /// What a callback may do that returns a plain value, or nothing.
    fn plain(&mut self) -> Plan {
        if self.fails() { Plan::Panic } else { Plan::Value }
    }

    fn gate(&mut self) -> Option<GateIndex> {
        if !self.random.one_in(4) {
            return None;
        }
        if self.shut_gates.is_empty() || self.random.one_in(2) {
            self.shut_gates.push(self.program.gates);
            self.program.gates += 1;
        }
        self.shut_gates.last().copied()
    }

    fn actor(&mut self) -> Actor {
        match self.random.below(4) {
            0 | 1 => Actor::Main,
            2 => Actor::Helper(self.random.below(2)),
            _ => Actor::Job(self.pool()),
        }
    }

    fn add(&mut self, op: Op) {
        let node = self.nodes;
        self.nodes += 1;
        match op {
            Op::Share(_) => self.values.push(node),
            _ => self.free.push(node),
        }
        match op {
            Op::Deferred(_) => self.deferreds.push(node),
            Op::Cancellable(_) => self.cancellers.push(node),
            _ => {}
        }
        let has_closure = matches!(
            op,
            Op::Spawn(..)
                | Op::Map(..)
                | Op::Then(..)
                | Op::Chain(..)
                | Op::Catch(..)
                | Op::Handle(..)
        );
        if self.trouble.bombs && has_closure && self.random.one_in(6) {
            self.program.bombs.push(node);
        }
        self.step(Step::Make(node, op));
    }

    fn make(&mut self) {
        let choice = self.random.below(12);
        let op = match choice {
            0..3 => self.leaf(),
            3 if !self.values.is_empty() => self.branch(),
            4 if self.free.len() > 1 => self.list(),
            _ => match self.random.take(&mut self.free) {
                Some(node) => self.link(node),
                None => self.leaf(),
            },
        };
        self.add(op);
    }

    /// What happens between two promises that are made.
    fn disturb(&mut self) {
        if self.random.one_in(3) {
            if let Some(node) = self.random.take(&mut self.deferreds) {
                self.settle(node);
            }
        }
        if self.random.one_in(6) {
            if let Some(gate) = self.random.take(&mut self.shut_gates) {
                self.step(Step::Open(gate));
            }
        }
        if self.trouble.resizes && self.random.one_in(6) {
            let (pool, count) = (self.pool(), self.random.below(4));
            self.step(Step::Resize(pool, count));
        }
        if self.random.one_in(8) {
            self.end_one();
        }
        if self.trouble.cancels && self.random.one_in(3) {
            self.cancel();
        }
        if self.trouble.stops && self.random.one_in(12) {
            let pool = self.pool();
            let (drains, limit) = (self.random.one_in(2), self.random.pick(&[0, 1, 3]));
            self.step(Step::Shutdown(pool, drains, limit));
        }
    }

    fn cancel(&mut self) {
        match self.random.below(4) {
            0 => {
                if let Some(node) = self.random.take(&mut self.cancellers) {
                    let actor = self.actor();
                    self.step(Step::CancelFromAfar(node, actor));
                }
            }
            1 if !self.values.is_empty() => {
                let value = self.random.pick(&self.values.clone());
                self.step(Step::Cancel(value));
            }
            _ if !self.free.is_empty() => {
                let node = self.random.pick(&self.free.clone());
                self.step(Step::Cancel(node));
            }
            _ => {}
        }
    }

    fn settle(&mut self, node: Node) {
        let actor = self.actor();
        let ending = match self.random.below(8) {
            0 => {
                // What it follows must not come from it: only what was made before.
                let mut earlier: Vec<Node> =
                    self.free.iter().copied().filter(|n| *n < node).collect();
                match self.random.take(&mut earlier) {
                    Some(source) => {
                        self.free.retain(|n| *n != source);
                        Ending::Follow(source)
                    }
                    None => Ending::Resolve,
                }
            }
            1 if self.trouble.failures => Ending::Drop,
            2 if self.trouble.failures => Ending::Reject,
            3 if self.trouble.failures => Ending::SettleTimedOut,
            _ => Ending::Resolve,
        };
        self.step(Step::Settle(node, ending, actor));
    }

    /// Ends a promise early, in a way that does not wait.
    fn end_one(&mut self) {
        if let Some(node) = self.random.take(&mut self.free) {
            self.step(Step::End(node, Last::Drop));
        }
    }

    /// Settles what is left, in any order, and looks at what came of it.
    fn finish(&mut self) {
        while let Some(node) = self.random.take(&mut self.deferreds) {
            self.settle(node);
            if self.trouble.cancels && self.random.one_in(4) {
                self.cancel();
            }
            if self.trouble.stops && self.random.one_in(16) {
                let pool = self.pool();
                // What a call of `map_concurrent` or `retry` holds is a handle, too: nobody could wake the pool again.
                self.step(Step::Resize(pool, 1));
                self.step(Step::DropPool(pool));
            }
        }
        while let Some(gate) = self.random.take(&mut self.shut_gates) {
            self.step(Step::Open(gate));
        }
        for pool in 0..self.program.pools.len() {
            let count = 1 + self.random.below(3);
            self.step(Step::Resize(pool, count));
        }
        let mut ends = vec![];
        while let Some(node) = self.random.take(&mut self.free) {
            ends.push((node, false));
        }
        while let Some(value) = self.random.take(&mut self.values) {
            ends.push((value, true));
        }
        while let Some((node, value)) = self.random.take(&mut ends) {
            let last = self.last(value);
            self.step(Step::End(node, last));
        }
    }

    fn last(&mut self, value: bool) -> Last {
        let last = [Last::Get, Last::TimedGet, Last::Await, Last::WaitThenDrop, Last::Drop];
        let promise_only = [Last::TryGet, Last::PollThenGet, Last::Get, Last::CancelOnDrop];
        match self.random.below(5) {
            0 if !value => {
                let last = self.random.pick(&promise_only);
                let cancels = last == Last::CancelOnDrop && !self.trouble.cancels;
                if cancels { Last::Get } else { last }
            }
            1 if !value && self.trouble.cancels => Last::CancelThenGet,
            _ => self.random.pick(&last),
        }
    }
}
