//! The rooms of the library's core, by their names: the library's own files, and what stands in for the others.

#[cfg(test)]
pub(crate) mod engine;

pub(crate) mod defer;
pub(crate) mod join;
#[cfg(test)]
pub(crate) mod run;
pub(crate) mod shared;
pub(crate) mod state;
#[cfg(test)]
pub(crate) mod wait;
