//! Nothing hangs, nothing is lost: random programs, against a model of what may come of them.
//!
//! A program is made of a seed (`generate.rs`) and is data (`program.rs`). The model (`model.rs`, `outs.rs`) knows which
//! outcomes its promises may have; the run (`run.rs`, `make.rs`, `many.rs`,
//! `jobs.rs`, `whole.rs`, `world.rs`) takes notes (`ledger.rs`) that are checked at its end
//! (`check.rs`).
//!
//! - `ASYNCKIT_STRESS_SECONDS=600` runs that long; a few seconds otherwise.
//! - `ASYNCKIT_STRESS_SEED=0x…` begins with these programs again. A program that fails is printed with its own seed:
//! - `ASYNCKIT_STRESS_PROGRAM=0x…` runs that one program again and again, as the order of threads may matter;
//! - `ASYNCKIT_STRESS_WITHOUT=3,7` leaves these steps out of it, to find out which of them matter. What a step was to
//!   make is made ready instead.

mod check;
#[path = "../common/mod.rs"]
mod common;
mod generate;
mod jobs;
mod ledger;
mod make;
mod many;
mod model;
mod outs;
mod program;
mod random;
mod run;
mod whole;
mod world;

use std::io::Write;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, panic, process, thread};

use common::{PATIENCE, named_thread};
use ledger::Ledger;
use program::{Op, Program, Step};
use random::Random;
use run::Run;
use world::{Task, World};

/// So long if nobody says otherwise: the tests run often.
const SECONDS: u64 = 3;

/// What is running, and since when.
static RUNNING: Mutex<Option<(Instant, String)>> = Mutex::new(None);

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    Some(parsed.unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Not `eprintln!`: what the harness captures is lost in an abort.
fn say(text: &str) {
    _ = writeln!(std::io::stderr(), "{text}");
}

fn helper() -> Sender<Task> {
    let (tasks, inbox) = channel::<Task>();
    drop(named_thread("helper", move || {
        for task in inbox {
            task();
        }
    }));
    tasks
}

/// Ends the process with a name when a program does not come to its end.
fn watch() {
    drop(named_thread("watchdog", || {
        loop {
            thread::sleep(Duration::from_secs(1));
            let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((since, program)) = running.as_ref() {
                if since.elapsed() > PATIENCE + PATIENCE {
                    say(&format!("\nHANG:\n{program}"));
                    process::abort();
                }
            }
        }
    }));
}

/// Leaves these steps out.
fn without(mut program: Program, skipped: &[usize]) -> Program {
    let mut steps = vec![];
    for (number, step) in program.steps.into_iter().enumerate() {
        match step {
            Step::Make(node, op) if skipped.contains(&number) => {
                for source in op.takes().into_iter().filter(|_| !op.is_branch()) {
                    steps.push(Step::End(source, program::Last::Drop));
                }
                steps.push(Step::Make(node, Op::Ready));
            }
            _ if skipped.contains(&number) => {}
            step => steps.push(step),
        }
    }
    program.steps = steps;
    program
}

/// Runs it; the problems that there were.
fn run(program: &Program, helpers: &[Sender<Task>]) -> Vec<String> {
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) =
        Some((Instant::now(), program.to_string()));
    ledger::take_reports();
    let model = model::model(program);
    let ledger = Ledger::new(program.seed);
    let world = World::new(program, ledger.clone(), helpers.to_vec());
    let mut running = Run::new(program, &model, &world);
    for step in &program.steps {
        let step_by_step = panic::AssertUnwindSafe(|| running.step(step));
        if let Err(panic) = panic::catch_unwind(step_by_step) {
            let text = panic.downcast_ref::<String>().cloned();
            ledger.problem(format!("{step:?} panics: {}", text.unwrap_or_default()));
        }
    }
    drop(running);
    check::check(program, &model, world);
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = None;
    ledger.problems()
}

#[test]
fn random_programs_do_what_the_model_says() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    let clock = u64::from(now.subsec_nanos()) ^ now.as_secs() << 32;
    let seed = number("ASYNCKIT_STRESS_SEED").unwrap_or_else(|| Random::new(clock).next());
    let limit = Duration::from_secs(number("ASYNCKIT_STRESS_SECONDS").unwrap_or(SECONDS));
    let only = number("ASYNCKIT_STRESS_PROGRAM");
    let skipped: Vec<usize> = env::var("ASYNCKIT_STRESS_WITHOUT")
        .map(|list| list.split(',').filter_map(|step| step.parse().ok()).collect())
        .unwrap_or_default();
    say(&format!("stress: ASYNCKIT_STRESS_SEED={seed:#x}, {limit:?}"));

    asynckit::set_unobserved_hook(ledger::note_report);
    world::look_at_global_pool();
    watch();
    let helpers = [helper(), helper()];
    let (mut seeds, begin) = (Random::new(seed), Instant::now());
    let (mut programs, mut steps) = (0_u64, 0);
    while begin.elapsed() < limit {
        let program = without(generate::generate(only.unwrap_or_else(|| seeds.next())), &skipped);
        let problems = run(&program, &helpers);
        programs += 1;
        steps += program.steps.len();
        if !problems.is_empty() {
            say(&format!(
                "\nPROGRAM {programs} FAILED: ASYNCKIT_STRESS_PROGRAM={:#x}\n{program}",
                program.seed
            ));
            problems.iter().for_each(|problem| say(&format!("  ! {problem}")));
            panic!("seed {seed:#x}, program {:#x}: {}", program.seed, problems.join("; "));
        }
    }
    say(&format!("stress: {programs} programs, {steps} steps in {:?}", begin.elapsed()));
}
