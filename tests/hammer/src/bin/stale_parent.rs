//! A queued link whose parent settles while it is put into the queue: three jobs that wait for such links.

use asynckit::{AnyError, AsyncList, Failure, Pool};
use asynckit_hammer::loops;

fn main() {
    let pool = Pool::new(4);
    loops::repeat("stale_parent", move || {
        let wait = || {
            let pool = pool.clone();
            move || {
                for _ in 0..100_000 {
                    let link = pool.run(|| vec![1_u8; 8]).map(|v| v).map(|v| v);
                    let length = link.chain(|v| Ok(v.len())).get(None)?;
                    assert_eq!(length, 8);
                }
                Ok::<_, AnyError>(())
            }
        };
        let mut waits: AsyncList<()> = (0..3).map(|_| pool.spawn(wait())).collect();
        if let Err(failure @ Failure::Panicked(_)) = waits.get(None) {
            loops::fail(&failure.to_string());
        }
    });
}
