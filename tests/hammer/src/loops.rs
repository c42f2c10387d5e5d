//! The frame of the small programs in `bin/`: each does one thing again and again, which once broke.

use std::time::{Duration, Instant};

use crate::options::{self, Memory};
use crate::{finding, jostle, memory, watch};

/// How long a small program may take for one round before it hangs.
const HANG: Duration = Duration::from_secs(60);

/// Does it again and again: for as many seconds as the first argument says, or for two.
///
/// The second argument is what the allocator does with freed memory: `plain`, for valgrind and the sanitizers, `fill` or `keep`.
pub fn repeat(name: &'static str, mut round: impl FnMut()) {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(2, |text| text.parse().expect("a number of seconds"));
    let memory = arguments.next().unwrap_or_default();
    memory::set(options::memory(&memory).unwrap_or(Memory::Keep));
    finding::watch_panics();
    watch::start_watchdog(HANG);
    jostle::start(1);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut rounds = 0;
    while rounds == 0 || Instant::now() < end {
        watch::within(name, &mut round);
        rounds += 1;
    }
    println!("{name}: {rounds} steps, nothing found");
}

/// How long this thread has had a core: what something costs, however busy the machine is.
pub fn on_core() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("it is Linux");
    let first = text.split(' ').next().expect("a first number");
    Duration::from_nanos(first.parse().expect("a number"))
}

/// Ends the process with this finding.
pub fn fail(what: &str) -> ! {
    finding::finding(what)
}

/// Panics as user code does: no finding, unless it ends a thread of the library.
pub fn panic() -> ! {
    finding::panic_on_purpose()
}
