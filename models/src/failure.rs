//! What `asynckit`'s `failure` module has for foreign code. No code panics in a model that is right.

pub(crate) fn contain<T>(f: impl FnOnce() -> T) -> Option<T> {
    Some(f())
}

pub(crate) fn drop_quietly<T>(value: T) {
    drop(value);
}
