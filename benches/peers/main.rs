//! asynckit and what one would use instead, side by side, in one run on this machine.
//!
//! `cargo bench -p asynckit-bench` runs all workloads, with `-- tree chain` those whose names contain one of the words.
//! `--json FILE` writes the figures for `benches/document.py`, `--rounds N` takes N samples of each contestant, `--list`
//! shows the names. With `--features http` the downloads are measured, too.

mod harness;
mod workloads;

use std::process::ExitCode;

use harness::{Options, alloc::Counting, report};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    workloads::serve_if_asked();
    let options = match Options::from_arguments() {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let mut chosen = workloads::all();
    chosen.retain(|workload| options.chooses(workload.name));
    if options.list {
        for workload in &chosen {
            println!("{:<18} {}", workload.name, workload.title);
        }
        return ExitCode::SUCCESS;
    }
    report::heading();
    let mut results = Vec::new();
    for workload in &chosen {
        let result = harness::run(workload, options.rounds);
        report::print(&result);
        results.push(result);
    }
    report::summary(&results);
    match options.json.as_deref().map(|file| report::write(file, &results)) {
        Some(Err(error)) => {
            eprintln!("the figures could not be written: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
