//! What asynckit meets: runtimes that await promises, executors and channels of other libraries, HTTP.

mod bridges;
#[path = "../common/mod.rs"]
mod common;
mod http;
mod imports;
mod runtimes;
