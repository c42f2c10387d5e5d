//! The threads of the hammer.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::options::{self, options};
use crate::random::{Random, mix};
use crate::sync::{Arc, Begin, Builder};
use crate::world::world;
use crate::{finding, jostle, memory, ops, value, watch};

/// The command.
pub fn main() -> ExitCode {
    if let Err(text) = options::set(std::env::args().skip(1)) {
        eprintln!("{text}");
        return ExitCode::from(2);
    }
    if options().list {
        ops::print();
        return ExitCode::SUCCESS;
    }
    memory::set(options().memory);
    finding::watch_panics();
    watch::start_watchdog(options().hang);
    asynckit::set_unobserved_hook(|_| ());
    jostle::start(options().jostle);
    // Made here, before there are threads that use them.
    _ = (world(), ops::choices());
    value::let_drops_panic(options().panics);
    let steps = hammer();
    value::let_drops_panic(false);
    let mut r = Random::new(options().seed);
    world().end(&mut r);
    println!("seed {}: {steps} steps, nothing found", options().seed);
    ExitCode::SUCCESS
}

/// All threads, until the time is over; how many steps they took.
fn hammer() -> usize {
    let begin = Arc::new(Begin::new(options().threads));
    let start = |thread| {
        let begin = Arc::clone(&begin);
        let mut builder = Builder::new().name(format!("hammer{thread}"));
        if thread % 2 == 1 {
            builder = builder.stack_size(options().stack);
        }
        let run = move || {
            begin.wait();
            one_thread(thread)
        };
        builder.spawn(run).expect("a thread")
    };
    let threads: Vec<_> = (0..options().threads).map(start).collect();
    threads.into_iter().map(|thread| thread.join().expect("it does not panic")).sum()
}

fn one_thread(thread: usize) -> usize {
    let mut r = Random::new(mix(options().seed) ^ mix(thread as u64));
    let end = Instant::now() + Duration::from_secs(options().seconds);
    let mut steps = 0;
    while Instant::now() < end {
        ops::outermost_step(&mut r);
        steps += 1;
    }
    steps
}
