//! Each row in a process of its own: the same program, called with the name of the row.

use crate::common::alloc::{Counter, Counting};
use crate::common::{PATIENCE, SMALL_STACK, run_on_small_stack, watchdog};
use crate::rows::ALL;
use crate::table::{Cell, Row, cells};
use crate::world::World;
use std::env::{current_exe, var};
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The name of the row that a child is to run.
const ROW: &str = "ASYNCKIT_DEPTH_ROW";
/// The number of the cell to begin with.
const FIRST: &str = "ASYNCKIT_DEPTH_FIRST";
/// How many promises are in a line, if that is to be another number.
const DEPTH: &str = "ASYNCKIT_DEPTH";
/// Prints how long each cell took.
const TIMES: &str = "ASYNCKIT_DEPTH_TIMES";
/// No more allocations for each promise of a line, on the two threads that do most of it. A failure that goes through
/// branches has its way cloned for each, some hundreds; if the line were gone through for each, it would be thousands.
const ALLOCATIONS: usize = 500;
/// What a child prints before the name of a cell.
const BEGINS: &str = "cell ";
/// As long as a cell may take.
const CELL: Duration = Duration::from_secs(60);

/// How many promises are in a line: so many plain drops, one in the other, are too many for 64 KiB.
fn depth() -> usize {
    let given = var(DEPTH).ok();
    given.map_or(2_000, |depth| depth.parse().expect("a number"))
}

fn rows() -> impl Iterator<Item = &'static Row> {
    ALL.iter().flat_map(|group| group.1)
}

/// The child's part; nothing in any other process.
#[test]
fn child() {
    let Ok(name) = var(ROW) else { return };
    std::panic::set_hook(Box::new(|info| {
        if !info.payload().is::<crate::things::Thing>() {
            eprintln!("{info}");
        }
    }));
    let row = rows().find(|row| row.name == name).expect("a row of this name");
    say(""); // the harness has begun a line
    let first = var(FIRST).ok().and_then(|first| first.parse().ok()).unwrap_or(0);
    for cell in cells(row).into_iter().skip(first) {
        say(&format!("{BEGINS}{}", cell.name));
        watchdog(&cell.name.clone(), CELL, move || {
            run_on_small_stack(SMALL_STACK, move || in_cell(&cell))
        });
    }
}

fn in_cell(cell: &Cell) {
    let (counter, started) = (Counter::leaked(), Instant::now());
    let world = World::new(depth());
    counter.count_this_thread();
    world.pool.run(|| counter.count_this_thread()).get(PATIENCE).expect("the worker counts");
    let before = counter.allocations();
    (cell.run)(world);
    let each = (counter.allocations() - before) / depth();
    if var(TIMES).is_ok() {
        say(&format!("took {:>8} us: {}", started.elapsed().as_micros(), cell.name));
        say(&format!("took {each:>8} allocations a promise: {}", cell.name));
    }
    assert!(each <= ALLOCATIONS || !cell.linear, "{each} allocations for each promise");
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("the parent listens");
}

/// This program once more, for one test: all its threads have small stacks, unless they ask for others.
fn again(test: &str) -> Command {
    let mut command = Command::new(current_exe().expect("this program is somewhere"));
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.env("RUST_MIN_STACK", SMALL_STACK.to_string()).env("RUST_BACKTRACE", "0");
    command.stdin(Stdio::null());
    command
}

fn run(row: &Row, first: usize) -> Output {
    let mut child = again("children::child");
    child.env(ROW, row.name).env(FIRST, first.to_string()).output().expect("a child")
}

/// Runs all cells of a row. Gives those that failed, each with what was said.
fn failures(row: &'static Row) -> Vec<String> {
    let (mut failed, mut first) = (Vec::new(), 0);
    loop {
        let output = run(row, first);
        let said = String::from_utf8_lossy(&output.stdout);
        if var(TIMES).is_ok() {
            said.lines()
                .filter(|line| line.starts_with("took "))
                .for_each(|line| println!("{line}"));
        }
        if output.status.success() {
            return failed;
        }
        let begun: Vec<_> = said.lines().filter_map(|line| line.strip_prefix(BEGINS)).collect();
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = begun.last().copied().unwrap_or("no cell");
        failed.push(format!("{last}: {}\n{}", output.status, errors.trim()));
        if begun.is_empty() {
            return failed;
        }
        first += begun.len();
    }
}

/// A chain of boxes, each in the one before it: what a line would be without the library.
struct Nested(#[expect(dead_code, reason = "it is dropped")] Option<Box<Nested>>);

impl Drop for Nested {
    fn drop(&mut self) {
        std::hint::black_box(self);
    }
}

/// A child's part, too.
#[test]
fn plain_nest() {
    if var(ROW).is_ok() {
        run_on_small_stack(SMALL_STACK, || {
            let nest = (0..depth()).fold(None, |next, _| Some(Box::new(Nested(next))));
            drop(nest);
        });
    }
}

/// Else the table would show nothing.
#[test]
fn so_deep_a_nest_of_plain_drops_overflows() {
    let run = |depth: usize| {
        let mut child = again("children::plain_nest");
        child.env(ROW, "").env(DEPTH, depth.to_string()).output().expect("a child")
    };
    let output = run(depth());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("overflowed its stack"), "{}: {errors}", output.status);
    assert!(run(10).status.success(), "the depth is what it is about");
}

#[track_caller]
pub(crate) fn check(group: &str) {
    let wanted = |row: &&Row| var("ASYNCKIT_DEPTH_ONLY").map_or(true, |only| row.name == only);
    let rows = ALL.iter().find(|(name, _)| *name == group).expect("a group").1;
    let failed: Vec<String> = rows.iter().filter(wanted).flat_map(failures).collect();
    assert!(failed.is_empty(), "{} cells failed:\n\n{}", failed.len(), failed.join("\n\n"));
}

#[test]
fn clients() {
    check("clients");
}

#[test]
fn links() {
    check("links");
}

#[test]
fn lists() {
    check("lists");
}

#[cfg(feature = "memo")]
#[test]
fn memo() {
    check("memo");
}

#[test]
fn others() {
    check("others");
}

#[test]
fn shared() {
    check("shared");
}

#[test]
fn taken() {
    check("taken");
}

#[test]
fn work() {
    check("work");
}
