//! Makes a program out of a seed.

use crate::program::{How, Kind, Node, Nodes, Op, Place, Plan, Program, Taking, Trouble};
use crate::random::Random;

struct Generator {
    random: Random,
    program: Program,
    /// Promises that nobody has taken, as far as the program says.
    free: Vec<Node>,
    values: Vec<Node>,
    deferreds: Vec<Node>,
    cancellers: Vec<Node>,
}

/// The program of this seed.
pub(crate) fn generate(seed: u64) -> Program {
    let mut random = Random::new(seed);
    let trouble = Trouble {
        faults: random.one_in(3),
        cancels: !random.one_in(3),
        timeouts: random.one_in(4),
        ends: random.one_in(4),
        spares: if random.one_in(4) { Some(random.below(2)) } else { None },
    };
    let count = if trouble.spares.is_some() { 1 } else { 1 + random.below(2) };
    let pools = (0..count).map(|_| 1 + random.below(3)).collect();
    let (threads, makers, closed) = (vec![], vec![], vec![]);
    let program = Program { seed, trouble, pools, threads, makers, closed };
    let (free, values, deferreds, cancellers) = (vec![], vec![], vec![], vec![]);
    let mut generator = Generator { random, program, free, values, deferreds, cancellers };
    let count = 2 + generator.random.below(3);
    for thread in 0..=count {
        generator.program.threads.push(vec![]);
        let steps =
            if thread == 0 { 1 + generator.random.below(6) } else { 1 + generator.random.below(7) };
        for _ in 0..steps {
            generator.step(thread == 0);
        }
    }
    generator.program
}

impl Generator {
    fn add(&mut self, op: Op) {
        let node = self.program.makers.len();
        let (makers, closed) = self.settles(node, &op);
        self.program.makers.push(makers);
        self.program.closed.push(closed);
        match op {
            Op::Share(_) => self.values.push(node),
            _ if closed || makers != 0 => self.free.push(node),
            _ => {}
        }
        match op {
            Op::Deferred(_) => self.deferreds.push(node),
            Op::Cancellable(_) => self.cancellers.push(node),
            _ => {}
        }
        self.program.threads.last_mut().expect("one has begun").push((node, op));
    }

    /// Whose values it may have, and whether it settles by itself.
    fn settles(&self, node: Node, op: &Op) -> (Nodes, bool) {
        let (own, all) = (1 << node, Nodes::MAX);
        let of = |node: &Node| (self.program.makers[*node], self.program.closed[*node]);
        match op {
            Op::Ready | Op::Failed | Op::Concurrent(..) | Op::Scope(_) => (own, true),
            Op::SpawnCancellable(_) => (own, true),
            Op::Spawn(_, plan) => self.planned(own, true, plan),
            // It waits for others that wait for a deferred.
            Op::Limited(plan) => self.planned(own, false, plan),
            Op::Deferred(_) => (all, false),
            Op::Future(_, Kind::Await(source)) => (own | of(source).0, of(source).1),
            Op::Future(..) => (own, true),
            Op::Map(source) => (own, of(source).1),
            Op::Then(source, plan) | Op::Chain(source, plan) | Op::ChainOn(source, _, plan) => {
                self.planned(own, of(source).1, plan)
            }
            Op::Catch(source, plan) => self.planned(own | of(source).0, of(source).1, plan),
            Op::Finally(source)
            | Op::Inspect(source)
            | Op::Via(source, _)
            | Op::Share(source)
            | Op::Timeout(source, _)
            | Op::Delay(source)
            | Op::Cancellable(source)
            | Op::Guard(source)
            | Op::Shield(source) => of(source),
            Op::Branch(source, kind) => (if *kind == 0 { of(source).0 } else { own }, of(source).1),
            Op::WaitIn(source, ..) => (own, of(source).1),
            Op::Pair(a, b) => (own, of(a).1 && of(b).1),
            Op::List(items, taking) => {
                let closed = items.iter().all(|item| of(item).1);
                let union = items.iter().fold(0, |all, item| all | of(item).0);
                match taking {
                    Taking::Race | Taking::Any => (own | union, closed),
                    Taking::Cancel => (0, false),
                    _ => (own, closed),
                }
            }
            _ => (0, false),
        }
    }

    fn planned(&self, makers: Nodes, closed: bool, plan: &Plan) -> (Nodes, bool) {
        match plan {
            Plan::Other(other) => {
                (makers | self.program.makers[*other], closed && self.program.closed[*other])
            }
            _ => (makers, closed),
        }
    }

    fn pool(&mut self) -> usize {
        self.random.below(self.program.pools.len())
    }

    fn plan(&mut self) -> Plan {
        let faults = self.program.trouble.faults;
        match self.random.below(9) {
            0 if faults => Plan::Fault,
            1 if faults => Plan::Panic,
            2 => Plan::Ready,
            3 => Plan::Job(self.pool()),
            4 if !self.free.is_empty() => Plan::Other(self.random.pick(&self.free)),
            5 | 6 => Plan::Slow,
            _ => Plan::Value,
        }
    }

    fn step(&mut self, first: bool) {
        let choice = self.random.below(if first { 6 } else { 14 });
        let op = match choice {
            0 | 1 => self.leaf(),
            2 if !self.values.is_empty() => {
                let value = self.random.pick(&self.values);
                Op::Branch(value, self.random.next().to_le_bytes()[0] % 4)
            }
            2..5 => self.link(),
            5 => self.list(),
            6..8 => self.link(),
            8..10 => self.ending(),
            _ => self.act(),
        };
        self.add(op);
    }

