//! Outcomes: one of each kind, and what they are in a word.

use asynckit::{Failure, Outcome, Promise};

/// One outcome of every kind that a promise can be settled with, and its name.
pub(crate) fn every_failure() -> Vec<(&'static str, Failure<String>)> {
    vec![
        ("Error", Failure::Error("the error".to_owned())),
        ("Cancelled", Failure::Cancelled),
        ("TimedOut", Failure::TimedOut),
        ("Abandoned", Failure::Abandoned),
        ("Taken", Failure::Taken),
        ("WouldDeadlock", Failure::WouldDeadlock),
        ("Empty", Failure::Empty),
    ]
}

/// The name of the variant.
pub(crate) fn kind<E>(failure: &Failure<E>) -> &'static str {
    match failure {
        Failure::Error(_) => "Error",
        Failure::Panicked(_) => "Panicked",
        Failure::Cancelled => "Cancelled",
        Failure::TimedOut => "TimedOut",
        Failure::Abandoned => "Abandoned",
        Failure::Taken => "Taken",
        Failure::WouldDeadlock => "WouldDeadlock",
        Failure::Empty => "Empty",
        _ => "a variant that this test does not know",
    }
}

/// What became of a promise, in one word: "Ok" or the name of the failure.
pub(crate) fn verdict<T, E>(outcome: &Outcome<T, E>) -> &'static str {
    outcome.as_ref().map_or_else(kind, |_| "Ok")
}

/// Whether it has failed with this error.
pub(crate) fn is_error<T>(outcome: Result<T, Failure<String>>, text: &str) -> bool {
    matches!(outcome, Err(Failure::Error(error)) if error == text)
}

/// The message of the panic, or what it was instead.
pub(crate) fn panic_message<T>(outcome: Result<T, Failure<String>>) -> String {
    match outcome {
        Err(Failure::Panicked(panic)) => panic.message().to_owned(),
        other => format!("not a panic: {}", verdict(&other)),
    }
}

/// A promise whose `Deferred` was dropped. (Not `Promise::deferred().1`: that keeps the other half to the end of the statement.)
pub(crate) fn abandoned<T: Send + 'static>() -> Promise<T, String> {
    let (deferred, promise) = Promise::deferred();
    drop(deferred);
    promise
}
