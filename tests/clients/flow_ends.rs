//! How flows end before their end: failures, panics, cancellation, shutdown.

use crate::common::*;
use crate::flow::counted;
use asynckit::{Failure, Flow, LocalQueue, Pool, Promise, Shutdown, pages};
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;

#[test]
fn the_first_failure_comes_in_its_place_and_is_the_last() {
    watched(|| {
        let calls = Log::new();
        let (pool, made) = (one_worker(), calls.clone());
        let mut flow = pages(1, move |n: u32| {
            made.add(n);
            pool.spawn(move || if n < 3 { Ok((n, Some(n + 1))) } else { Err(format!("page {n}")) })
        })
        .read_ahead(10);
        assert_eq!((flow.next().unwrap().unwrap(), flow.next().unwrap().unwrap()), (1, 2));
        assert!(is_error(flow.next().unwrap(), "page 3"));
        assert!(flow.next().is_none() && flow.next().is_none());
        assert_eq!(calls.entries(), [1, 2, 3]);
    });
}

#[test]
fn every_failure_passes_as_it_is() {
    watched(|| {
        for (name, failure) in every_failure() {
            let mut failure = Some(failure);
            let mut flow = pages((), move |()| {
                let failure = failure.take().unwrap();
                Promise::<(u8, Option<()>), String>::settled(Err(failure))
            });
            assert_eq!(verdict(&flow.next().unwrap()), name);
            assert!(flow.next().is_none());
        }
    });
}

#[test]
fn panics_of_the_users_functions_are_failures_in_their_places() {
    watched(|| {
        survives(|pool| {
            let run = pool.clone();
            let mut flow = pages(1, move |n: u32| {
                assert!(n < 2, "fetch");
                run.spawn(move || Ok::<_, String>((n, Some(n + 1))))
            });
            assert_eq!(flow.next().unwrap().unwrap(), 1);
            assert_eq!(panic_message(flow.next().unwrap()), "fetch");
            assert!(flow.next().is_none());

            let mut flow = Flow::at_once(1..9, 2, |n: u32| Ok::<_, String>(n)).stage(|n| {
                assert!(n < 3, "stage");
                Ok(n)
            });
            assert_eq!((flow.next().unwrap().unwrap(), flow.next().unwrap().unwrap()), (1, 2));
            assert_eq!(panic_message(flow.next().unwrap()), "stage");
            assert!(flow.next().is_none());

            let inputs = (1..9).inspect(|n| assert!(*n < 2, "inputs"));
            let mut flow = Flow::at_once(inputs, 1, |n: u32| Ok::<_, String>(n));
            assert_eq!(flow.next().unwrap().unwrap(), 1);
            assert_eq!(panic_message(flow.next().unwrap()), "inputs");
            assert!(flow.next().is_none());
        });
    });
}

#[test]
fn panics_of_drops_are_contained() {
    watched(|| {
        survives(|pool| {
            let (bomb, run) = (Bomb, pool.clone());
            let flow = pages(1, move |n: u32| {
                _ = &bomb;
                run.spawn(move || Ok::<_, String>((n, (n < 2).then_some(n + 1))))
            });
            assert_eq!(flow.map(Result::unwrap).collect::<Vec<_>>(), [1, 2]);
            let run = pool.clone();
            let bombs = pages((), move |()| run.spawn(|| Ok::<_, String>((Bomb, Some(())))));
            flush(pool);
            drop(bombs.read_ahead(3));
        });
    });
}

#[test]
fn dropping_a_flow_cancels_what_is_under_way_and_starts_no_more() {
    watched(|| {
        let (deferred, promise) = Promise::<(u8, Option<()>), String>::deferred();
        let mut promise = Some(promise);
        let drops = DropCounter::default();
        let token = drops.token();
        let flow = pages((), move |()| {
            _ = &token;
            promise.take().expect("there is one page")
        });
        drop(flow);
        assert!(deferred.is_cancelled());
        assert_eq!(drops.dropped(), 1);
    });
}

#[test]
fn dropping_a_flow_that_waits_cancels_it_as_well() {
    watched(|| {
        let (deferred, promise) = Promise::<(u8, Option<()>), String>::deferred();
        let mut promise = Some(promise);
        let flow = pages((), move |()| promise.take().unwrap()).stage(Ok).stage(Ok);
        let mut stream = flow;
        assert!(stream.next_timeout(MOMENT).is_err());
        drop(stream);
        eventually("the request is cancelled", || deferred.is_cancelled());
    });
}

