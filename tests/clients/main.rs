//! What API clients are made of: faces, flows of pages, pipelines, progress, a last step of the caller's, memos.

#[path = "../common/mod.rs"]
mod common;
mod face;
mod flow;
mod flow_ends;
#[cfg(feature = "memo")]
mod memo;
mod pipeline;
mod processed;
mod reporter;
mod reporter_places;
