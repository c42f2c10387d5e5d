//! The rows: one for each way in which a promise can hang behind another one.

mod clients;
mod links;
mod lists;
#[cfg(feature = "memo")]
mod memo;
mod others;
mod shared;
mod taken;
mod work;

use crate::table::Row;

/// All rows, by what they are about.
pub(crate) const ALL: &[(&str, &[Row])] = &[
    ("clients", clients::ROWS),
    ("links", links::ROWS),
    ("lists", lists::ROWS),
    #[cfg(feature = "memo")]
    ("memo", memo::ROWS),
    ("others", others::ROWS),
    ("shared", shared::ROWS),
    ("taken", taken::ROWS),
    ("work", work::ROWS),
];
