//! requests-futures, in a process of its own, whose start counts: a few tenths of a second of more than ten.

use std::any::Any;
use std::process::Command;

use crate::clients::Client;

pub(crate) struct RequestsFutures {
    python: String,
}

impl RequestsFutures {
    pub(crate) fn find() -> Option<Self> {
        let python = std::env::var("ASYNCKIT_BENCH_PYTHON").ok()?;
        Some(Self { python })
    }
}

impl Client for RequestsFutures {
    fn name(&self) -> String {
        "requests-futures, 8 workers".to_owned()
    }

    /// Each takes a quarter of a minute.
    fn rounds(&self) -> usize {
        3
    }

    fn get_all(&self, url: &str, count: usize, _at_once: usize) -> usize {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/with_requests_futures.py");
        let ran = Command::new(&self.python).args([script, url, &count.to_string()]).output();
        let ran = ran.expect("Python");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let text = String::from_utf8_lossy(&ran.stdout);
        text.trim().parse().expect("how many bytes they had")
    }

    fn get(&self, _url: &str) {
        unreachable!("only for many requests")
    }

    fn begin(&self, _url: &str) -> Box<dyn Any> {
        unreachable!("only for many requests")
    }
}
