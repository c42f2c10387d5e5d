//! Has other processes run programs, since what fails may take its process with it; makes smaller what fails.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio, exit};
use std::sync::mpsc::channel;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::program::Node;
use crate::random::mix;
use crate::{FAILED, generate, say};

/// A process that says nothing for so long hangs outside of the scheduler.
const SILENCE: Duration = Duration::from_secs(60);
/// So many schedules are tried for what is smaller.
const TRIES: &str = "150";

/// Runs this program with these arguments; its lines, and how it ended: `None`: it was silent.
fn have(arguments: &[String]) -> (Vec<String>, Option<ExitStatus>) {
    let own = std::env::current_exe().expect("this program is somewhere");
    let mut command = Command::new(own);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("it can be started");
    let output = child.stdout.take().expect("it is piped");
    let (sender, receiver) = channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let mut lines = vec![];
    loop {
        match receiver.recv_timeout(SILENCE) {
            Ok(line) => lines.push(line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                let _ = child.wait();
                return (lines, None);
            }
        }
    }
    let _ = reader.join();
    (lines, child.wait().ok())
}

/// What failed: all that was said, and the schedule.
struct Failed {
    said: Vec<String>,
    schedule: String,
}

fn failure((said, status): (Vec<String>, Option<ExitStatus>)) -> Option<Failed> {
    if status.is_some_and(|status| status.success()) {
        return None;
    }
    let last = said.iter().rev().find_map(|line| line.strip_prefix("s ").map(str::to_owned));
    let schedule = last.unwrap_or_default();
    let mut said: Vec<_> = said.into_iter().filter(|line| !line.starts_with("s ")).collect();
    match status {
        None => said.push("  ! hangs outside of the scheduler".to_owned()),
        Some(status) if status.code() != Some(FAILED) => {
            said.push(format!("  ! ends with {status}"))
        }
        Some(_) => {}
    }
    Some(Failed { said, schedule })
}

fn attempt(program: &str, without: &[Node], rest: [&str; 2]) -> Option<Failed> {
    let without: Vec<_> = without.iter().map(ToString::to_string).collect();
    let arguments = ["--program", program, "--without", &without.join(","), rest[0], rest[1]];
    failure(have(&arguments.map(str::to_owned)))
}

/// Takes away what does not matter, and says what is left.
fn shrink(program: &str, first: Failed) {
    let steps = generate::generate(crate::number(program)).steps();
    let (mut without, mut last) = (vec![], first);
    let mut size = steps.len().div_ceil(2);
    while size > 0 {
        let left: Vec<_> = steps.iter().copied().filter(|step| !without.contains(step)).collect();
        for part in left.chunks(size) {
            let more: Vec<_> = without.iter().chain(part).copied().collect();
            let again = attempt(program, &more, ["--schedule", &last.schedule])
                .or_else(|| attempt(program, &more, ["--schedules", TRIES]));
            if let Some(failed) = again {
                (without, last) = (more, failed);
            }
        }
        size /= 2;
    }
    let steps: Vec<_> = without.iter().map(ToString::to_string).collect();
    last.said.iter().for_each(|line| say(line));
    let without = steps.join(",");
    say(&format!("again: --program {program} --without {without} --schedule {}", last.schedule));
}

/// Each of the small programs in a process of its own.
pub(crate) fn small(names: &[&str]) {
    let mut failed = false;
    for name in names {
        let result = have(&["--small".to_owned(), (*name).to_owned()]);
        result.0.iter().filter(|line| !line.starts_with("s ")).for_each(|line| say(line));
        if let Some(failure) = failure((vec![], result.1)) {
            failed = true;
            let last = result.0.iter().rev().find_map(|line| line.strip_prefix("s "));
            failure.said.iter().for_each(|line| say(line));
            say(&format!("again: --small {name} --schedule {}", last.unwrap_or_default()));
        }
    }
    if failed {
        exit(1);
    }
}

/// Programs for so many seconds.
pub(crate) fn run(seconds: u64, seed: Option<u64>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    let clock = mix(u64::try_from(now % u128::from(u64::MAX)).unwrap_or(0));
    let seed = seed.unwrap_or(clock);
    say(&format!("schedules: seed {seed:#x}, {seconds} s"));
    let result = have(&["--child".to_owned(), seconds.to_string(), seed.to_string()]);
    let program = result.0.iter().rev().find_map(|line| line.strip_prefix("p ").map(str::to_owned));
    let programs = result.0.iter().filter(|line| line.starts_with("p ")).count();
    if let Some(line) = result.0.iter().find(|line| line.starts_with("ran ")) {
        say(line);
    }
    let Some(failed) = failure(result) else { return };
    let Some(program) = program else {
        failed.said.iter().for_each(|line| say(line));
        exit(1);
    };
    say(&format!("program {program}, the {programs}., fails; looking for a smaller one"));
    failed.said.iter().filter(|line| line.starts_with("  !")).for_each(|line| say(line));
    shrink(&program, failed);
    exit(1);
}
