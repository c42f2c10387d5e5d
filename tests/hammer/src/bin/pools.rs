//! Pools that come and go leave nothing behind: neither memory nor time.

use std::time::{Duration, Instant};

use asynckit::{Pool, Promise};
use asynckit_hammer::loops;

/// What each of a thousand pools may leave, in bytes: what a fragmented heap may make of nothing.
const LEFT: usize = 16;

/// The memory of this process that is in use.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("it is Linux");
    let pages = text.split(' ').nth(1).expect("the second number");
    pages.parse::<usize>().expect("a number") * 4096
}

fn main() {
    let plain = std::env::args().nth(2).is_some_and(|memory| memory == "plain");
    let (mut pools, mut base) = (0_u32, 0);
    loops::repeat("pools", move || {
        for _ in 0..100 {
            let pool = Pool::new(1);
            assert_eq!(pool.run(|| 1).get(None).expect("nothing fails"), 1);
        }
        pools += 100;
        if pools == 2000 {
            base = resident();
        }
        let left = resident().saturating_sub(base) / (pools as usize).saturating_sub(2000).max(1);
        if !plain && pools >= 12_000 && left > LEFT {
            loops::fail(&format!("a pool leaves {left} bytes behind"));
        }
        let (deferred, mut promise) = Promise::<u8>::deferred();
        let begin = Instant::now();
        deferred.follow(Promise::ready(1));
        assert_eq!(promise.get(None).expect("nothing fails"), 1);
        if begin.elapsed() > Duration::from_millis(500) {
            loops::fail(&format!("a follow takes {:?} after {pools} pools", begin.elapsed()));
        }
    });
}
