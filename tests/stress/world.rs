//! Where a program runs: its pools, its gates, its helpers, and the callbacks that it hands to the library.

use asynckit::{AnyError, AsyncValue, Failure, Outcome, Pool, Promise, Serial};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread;

use crate::common::PATIENCE;
use crate::ledger::{Code, Fault, Ledger, Out, Token, Value, code, is_inside, planned_panic};
use crate::model::number;
use crate::program::{GateIndex, Inner, Node, Plan, PoolIndex};
use crate::random::mix;

/// A promise of a program.
pub(crate) type Promised = Promise<Value>;
/// What a helper thread does.
pub(crate) type Task = Box<dyn FnOnce() + Send>;

/// Where callbacks must run, as far as the test knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    Pool(PoolIndex),
    Global,
    Anywhere,
}

/// A door that jobs wait at; one of them can be let through before the others.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<(bool, HashSet<Node>)>,
    changed: Condvar,
}

impl Gate {
    pub(crate) fn open(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = true;
        self.changed.notify_all();
    }

    fn release(&self, node: Node) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1.insert(node);
        self.changed.notify_all();
    }

    fn wait(&self, node: Node) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.0 && !state.1.contains(&node) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

pub(crate) struct World {
    pub(crate) ledger: Arc<Ledger>,
    pools: Vec<Mutex<Option<Pool>>>,
    pub(crate) gates: Vec<Gate>,
    pub(crate) helpers: Vec<Sender<Task>>,
    /// Whether pools are stopped while callbacks may still come: these run wherever they can.
    pub(crate) stops: bool,
    /// Whether some values panic when the library drops them.
    pub(crate) bombs: bool,
    /// How many calls that go together run, for each node.
    pub(crate) under_way: Vec<AtomicUsize>,
    /// The queue of the first pool that runs a job at a time, and whether one runs.
    pub(crate) serial: Serial,
    in_turn: AtomicBool,
}

/// A job of the serial queue runs.
struct InTurn<'a>(&'a AtomicBool);

impl Drop for InTurn<'_> {
    fn drop(&mut self) {
        self.0.store(false, SeqCst);
    }
}

struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl World {
    pub(crate) fn new(
        program: &crate::program::Program,
        ledger: Arc<Ledger>,
        helpers: Vec<Sender<Task>>,
    ) -> Arc<Self> {
        let pool = |(index, workers): (usize, &usize)| {
            let pool = Pool::builder().workers(*workers).name(&pool_name(index)).build();
            pool.expect("a pool")
        };
        let pools: Vec<Pool> = program.pools.iter().enumerate().map(pool).collect();
        Arc::new(World {
            ledger,
            serial: Serial::new(&pools[0]),
            in_turn: AtomicBool::new(false),
            pools: pools.into_iter().map(|pool| Mutex::new(Some(pool))).collect(),
            gates: (0..program.gates).map(|_| Gate::default()).collect(),
            helpers,
            stops: program.stops_pools(),
            bombs: !program.bombs.is_empty(),
            under_way: (0..program.nodes()).map(|_| AtomicUsize::new(0)).collect(),
        })
    }

    /// A handle, unless the program has dropped the pool.
    pub(crate) fn pool(&self, index: PoolIndex) -> Option<Pool> {
        self.pools[index].lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn take_pool(&self, index: PoolIndex) -> Option<Pool> {
        self.pools[index].lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn help(&self, helper: usize, task: impl FnOnce() + Send + 'static) {
        self.helpers[helper % self.helpers.len()].send(Box::new(task)).expect("the helper lives");
    }

    /// A job of the serial queue, during which no other one runs.
    pub(crate) fn in_turn<R>(&self, job: impl FnOnce() -> R) -> R {
        if self.in_turn.swap(true, SeqCst) {
            self.ledger.problem("two jobs of the serial queue run at once".to_owned());
        }
        let _turn = InTurn(&self.in_turn);
        job()
    }

    /// A call of this node runs until what this gives is dropped; no more than so many do.
    pub(crate) fn under_way(&self, node: Node, most: usize) -> impl Drop + '_ {
        let running = self.under_way[node].fetch_add(1, SeqCst) + 1;
        if running > most {
            self.ledger.problem(format!("n{node}: {running} calls at once, of {most}"));
        }
        UnderWay(&self.under_way[node])
    }

    pub(crate) fn value(&self, n: u64) -> Value {
        let value = Value::new(&self.ledger, n);
        if self.bombs && mix(n) % 2 == 0 { value.armed() } else { value }
    }

    pub(crate) fn fault(&self, code: Code) -> AnyError {
        Fault::error(&self.ledger, code)
    }
}

/// The threads of a program's pools are told by this.
pub(crate) const THREADS: &str = "pool-";

pub(crate) fn pool_name(index: PoolIndex) -> String {
    format!("{THREADS}{index}")
}

/// The name of the global pool's threads, without their number.
fn global_name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let name = || thread::current().name().unwrap_or("").to_owned();
        let name = Pool::global().run(name).get(PATIENCE).expect("a job runs");
        name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()
    })
}

pub(crate) fn look_at_global_pool() {
    global_name();
}

/// What a callback is given: its number, after noting that it was seen.
pub(crate) trait Given {
    fn take(self, ledger: &Arc<Ledger>) -> u64;
}

