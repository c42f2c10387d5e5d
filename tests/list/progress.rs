//! `AsyncList::on_progress`.

use crate::common::{
    DropCounter, Gate, Log, MOMENT, PATIENCE, eventually, flush, named_pool, named_thread,
    one_worker, watched,
};
use asynckit::{AsyncList, Deferred, Pool, Progress, Promise, Shutdown};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};

type List<T> = AsyncList<T, String>;
type Counts = (usize, usize, usize);

fn counts(progress: Progress) -> Counts {
    (progress.done, progress.failed, progress.total)
}

/// A list of `n` promises with their callbacks on `pool`, and their writing ends.
fn pending(pool: &Pool, n: usize) -> (Vec<Deferred<usize, String>>, List<usize>) {
    let (deferreds, promises): (Vec<_>, Vec<_>) = (0..n).map(|_| pool.deferred()).unzip();
    (deferreds, promises.into_iter().collect())
}

/// Has the reports of `list` logged.
fn logged(list: &mut List<usize>) -> Log<Counts> {
    let reports = Log::new();
    let log = reports.clone();
    list.on_progress(move |progress| log.add(counts(progress)));
    reports
}

/// What holds of all reports together: they never go back, and the last one comes once and last.
#[track_caller]
fn check(reports: &Log<Counts>, last: Counts) {
    eventually("the last report", || reports.entries().last() == Some(&last));
    let entries = reports.entries();
    assert!(entries.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{entries:?}");
}

/// Each item is reported as it settles, failures counted apart, while nobody waits for the list.
#[test]
fn each_item_is_reported_as_it_settles() {
    watched(|| {
        let pool = one_worker();
        let (deferreds, mut list) = pending(&pool, 4);
        let reports = logged(&mut list);
        flush(&pool);
        assert_eq!(reports.entries(), []);
        for (n, deferred) in deferreds.into_iter().enumerate() {
            if n == 1 {
                deferred.reject("no".to_owned())
            } else {
                deferred.resolve(n)
            }
            flush(&pool);
        }
        assert_eq!(reports.entries(), [(1, 0, 4), (2, 1, 4), (3, 1, 4), (4, 1, 4)]);
    });
}

/// It works for whatever the list is used for afterwards, also for nothing.
#[test]
fn it_works_for_whatever_the_list_is_used_for() {
    type Use = fn(List<usize>, Vec<Deferred<usize, String>>);
    fn settle(deferreds: Vec<Deferred<usize, String>>) {
        deferreds.into_iter().enumerate().for_each(|(n, deferred)| match n {
            3 => deferred.reject("three".to_owned()),
            n => deferred.resolve(n),
        });
    }
    let uses: [(&str, Use); 8] = [
        ("get", |mut list, deferreds| {
            settle(deferreds);
            assert!(crate::common::is_error(list.get(None), "three"));
        }),
        ("wait", |mut list, deferreds| {
            let settler = named_thread("settler", move || settle(deferreds));
            assert!(list.wait(None));
            settler.join().unwrap();
        }),
        ("settled", |list, deferreds| {
            let mut settled = list.settled();
            settle(deferreds);
            assert_eq!(settled.get(None).unwrap().len(), 5);
        }),
        ("settled, late", |list, deferreds| {
            settle(deferreds);
            assert_eq!(list.settled().get(None).unwrap().len(), 5);
        }),
        ("as_completed", |list, deferreds| {
            let settler = named_thread("settler", move || settle(deferreds));
            assert_eq!(list.as_completed().count(), 5);
            settler.join().unwrap();
        }),
        ("stream", |list, deferreds| {
            let settler = named_thread("settler", move || settle(deferreds));
            let mut stream = list.as_completed().stream();
            let mut count = 0;
            crate::common::wakers::block_on(async {
                while std::future::poll_fn(|context| {
                    futures_core::Stream::poll_next(std::pin::Pin::new(&mut stream), context)
                })
                .await
                .is_some()
                {
                    count += 1;
                }
            });
            assert_eq!(count, 5);
            settler.join().unwrap();
        }),
        ("drop", |list, deferreds| {
            drop(list);
            settle(deferreds);
        }),
        ("nothing", |list, deferreds| {
            settle(deferreds);
            assert_eq!(list.len(), 5);
        }),
    ];
    watched(move || {
        for (name, use_it) in uses {
            println!("{name}");
            let pool = one_worker();
            let (deferreds, mut list) = pending(&pool, 5);
            let reports = logged(&mut list);
            use_it(list, deferreds);
            check(&reports, (5, 1, 5));
        }
    });
}

/// What a failed join or a won race cancels is done, and has failed.
#[test]
fn what_is_cancelled_has_failed() {
    watched(|| {
        let pool = one_worker();
        let (mut deferreds, mut list) = pending(&pool, 4);
        let reports = logged(&mut list);
        let mut joined = list.join();
        deferreds.pop().unwrap().reject("no".to_owned());
        assert!(crate::common::is_error(joined.get(None), "no"));
        check(&reports, (4, 4, 4));
        let (mut deferreds, mut list) = pending(&pool, 4);
        let reports = logged(&mut list);
        let mut race = list.race();
        deferreds.pop().unwrap().resolve(1);
        assert_eq!(race.get(None).unwrap(), 1);
        check(&reports, (4, 3, 4));
    });
}

/// What has settled before is reported at once; nothing is reported of an empty list.
#[test]
fn what_was_settled_before_is_reported_at_once() {
    watched(|| {
        let pool = one_worker();
        let jobs = (0..3).map(|n| pool.spawn(move || Ok::<_, String>(n)));
        let mut list: List<usize> = jobs.collect();
        assert!(list.wait(None));
        check(&logged(&mut list), (3, 0, 3));
        list.push(Promise::failed("no".to_owned()));
        check(&logged(&mut list), (4, 1, 4));

        let mut empty = List::new();
        let reports = logged(&mut empty);
        let _ = empty.join().get(None);
        std::thread::sleep(MOMENT);
        assert_eq!(reports.entries(), []);
    });
}

/// Items may be added afterwards, also to a list that was empty; each function is told.
#[test]
fn items_may_be_added_afterwards() {
    watched(|| {
        let pool = named_pool(1, "progress-late");
        let mut list = List::new();
        let (first, threads) = (logged(&mut list), Log::new());
        let log = threads.clone();
        list.on_progress(move |_| log.add(std::thread::current().name().map(str::to_owned)));
        let (deferreds, promises): (Vec<_>, Vec<_>) = (0..3).map(|_| pool.deferred()).unzip();
        list.extend(promises);
        deferreds.into_iter().for_each(|deferred| deferred.resolve(1));
        check(&first, (3, 0, 3));
        let second = logged(&mut list);
        check(&second, (3, 0, 3));
        flush(&pool);
        assert_eq!(second.entries().len(), 1);
        assert!(threads.entries().iter().flatten().all(|name| name.starts_with("progress-late")));
        assert!(!threads.entries().is_empty());
    });
}

/// On the list's executor, one call at a time, and coalesced: a slow listener is not flooded.
#[test]
fn reports_are_coalesced() {
    watched(|| {
        let (pool, gate) = (Pool::new(2), Gate::new());
        let (deferreds, mut list) = pending(&pool, 1_000);
        let (reports, key) = (Log::new(), gate.key());
        let log = reports.clone();
        list.on_progress(move |progress| {
            log.add(counts(progress));
            key.wait();
        });
        let mut joined = list.join();
        let mut deferreds = deferreds.into_iter();
        deferreds.next().unwrap().resolve(0);
        gate.await_arrival(1);
        deferreds.for_each(|deferred| deferred.resolve(0));
        assert_eq!(joined.get(None).unwrap().len(), 1_000, "the list does not wait for reports");
        gate.open();
        check(&reports, (1_000, 0, 1_000));
        assert_eq!(reports.entries().len(), 2, "all that came meanwhile is one report");
    });
}

/// The last report comes once, whatever threads settle the items.
#[test]
fn the_last_report_comes_once() {
    const THREADS: usize = 3;
    watched(|| {
        let pool = Pool::new(2);
        for _ in 0..200 {
            let (deferreds, mut list) = pending(&pool, THREADS);
            let start = Arc::new(Barrier::new(THREADS + 1));
            let settlers: Vec<_> = deferreds
                .into_iter()
                .map(|deferred| {
                    let start = start.clone();
                    named_thread("settler", move || {
                        start.wait();
                        deferred.resolve(1);
                    })
                })
                .collect();
            start.wait();
            let (sender, reports) = channel();
            list.on_progress(move |progress| sender.send(counts(progress)).unwrap());
            drop(list.join());
            let mut done = 0;
            while done < THREADS {
                let report = reports.recv_timeout(PATIENCE).expect("the last one always comes");
                assert!(report.0 > done && report.2 == THREADS);
                done = report.0;
            }
            settlers.into_iter().for_each(|settler| settler.join().unwrap());
            // The function is dropped when nothing can come any more.
            assert!(reports.recv_timeout(PATIENCE).is_err());
        }
    });
}

/// A panic is contained, and later reports come.
#[test]
fn a_panic_is_contained() {
    watched(|| {
        let pool = one_worker();
        let (deferreds, mut list) = pending(&pool, 3);
        let (reports, dropped) = (Log::new(), DropCounter::default());
        let (log, token) = (reports.clone(), dropped.token());
        list.on_progress(move |progress| {
            let _token = &token;
            log.add(progress.done);
            assert!(progress.done != 1, "the first report");
        });
        for deferred in deferreds {
            deferred.resolve(0);
            flush(&pool);
        }
        assert_eq!(reports.entries(), [1, 2, 3]);
        assert_eq!(dropped.dropped(), 0);
        drop(list);
        assert_eq!(dropped.dropped(), 1);
    });
}

/// The function may hold anything, even something that panics when it is dropped.
#[test]
fn a_function_whose_drop_panics_is_contained() {
    watched(|| {
        let (_never, mut list) = pending(&one_worker(), 1);
        let bomb = crate::common::Bomb;
        list.on_progress(move |_| {
            let _ = &bomb;
        });
        list.cancel();
        drop(list);
    });
}

/// Where the pool is shut down, reports come on the pool of the process.
#[test]
fn a_pool_that_is_shut_down_loses_no_report() {
    watched(|| {
        let pool = one_worker();
        let (deferreds, mut list) = pending(&pool, 2);
        let reports = logged(&mut list);
        pool.shutdown(Shutdown::Drain, None);
        deferreds.into_iter().for_each(|deferred| deferred.resolve(1));
        assert_eq!(list.get(None).unwrap(), [1, 1]);
        eventually("the last report", || reports.entries().last() == Some(&(2, 0, 2)));
    });
}

/// Jobs of a pool whose only worker is busy with them: reports come in between.
#[test]
fn reports_come_while_the_jobs_are_running() {
    watched(|| {
        let pool = one_worker();
        pool.set_worker_count(0);
        let log = Log::<String>::new();
        let jobs = (0..3).map(|n| {
            let log = log.clone();
            pool.run(move || log.add(format!("job {n}")))
        });
        let mut list: AsyncList<()> = jobs.collect();
        let reports = log.clone();
        list.on_progress(move |progress| reports.add(format!("{} done", progress.done)));
        pool.set_worker_count(1);
        list.get(PATIENCE).unwrap();
        flush(&pool);
        assert_eq!(log.entries(), ["job 0", "1 done", "job 1", "2 done", "job 2", "3 done"]);
    });
}
