//! How long to wait before the next attempt.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::iter::FusedIterator;
use std::time::Duration;

/// The pauses between the attempts of a [`retry`](crate::retry()): always the same, or each twice as
/// long as the one before, or longer by another [`factor`](Backoff::factor).
///
/// An iterator that ends after [`times`](Self::times) pauses, and without that never. Any other
/// iterator of durations does as well.
///
/// ```
/// use asynckit::Backoff;
/// use std::time::Duration;
///
/// let backoff = Backoff::exponential(Duration::from_millis(100)).cap(Duration::from_secs(1));
/// let pauses: Vec<_> = backoff.times(6).map(|pause| pause.as_millis()).collect();
/// assert_eq!(pauses, [100, 200, 400, 800, 1000, 1000]);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a backoff does nothing unless it is given to `retry`"]
pub struct Backoff {
    next: Duration,
    /// Each pause is so many times as long as the one before.
    factor: f64,
    most: Duration,
    jitter: Jitter,
    /// `None`: it never ends.
    left: Option<usize>,
}

impl Backoff {
    /// Always the same pause.
    pub fn constant(pause: Duration) -> Self {
        Backoff { next: pause, factor: 1.0, most: Duration::MAX, jitter: Jitter::None, left: None }
    }

    /// `first`, then each pause twice as long as the one before.
    ///
    /// Give it a [`cap`](Self::cap), and [`full_jitter`](Self::full_jitter) where many clients could
    /// fail at the same time. It never overflows: the longest pause is [`Duration::MAX`].
    pub fn exponential(first: Duration) -> Self {
        Backoff { factor: 2.0, ..Backoff::constant(first) }
    }

    /// Each pause is `factor` times as long as the one before, in place of twice.
    ///
    /// What is less than 1, or no number, counts as 1: pauses do not become shorter.
    ///
    /// ```
    /// use asynckit::Backoff;
    /// use std::time::Duration;
    ///
    /// let backoff = Backoff::exponential(Duration::from_millis(100)).factor(1.5);
    /// let pauses: Vec<_> = backoff.times(3).map(|pause| pause.as_millis()).collect();
    /// assert_eq!(pauses, [100, 150, 225]);
    /// ```
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor.max(1.0);
        self
    }

    /// No pause is longer than `most`.
    pub fn cap(mut self, most: Duration) -> Self {
        self.most = most;
        self
    }

    /// Each pause is drawn between zero and what it would have been.
    ///
    /// Clients that have failed together then do not come back together; see "Exponential Backoff And
    /// Jitter" in the AWS architecture blog. So do clones that are made before the first pause is drawn:
    /// make one backoff, and give each [`retry`](crate::retry()) a clone.
    pub fn full_jitter(mut self) -> Self {
        self.jitter = Jitter::Unseeded;
        self
    }

    /// As [`full_jitter`](Self::full_jitter), the same pauses for the same seed: for tests.
    pub fn seeded_jitter(mut self, seed: u64) -> Self {
        self.jitter = Jitter::Seeded(Random(seed));
        self
    }

    /// Ends after so many pauses, which allow one attempt more. Counted from here on.
    pub fn times(mut self, pauses: usize) -> Self {
        self.left = Some(pauses);
        self
    }
}

impl Iterator for Backoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1)?;
        }
        let pause = self.next.min(self.most);
        self.next = longer(pause, self.factor);
        Some(self.jitter.shorten(pause))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.unwrap_or(usize::MAX), self.left)
    }
}

impl FusedIterator for Backoff {}

/// Exact for the usual factors; a product that no duration can hold is the longest one.
fn longer(pause: Duration, factor: f64) -> Duration {
    if factor == 1.0 {
        return pause;
    }
    if factor == 2.0 {
        return pause.saturating_mul(2);
    }
    Duration::try_from_secs_f64(pause.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

/// Whether pauses are drawn.
#[derive(Clone, Debug)]
enum Jitter {
    None,
    /// With the first pause it gets a seed, so that clones that were made before get others.
    Unseeded,
    Seeded(Random),
}

impl Jitter {
    fn shorten(&mut self, pause: Duration) -> Duration {
        if let Jitter::Unseeded = self {
            // Each `RandomState` of a process has other keys.
            *self = Jitter::Seeded(Random(RandomState::new().hash_one(0)));
        }
        match self {
            Jitter::Seeded(random) => random.below(pause),
            Jitter::None | Jitter::Unseeded => pause,
        }
    }
}

/// SplitMix64 by Steele, Lea and Flood: small, and good enough for pauses.
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From zero to `longest`, both included.
    fn below(&mut self, longest: Duration) -> Duration {
        const SECOND: u128 = 1_000_000_000;
        // 94 bits of nanoseconds times 32 random ones are no more than 128.
        let part = u128::from(self.next() >> 32);
        let nanos = ((longest.as_nanos() + 1) * part) >> 32;
        let seconds = u64::try_from(nanos / SECOND).unwrap_or(u64::MAX);
        let rest = u32::try_from(nanos % SECOND).unwrap_or(0);
        Duration::new(seconds, rest)
    }
}
