//! An executor whose last handle a canceller gives up, while the job is on its way to it.

use std::sync::Arc;

use asynckit::{Job, Pool};
use asynckit_hammer::loops;

fn main() {
    let pool = Pool::new(2);
    loops::repeat("executor_uaf", move || {
        let guards: Vec<_> = (0..1000)
            .map(|_| {
                let keep = Arc::new(vec![7_u8; 24]);
                let executor = move |job: Job| {
                    if keep.iter().any(|byte| *byte != 7) {
                        loops::fail("what an executor owns was dropped");
                    }
                    job.run();
                };
                pool.run(|| ()).via(executor).map(|()| ()).cancel_on_drop()
            })
            .collect();
        drop(guards);
    });
}
