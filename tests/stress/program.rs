//! A random program, as data: what promises are made of what, what is done to them, and in which order.
//! `Debug` of a step is how it is printed.

use std::fmt;

/// The index of a promise, or of a shared value.
pub(crate) type Node = usize;
/// The index of a pool.
pub(crate) type PoolIndex = usize;
/// The index of a gate at which jobs wait until it is opened.
pub(crate) type GateIndex = usize;

/// What user code does with what it is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Plan {
    Value,
    Fault,
    Panic,
    Adopt(Inner),
}

/// What a callback returns that returns a promise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Inner {
    Ready,
    Failed,
    /// A job of this pool; does it fail?
    Job(PoolIndex, bool),
    /// A `Deferred` that another thread resolves or rejects; does it fail?
    Late(bool),
    /// A shared value made of a job; does it fail?
    Shared(PoolIndex, bool),
}

/// How a `Deferred` ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ending {
    Resolve,
    Reject,
    SettleTimedOut,
    Drop,
    Follow(Node),
}

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Actor {
    Main,
    Helper(usize),
    Job(PoolIndex),
}

/// How a job waits for the promise that it was given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Waiting {
    Get,
    TimedGets,
    WaitThenTry,
}

/// How long a `timeout` is: over at once, soon, or never.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    Zero,
    Soon,
    Never,
}

/// How the results of `map_concurrent` are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Taking {
    Join,
    Settled,
}

/// What is done to a limiter whose calls wait.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Steer {
    Nothing,
    /// It is paused before, and goes on by another thread.
    Pause,
    /// Its limit falls to one.
    Narrow,
    /// What waits is cancelled.
    Clear,
}

/// How a promise is made that takes nothing, by calls that go together; each bit set is a call that fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Whole {
    /// So many jobs that borrow; they stand and fall together, or they do not.
    Scope(usize, u8, bool),
    /// It is right at this attempt; so many pauses are allowed.
    RepeatUntil(u32, u32),
    /// So many items; fails after them?
    Unfold(u32, bool),
    /// It fails at this run; at a fixed rate?
    Periodic(u32, bool),
    /// So many calls, this many at once.
    Limited(usize, usize, u8, Steer),
}

/// What a node is made by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Op {
    Ready,
    Failed,
    Spawn(PoolIndex, Plan, Option<GateIndex>),
    /// It waits until it is told, or the gate is open.
    SpawnCancellable(PoolIndex, Plan, Option<GateIndex>),
    Deferred(Option<PoolIndex>),
    Map(Node, Plan),
    Then(Node, Plan),
    Chain(Node, Plan),
    ChainOn(Node, PoolIndex, Plan),
    Catch(Node, Plan),
    OrElse(Node, Plan),
    CatchIf(Node, bool, Plan),
    MapErr(Node),
    Handle(Node, Plan),
    Finally(Node, Plan),
    Inspect(Node, Plan),
    FinallyThen(Node, Plan),
    /// In the one queue of the program that runs a job at a time.
    Serial(Node, Plan),
    Timeout(Node, Limit),
    Cancellable(Node),
    Shield(Node),
    DelayValue(Node),
    Follow(Node),
    WaitInJob(Node, PoolIndex, Waiting),
    Share(Node),
    BranchMap(Node, Plan),
    BranchThen(Node, Plan),
    BranchChain(Node, Plan),
    BranchChainOn(Node, PoolIndex, Plan),
    BranchCopy(Node),
    BranchHandle(Node, Plan),
    BranchCatch(Node, Plan),
    Join(Vec<Node>),
    JoinPair(Node, Node),
    Race(Vec<Node>),
    Any(Vec<Node>),
    Some(Vec<Node>, usize),
    Settled(Vec<Node>),
    JoinAll(Vec<Node>),
    /// The winner of a live set; are the others kept?
    SetRace(Vec<Node>, bool),
    SetAny(Vec<Node>, bool),
    CompletedInJob(Vec<Node>, PoolIndex),
    ListGetInJob(Vec<Node>, PoolIndex),
    /// So many jobs, this many at once; each bit set is one that fails.
    MapConcurrent(PoolIndex, usize, usize, u8, Taking),
    /// It fails so often; so many pauses are allowed.
    Retry(PoolIndex, u32, u32),
    Whole(PoolIndex, Whole),
}

impl Op {
    /// What it takes: the promises that nobody else can have afterwards.
    pub(crate) fn takes(&self) -> Vec<Node> {
        match self {
            Op::Ready | Op::Failed | Op::Spawn(..) | Op::SpawnCancellable(..) => vec![],
            Op::Deferred(_) | Op::MapConcurrent(..) | Op::Retry(..) | Op::Whole(..) => vec![],
            Op::Map(n, _) | Op::Then(n, _) | Op::Chain(n, _) | Op::ChainOn(n, ..) => vec![*n],
            Op::Catch(n, _) | Op::OrElse(n, _) | Op::CatchIf(n, ..) | Op::MapErr(n) => vec![*n],
            Op::Handle(n, _) | Op::Finally(n, _) | Op::Inspect(n, _) => vec![*n],
            Op::FinallyThen(n, _) | Op::Serial(n, _) => vec![*n],
            Op::Timeout(n, _) | Op::Cancellable(n) | Op::Shield(n) | Op::DelayValue(n) => vec![*n],
            Op::Follow(n) | Op::WaitInJob(n, ..) | Op::Share(n) => vec![*n],
            Op::BranchMap(n, _) | Op::BranchThen(n, _) | Op::BranchChain(n, _) => vec![*n],
            Op::BranchChainOn(n, ..) | Op::BranchCopy(n) => vec![*n],
            Op::BranchHandle(n, _) | Op::BranchCatch(n, _) => vec![*n],
            Op::JoinPair(a, b) => vec![*a, *b],
            Op::Join(all) | Op::Race(all) | Op::Any(all) | Op::Settled(all) => all.clone(),
            Op::JoinAll(all) | Op::SetRace(all, _) | Op::SetAny(all, _) => all.clone(),
            Op::Some(all, _) | Op::CompletedInJob(all, _) | Op::ListGetInJob(all, _) => all.clone(),
        }
    }

