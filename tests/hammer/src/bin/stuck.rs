//! Lists that grow, of inputs that turn out to be none: they are looked at before they are joined.

use std::time::Duration;

use asynckit::{Pool, Promise, map_concurrent};
use asynckit_hammer::loops;

fn main() {
    let pool = Pool::new(2);
    loops::repeat("stuck", move || {
        let work = pool.clone();
        let none = (0..10).filter(|n| *n > 50);
        let list = map_concurrent(none, 2, move |n: u64| work.run(move || n));
        while !list.is_set() {
            std::hint::spin_loop();
        }
        assert!(!format!("{list:?}").is_empty());
        assert_eq!(list.join().get(None).expect("nothing fails"), []);
        // And this thread still delivers what it settles.
        let (deferred, promise) = Promise::<u8>::deferred();
        let mut mapped = promise.map(|n| n + 1);
        deferred.resolve(1);
        let waits = pool.run(move || mapped.get(Duration::from_secs(10)).ok());
        if { waits }.get(None).ok().flatten() != Some(2) {
            loops::fail("what a thread has settled is not delivered");
        }
    });
}
