//! Much to do, but only so much at once: `map_concurrent`, `for_each_concurrent`, `reduce`.
//!
//! | file | idea |
//! | --- | --- |
//! | `feeder` | draws inputs as items settle |
//! | `plan` | how many, and what next |
//! | `under_way` | the links that tell the feeder |
//! | `each` | for those who want no results |
//! | `buffered` | results in order, as they come, drawn by the one that takes |
//! | `reduce` | results folded into one |

mod buffered;
mod each;
mod feeder;
mod plan;
mod reduce;
mod under_way;

use std::panic::Location;

pub use buffered::{Buffered, BufferedStream, buffered};
pub use each::for_each_concurrent;

use crate::cell::{ExecutorHandle, Gather};
use crate::list::AsyncList;
use crate::promise::Promise;
use feeder::Feeder;

/// Calls `f` with each input, such that no more than `limit` of its promises are unsettled at a time.
///
/// The list has the results in the order of the inputs. The first `limit` calls are made inside this
/// one, each further one when an earlier promise has settled, on the executor of the first promise;
/// one after the other, and in the order of the inputs. A limit of 0 counts as 1.
///
/// Inputs are drawn when they are needed. An endless iterator is fine with `as_completed`: no more is
/// done than twice `limit` ahead of whoever takes the results, in constant memory. The same bound holds
/// behind what may have enough of them ([`race`](AsyncList::race), [`any`](AsyncList::any),
/// [`some`](AsyncList::some)) and all else that is made of the list: no more than twice `limit` are
/// started that it has not seen. Before something is made of it, up to a thousand items may be done.
///
/// What the iterator says of its length is a hint. One that says that it has come to its end, and has
/// not, may once be one call ahead of the limit.
///
/// # Errors
/// A panic of `f` is the failure of its item; one of the iterator also ends it. When an item has
/// failed, nothing more is started before somebody takes the results, and who does decides: with
/// `settled`, `as_completed` and all else that wants them whatever comes, a failure stops nothing.
/// With [`get`](AsyncList::get) and [`join`](AsyncList::join) no more are started; these are
/// [`Abandoned`](crate::Failure::Abandoned), if it is known how many they would have been. So are
/// those that are left when the pool is shut down. A list that is dropped starts no more.
///
/// ```
/// use asynckit::{Pool, map_concurrent};
///
/// let pool = Pool::new(4);
/// let mut squares = map_concurrent(1..=5, 2, move |n| pool.run(move || n * n));
/// assert_eq!(squares.get(None)?, [1, 4, 9, 16, 25]);
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[track_caller]
pub fn map_concurrent<I, T, E>(
    inputs: I,
    limit: usize,
    f: impl FnMut(I::Item) -> Promise<T, E> + Send + 'static,
) -> AsyncList<T, E>
where
    I: IntoIterator<IntoIter: Send + 'static>,
    T: Send + 'static,
    E: Send + 'static,
{
    let (gather, executor) = gather(inputs.into_iter(), limit, f, Location::caller(), false);
    AsyncList::from_gather(gather, executor)
}

/// The items, under way. `recycled`: each of them is taken as soon as it comes.
fn gather<I, T, E>(
    inputs: I,
    limit: usize,
    f: impl FnMut(I::Item) -> Promise<T, E> + Send + 'static,
    location: &'static Location<'static>,
    recycled: bool,
) -> (Gather<T, E>, ExecutorHandle)
where
    I: Iterator + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let feeder = Feeder::new(inputs, limit, f, location, recycled);
    let mut gather = Gather::new();
    gather.feed(feeder.clone());
    if recycled {
        gather.items().recycle();
    }
    let executor = feeder.begin(|| gather.refill());
    (gather, executor)
}
