//! What really happened while a program ran: who was dropped, what was called, what was seen and what was reported.

use asynckit::{AnyError, Failure};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::program::Node;

/// Names a failure: the node that makes it, and which of several it is.
pub(crate) type Code = u64;

pub(crate) fn code(node: Node, which: u64) -> Code {
    node as u64 * 64 + which
}

/// An outcome as the model knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Out {
    Ok(u64),
    Fault(Code),
    Panic(Code),
    /// The panic of a closure that was dropped.
    Bomb,
    Cancelled,
    /// It has timed out.
    Expired,
    Abandoned,
    Other(&'static str),
}

impl Out {
    pub(crate) fn is_ok(&self) -> bool {
        matches!(self, Out::Ok(_))
    }

    /// As a number that goes into the value of who has seen it.
    pub(crate) fn number(&self) -> u64 {
        match self {
            Out::Ok(n) => *n,
            Out::Fault(code) => 1_000_003 * (code + 1),
            Out::Panic(code) => 1_000_033 * (code + 1),
            Out::Bomb => 11,
            Out::Cancelled => 13,
            Out::Expired => 17,
            Out::Abandoned => 19,
            Out::Other(_) => 23,
        }
    }
}

#[derive(Default)]
struct Entries {
    /// For each token, whose it is and how often it was dropped.
    tokens: Vec<(String, u32)>,
    closures_alive: usize,
    runs: BTreeMap<(Node, &'static str), u32>,
    produced: BTreeSet<Code>,
    seen: BTreeSet<Code>,
    problems: Vec<String>,
}

/// The notes of one program.
pub(crate) struct Ledger {
    pub(crate) program: u64,
    entries: Mutex<Entries>,
}

impl Ledger {
    pub(crate) fn new(program: u64) -> Arc<Self> {
        Arc::new(Ledger { program, entries: Mutex::default() })
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn problem(&self, text: String) {
        self.entries().problems.push(text);
    }

    pub(crate) fn problems(&self) -> Vec<String> {
        self.entries().problems.clone()
    }

    /// A callback of this node begins.
    pub(crate) fn runs(&self, node: Node, what: &'static str) -> u32 {
        let mut entries = self.entries();
        let runs = entries.runs.entry((node, what)).or_default();
        *runs += 1;
        *runs
    }

    pub(crate) fn ran(&self, node: Node, what: &'static str) -> u32 {
        self.entries().runs.get(&(node, what)).copied().unwrap_or(0)
    }

    /// User code is about to fail with this.
    pub(crate) fn produce(&self, code: Code) {
        self.entries().produced.insert(code);
    }

    pub(crate) fn produced(&self) -> BTreeSet<Code> {
        self.entries().produced.clone()
    }

    pub(crate) fn was_seen(&self, code: Code) -> bool {
        self.entries().seen.contains(&code)
    }

    /// User code was given this.
    pub(crate) fn see<T: Numbered>(
        self: &Arc<Self>,
        outcome: Result<&T, &Failure<AnyError>>,
    ) -> Out {
        let out = match outcome {
            Ok(value) => Out::Ok(value.number()),
            Err(failure) => self.name(failure),
        };
        if let Out::Fault(code) | Out::Panic(code) = out {
            self.entries().seen.insert(code);
        }
        out
    }

    /// The same without a note of it: what is only passed on was not seen.
    pub(crate) fn look<T: Numbered>(&self, outcome: Result<&T, &Failure<AnyError>>) -> Out {
        outcome.map_or_else(|failure| self.name(failure), |value| Out::Ok(value.number()))
    }

    fn name(&self, failure: &Failure<AnyError>) -> Out {
        match failure {
            Failure::Error(error) => match error.downcast_ref::<Fault>() {
                Some(fault) => Out::Fault(fault.code),
                None => Out::Other("an error that nobody made"),
            },
            Failure::Panicked(panic) => match parse(panic.message()) {
                Some((program, Some(code))) if program == self.program => Out::Panic(code),
                Some((program, None)) if program == self.program => Out::Bomb,
                _ => {
                    self.problem(format!("a panic that nobody made: {:?}", panic.message()));
                    Out::Other("a panic that nobody made")
                }
            },
            Failure::Cancelled => Out::Cancelled,
            Failure::TimedOut => Out::Expired,
            Failure::Abandoned => Out::Abandoned,
            Failure::Taken => Out::Other("Taken"),
            Failure::WouldDeadlock => Out::Other("WouldDeadlock"),
            Failure::Empty => Out::Other("Empty"),
            _ => Out::Other("a failure that the test does not know"),
        }
    }

    /// What must be dropped exactly once.
    pub(crate) fn token(self: &Arc<Self>, whose: &str, is_closure: bool) -> Token {
        let mut entries = self.entries();
        entries.tokens.push((whose.to_owned(), 0));
        entries.closures_alive += usize::from(is_closure);
        let number = entries.tokens.len() - 1;
        drop(entries);
        Token { ledger: self.clone(), number, is_closure, bomb: false }
    }

    pub(crate) fn closures_alive(&self) -> usize {
        self.entries().closures_alive
    }

    /// What is still there.
    pub(crate) fn alive(&self) -> Vec<String> {
        let entries = self.entries();
        let alive = entries.tokens.iter().filter(|(_, drops)| *drops == 0);
        alive.map(|(whose, _)| whose.clone()).collect()
    }
}

/// What has a number to know it by.
pub(crate) trait Numbered {
    fn number(&self) -> u64;
}

/// Its drop is noted, and may panic.
pub(crate) struct Token {
    ledger: Arc<Ledger>,
    number: usize,
    is_closure: bool,
    pub(crate) bomb: bool,
}

impl Drop for Token {
    fn drop(&mut self) {
        let mut entries = self.ledger.entries();
        entries.closures_alive -= usize::from(self.is_closure);
        let (whose, drops) = &mut entries.tokens[self.number];
        *drops += 1;
        if *drops > 1 {
            let problem = format!("{whose}: dropped {drops} times");
            entries.problems.push(problem);
        }
        drop(entries);
        if self.bomb && !thread::panicking() {
            resume_unwind(Box::new(format!("stress {:x} bomb", self.ledger.program)));
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.number)
    }
}

/// A value: a number, and a token.
#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) n: u64,
    token: Token,
}

impl Value {
    pub(crate) fn new(ledger: &Arc<Ledger>, n: u64) -> Self {
        Value { n, token: ledger.token("a value", false) }
    }

