//! The table: rows are what a promise hangs behind, or is owned by; columns are how that ends.

use crate::common::verdict;
use crate::things::{ENDS, End, Holder, LEFT, Link, Make, OUTCOMES, Thing};
use crate::world::World;
use asynckit::{Deferred, Outcome, Promise};
use std::time::Duration;

/// One way to put a promise behind another one. What it carries is kept by whatever the user gives along: a closure,
/// a key, a waker, an executor. Where there is no such thing, it is dropped at once.
pub(crate) type Step = fn(&World, Link, Thing) -> Link;

/// A line of the table.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The public functions that it is about.
    pub(crate) uses: &'static [&'static str],
    pub(crate) step: Step,
    pub(crate) traits: Traits,
}

/// What is special about a row.
#[derive(Clone, Copy)]
pub(crate) struct Traits {
    /// What comes out at the tail for what was settled at the root.
    pub(crate) verdict: fn(&'static str) -> &'static str,
    /// A cancellation of the tail does not come to the root.
    pub(crate) cuts: bool,
    /// It carries something along.
    pub(crate) carries: bool,
    /// Its lines are so many times shorter: what takes a while for each promise.
    pub(crate) shorter: usize,
    /// The same for what a worker gets: where it looks through the line for each job, that is quadratic.
    pub(crate) looked_through: usize,
}

pub(crate) const PLAIN: Traits =
    Traits { verdict: |same| same, cuts: false, carries: true, shorter: 1, looked_through: 1 };
pub(crate) const BARE: Traits = Traits { carries: false, ..PLAIN };
pub(crate) const CUT: Traits = Traits { cuts: true, ..PLAIN };
pub(crate) const SLOW: Traits = Traits { shorter: 4, ..PLAIN };

/// One cell: its name, and what it does.
pub(crate) struct Cell {
    pub(crate) name: String,
    /// What it allocates is in proportion to the length of the line.
    pub(crate) linear: bool,
    pub(crate) run: Box<dyn Fn(World) + Send>,
}

/// The cells of a row: of a line behind a root, and of a line in which each owns the next.
pub(crate) fn cells(row: &'static Row) -> Vec<Cell> {
    let behind = BEHIND.iter().map(|(end, run)| Cell {
        name: format!("{} | behind | {end}", row.name),
        linear: *end != GOT || row.traits.looked_through == 1,
        run: Box::new(move |world| {
            run(&world, row);
            world.check();
        }),
    });
    behind.chain(owned(row)).collect()
}

fn owned(row: &'static Row) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut add = |what: &str, end: &'static (&str, End), build: Build| {
        let name = format!("{} | owned by {what} | {}", row.name, end.0);
        let run = move |world: World| {
            own(&world, row, end.1, build);
            world.check();
        };
        cells.push(Cell { name, linear: true, run: Box::new(run) });
    };
    for (kind, outcome) in OUTCOMES {
        // Each panic costs a trace.
        let ends = if *kind == "payload" { &ENDS[..1] } else { ENDS };
        for end in ends {
            add(&format!("a {kind}"), end, Build::Outcome(*outcome));
        }
    }
    let (what, build) = match row.traits.carries {
        true => ("what is carried", Build::Carried),
        false => ("a cancellation handler", Build::Handler),
    };
    for end in ENDS.iter().chain(LEFT) {
        add(what, end, build);
    }
    cells
}

/// Where a holder has the next one.
#[derive(Clone, Copy)]
enum Build {
    Handler,
    Carried,
    Outcome(Make),
}

/// Each promise is owned by the one before it; the first is dropped.
fn own(world: &World, row: &Row, end: End, build: Build) {
    let plain = || -> Outcome<Thing, Thing> { Ok(world.thing()) };
    let mut next = world.thing();
    for _ in 0..world.depth / row.traits.shorter {
        let (mut deferred, promise) = world.deferred();
        let (carried, outcome) = match build {
            Build::Handler => {
                deferred.on_cancel(move || drop(next));
                (world.thing(), plain())
            }
            Build::Carried => (next, plain()),
            Build::Outcome(make) => (world.thing(), make(next)),
        };
        let tail = (row.step)(world, promise, carried);
        next = world.ledger.owner(Holder::new(deferred, tail, outcome, end));
    }
    drop(next);
}

// ── A line behind a root ─────────────────────────────────────────────────────────────────────────

fn line(world: &World, row: &Row, root: Link) -> Link {
    line_of(world.depth / row.traits.shorter, world, row, root)
}

fn line_of(depth: usize, world: &World, row: &Row, root: Link) -> Link {
    (0..depth).fold(root, |tail, _| (row.step)(world, tail, world.thing()))
}

fn deferred_line(world: &World, row: &Row) -> (Deferred<Thing, Thing>, Link) {
    let (deferred, root) = world.deferred();
    (deferred, line(world, row, root))
}

#[track_caller]
fn expect(world: &World, tail: Link, verdict_is: &'static str) {
    assert_eq!(verdict(&world.get(tail)), verdict_is);
}

#[track_caller]
fn expect_of(world: &World, row: &Row, tail: Link, root: &'static str) {
    expect(world, tail, (row.traits.verdict)(root));
}

type Behind = fn(&World, &Row);

/// The end at which a worker looks for jobs that it can run.
const GOT: &str = "got by a worker";

const BEHIND: &[(&str, Behind)] = &[
    ("settled", |world, row| {
        let (deferred, tail) = deferred_line(world, row);
        deferred.resolve(world.thing());
        expect_of(world, row, tail, "Ok");
    }),
    ("failed", |world, row| {
        let (deferred, tail) = deferred_line(world, row);
        deferred.reject(world.thing());
        expect_of(world, row, tail, "Error");
    }),
    ("panicked", |world, row| {
        let (deferred, tail) = deferred_line(world, row);
        deferred.settle(OUTCOMES[2].1(world.thing()));
        expect_of(world, row, tail, "Panicked");
    }),
    ("abandoned", |world, row| {
        let (deferred, tail) = deferred_line(world, row);
        drop(deferred);
        expect_of(world, row, tail, "Abandoned");
    }),
    ("cancelled", |world, row| {
        let (deferred, tail) = deferred_line(world, row);
        world.flush(); // jobs that follow have begun to
        tail.cancel();
        expect(world, tail, "Cancelled");
        if !row.traits.cuts {
            world.await_cancellation(&deferred);
        }
    }),
    ("cancelled, then settled", |world, row| {
        let (deferred, tail) = deferred_line(world, row);
        tail.cancel();
        deferred.resolve(world.thing());
        expect(world, tail, "Cancelled");
    }),
    ("cancelled, of a job that has not begun", |world, row| {
        let kept = world.thing();
        let job = world.paused.spawn(move || Ok(kept));
        let tail = line(world, row, job);
        tail.cancel();
        expect(world, tail, "Cancelled");
    }),
    ("timed out", |world, row| {
        let (deferred, tail) = deferred_line(world, row);
        world.flush();
        expect(world, tail.timeout(Duration::from_millis(1)), "TimedOut");
        if !row.traits.cuts {
            world.await_cancellation(&deferred);
        }
    }),
    ("dropped", |world, row| {
        let (deferred, tail) = deferred_line(world, row);
        drop(tail);
        drop(deferred);
    }),
    ("dropped, then settled", |world, row| {
        let (deferred, tail) = deferred_line(world, row);
        drop(tail);
        deferred.resolve(world.thing());
    }),
    ("dropped, then failed", |world, row| {
        let (deferred, tail) = deferred_line(world, row);
        drop(tail);
        deferred.reject(world.thing());
    }),
    ("settled, then dropped untaken", |world, row| {
        let (deferred, tail) = deferred_line(world, row);
        deferred.resolve(world.thing());
        world.wait(&tail);
        drop(tail);
    }),
    ("failed, then dropped untaken", |world, row| {
        let (deferred, tail) = deferred_line(world, row);
        deferred.reject(world.thing());
        world.wait(&tail);
        drop(tail);
    }),
    ("settled before", |world, row| {
        let root = Promise::ready(world.thing()).via(&world.pool);
        expect_of(world, row, line(world, row, root), "Ok");
    }),
    ("failed before", |world, row| {
        let root = Promise::failed(world.thing()).via(&world.pool);
        expect_of(world, row, line(world, row, root), "Error");
    }),
    (GOT, |world, row| {
        let kept = world.thing();
        let depth = world.depth / row.traits.shorter.max(row.traits.looked_through);
        let mut tail = line_of(depth, world, row, world.pool.spawn(move || Ok(kept)));
        let got = world.pool.spawn(move || Promise::settled(tail.get(None)));
        expect_of(world, row, got, "Ok");
    }),
    ("its pool is shut down", |world, row| {
        let kept = world.thing();
        let tail = line(world, row, world.paused.spawn(move || Ok(kept)));
        world.paused.shutdown(asynckit::Shutdown::CancelQueued, None);
        expect_of(world, row, tail, "Abandoned");
    }),
];
