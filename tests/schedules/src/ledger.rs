//! What happened in a schedule: what was made and dropped, and what was wrong.

use asynckit::{AnyError, Failure, Outcome};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::program::{Node, Nodes, Trouble};

/// The notes of a schedule. Its lock is the system's: no thread is taken off under it.
pub(crate) struct Ledger {
    entries: Mutex<Entries>,
    trouble: Trouble,
}

#[derive(Default)]
struct Entries {
    problems: Vec<String>,
    /// Whose it is, and how often it was dropped.
    tokens: Vec<(String, u32)>,
    /// What has to be called by the end.
    calls: Vec<(Node, Arc<AtomicBool>)>,
}

impl Ledger {
    pub(crate) fn new(trouble: Trouble) -> Arc<Self> {
        Arc::new(Ledger { entries: Mutex::default(), trouble })
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn problem(&self, problem: String) {
        self.entries().problems.push(problem);
    }

    /// This has to be so at the end: a handler of this node is called.
    pub(crate) fn expect(&self, node: Node, called: Arc<AtomicBool>) {
        self.entries().calls.push((node, called));
    }

    /// What must be dropped exactly once.
    pub(crate) fn token(self: &Arc<Self>, whose: &str, node: Node) -> Token {
        let mut entries = self.entries();
        entries.tokens.push((format!("{whose} of n{node}"), 0));
        Token { ledger: self.clone(), number: entries.tokens.len() - 1 }
    }

    pub(crate) fn value(self: &Arc<Self>, node: Node) -> Value {
        Value { maker: node, _token: self.token("a value", node) }
    }

    /// Looks at an outcome of a promise that may have values of these nodes.
    pub(crate) fn see(&self, node: Node, makers: Nodes, outcome: &Outcome<Value>) {
        match outcome {
            Ok(value) => self.see_value(node, makers, value),
            Err(failure) => self.see_failure(node, failure),
        }
    }

    pub(crate) fn see_value(&self, node: Node, makers: Nodes, value: &Value) {
        if makers >> value.maker & 1 == 0 {
            self.problem(format!("n{node}: a value of n{}", value.maker));
        }
    }

    pub(crate) fn see_failure<E: fmt::Debug + 'static>(&self, node: Node, failure: &Failure<E>) {
        let trouble = self.trouble;
        let may_be = match failure {
            Failure::Error(_) => {
                let Trouble { faults, cancels, timeouts, ends, spares } = trouble;
                faults || cancels || timeouts || ends || spares.is_some()
            }
            Failure::Panicked(_) => trouble.faults,
            Failure::Cancelled => trouble.cancels,
            Failure::TimedOut => trouble.timeouts,
            Failure::Abandoned => trouble.ends,
            Failure::WouldDeadlock => trouble.spares.is_some(),
            _ => false,
        };
        if !may_be {
            let kind = format!("{failure:?}").chars().take(60).collect::<String>();
            self.problem(format!("n{node}: fails with {kind}"));
        }
    }

    /// What is wrong at the end.
    pub(crate) fn problems(&self) -> Vec<String> {
        let entries = self.entries();
        let alive = entries.tokens.iter().filter(|(_, drops)| *drops == 0);
        let alive = alive.map(|(whose, _)| format!("{whose} is never dropped"));
        let silent = entries.calls.iter().filter(|(_, called)| !called.load(Relaxed));
        let silent = silent.map(|(node, _)| format!("a handler of n{node} is never called"));
        entries.problems.iter().cloned().chain(alive).chain(silent).collect()
    }
}

/// Its drop is noted.
pub(crate) struct Token {
    ledger: Arc<Ledger>,
    number: usize,
}

impl Drop for Token {
    fn drop(&mut self) {
        let mut entries = self.ledger.entries();
        let (whose, drops) = &mut entries.tokens[self.number];
        *drops += 1;
        if *drops > 1 {
            let problem = format!("{whose} is dropped {drops} times");
            entries.problems.push(problem);
        }
    }
}

/// A value: the node that has made it.
pub(crate) struct Value {
    pub(crate) maker: Node,
    _token: Token,
}

impl Clone for Value {
    fn clone(&self) -> Self {
        let token = self._token.ledger.token("the copy of a value", self.maker);
        Value { maker: self.maker, _token: token }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.maker)
    }
}

/// An error.
#[derive(Debug)]
struct Fault(Node);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault {}", self.0)
    }
}

impl std::error::Error for Fault {}

pub(crate) fn fault(node: Node) -> AnyError {
    AnyError::from(Fault(node))
}
