//! What `asynckit`'s `cell/handlers.rs` keeps of `cell/upstream.rs`. The models give it nothing to keep.

pub(crate) trait Upstream: Send + Sync {}
