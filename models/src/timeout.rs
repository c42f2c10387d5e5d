//! What the library's files name of `asynckit`'s `timeout` module. There is no time in a model.

pub(crate) struct Timeout;
