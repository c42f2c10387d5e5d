//! What `asynckit`'s `cell/handlers.rs` keeps of `cell/upstream.rs`. The models give it nothing to keep.

use std::sync::Arc;

pub(crate) trait Upstream: Send + Sync {
    fn cancel(self: Arc<Self>);
}
