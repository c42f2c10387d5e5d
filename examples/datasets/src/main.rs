//! Begins.
fn main() {}