    /// From here on the library must contain the panic when it drops this; who takes it, defuses it.
    pub(crate) fn armed(mut self) -> Self {
        self.token.bomb = true;
        self
    }

    pub(crate) fn defused(mut self) -> u64 {
        self.token.bomb = false;
        self.n
    }
}

impl Numbered for Value {
    fn number(&self) -> u64 {
        self.n
    }
}

impl Numbered for u64 {
    fn number(&self) -> u64 {
        *self
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        let token = self.token.ledger.token("the copy of a value", false);
        Value { n: self.n, token }
    }
}

/// An error: its code, and a token.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    token: Token,
}

impl Fault {
    pub(crate) fn error(ledger: &Arc<Ledger>, code: Code) -> AnyError {
        ledger.produce(code);
        AnyError::from(Fault { code, token: ledger.token("an error", false) })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stress {:x} code {}", self.token.ledger.program, self.code)
    }
}

impl std::error::Error for Fault {}

/// Panics as planned, without the noise on standard error.
pub(crate) fn planned_panic(ledger: &Ledger, code: Code) -> ! {
    ledger.produce(code);
    resume_unwind(panic_payload(ledger, code))
}

pub(crate) fn panic_payload(ledger: &Ledger, code: Code) -> Box<dyn std::any::Any + Send> {
    Box::new(format!("stress {:x} code {code}", ledger.program))
}

/// The program and the code of a failure's text; no code for a bomb.
pub(crate) fn parse(text: &str) -> Option<(u64, Option<Code>)> {
    let text = match text.starts_with("panicked") {
        true => text.rsplit(": ").next()?, // behind its place, if that is known
        false => text,
    };
    let mut words = text.split(' ');
    if words.next() != Some("stress") {
        return None;
    }
    let program = u64::from_str_radix(words.next()?, 16).ok()?;
    match words.next()? {
        "bomb" => Some((program, None)),
        _ => Some((program, Some(words.next()?.parse().ok()?))),
    }
}

static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The hook for failures that nobody saw.
pub(crate) fn note_report(unobserved: &asynckit::Unobserved) {
    REPORTS.lock().unwrap_or_else(PoisonError::into_inner).push(unobserved.to_string());
}

/// What has been reported since the last time.
pub(crate) fn take_reports() -> Vec<String> {
    std::mem::take(&mut *REPORTS.lock().unwrap_or_else(PoisonError::into_inner))
}

thread_local! {
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

/// Marks this thread while `call` attaches or settles: a callback must not find the mark.
pub(crate) fn inside<R>(call: impl FnOnce() -> R) -> R {
    INSIDE.set(INSIDE.get() + 1);
    let result = call();
    INSIDE.set(INSIDE.get() - 1);
    result
}

pub(crate) fn is_inside() -> bool {
    INSIDE.get() > 0
}
