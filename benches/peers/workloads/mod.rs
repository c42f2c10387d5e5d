//! What is measured, and what is to be reached. One file for what belongs together.

mod busy;
mod chain;
mod downloads;
mod idle;
mod jobs;
mod lists;
mod memory;
mod others;
mod single;
mod support;
mod tree;

pub(crate) use downloads::serve_if_asked;

use crate::harness::Workload;

/// All of them, in the order of the report.
pub(crate) fn all() -> Vec<Workload> {
    let groups = [
        single::workloads(),
        jobs::workloads(),
        busy::workloads(),
        tree::workloads(),
        chain::workloads(),
        lists::workloads(),
        memory::workloads(),
        idle::workloads(),
        downloads::workloads(),
    ];
    groups.into_iter().flatten().collect()
}
