//! The threads of this process, as Linux sees them: found by the start of their name.

use super::{MOMENT, eventually};
use std::path::{Path, PathBuf};
use std::{fs, thread};

fn tasks(name: &str) -> Vec<PathBuf> {
    let all = fs::read_dir("/proc/self/task").expect("Linux lists the threads here");
    all.filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|task| {
            fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.starts_with(name))
        })
        .collect()
}

/// How many threads are alive whose name starts with `name` (at most 15 characters are kept).
pub(crate) fn threads_named(name: &str) -> usize {
    tasks(name).len()
}

/// Of these, how many are asleep.
pub(crate) fn threads_asleep(name: &str) -> usize {
    let asleep =
        |task: &PathBuf| status(task, "State:").is_some_and(|state| state.starts_with('S'));
    tasks(name).iter().filter(|task| asleep(task)).count()
}

/// Returns once so many threads of this name are asleep; where nobody can tell, after a moment.
#[track_caller]
pub(crate) fn await_sleep(name: &str, count: usize) {
    if cfg!(target_os = "linux") {
        eventually("they sleep", || threads_asleep(name) >= count);
    } else {
        thread::sleep(MOMENT);
    }
}

/// CPU time that these threads have taken, in milliseconds.
pub(crate) fn cpu_millis(name: &str) -> u64 {
    let ticks = |task: PathBuf| -> Option<u64> {
        let stat = fs::read_to_string(task.join("stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
    };
    tasks(name).into_iter().filter_map(ticks).sum::<u64>() * 10
}

/// How often these threads have gone to sleep of their own accord: a thread that polls does so again and again.
pub(crate) fn sleeps(name: &str) -> u64 {
    let count = |task: &PathBuf| status(task, "voluntary_ctxt_switches:")?.parse::<u64>().ok();
    tasks(name).iter().filter_map(count).sum()
}

fn status(task: &Path, field: &str) -> Option<String> {
    let status = fs::read_to_string(task.join("status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    Some(line[field.len()..].trim().to_owned())
}
