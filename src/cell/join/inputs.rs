//! What a join of different types has to know of each of them: how to tell a failure, and how to take
//! the values.

use std::panic::Location;

use super::items::holds_failure;
use crate::cell::state::body;
use crate::cell::state::header::CellRef;
use crate::cell::work::consumer::Consumer;
use crate::failure::Failure;

/// Takes the failure of an input, if it has failed; the value of another one stays.
///
/// # Safety
/// The caller owns the settled cell, whose outcome was not taken, and which the function is made for.
pub(super) type TakeFailure<E> = unsafe fn(CellRef) -> Option<Failure<E>>;

/// The inputs of a join: a tuple, or an array, of consumers.
///
/// # Safety
/// `into_cells` gives the cells that the inputs are consumers of, or what stands for them, in this order;
/// and each of `TAKE_FAILURE` is made for the cell in its place.
pub(crate) unsafe trait Inputs<const N: usize>: 'static {
    /// The tuple, or the array, of the values.
    type Values: Send + 'static;
    /// The error, which all have in common.
    type Err: Send + 'static;
    /// How each input fails.
    const TAKE_FAILURE: [TakeFailure<Self::Err>; N];

    /// The cells, ready for [`observe`](crate::cell::ends::consumer::observe).
    fn into_cells(self, location: &'static Location<'static>) -> [CellRef; N];

    /// Takes all values.
    ///
    /// # Safety
    /// The caller owns the cells of all inputs, which are settled with values, and takes them once.
    unsafe fn take_values(cells: [CellRef; N]) -> Self::Values;
}

/// # Safety
/// As for [`TakeFailure`]; the cell was made for this `T` and `E`.
unsafe fn take_failure<T, E>(cell: CellRef) -> Option<Failure<E>> {
    // SAFETY: the caller's promise.
    unsafe {
        if holds_failure::<T, E>(cell) { body::take_outcome::<T, E>(cell).err() } else { None }
    }
}

/// # Safety
/// As for [`Inputs::take_values`]; the cell was made for this `T` and `E`.
unsafe fn take_value<T, E>(cell: CellRef) -> T {
    // SAFETY: the caller's promise.
    match unsafe { body::take_outcome::<T, E>(cell) } {
        Ok(value) => value,
        Err(_) => unreachable!("a cell that has a value keeps it"),
    }
}

// SAFETY: the cells are those of the consumers, one by one.
unsafe impl<T: Send + 'static, E: Send + 'static, const N: usize> Inputs<N>
    for [Consumer<T, E>; N]
{
    type Values = [T; N];
    type Err = E;
    const TAKE_FAILURE: [TakeFailure<E>; N] = [take_failure::<T, E>; N];

    fn into_cells(self, location: &'static Location<'static>) -> [CellRef; N] {
        self.map(|input| input.into_observed(location))
    }

    /// # Safety
    /// As the trait says.
    unsafe fn take_values(cells: [CellRef; N]) -> [T; N] {
        // SAFETY: the caller's promise.
        cells.map(|cell| unsafe { take_value::<T, E>(cell) })
    }
}

/// Tuples of `count` consumers.
macro_rules! impl_inputs {
    ($count:literal: $($Value:ident $index:tt),+) => {
        // SAFETY: the cells are those of the consumers, one by one.
        unsafe impl<E: Send + 'static, $($Value: Send + 'static),+> Inputs<$count>
            for ($(Consumer<$Value, E>,)+)
        {
            type Values = ($($Value,)+);
            type Err = E;
            const TAKE_FAILURE: [TakeFailure<E>; $count] = [$(take_failure::<$Value, E>),+];

            fn into_cells(self, location: &'static Location<'static>) -> [CellRef; $count] {
                [$(self.$index.into_observed(location)),+]
            }

            /// # Safety
            /// As the trait says.
            unsafe fn take_values(cells: [CellRef; $count]) -> Self::Values {
                // SAFETY: the caller's promise; the index tells the type.
                unsafe { ($(take_value::<$Value, E>(cells[$index]),)+) }
            }
        }
    };
}

impl_inputs!(2: A 0, B 1);
impl_inputs!(3: A 0, B 1, C 2);
impl_inputs!(4: A 0, B 1, C 2, D 3);
impl_inputs!(5: A 0, B 1, C 2, D 3, F 4);
impl_inputs!(6: A 0, B 1, C 2, D 3, F 4, G 5);
impl_inputs!(7: A 0, B 1, C 2, D 3, F 4, G 5, H 6);
impl_inputs!(8: A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7);
impl_inputs!(9: A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8);
impl_inputs!(10: A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9);
impl_inputs!(11: A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10);
impl_inputs!(12: A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11);