    fn leaf(&mut self) -> Op {
        let pool = self.pool();
        match self.random.below(12) {
            0 => Op::Ready,
            1 if self.program.trouble.faults => Op::Failed,
            1..4 => Op::Deferred(if self.random.one_in(2) { Some(pool) } else { None }),
            4 => Op::Future(pool, self.kind()),
            5 => Op::Concurrent(pool, self.random.below(4), 1 + self.random.below(3)),
            // What has the only permit must not wait for what may wait for one.
            6 => match self.plan() {
                Plan::Other(_) => Op::Limited(Plan::Value),
                plan => Op::Limited(plan),
            },
            7 if self.random.one_in(2) => Op::Scope(pool),
            8 => Op::SpawnCancellable(pool),
            _ => Op::Spawn(pool, self.plan()),
        }
    }

    fn kind(&mut self) -> Kind {
        match self.random.below(3) {
            0 => Kind::Again(1 + u32::from(self.random.next().to_le_bytes()[0] % 3)),
            1 if !self.free.is_empty() => Kind::Await(self.random.pick(&self.free)),
            _ => Kind::Afar,
        }
    }

    /// Takes a promise, or leaves it to those who may be quicker.
    fn source(&mut self) -> Option<Node> {
        if self.free.is_empty() {
            return None;
        }
        match self.random.one_in(5) {
            true => Some(self.random.pick(&self.free)),
            false => self.random.take(&mut self.free),
        }
    }

    fn link(&mut self) -> Op {
        let Some(source) = self.source() else { return self.leaf() };
        let pool = self.pool();
        match self.random.below(20) {
            0..3 => Op::Map(source),
            3 | 4 => Op::Then(source, self.plan()),
            5..8 => Op::Chain(source, self.plan()),
            8 => Op::ChainOn(source, pool, self.plan()),
            9 => Op::Catch(source, self.plan()),
            10 => self.random.pick(&[Op::Finally, Op::Inspect])(source),
            11 | 12 => {
                let places =
                    [Place::Inline, Place::Queue, Place::Local, Place::Mixed, Place::Pool(pool)];
                Op::Via(source, self.random.pick(&places))
            }
            13 => Op::Timeout(source, if self.program.trouble.timeouts { 3 } else { 1 << 40 }),
            14 => Op::Delay(source),
            15 => Op::Cancellable(source),
            16 => self.random.pick(&[Op::Guard, Op::Shield])(source),
            17 => Op::WaitIn(source, pool, self.random.pick(&[How::Get, How::Timed, How::Wait])),
            _ => Op::Share(source),
        }
    }

    fn list(&mut self) -> Op {
        let mut items = vec![];
        for _ in 0..1 + self.random.below(3) {
            items.extend(self.random.take(&mut self.free));
        }
        let pool = self.pool();
        let taking = match self.random.below(11) {
            2 if items.len() == 2 => return Op::Pair(items[0], items[1]),
            0..3 => Taking::Join,
            3 if !items.is_empty() => Taking::Race,
            4 if !items.is_empty() => Taking::Any,
            5 => Taking::Some(self.random.below(items.len() + 1)),
            6 => Taking::Settled,
            7 => Taking::Completed(pool),
            8 if self.program.trouble.cancels => Taking::Cancel,
            9 => self.random.pick(&[Taking::Timed, Taking::Timed, Taking::Next]),
            _ => Taking::GetIn(pool),
        };
        Op::List(items, taking)
    }

    /// The end of a promise.
    fn ending(&mut self) -> Op {
        let Some(source) = self.source() else { return Op::Yield };
        let cancels = self.program.trouble.cancels;
        match self.random.below(9) {
            0 => Op::Get(source, How::Wait),
            1 => Op::Get(source, How::Timed),
            2 => Op::TryGet(source),
            3 => Op::Poll(source),
            4 => Op::Drop(source),
            5 | 6 if cancels => Op::Cancel(source),
            _ => Op::Get(source, How::Get),
        }
    }

    /// Something from another side.
    fn act(&mut self) -> Op {
        let Trouble { faults, cancels, ends, .. } = self.program.trouble;
        let pool = self.pool();
        match self.random.below(10) {
            0..6 if !self.deferreds.is_empty() => {
                let deferred = match self.random.one_in(4) {
                    true => self.random.pick(&self.deferreds),
                    false => self.random.take(&mut self.deferreds).expect("there is one"),
                };
                match self.random.below(8) {
                    0 if faults => Op::Reject(deferred),
                    1 if ends => Op::Abandon(deferred),
                    2 | 3 => self.follow(deferred),
                    4 => Op::OnCancel(deferred),
                    _ => Op::Resolve(deferred),
                }
            }
            0..8 if cancels && !self.cancellers.is_empty() => {
                Op::CancelBy(self.random.pick(&self.cancellers))
            }
            6 => Op::Resize(pool, 1 + self.random.below(3)),
            7 if ends => Op::Shutdown(pool, self.random.one_in(2)),
            8 => Op::Yield,
            _ => self.ending(),
        }
    }

    /// No deferred follows itself: it follows what was there before it.
    fn follow(&mut self, deferred: Node) -> Op {
        let before: Vec<_> = self.free.iter().copied().filter(|node| *node < deferred).collect();
        if before.is_empty() {
            return Op::Resolve(deferred);
        }
        Op::Follow(deferred, self.random.pick(&before))
    }
}
