//! Promises of different types joined into one promise of a tuple.

use std::panic::Location;

use crate::cell::{self, Origin};
use crate::list::AsyncList;
use crate::pool::Pool;
use crate::promise::{IntoPromise, Promise};

/// Joins promises, each of its own type, into one promise of all values.
///
/// It takes a tuple of 2 to 12, an array, or a `Vec`. Besides promises a tuple may have whatever else a job may
/// return: an [`AsyncList`], of which it gets the `Vec`, an [`AsyncValue`](crate::AsyncValue), which
/// is cloned, or a `Result`. All have one type of error; where one has another, [`any_error`](Promise::any_error) behind
/// each makes them the same. The first failure in time is the failure of the whole, and cancels the
/// others; of those that had failed before, it is the first in the tuple. Joining needs no worker;
/// callbacks run on the executor of the first promise. Cancelling the result cancels all.
///
/// ```
/// use asynckit::{Pool, join};
///
/// let pool = Pool::new(2);
/// let (name, age) = (pool.run(|| "Ann"), pool.run(|| 41));
/// let mut line = join((name, age)).map(|(name, age)| format!("{name} is {age}"));
/// assert_eq!(line.get(None)?, "Ann is 41");
/// # Ok::<(), asynckit::Failure>(())
/// ```
#[track_caller]
pub fn join<J: Join>(promises: J) -> Promise<J::Output, J::Err> {
    promises.join_here()
}

/// What [`join`] takes: tuples of 2 to 12 promises, arrays, and a `Vec`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be joined",
    label = "neither a tuple of 2 to 12 promises nor an array or a `Vec` of them",
    note = "what an iterator gives: `.collect::<AsyncList<_, _>>().join()`",
    note = "promises with different types of errors: `.any_error()` behind each"
)]
pub trait Join {
    /// The tuple, or the array, of the values.
    type Output;
    /// The error, which all have in common.
    type Err;

    /// Does what [`join`] says.
    #[doc(hidden)]
    #[track_caller]
    fn join_here(self) -> Promise<Self::Output, Self::Err>;
}

impl<T: Send + 'static, E: Send + 'static, const N: usize> Join for [Promise<T, E>; N] {
    type Output = [T; N];
    type Err = E;

    #[track_caller]
    fn join_here(self) -> Promise<[T; N], E> {
        let mut executor = None;
        let inputs = self.map(|input| {
            let (input, of_input) = input.into_parts();
            executor.get_or_insert(of_input);
            input
        });
        let result = cell::join::<Joined, _, N>(inputs, Location::caller());
        Promise::new(result, executor.unwrap_or_else(|| Pool::global().core().executor()))
    }
}

/// As [`AsyncList::join`].
impl<T: Send + 'static, E: Send + 'static> Join for Vec<Promise<T, E>> {
    type Output = Vec<T>;
    type Err = E;

    #[track_caller]
    fn join_here(self) -> Promise<Vec<T>, E> {
        AsyncList::from_iter(self).join()
    }
}

struct Joined;

impl Origin for Joined {
    const KIND: &'static str = "join";
}

/// A tuple of promises, or of what becomes one; all have one type of error.
macro_rules! impl_join {
    ($($Input:ident $index:tt),+) => {
        impl<E: Send + 'static, $($Input),+> Join for ($($Input,)+)
        where
            $($Input: IntoPromise<Err = E>, $Input::Ok: Send + 'static,)+
        {
            type Output = ($($Input::Ok,)+);
            type Err = E;

            #[track_caller]
            fn join_here(self) -> Promise<Self::Output, E> {
                // `_` in its place would need a newer Rust than is promised.
                const COUNT: usize = [$($index),+].len();
                let inputs = ($(self.$index.into_promise().into_parts(),)+);
                let executor = inputs.0.1;
                let inputs = ($(inputs.$index.0,)+);
                Promise::new(cell::join::<Joined, _, COUNT>(inputs, Location::caller()), executor)
            }
        }
    };
}

impl_join!(A 0, B 1);
impl_join!(A 0, B 1, C 2);
impl_join!(A 0, B 1, C 2, D 3);
impl_join!(A 0, B 1, C 2, D 3, F 4);
impl_join!(A 0, B 1, C 2, D 3, F 4, G 5);
impl_join!(A 0, B 1, C 2, D 3, F 4, G 5, H 6);
impl_join!(A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7);
impl_join!(A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8);
impl_join!(A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9);
impl_join!(A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10);
impl_join!(A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11);