    /// What its callback does, where it has one.
    pub(crate) fn plan(&self) -> Option<Plan> {
        match self {
            Op::Spawn(_, plan, _) | Op::SpawnCancellable(_, plan, _) => Some(*plan),
            Op::Map(_, plan) | Op::Then(_, plan) | Op::Chain(_, plan) => Some(*plan),
            Op::ChainOn(_, _, plan) | Op::BranchChainOn(_, _, plan) => Some(*plan),
            Op::Catch(_, plan) | Op::OrElse(_, plan) | Op::CatchIf(_, _, plan) => Some(*plan),
            Op::Handle(_, plan) | Op::Finally(_, plan) | Op::Inspect(_, plan) => Some(*plan),
            Op::FinallyThen(_, plan) | Op::Serial(_, plan) => Some(*plan),
            Op::BranchHandle(_, plan) | Op::BranchCatch(_, plan) => Some(*plan),
            Op::BranchMap(_, plan) | Op::BranchThen(_, plan) | Op::BranchChain(_, plan) => {
                Some(*plan)
            }
            _ => None,
        }
    }

    pub(crate) fn is_branch(&self) -> bool {
        matches!(
            self,
            Op::BranchMap(..)
                | Op::BranchThen(..)
                | Op::BranchChain(..)
                | Op::BranchChainOn(..)
                | Op::BranchCopy(..)
                | Op::BranchHandle(..)
                | Op::BranchCatch(..)
        )
    }
}

/// What becomes of a promise that nothing was made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Last {
    Get,
    TimedGet,
    Await,
    TryGet,
    PollThenGet,
    WaitThenDrop,
    Drop,
    CancelThenGet,
    CancelOnDrop,
}

/// One thing that the program does.
#[derive(Clone, PartialEq)]
pub(crate) enum Step {
    Make(Node, Op),
    Settle(Node, Ending, Actor),
    /// On the promise or the shared value itself.
    Cancel(Node),
    /// Through its `Canceller`, while somebody else has the promise.
    CancelFromAfar(Node, Actor),
    Open(GateIndex),
    Resize(PoolIndex, usize),
    /// Does it drain? With a limit of so many milliseconds.
    Shutdown(PoolIndex, bool, u64),
    DropPool(PoolIndex),
    End(Node, Last),
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Make(node, op) => write!(f, "n{node} = {op:?}"),
            Step::Settle(node, ending, actor) => {
                write!(f, "settle n{node}: {ending:?} by {actor:?}")
            }
            Step::Cancel(node) => write!(f, "cancel n{node}"),
            Step::CancelFromAfar(node, actor) => write!(f, "canceller of n{node} by {actor:?}"),
            Step::Open(gate) => write!(f, "open gate {gate}"),
            Step::Resize(pool, count) => write!(f, "pool {pool}: {count} workers"),
            Step::Shutdown(pool, drain, limit) => {
                let how = if *drain { "Drain" } else { "CancelQueued" };
                write!(f, "pool {pool}: shutdown {how}, {limit} ms")
            }
            Step::DropPool(pool) => write!(f, "pool {pool}: dropped"),
            Step::End(node, last) => write!(f, "end n{node}: {last:?}"),
        }
    }
}

/// A program; everything in it follows from its seed.
pub(crate) struct Program {
    pub(crate) seed: u64,
    /// The number of workers of each pool.
    pub(crate) pools: Vec<usize>,
    pub(crate) gates: usize,
    pub(crate) steps: Vec<Step>,
    /// The nodes whose closures panic when they are dropped.
    pub(crate) bombs: Vec<Node>,
}

impl Program {
    pub(crate) fn op(&self, node: Node) -> &Op {
        let op = self.steps.iter().find_map(|step| match step {
            Step::Make(made, op) if *made == node => Some(op),
            _ => None,
        });
        op.expect("a node is made before it is used")
    }

    pub(crate) fn nodes(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Make(..))).count()
    }

    /// Whether it stops a pool while something may go on in it.
    pub(crate) fn stops_pools(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Shutdown(..) | Step::DropPool(_)))
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "program {:#x}: pools of {:?} workers", self.seed, self.pools)?;
        for (number, step) in self.steps.iter().enumerate() {
            let bomb = match step {
                Step::Make(node, _) if self.bombs.contains(node) => ", closure panics when dropped",
                _ => "",
            };
            writeln!(f, "  {number:3}  {step:?}{bomb}")?;
        }
        Ok(())
    }
}
