//! `AllFailed`: why there is no value, or not enough of them.

use std::error::Error;
use std::fmt;

use crate::failure::{AnyError, Failure};

/// So many failures are shown by `Display`.
const SHOWN: usize = 8;

/// The failures of a list of which no item, or too few of them, had a value.
///
/// It is the error of [`AsyncList::any`](super::AsyncList::any), which then has one failure for each
/// item, of [`AsyncList::some`](super::AsyncList::some), of [`AsyncList::join_all`](super::AsyncList::join_all), and of
/// [`TaskSet::any`](super::TaskSet::any). [`indices`](Self::indices) tells which items they are of.
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
    indices: Vec<usize>,
    wanted: usize,
    items: usize,
}

impl<E> AllFailed<E> {
    /// The failures come with the indices of their items, in that order.
    pub(super) fn new(wanted: usize, items: usize, failures: Vec<(usize, Failure<E>)>) -> Self {
        let (indices, failures) = failures.into_iter().unzip();
        AllFailed { failures, indices, wanted, items }
    }

    /// The indices of the items that have failed, in input order: one for each of the
    /// [`failures`](Self::failures). Of a set, their numbers.
    ///
    /// ```
    /// use asynckit::{AsyncList, Failure, Promise};
    ///
    /// let pages = [Promise::ready(1), Promise::failed("not found"), Promise::ready(3)];
    /// let Err(Failure::Error(all)) = AsyncList::from_iter(pages).join_all().get(None) else { unreachable!() };
    /// assert_eq!(all.indices(), [1]);
    /// assert_eq!(all.to_string(), "1 of 3 promises failed: #1: not found");
    /// ```
    #[must_use]
    pub fn indices(&self) -> &[usize] {
        &self.indices
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

/// Each failure behind the index of its item.
impl<E: fmt::Debug + 'static> fmt::Debug for AllFailed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} promises failed: ", self.failures.len(), self.items)?;
        f.debug_map().entries(self.indices.iter().zip(&self.failures)).finish()
    }
}

impl<E: fmt::Display> fmt::Display for AllFailed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, wanted, items) = (self.failures.len(), self.wanted, self.items);
        match failed {
            failed if failed == items => write!(f, "all {items} promises failed")?,
            _ if wanted == items => write!(f, "{failed} of {items} promises failed")?,
            0 => write!(f, "{wanted} values were wanted of {items} promises")?,
            _ => write!(f, "{wanted} values were wanted of {items} promises, {failed} failed")?,
        }
        let told = failed < items && wanted == items;
        for (place, (index, failure)) in self.indices.iter().zip(&self.failures).enumerate() {
            let sign = if place == 0 { ":" } else { ";" };
            match told {
                _ if place >= SHOWN => break,
                true => write!(f, "{sign} #{index}: {failure}")?,
                false => write!(f, "{sign} {failure}")?,
            }
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
