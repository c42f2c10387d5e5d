//! A program: steps of a few threads, as data.

use std::fmt;

/// The promise that a step makes has the number of the step.
pub(crate) type Node = usize;
/// A set of them, as bits.
pub(crate) type Nodes = u64;

/// What kinds of trouble a program may have: what its outcomes may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trouble {
    pub(crate) faults: bool,
    pub(crate) cancels: bool,
    pub(crate) timeouts: bool,
    /// Deferreds, jobs and pools may end early.
    pub(crate) ends: bool,
    /// The pool has hardly a thread to spare: who waits in it may be told that this would never end.
    pub(crate) spares: Option<usize>,
}

/// What a callback does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plan {
    Value,
    /// As `Value`, after others had a chance.
    Slow,
    Fault,
    Panic,
    /// Gives a job's promise.
    Job(usize),
    Ready,
    /// Gives this one's promise, if it is still there.
    Other(Node),
}

/// An executor that is not a pool.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Inline,
    /// Jobs are run by another thread.
    Queue,
    /// The same, through the library's own queue.
    Local,
    /// Runs some inside the call, has others run, and drops some if there may be trouble.
    Mixed,
    Pool(usize),
}

/// How a promise is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Get,
    Timed,
    Wait,
}

/// A future of a job.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// It wakes itself so often.
    Again(u32),
    /// Another thread wakes it.
    Afar,
    /// It awaits this promise, if that is still there.
    Await(Node),
}

/// What a list is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Taking {
    Join,
    Race,
    Any,
    Some(usize),
    Settled,
    Completed(usize),
    GetIn(usize),
    /// Waited for, a while at a time, and then joined.
    Timed,
    /// Its items one after the other, a while at a time; the rest is given up.
    Next,
    Cancel,
}

/// A step. Those that take a promise do nothing where it is not there.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Ready,
    Failed,
    Spawn(usize, Plan),
    SpawnCancellable(usize),
    Deferred(Option<usize>),
    Future(usize, Kind),
    Concurrent(usize, usize, usize),
    Limited(Plan),
    Scope(usize),

    Map(Node),
    Then(Node, Plan),
    Chain(Node, Plan),
    ChainOn(Node, usize, Plan),
    Catch(Node, Plan),
    Finally(Node),
    Inspect(Node),
    Via(Node, Place),
    Share(Node),
    Timeout(Node, u64),
    Delay(Node),
    Cancellable(Node),
    Guard(Node),
    Shield(Node),
    Branch(Node, u8),
    WaitIn(Node, usize, How),
    List(Vec<Node>, Taking),
    Pair(Node, Node),

    Get(Node, How),
    TryGet(Node),
    Poll(Node),
    Drop(Node),
    Cancel(Node),
    CancelBy(Node),
    Resolve(Node),
    Reject(Node),
    Abandon(Node),
    Follow(Node, Node),
    OnCancel(Node),
    Resize(usize, usize),
    Shutdown(usize, bool),
    Yield,
}

/// A program.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) seed: u64,
    pub(crate) trouble: Trouble,
    /// How many workers each pool has.
    pub(crate) pools: Vec<usize>,
    /// The steps of each thread; the first thread does its own before the others begin.
    pub(crate) threads: Vec<Vec<(Node, Op)>>,
    /// Which nodes' values each may have.
    pub(crate) makers: Vec<Nodes>,
    /// Whether it settles without the settling of any deferred.
    pub(crate) closed: Vec<bool>,
}

impl Program {
    /// Leaves these steps out.
    pub(crate) fn without(mut self, steps: &[Node]) -> Self {
        for thread in &mut self.threads {
            thread.retain(|(node, _)| !steps.contains(node));
        }
        self
    }

    pub(crate) fn steps(&self) -> Vec<Node> {
        self.threads.iter().flatten().map(|(node, _)| *node).collect()
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "program {:#x}, workers {:?}, {:?}", self.seed, self.pools, self.trouble)?;
        for (number, steps) in self.threads.iter().enumerate() {
            writeln!(
                f,
                "  thread {number}{}",
                if number == 0 { ", before the others" } else { "" }
            )?;
            for (node, op) in steps {
                writeln!(f, "    n{node}: {op:?}")?;
            }
        }
        Ok(())
    }
}
