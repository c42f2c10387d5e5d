//! What comes of a promise, and of what user code does with a number.

use asynckit::Failure;

/// What comes of a promise.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Out {
    Value(u64),
    Error(String),
    Panicked(String),
    Abandoned,
}

/// What user code does with a number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Value(u8),
    Error(u8),
    Panic(u8),
}

pub(crate) fn mix(seed: u64, n: u64) -> u64 {
    (n ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}

pub(crate) fn number(out: &Out) -> u64 {
    match out {
        Out::Value(n) => *n,
        Out::Error(text) => text.bytes().fold(3, |sum, byte| mix(sum, u64::from(byte))),
        Out::Panicked(text) => text.bytes().fold(5, |sum, byte| mix(sum, u64::from(byte))),
        Out::Abandoned => 7,
    }
}

pub(crate) fn fold(numbers: impl IntoIterator<Item = u64>) -> u64 {
    numbers.into_iter().fold(11, mix)
}

pub(crate) fn acted(act: Act, input: u64) -> Out {
    match act {
        Act::Value(n) => Out::Value(mix(u64::from(n), input)),
        Act::Error(n) => Out::Error(format!("error {n}")),
        Act::Panic(n) => Out::Panicked(format!("panic {n}")),
    }
}

pub(crate) fn is_value(out: &Out) -> bool {
    matches!(out, Out::Value(_))
}

/// A `Deferred` cannot panic; it is settled with an error instead.
pub(crate) fn late_outcome(act: Act) -> Out {
    match act {
        Act::Panic(n) => Out::Error(format!("panic {n}")),
        act => acted(act, 0),
    }
}

pub(crate) fn out(outcome: Result<u64, Failure<String>>) -> Out {
    match outcome {
        Ok(n) => Out::Value(n),
        Err(Failure::Error(text)) => Out::Error(text),
        Err(Failure::Panicked(panic)) => Out::Panicked(panic.message().to_owned()),
        Err(Failure::Abandoned) => Out::Abandoned,
        Err(other) => Out::Error(format!("unexpected: {other:?}")),
    }
}
