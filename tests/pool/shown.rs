//! What `Debug` tells people of pools, promises and lists.

use crate::common::{Gate, PATIENCE, watched};
use asynckit::{AsyncList, Pool, Promise, Shutdown};

#[test]
fn a_pool_tells_what_its_workers_do() {
    watched(|| {
        let pool = Pool::builder().workers(2).name("fetch").build().unwrap();
        let told = || format!("{pool:?}");
        let quiet = "0 of 2 workers busy, 0 idle, 0 waiting, nothing is queued";
        assert_eq!(told(), format!("Pool(\"fetch\", {quiet})"));
        let gate = Gate::new();
        for _ in 0..2 {
            let key = gate.key();
            drop(pool.run(move || key.wait()));
        }
        gate.await_arrival(2);
        drop(pool.run(|| ()));
        let busy = "2 of 2 workers busy, 0 idle, 0 waiting, work is queued";
        assert_eq!(told(), format!("Pool(\"fetch\", {busy})"));
        gate.open();
        pool.shutdown(Shutdown::Drain, PATIENCE);
        assert_eq!(told(), format!("Pool(\"fetch\", {quiet}, shut down)"));
    });
}

#[test]
fn a_promise_tells_whether_its_job_is_queued_or_running() {
    watched(|| {
        let pool = Pool::new(0);
        let gate = Gate::new();
        let key = gate.key();
        let line = line!() + 1;
        let mut job = pool.run(move || key.wait());
        let behind = pool.run(|| ()).map(|()| 1);
        let queued = format!("{job:?}");
        let made = format!("Promise(pending, waits for run at {}:{line}:", file!());
        assert!(queued.starts_with(&made), "{queued}");
        assert!(queued.ends_with(", queued)"), "{queued}");
        assert!(format!("{behind:?}").ends_with(", queued)"));
        pool.set_worker_count(1);
        gate.await_arrival(1);
        let running = format!("{job:?}");
        assert!(running.ends_with(", running)"), "{running}");
        gate.open();
        assert!(job.wait(PATIENCE));
        assert_eq!(format!("{job:?}"), "Promise(set)");
        drop(behind);
    });
}

/// What waits for something else than its turn is in no queue.
#[test]
fn a_branch_of_a_pending_value_is_not_queued() {
    watched(|| {
        let (deferred, value) = Promise::<u8>::deferred();
        let branch = value.share().map(|n| *n);
        let told = format!("{branch:?}");
        assert!(
            told.starts_with("Promise(pending, waits for map at ") && !told.contains("queued"),
            "{told}"
        );
        deferred.resolve(1);
    });
}

#[test]
fn a_keyed_list_tells_which_items_are_missing() {
    watched(|| {
        let (_kept, pending) = Promise::<u8>::deferred();
        let failed = Promise::failed(asynckit::AnyError::msg("no"));
        let list = AsyncList::keyed([("a", Promise::ready(1)), ("b", failed), ("c", pending)]);
        let told = format!("{list:?}");
        assert_eq!(told, "KeyedList(failed, 2 of 3 items settled, failed: \"b\", pending: \"c\")");
        let (_kept, many): (Vec<_>, Vec<_>) = (0..20).map(|_| Promise::<u8>::deferred()).unzip();
        let list: asynckit::KeyedList<_, _> = many.into_iter().enumerate().collect();
        assert!(format!("{list:?}").ends_with(", pending: 0, 1, 2, 3, 4, 5, 6, 7 and 12 more)"));
        let set = AsyncList::keyed([(1, Promise::<u8>::ready(1))]);
        assert_eq!(format!("{set:?}"), "KeyedList(set, 1 of 1 items settled)");
    });
}
