//! What can be done, in tables, one file a topic. To add an operation, write a function and a line in its topic's
//! table with the public calls that it makes; `tests/every_operation.rs` tells which public calls no line has.

mod cancel;
mod clients;
mod completed;
mod concurrent;
mod executors;
mod failures;
mod limiters;
mod links;
mod lists;
mod loops;
mod pools;
mod sets;
mod settle;
mod sources;
mod time;
mod together;
mod tokens;
mod values;
mod wait;

use std::sync::OnceLock;

pub(crate) use clients::Remembered;
pub(crate) use failures::drop_hook;
pub(crate) use settle::settle;
pub(crate) use sources::{source, sure_source};

use crate::finding::{OnPurpose, finding};
use crate::options::options;
use crate::random::Random;
use crate::watch::within;

/// Something that a thread can do.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// The public calls that it makes, as `Type::method`, or `function`.
    pub(crate) calls: &'static [&'static str],
    run: fn(&mut Random),
    /// It is chosen so often, against the others.
    weight: usize,
    /// It may block for long, so no callback does it.
    outermost: bool,
}

type Topic = (&'static str, &'static [Operation]);

const TOPICS: &[Topic] = &[
    ("sources", sources::OPERATIONS),
    ("settle", settle::OPERATIONS),
    ("links", links::OPERATIONS),
    ("wait", wait::OPERATIONS),
    ("cancel", cancel::OPERATIONS),
    ("tokens", tokens::OPERATIONS),
    ("values", values::OPERATIONS),
    ("lists", lists::OPERATIONS),
    ("completed", completed::OPERATIONS),
    ("sets", sets::OPERATIONS),
    ("together", together::OPERATIONS),
    ("concurrent", concurrent::OPERATIONS),
    ("executors", executors::OPERATIONS),
    ("time", time::OPERATIONS),
    ("loops", loops::OPERATIONS),
    ("limiters", limiters::OPERATIONS),
    ("pools", pools::OPERATIONS),
    ("failures", failures::OPERATIONS),
    ("clients", clients::OPERATIONS),
];

const fn operation(
    name: &'static str,
    calls: &'static [&'static str],
    run: fn(&mut Random),
) -> Operation {
    Operation { name, calls, run, weight: 2, outermost: false }
}

impl Operation {
    /// Chosen three times as often.
    const fn often(self) -> Self {
        Operation { weight: 6, ..self }
    }

    /// Chosen half as often.
    const fn seldom(self) -> Self {
        Operation { weight: 1, ..self }
    }

    /// Not in callbacks.
    const fn outermost(self) -> Self {
        Operation { outermost: true, ..self }
    }
}

/// All operations.
pub(crate) fn all() -> impl Iterator<Item = &'static Operation> {
    TOPICS.iter().flat_map(|(_, operations)| *operations)
}

/// What the options leave, each as often as it is to be chosen.
pub(crate) struct Choices {
    anywhere: Vec<&'static Operation>,
    outermost: Vec<&'static Operation>,
}

pub(crate) fn choices() -> &'static Choices {
    static CHOICES: OnceLock<Choices> = OnceLock::new();
    CHOICES.get_or_init(|| {
        let wanted = |topic: &'static Topic| {
            topic.1.iter().filter(|operation| options().wants(topic.0, operation.name))
        };
        let often = |operation: &'static Operation| vec![operation; operation.weight];
        let outermost: Vec<_> = TOPICS.iter().flat_map(wanted).flat_map(often).collect();
        let nests = |operation: &&Operation| !operation.outermost;
        let anywhere = outermost.iter().copied().filter(nests).collect();
        Choices { anywhere, outermost }
    })
}

/// Does one of them. `nested`: in a callback.
pub(crate) fn step(r: &mut Random, nested: bool) {
    let choices = choices();
    let choices = if nested { &choices.anywhere } else { &choices.outermost };
    if !choices.is_empty() {
        let operation = choices[r.below(choices.len())];
        within(operation.name, || (operation.run)(r));
    }
}

/// Does one of them on a thread of the hammer. No panic of user code comes out of an operation, but those of drops that
/// the caller does itself.
pub(crate) fn outermost_step(r: &mut Random) {
    let step = std::panic::AssertUnwindSafe(|| step(r, false));
    let Err(panic) = std::panic::catch_unwind(step) else { return };
    match panic.downcast_ref() {
        Some(OnPurpose(_)) if options().panics => {}
        Some(OnPurpose(place)) => finding(&format!("a panic comes out of an operation: {place}")),
        None => finding("a panic that is not the hammer's comes out of an operation"),
    }
}

/// Prints the names.
pub(crate) fn print() {
    for (topic, operations) in TOPICS {
        for operation in *operations {
            println!("{topic}/ {}: {}", operation.name, operation.calls.join(", "));
        }
    }
}
