//! `AllFailed`: why there is no value, or not enough of them.

use std::error::Error;
use std::fmt;

use crate::failure::{AnyError, Failure};

/// So many failures are shown by `Display`.
const SHOWN: usize = 8;

/// The failures of a list of which no item, or too few of them, had a value.
///
/// It is the error of [`AsyncList::any`](super::AsyncList::any), which then has one failure for each
/// item, and of [`AsyncList::some`](super::AsyncList::some).
///
/// ```
/// use asynckit::{AsyncList, Failure, Promise};
///
/// let mirrors: AsyncList<(), &str> = ["no route", "not found"].map(Promise::failed).into_iter().collect();
/// let failure = mirrors.any().get(None).unwrap_err();
/// assert_eq!(failure.to_string(), "all 2 promises failed: no route; not found");
/// if let Failure::Error(all) = failure {
///     assert!(all.into_failures().iter().all(Failure::is_error));
/// }
/// ```
#[derive(Clone)]
pub struct AllFailed<E = AnyError> {
    failures: Vec<Failure<E>>,
    wanted: usize,
    items: usize,
}

impl<E> AllFailed<E> {
    pub(super) fn new(wanted: usize, items: usize, failures: Vec<Failure<E>>) -> Self {
        AllFailed { failures, wanted, items }
    }

    /// The failures in input order.
    #[must_use]
    pub fn failures(&self) -> &[Failure<E>] {
        &self.failures
    }

    /// The failures in input order, to keep.
    #[must_use]
    pub fn into_failures(self) -> Vec<Failure<E>> {
        self.failures
    }
}

impl<E: fmt::Debug + 'static> fmt::Debug for AllFailed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} promises failed: ", self.failures.len(), self.items)?;
        f.debug_list().entries(&self.failures).finish()
    }
}

impl<E: fmt::Display> fmt::Display for AllFailed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, wanted, items) = (self.failures.len(), self.wanted, self.items);
        match failed {
            failed if failed == items => write!(f, "all {items} promises failed")?,
            0 => write!(f, "{wanted} values were wanted of {items} promises")?,
            _ => write!(f, "{wanted} values were wanted of {items} promises, {failed} failed")?,
        }
        for (index, failure) in self.failures.iter().take(SHOWN).enumerate() {
            write!(f, "{} {failure}", if index == 0 { ":" } else { ";" })?;
        }
        if failed > SHOWN {
            write!(f, "; and {} more", failed - SHOWN)?;
        }
        Ok(())
    }
}

impl<E: Error + 'static> Error for AllFailed<E> {}

// `AnyError` is no `Error`, and being of this crate will not become one unnoticed: no overlap.
impl Error for AllFailed<AnyError> {}
