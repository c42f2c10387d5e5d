//! What the service and the client tell each other.

use serde::{Deserialize, Serialize};

/// What a collection is.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub(crate) struct Collection {
    pub(crate) name: String,
    pub(crate) records: usize,
}

/// Something that was measured.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub(crate) struct Record {
    pub(crate) time: u64,
    pub(crate) value: f64,
}

/// A part of an answer, how many records there are from its beginning, and where the next part begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Page {
    pub(crate) records: Vec<Record>,
    pub(crate) total: u64,
    pub(crate) next: Option<u64>,
}

/// What is stored.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq)]
pub(crate) struct Usage {
    pub(crate) records: usize,
    pub(crate) collections: usize,
}

/// Something that has happened.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub(crate) struct Event {
    pub(crate) number: u64,
    pub(crate) text: String,
}

/// What a long poll brings: nothing, if nothing has happened for a while.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) events: Vec<Event>,
    pub(crate) over: bool,
}
