//! What a shutdown that runs out of time reports.

use crate::common::{Gate, Log, MOMENT, PATIENCE, one_worker, watched};
use asynckit::{Pool, Shutdown};
use std::time::Duration;

/// A drain that runs out of time: each job is in its report, as finished, running or queued.
#[test]
fn a_drain_that_runs_out_of_time_reports_all_jobs() {
    watched(|| {
        let pool = Pool::new(3);
        let gate = Gate::new();
        let held = |n: usize| {
            let key = (n >= 3).then(|| gate.key());
            pool.run(move || key.into_iter().for_each(|key| key.wait()))
        };
        let mut jobs: Vec<_> = (0..10).map(held).collect();
        let last = jobs.remove(9).map(|()| ()); // a callback is no job
        jobs.push(last);
        gate.await_arrival(3);
        jobs[..3].iter_mut().for_each(|job| job.get(PATIENCE).unwrap());
        for _ in 0..3 {
            let report = pool.shutdown(Shutdown::Drain, MOMENT);
            assert_eq!((report.still_running, report.queued, report.abandoned), (3, 4, 0));
            let text = format!("{report:?}");
            assert!(text.ends_with("abandoned: 0, still_running: 3, queued: 4 }"), "{text}");
        }
        gate.open();
        let report = pool.shutdown(Shutdown::Drain, None);
        assert_eq!((report.still_running, report.queued, report.abandoned), (0, 0, 0));
        jobs[3..].iter_mut().for_each(|job| job.get(PATIENCE).unwrap());
    });
}

/// Counting the queued jobs leaves them in their order.
#[test]
fn a_drain_that_runs_out_of_time_keeps_the_order() {
    watched(|| {
        let (pool, ran) = (one_worker(), Log::<usize>::new());
        let gate = Gate::new();
        let key = gate.key();
        drop(pool.run(move || key.wait()));
        gate.await_arrival(1);
        for n in 0..1000 {
            let ran = ran.clone();
            drop(pool.run(move || ran.add(n)));
        }
        let report = pool.shutdown(Shutdown::Drain, Duration::ZERO);
        assert_eq!((report.still_running, report.queued), (1, 1000));
        gate.open();
        assert_eq!(pool.shutdown(Shutdown::Drain, None).queued, 0);
        assert_eq!(ran.entries(), (0..1000).collect::<Vec<_>>());
    });
}