impl Given for () {
    fn take(self, _: &Arc<Ledger>) -> u64 {
        0
    }
}

impl Given for u64 {
    fn take(self, _: &Arc<Ledger>) -> u64 {
        self
    }
}

impl Given for Value {
    fn take(self, _: &Arc<Ledger>) -> u64 {
        self.defused()
    }
}

impl Given for &Value {
    fn take(self, _: &Arc<Ledger>) -> u64 {
        self.n
    }
}

impl Given for Failure<AnyError> {
    fn take(self, ledger: &Arc<Ledger>) -> u64 {
        ledger.see::<Value>(Err(&self)).number()
    }
}

impl Given for AnyError {
    fn take(self, ledger: &Arc<Ledger>) -> u64 {
        Failure::Error(self).take(ledger)
    }
}

impl Given for Outcome<Value> {
    fn take(self, ledger: &Arc<Ledger>) -> u64 {
        match self {
            Ok(value) => value.take(ledger),
            Err(failure) => failure.take(ledger),
        }
    }
}

impl Given for Result<&Value, Failure<AnyError>> {
    fn take(self, ledger: &Arc<Ledger>) -> u64 {
        match self {
            Ok(value) => value.take(ledger),
            Err(failure) => failure.take(ledger),
        }
    }
}

/// User code of a node: it is called at most once, and dropped once.
pub(crate) struct Callback {
    pub(crate) world: Arc<World>,
    pub(crate) node: Node,
    pub(crate) plan: Plan,
    pub(crate) what: &'static str,
    pub(crate) place: Place,
    /// Gone before there is anything to return: a function whose local panics in its drop loses what it returns
    /// (rust-lang/rust#47949).
    pub(crate) token: Option<Token>,
}

impl Callback {
    /// Checks that it may run here and now.
    pub(crate) fn begin(&self) {
        let Callback { world, node, what, .. } = self;
        if world.ledger.runs(*node, what) > 1 {
            world.ledger.problem(format!("n{node}: {what} runs again"));
        }
        if world.stops {
            return;
        }
        if is_inside() {
            world
                .ledger
                .problem(format!("n{node}: {what} runs inside a call that attaches or settles"));
        }
        let thread = thread::current();
        let name = thread.name().unwrap_or("");
        let right = match self.place {
            Place::Pool(index) => name.starts_with(&pool_name(index)),
            Place::Global => name.starts_with(global_name()),
            Place::Anywhere => true,
        };
        if !right {
            world
                .ledger
                .problem(format!("n{node}: {what} runs on {name:?}, not on {:?}", self.place));
        }
    }

    pub(crate) fn wait_at(&self, gate: Option<GateIndex>) {
        if let Some(gate) = gate {
            self.world.gates[gate].wait(self.node);
        }
    }

    /// A handler that lets the node's job through the gate.
    pub(crate) fn release(&self, gate: Option<GateIndex>) -> impl FnOnce() + Send + 'static {
        let (world, node) = (self.world.clone(), self.node);
        let token = world.ledger.token(&format!("n{node}: on_cancel"), true);
        move || {
            let _token = token;
            if world.ledger.runs(node, "on_cancel") > 1 {
                world.ledger.problem(format!("n{node}: its handler runs again"));
            }
            if let Some(gate) = gate {
                world.gates[gate].release(node);
            }
        }
    }

    pub(crate) fn result(mut self, given: impl Given) -> Result<Value, AnyError> {
        let input = self.input(given);
        self.answer(input)
    }

    fn input(&mut self, given: impl Given) -> u64 {
        self.begin();
        let input = given.take(&self.world.ledger);
        drop(self.token.take());
        input
    }

    fn answer(&self, input: u64) -> Result<Value, AnyError> {
        match crate::model::answer(self.node, self.plan, input) {
            Out::Ok(n) => Ok(self.world.value(n)),
            Out::Fault(code) => Err(self.world.fault(code)),
            Out::Panic(code) => planned_panic(&self.world.ledger, code),
            other => unreachable!("no plan says {other:?}"),
        }
    }

    /// As a callback that cannot fail but by a panic.
    pub(crate) fn plain(self, given: impl Given) -> Value {
        self.result(given).unwrap_or_else(|_| unreachable!("such callbacks have no errors"))
    }

    pub(crate) fn promise(mut self, given: impl Given) -> Promised {
        let input = self.input(given);
        let world = self.world.clone();
        match self.plan {
            Plan::Adopt(Inner::Ready) => Promise::ready(world.value(number(self.node, input))),
            Plan::Adopt(Inner::Failed) => Promise::failed(world.fault(code(self.node, 0))),
            Plan::Adopt(Inner::Job(pool, _) | Inner::Shared(pool, _)) => match world.pool(pool) {
                Some(pool) => pool.spawn(move || self.answer(input)),
                None => Promise::settled(Err(Failure::Abandoned)),
            },
            Plan::Adopt(Inner::Late(_)) => {
                let (deferred, promise) = Promise::deferred();
                world.help(self.node, move || {
                    deferred.settle(self.answer(input).map_err(Failure::Error))
                });
                promise
            }
            _ => unreachable!("it adopts"),
        }
    }

    pub(crate) fn shared(self, given: impl Given) -> AsyncValue<Value> {
        self.promise(given).share()
    }
}
