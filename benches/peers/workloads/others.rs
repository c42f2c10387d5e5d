//! What other languages need for the same: their programs are in `benches/others`, and run where the language is.

use std::path::Path;
use std::process::{Command, Stdio};

/// The figure that a program prints.
fn printed(command: &str, program: &str) -> Option<f64> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("others").join(program);
    let output = Command::new(command).arg(program).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Nanoseconds for a link of a chain of 1,000, with JavaScript's promises.
pub(crate) fn node() -> Option<f64> {
    printed("node", "chain.mjs")
}

/// The same with Java's `CompletableFuture`.
pub(crate) fn java() -> Option<f64> {
    printed("java", "Chain.java")
}
