//! Promises for programs that are not async.
