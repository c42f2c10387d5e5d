//! A list that is dropped as soon as it is set, while the thread that has set it tells it so.

use asynckit::{AsyncList, Pool};
use asynckit_hammer::loops;

fn main() {
    let pool = Pool::new(2);
    loops::repeat("notify_uaf", move || {
        let list: AsyncList<()> = [pool.run(|| ())].into_iter().collect();
        while !list.is_set() {
            std::hint::spin_loop();
        }
        drop(list);
        drop(pool.run(|| ()).timeout(std::time::Duration::from_micros(50)));
    });
}
