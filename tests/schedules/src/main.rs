//! Random programs against the whole library, each under many schedules that a seed chooses.
//!
//! - `asynckit-schedules [SECONDS] [SEED]`: random programs, after the small ones. What fails is made smaller and printed
//!   with the arguments that run it again:
//! - `… --program P [--schedule S] [--without 3,7] [--schedules N]`: one program, under one or N schedules, without
//!   some of its steps.
//! - `… --small [NAME]`: the small programs that the library is known to have failed on, or one of them.

mod act;
mod chooser;
mod generate;
mod ledger;
mod make;
mod memory;
mod pairs;
mod parent;
mod program;
#[path = "../../stress/random.rs"]
mod random;
mod run;
mod small;
mod world;

use std::cell::Cell;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::exit;
use std::rc::Rc;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use chooser::Chooser;
use program::Program;
use random::{Random, mix};

/// The exit status of a schedule that failed.
pub(crate) const FAILED: i32 = 9;
/// So many schedules of each program.
const SCHEDULES: usize = 24;
/// More steps than any program has.
const STEPS: usize = 400_000;
const STACK: usize = 512 * 1024;

/// Not `println!`: it locks, and what fails may fail anywhere.
pub(crate) fn say(text: &str) {
    let _ = std::io::stdout().write_all(format!("{text}\n").as_bytes());
}

pub(crate) fn number(text: &str) -> u64 {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.unwrap_or_else(|_| panic!("no number: {text}"))
}

/// What the arguments say.
#[derive(Default)]
struct Arguments {
    plain: Vec<String>,
    child: bool,
    small: Option<String>,
    program: Option<u64>,
    schedule: Option<u64>,
    schedules: Option<usize>,
    without: Vec<usize>,
}

fn arguments() -> Arguments {
    let (mut read, mut given) = (Arguments::default(), std::env::args().skip(1).peekable());
    while let Some(argument) = given.next() {
        let mut value = || given.next().unwrap_or_default();
        match argument.as_str() {
            "--child" => read.child = true,
            "--small" => read.small = Some(value()),
            "--program" => read.program = Some(number(&value())),
            "--schedule" => read.schedule = Some(number(&value())),
            "--schedules" => read.schedules = value().parse().ok(),
            "--without" => {
                read.without = value().split(',').filter_map(|step| step.parse().ok()).collect();
            }
            _ => read.plain.push(argument),
        }
    }
    read
}

/// The schedules of a program.
fn schedules(program: u64, count: usize) -> Vec<u64> {
    (0..count as u64).map(|index| mix(program ^ index << 7)).collect()
}

/// Runs it under these schedules; leaves the process if one fails.
pub(crate) fn under(schedules: Vec<u64>, name: &str, f: impl Fn() + Send + Sync + 'static) {
    let chooser = Chooser::new(schedules);
    let current: Rc<Cell<u64>> = chooser.current.clone();
    let mut config = shuttle::Config::new();
    config.stack_size = STACK;
    config.max_steps = shuttle::MaxSteps::FailAfter(STEPS);
    config.failure_persistence = shuttle::FailurePersistence::None;
    config.silence_warnings = true;
    let runner = shuttle::Runner::new(chooser, config);
    let result = catch_unwind(AssertUnwindSafe(|| runner.run(f)));
    if let Err(panic) = result {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let said = std::mem::take(&mut *run::PANICS.lock().unwrap_or_else(PoisonError::into_inner));
        said.iter().for_each(|said| say(&format!("  ! {said}")));
        say(&format!(
            "  ! {}\nFAILED {name} schedule {:#x}",
            text.unwrap_or_default(),
            current.get()
        ));
        exit(FAILED);
    }
    memory::release();
}

fn run_program(program: Program, schedules: Vec<u64>) {
    let name = format!("program {:#x}", program.seed);
    under(schedules, &name, move || run::run(&program));
}

/// One program after the other.
fn child(seconds: u64, seed: u64) {
    let (begin, mut seeds) = (Instant::now(), Random::new(seed));
    let (mut programs, mut count) = (0_u64, 0);
    while begin.elapsed() < Duration::from_secs(seconds) {
        let program = seeds.next();
        say(&format!("p {program:#x}"));
        run_program(generate::generate(program), schedules(program, SCHEDULES));
        programs += 1;
        count += SCHEDULES;
    }
    let rate = count as f64 / begin.elapsed().as_secs_f64();
    say(&format!("ran {programs} programs, {count} schedules, {rate:.0} a second"));
}

fn main() {
    asynckit::controlled::watch(memory::look);
    std::panic::set_hook(Box::new(|info| {
        let text = format!("panics: {info}");
        run::PANICS.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }));
    let read = arguments();
    let first = read.plain.first().map_or(30, |text| number(text));
    if let Some(name) = read.small {
        small::run(&name, read.schedule, read.schedules);
    } else if let Some(seed) = read.program {
        let program = generate::generate(seed).without(&read.without);
        say(&program.to_string());
        let count = read.schedules.unwrap_or(SCHEDULES);
        let schedules = read.schedule.map_or_else(|| schedules(seed, count), |one| vec![one]);
        run_program(program, schedules);
        say("passed");
    } else if read.child {
        child(first, read.plain.get(1).map_or(1, |text| number(text)));
    } else {
        parent::run(first, read.plain.get(1).map(|text| number(text)));
    }
}
