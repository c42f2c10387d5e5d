//! Threads that sleep for a moment and are busy for another: each time that one wakes up, the system takes a core away from
//! another thread, wherever that is, which opens windows of a few instructions.

use std::time::{Duration, Instant};

use crate::random::Random;
use crate::sync;

/// Starts so many of them, which go on for as long as the process.
pub(crate) fn start(count: usize) {
    for number in 0..count {
        let jostle = move || {
            let mut r = Random::new(number as u64);
            loop {
                std::thread::sleep(Duration::from_micros(r.next() % 150));
                let end = Instant::now() + Duration::from_micros(r.next() % 60);
                while Instant::now() < end {
                    std::hint::spin_loop();
                }
            }
        };
        sync::start(&format!("jostle{number}"), jostle);
    }
}