#[test]
fn dropping_what_is_made_at_once_cancels_all_of_it() {
    watched(|| {
        let calls = Calls::default();
        let mut flow = Flow::at_once(0..9, 3, calls.in_order());
        calls.end(0);
        assert_eq!(flow.next().unwrap().unwrap(), 0);
        let under_way: Vec<_> = (1..calls.count()).map(|number| calls.take(number)).collect();
        drop(flow);
        assert!(under_way.len() >= 2 && under_way.iter().all(|deferred| deferred.is_cancelled()));
    });
}

#[test]
fn a_flow_that_is_closed_while_a_step_begins_cancels_that() {
    watched(|| {
        let (pool, gate) = (one_worker(), Gate::new());
        let ((begins, begun), (go, goes), key) = (channel(), channel(), gate.key());
        let (deferred, promise) = Promise::<(u8, Option<u8>), String>::deferred();
        let (run, mut promise) = (pool.clone(), Some(promise));
        let flow = pages(0, move |n: u8| match n {
            0 => {
                let key = key.clone(); // this thread is to be through before the page is there
                run.spawn(move || {
                    key.wait();
                    Ok((0, Some(1)))
                })
            }
            _ => {
                begins.send(()).unwrap();
                goes.recv_timeout(PATIENCE).unwrap();
                promise.take().unwrap()
            }
        })
        .read_ahead(5);
        gate.open();
        begun.recv_timeout(PATIENCE).expect("the second step begins, on the worker");
        drop(flow);
        go.send(()).unwrap();
        eventually("its request is cancelled", || deferred.is_cancelled());
    });
}

#[test]
fn cancelling_the_whole_cancels_the_request_and_drops_the_rest() {
    watched(|| {
        let (deferred, promise) = Promise::<(u8, Option<()>), String>::deferred();
        let mut promise = Some(promise);
        let drops = DropCounter::default();
        let token = drops.token();
        let all = pages((), move |()| {
            _ = &token;
            promise.take().expect("there is one page")
        })
        .stage(Ok)
        .join();
        all.cancel();
        eventually("the request is cancelled", || deferred.is_cancelled());
        drop(all);
        eventually("its function is dropped", || drops.dropped() == 1);
    });
}

#[test]
fn a_pool_that_is_shut_down_ends_the_flow() {
    watched(|| {
        for how in [Shutdown::Drain, Shutdown::CancelQueued] {
            let pool = Pool::new(1);
            let (_, mut flow) = counted(&pool, usize::MAX);
            assert_eq!(flow.next().unwrap().unwrap(), 1);
            pool.shutdown(how, PATIENCE);
            let failures: Vec<_> = flow.filter_map(Result::err).collect();
            assert!(matches!(failures[..], [Failure::Abandoned]), "{failures:?}");
        }
    });
}

#[test]
fn an_executor_that_is_gone_ends_the_flow() {
    watched(|| {
        let queue = LocalQueue::new();
        let executor = queue.clone();
        let mut flow =
            pages(1, move |n: u32| Promise::<_, String>::ready((n, Some(n + 1))).via(&executor));
        assert_eq!(flow.next().unwrap().unwrap(), 1);
        drop(queue);
        assert_eq!(flow.next().unwrap().unwrap(), 2); // the flow's function has a handle
        drop(flow);
    });
}

#[test]
fn a_failed_stage_cancels_the_stages_before_it() {
    watched(|| {
        let pool = Pool::new(2);
        let (requests, flow) = counted(&pool, usize::MAX);
        let mut flow =
            flow.read_ahead(4).stage(|n| if n < 3 { Ok(n) } else { Err("full".to_owned()) });
        assert_eq!((flow.next().unwrap().unwrap(), flow.next().unwrap().unwrap()), (1, 2));
        assert!(is_error(flow.next().unwrap(), "full"));
        flush(&pool);
        let made = requests.load(Ordering::SeqCst);
        assert!(made <= 8, "{made} requests");
        assert!(flow.next().is_none());
    });
}

#[test]
fn the_way_of_a_failure_is_that_through_the_users_code() {
    watched(|| {
        let pool = one_worker();
        let mut all = pages(1, move |n: u32| {
            pool.spawn(move || if n < 3 { Ok((n, Some(n + 1))) } else { Err(format!("page {n}")) })
        })
        .stage(Ok)
        .join();
        assert!(is_error(all.get(PATIENCE), "page 3"));
        let trace = all.trace();
        let steps: Vec<_> = trace.steps().map(|step| step.kind()).collect();
        assert_eq!(steps, ["spawn", "pages", "stage"]);
        assert!(trace.steps().all(|step| step.file() == file!()), "{trace}");
    });
}
