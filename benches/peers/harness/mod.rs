//! How it is measured: contestants interleaved round by round, so that what else the machine does hits all alike;
//! medians, best samples; and one more round in which nothing is timed, but allocations are counted.

pub(crate) mod alloc;
pub(crate) mod cores;
pub(crate) mod report;

use std::time::{Duration, Instant};

use alloc::Asked;

/// What is measured: the same work, done by several contestants.
pub(crate) struct Workload {
    /// In one word, for the command line.
    pub(crate) name: &'static str,
    /// In words, with what one operation is.
    pub(crate) title: &'static str,
    /// Of a figure: `ns`, or what else is counted.
    pub(crate) unit: &'static str,
    /// How many samples are taken of each contestant, if the user does not say.
    pub(crate) rounds: usize,
    /// All threads share one core.
    pub(crate) pinned: bool,
    /// Sets the contestants up.
    pub(crate) contestants: fn() -> Vec<Contestant>,
    /// What is to be reached.
    pub(crate) targets: Vec<Target>,
}

/// Somebody who does the work.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    /// How many operations one sample has.
    operations: usize,
    work: Work,
}

enum Work {
    /// Takes a sample.
    Timed(Box<dyn FnMut() -> Duration>),
    /// Has a figure of its own, which is no time of this process.
    Figure(Box<dyn FnMut() -> Option<f64>>),
}

impl Contestant {
    /// `sample` does `operations` operations, and gives the time that [`timed`] has measured in it.
    pub(crate) fn new(
        name: &'static str,
        operations: usize,
        sample: impl FnMut() -> Duration + 'static,
    ) -> Self {
        Contestant { name, operations, work: Work::Timed(Box::new(sample)) }
    }

    /// `figure` is what counts; `None`: it could not be taken here.
    pub(crate) fn figure(
        name: &'static str,
        figure: impl FnMut() -> Option<f64> + 'static,
    ) -> Self {
        Contestant { name, operations: 1, work: Work::Figure(Box::new(figure)) }
    }
}

/// Something to reach.
pub(crate) struct Target {
    pub(crate) ours: &'static str,
    pub(crate) against: Against,
    pub(crate) at_most: f64,
}

/// What a figure is compared with.
#[derive(Clone, Copy)]
pub(crate) enum Against {
    /// The quickest of these.
    Best(&'static [&'static str]),
    /// Nothing: the figure itself.
    Itself,
    /// Nothing: the allocations of an operation.
    Allocations,
    /// Nothing: the bytes that an operation asks for.
    Bytes,
}

/// `ours` takes at most `at_most` times what the best of `peers` takes.
pub(crate) fn ratio(ours: &'static str, peers: &'static [&'static str], at_most: f64) -> Target {
    Target { ours, against: Against::Best(peers), at_most }
}

/// What `ours` has of something is at most `at_most`.
pub(crate) fn limit(ours: &'static str, against: Against, at_most: f64) -> Target {
    Target { ours, against, at_most }
}

/// What came out of a workload.
pub(crate) struct Measured<'a> {
    pub(crate) workload: &'a Workload,
    pub(crate) rows: Vec<Row>,
}

/// What came out of one contestant.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// For one operation each.
    pub(crate) samples: Vec<f64>,
    /// Allocations and bytes of one operation.
    pub(crate) asked: Option<(f64, f64)>,
}

impl Row {
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            odd if odd % 2 == 1 => sorted[middle],
            _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
        }
    }

    pub(crate) fn best(&self) -> f64 {
        self.samples.iter().copied().fold(f64::NAN, f64::min)
    }
}

/// Measures a workload.
pub(crate) fn run(workload: &Workload, rounds: Option<usize>) -> Measured<'_> {
    let _pinned = workload.pinned.then(cores::Pinned::to_one);
    let mut contestants = (workload.contestants)();
    let mut rows: Vec<_> = contestants
        .iter_mut()
        .map(|contestant| Row {
            name: contestant.name,
            samples: Vec::new(),
            asked: contestant.warm_up_and_count(),
        })
        .collect();
    let count = contestants.len();
    for round in 0..rounds.unwrap_or(workload.rounds) {
        for step in 0..count {
            let index = (round + step) % count; // nobody is always the first, or behind the same one
            contestants[index].sample(&mut rows[index].samples);
        }
    }
    Measured { workload, rows }
}

impl Contestant {
    /// Runs once for the caches, then once more with an eye on the allocator.
    fn warm_up_and_count(&mut self) -> Option<(f64, f64)> {
        let Work::Timed(sample) = &mut self.work else { return None };
        sample();
        let Asked { allocations, bytes } = alloc::counted(sample);
        let operations = self.operations as f64;
        Some((allocations as f64 / operations, bytes as f64 / operations))
    }

    fn sample(&mut self, samples: &mut Vec<f64>) {
        match &mut self.work {
            Work::Timed(sample) => {
                samples.push(sample().as_nanos() as f64 / self.operations as f64);
            }
            Work::Figure(figure) if samples.is_empty() => samples.extend(figure()),
            Work::Figure(_) => {}
        }
    }
}

/// How long `work` takes. Only what is done in here counts, also for the allocator.
pub(crate) fn timed<R>(work: impl FnOnce() -> R) -> (Duration, R) {
    let started = Instant::now();
    let result = alloc::watched(work);
    (started.elapsed(), result)
}

/// As [`timed`], for work without a result.
pub(crate) fn time(work: impl FnOnce()) -> Duration {
    timed(work).0
}

/// The arguments.
pub(crate) struct Options {
    words: Vec<String>,
    pub(crate) json: Option<String>,
    pub(crate) rounds: Option<usize>,
    pub(crate) list: bool,
}

impl Options {
    pub(crate) fn from_arguments() -> Result<Self, String> {
        let mut options = Options { words: Vec::new(), json: None, rounds: None, list: false };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--bench" => {} // cargo says so
                "--json" => options.json = Some(value()?),
                "--rounds" => {
                    let count = value()?.parse().map_err(|_| "--rounds needs a number")?;
                    options.rounds = Some(count);
                }
                "--list" => options.list = true,
                other if other.starts_with('-') => return Err(format!("{other} is unknown")),
                _ => options.words.push(argument),
            }
        }
        Ok(options)
    }

    pub(crate) fn chooses(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word.as_str()))
    }
}
