//! Runs a program under one schedule, to its end, and looks at what is left.

use asynckit::controlled::{self, thread};
use asynckit::{Failure, Outcome, Pool, Shutdown};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::ledger::Value;
use crate::memory;
use crate::program::{Node, Op, Program};
use crate::world::{Thing, World};

/// After it nothing sleeps any more.
const AFTER_ALL: Duration = Duration::from_secs(7200);
/// So often others are let on, so that they can drop what they have at the end.
const PATIENCE: usize = 500;

/// What the library has said when it panicked. Planned panics do not come here.
pub(crate) static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Begins a schedule.
pub(crate) fn begin() {
    memory::release();
    memory::keep();
    controlled::begin();
}

/// Ends it: whatever sleeps or waits without being joined has its turn.
pub(crate) fn end() {
    thread::sleep(AFTER_ALL);
    Pool::global().shutdown(Shutdown::Drain, None);
}

/// Fails the schedule.
pub(crate) fn judge(mut problems: Vec<String>) {
    problems.extend(std::mem::take(&mut *PANICS.lock().unwrap_or_else(PoisonError::into_inner)));
    if !problems.is_empty() {
        std::panic::resume_unwind(Box::new(problems.join("\n  ! ")));
    }
}

/// The whole of it; called on the first thread of a schedule.
pub(crate) fn run(program: &Program) {
    begin();
    let world = World::new(program);
    let driver = world.start_driver();
    steps(&world, &program.threads[0]);
    let others: Vec<_> = program.threads[1..]
        .iter()
        .map(|thread| {
            let (world, thread) = (world.clone(), thread.clone());
            thread::spawn(move || steps(&world, &thread))
        })
        .collect();
    for other in others {
        let _ = other.join();
    }
    finish(&world);
    // Time passes when nobody has anything to do: what was dropped unsettled comes to its end.
    thread::sleep(AFTER_ALL);
    for pool in &world.pools {
        pool.shutdown(Shutdown::Drain, None);
    }
    world.end_driver();
    let _ = driver.join();
    let ledger = world.ledger.clone();
    end();
    drop(world);
    for _ in 0..PATIENCE {
        if ledger.problems().is_empty() && controlled::cells() == 0 {
            break;
        }
        thread::yield_now();
    }
    let mut problems = ledger.problems();
    if controlled::cells() != 0 {
        problems.push(format!("{} cells are never freed", controlled::cells()));
    }
    judge(problems);
}

fn steps(world: &Arc<World>, steps: &[(Node, Op)]) {
    for (node, op) in steps {
        if !world.act(op) {
            world.make(*node, op);
        }
    }
}

/// Settles what is open, and gets what is left.
fn finish(world: &Arc<World>) {
    let seed = world.program.seed;
    let deferreds = std::mem::take(&mut *world.deferreds.lock());
    let mut deferreds: Vec<_> = deferreds.into_iter().collect();
    deferreds.sort_by_key(|(node, _)| *node);
    for (node, deferred) in deferreds {
        match world.program.trouble.ends && seed >> (node % 32) & 1 == 0 {
            true => drop(deferred),
            false => deferred.resolve(world.ledger.value(node)),
        }
    }
    let mut nodes: Vec<_> = world.things.lock().keys().copied().collect();
    nodes.sort_unstable_by_key(|node| seed.rotate_left(u32::try_from(*node).unwrap_or(0)));
    for node in nodes {
        let Some(thing) = world.take(node) else { continue };
        // Some are dropped as they are.
        if (seed >> (node % 40) & 7) != 0 {
            let outcome = get(thing);
            outcome.into_iter().for_each(|outcome| see(world, node, &outcome));
        }
    }
    let cancellers = std::mem::take(&mut *world.cancellers.lock());
    drop(cancellers);
}

fn see(world: &World, node: Node, outcome: &Outcome<Value>) {
    world.ledger.see(node, world.program.makers[node], outcome);
}

/// Waits for it. All that it waits for is settled, or will be.
fn get(thing: Thing) -> Option<Outcome<Value>> {
    match thing {
        Thing::Promise(mut promise) => Some(promise.get(None)),
        Thing::Guard(guard) => Some(guard.into_inner().get(None)),
        Thing::Value(value) => match value.get(None) {
            Ok(value) => Some(Ok(value.clone())),
            Err(failure) => Some(Err(failure)),
        },
        Thing::List(list) => match list.settled().get(None) {
            Ok(_) => None,
            Err(failure) => Some(Err::<Value, Failure>(failure)),
        },
    }
}
