//! How a finding ends the process: with its reason, what each thread was doing, and the command that repeats it.

use std::backtrace::Backtrace;
use std::io::Write;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sync::Lock;
use crate::{sync, watch};

/// The payload of panics that the hammer makes on purpose: what the thread was in.
pub(crate) struct OnPurpose(pub(crate) String);

static FOUND: AtomicBool = AtomicBool::new(false);

/// Prints it and aborts.
pub(crate) fn finding(what: &str) -> ! {
    if FOUND.swap(true, Ordering::SeqCst) {
        // Another thread is printing; this one's finding may be a consequence.
        loop {
            std::thread::park();
        }
    }
    let mut text = format!("\nFINDING: {what}\n");
    for line in watch::what_all_do() {
        text += &format!("  {line}\n");
    }
    text += &format!("{}repeat: {}\n", backtrace(), command());
    _ = std::io::stderr().write_all(text.as_bytes());
    std::process::abort();
}

/// The standard library keeps what it has read of the program behind a lock of its own, which ThreadSanitizer does not see.
fn captured() -> String {
    static ONE_AT_A_TIME: Lock<()> = Lock::new(());
    let _guard = ONE_AT_A_TIME.lock();
    Backtrace::force_capture().to_string()
}

/// The frames that are not the standard library's: name, place, name, place …
fn backtrace() -> String {
    let all = captured();
    let lines: Vec<&str> = all.lines().map(str::trim).collect();
    let frames = lines.windows(2).filter(|pair| pair[1].starts_with("at "));
    let own = frames.filter(|pair| !pair[1].contains("/rustc/") && !pair[1].contains("finding.rs"));
    own.map(|pair| format!("  {:.90} {}\n", pair[0], pair[1])).collect()
}

/// The command line, to run it again.
pub(crate) fn command() -> String {
    std::env::args().collect::<Vec<_>>().join(" ")
}

/// Panics as user code does.
pub(crate) fn panic_on_purpose() -> ! {
    std::panic::panic_any(OnPurpose(watch::what_this_does()))
}

/// Does what may panic on purpose.
pub(crate) fn contain(f: impl FnOnce()) {
    if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) {
        assert!(panic.is::<OnPurpose>(), "a panic that is not on purpose");
    }
}

/// Where the library catches what user code panics with.
const CATCHES: &str = "src/failure/panic.rs";
/// Where it does what must not unwind: the thread would never deliver anything again.
const SHIELDS: &str = "src/cell/defer/trampoline.rs";

/// From now on a panic that is not on purpose is a finding; and one that is, if the library lets
/// it end a thread, or pass where it must not.
pub(crate) fn watch_panics() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        if !info.payload().is::<OnPurpose>() {
            finding(&info.to_string());
        }
        let backtrace = captured();
        if !backtrace.contains(CATCHES) {
            if is_of_library() {
                finding("user code ends a thread of the library");
            }
            if backtrace.contains(SHIELDS) {
                finding("user code unwinds through what must not unwind");
            }
        }
    }));
}

fn is_of_library() -> bool {
    let thread = sync::current();
    let of_library = ["resident", "guest", "asynckit"];
    thread.name().is_some_and(|name| of_library.iter().any(|prefix| name.starts_with(prefix)))
}
