//! Pages without end take no stack and no memory: all threads of these tests have 64 KiB of it, and are counted.

use crate::common::alloc::Counter;
use crate::common::{PATIENCE, SMALL_STACK, one_small_worker, run_on_small_stack, watched_long};
use asynckit::{Flow, Pool, Promise, pages};

const PAGES: u32 = 1_000_000;

/// A pool of one worker, which counts with the thread that asks.
fn counted_worker(counter: &'static Counter) -> Pool {
    let pool = one_small_worker();
    pool.run(|| counter.count_this_thread()).get(PATIENCE).unwrap();
    pool
}

/// A million pages: most of them are there at once, the others come from the worker that counts; so does the first one, whose
/// executor is that of the flow.
fn million(pool: &Pool) -> Flow<[u32; 16], String> {
    let pool = pool.clone();
    pages(1, move |n: u32| {
        let page = ([n; 16], (n < PAGES).then_some(n + 1));
        if n % 16 == 1 { pool.spawn(move || Ok(page)) } else { Promise::ready(page) }
    })
}

/// Takes all of them on a small stack; what is alive behind a few thousand pages is alive at the end, and no more.
fn takes_no_memory(flow: impl FnOnce(&Pool) -> Flow<[u32; 16], String> + Send + 'static) {
    let counter = Counter::leaked();
    run_on_small_stack(SMALL_STACK, move || {
        counter.count_this_thread();
        let pool = counted_worker(counter);
        let (mut early, mut most, mut number) = (0, 0, 0);
        for page in flow(&pool) {
            number += 1;
            assert_eq!(page.unwrap()[0], number);
            match number {
                5_000 => early = counter.live_bytes(),
                5_001.. => most = most.max(counter.live_bytes()),
                _ => {}
            }
        }
        assert_eq!(number, PAGES);
        assert!(most - early < 16_384, "{} bytes more", most - early);
    });
}

#[test]
fn a_million_pages_take_no_stack_and_no_memory() {
    watched_long(|| takes_no_memory(million));
}

#[test]
fn a_million_pages_through_a_stage_take_no_stack_and_no_memory() {
    watched_long(|| {
        takes_no_memory(|pool| {
            let pool = pool.clone();
            million(&pool).read_ahead(4).stage(move |page| match page[0] % 16 {
                8 => pool.spawn(move || Ok(page)),
                _ => Promise::ready(page),
            })
        });
    });
}

/// All of them in a promise: its values, and no more, and no deep line of promises.
#[test]
fn a_million_pages_are_collected_without_a_stack() {
    watched_long(|| {
        let counter = Counter::leaked();
        run_on_small_stack(SMALL_STACK, move || {
            counter.count_this_thread();
            let pool = counted_worker(counter);
            let mut all = million(&pool).stage(|page| Ok(page[0])).join();
            let all = all.get(None).unwrap();
            assert_eq!((all.len(), all.last()), (PAGES as usize, Some(&PAGES)));
            let (held, values) =
                (counter.live_bytes(), (all.capacity() * size_of::<u32>()) as isize);
            assert!(held - values < 65_536, "{} bytes beside the values", held - values);
        });
    });
}
