//! The arguments.

use std::sync::OnceLock;
use std::time::Duration;

/// What the command was asked for.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) seed: u64,
    pub(crate) seconds: u64,
    pub(crate) threads: usize,
    /// Pools that are there from the beginning to the end.
    pub(crate) pools: usize,
    /// Threads that are in the way of the others.
    pub(crate) jostle: usize,
    /// The stack of the last of them, and of half of the threads.
    pub(crate) stack: usize,
    /// Values and errors panic in some of their drops.
    pub(crate) panics: bool,
    pub(crate) memory: Memory,
    /// An operation that takes longer hangs.
    pub(crate) hang: Duration,
    pub(crate) only: Vec<String>,
    pub(crate) without: Vec<String>,
    /// Prints the operations and ends.
    pub(crate) list: bool,
}

/// What the allocator does with freed memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    /// Nothing: for valgrind and the sanitizers, which have their own ways.
    Plain,
    /// Overwrites it, and the next one to ask for memory gets it.
    Fill,
    /// Overwrites it, keeps it for a while, and looks whether it was written to.
    Keep,
}

const HELP: &str = "\
hammer [--seed N] [--seconds S] [--threads N] [--pools N] [--jostle N] [--stack BYTES]
       [--panics] [--memory plain|fill|keep] [--hang SECONDS] [--only OPS] [--without OPS] [--list]

OPS: names of operations with commas between; `group/` is all of a group. --list prints them.";

static OPTIONS: OnceLock<Options> = OnceLock::new();

/// The options, of which the first asked for become those of the process.
pub(crate) fn options() -> &'static Options {
    OPTIONS.get_or_init(Options::default)
}

/// Takes the arguments, or says why not.
pub(crate) fn set(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let parsed = parse(arguments)?;
    OPTIONS.set(parsed).map_err(|_| "the options are set already".to_owned())
}

impl Default for Options {
    fn default() -> Self {
        Options {
            seed: 1,
            seconds: 5,
            threads: 4,
            pools: 3,
            jostle: 1,
            stack: 64 * 1024,
            panics: false,
            memory: Memory::Keep,
            hang: Duration::from_secs(30),
            only: Vec::new(),
            without: Vec::new(),
            list: false,
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        let mut text = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
        match argument.as_str() {
            "--seed" => options.seed = number(&text()?)?,
            "--seconds" => options.seconds = number(&text()?)?,
            "--threads" => options.threads = count(&text()?)?,
            "--pools" => options.pools = count(&text()?)?.max(1),
            "--jostle" => options.jostle = count(&text()?)?,
            "--stack" => options.stack = count(&text()?)?,
            "--hang" => options.hang = Duration::from_secs(number(&text()?)?),
            "--panics" => options.panics = true,
            "--memory" => options.memory = memory(&text()?)?,
            "--only" => options.only = list(&text()?),
            "--without" => options.without = list(&text()?),
            "--list" => options.list = true,
            _ => return Err(HELP.to_owned()),
        }
    }
    Ok(options)
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

pub(crate) fn memory(text: &str) -> Result<Memory, String> {
    match text {
        "plain" => Ok(Memory::Plain),
        "fill" => Ok(Memory::Fill),
        "keep" => Ok(Memory::Keep),
        _ => Err(format!("{text} is none of plain, fill, keep")),
    }
}

impl Options {
    /// Whether this operation may be chosen.
    pub(crate) fn wants(&self, group: &str, name: &str) -> bool {
        let is_in = |list: &[String]| {
            list.iter().any(|item| item == name || item.strip_suffix('/') == Some(group))
        };
        (self.only.is_empty() || is_in(&self.only)) && !is_in(&self.without)
    }
}
