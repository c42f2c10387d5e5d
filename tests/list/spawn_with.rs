//! `Pool::spawn_with` (conformance E32).

use crate::common::{
    DropCounter, Gate, Log, MOMENT, PATIENCE, flush, is_error, named_pool, one_worker, verdict,
    watched,
};
use asynckit::{AnyError, AsyncList, AsyncValue, Pool, Promise, Shutdown};

type Typed<T> = Promise<T, String>;

/// E32: runs once, when all inputs are there, with plain values; also those of a list.
#[test]
fn the_work_runs_once_when_all_inputs_are_there() {
    watched(|| {
        let pool = one_worker();
        let (a, first) = Typed::<u8>::deferred();
        let event = AsyncValue::<&str, String>::new();
        let (b, item) = Typed::<u8>::deferred();
        let list: AsyncList<u8, String> = [item, Promise::ready(3)].into_iter().collect();
        let plain: Result<u8, String> = Ok(4);
        let runs = Log::new();
        let log = runs.clone();
        let mut result = pool.spawn_with(
            (first, event.clone(), list, plain),
            move |number, text, list, plain| {
                log.add(());
                Ok(format!("{number} {text} {list:?} {plain}"))
            },
        );
        a.resolve(1);
        event.set("two").unwrap();
        flush(&pool);
        assert!(!result.is_set());
        b.resolve(2);
        assert_eq!(result.get(PATIENCE).unwrap(), "1 two [2, 3] 4");
        flush(&pool);
        assert_eq!(runs.entries().len(), 1);
    });
}

/// One promise, two, and twelve; what the work returns is adopted, and errors are as they are.
#[test]
fn one_to_twelve_inputs() {
    watched(|| {
        let pool = one_worker();
        let mut one = pool.spawn_with(pool.run(|| "42"), |text| {
            let n: u8 = text.parse()?;
            Ok(n)
        });
        assert_eq!(one.get(PATIENCE).unwrap(), 42);
        let again = pool.clone();
        let inputs = (Typed::ready(6), Typed::ready(7));
        let mut two = pool.spawn_with(inputs, move |a, b| again.spawn(move || Ok(a * b)));
        assert_eq!(two.get(PATIENCE).unwrap(), 42);
        let p = Typed::<u64>::ready;
        let mut twelve = pool.spawn_with(
            (p(1), p(2), p(3), p(4), p(5), p(6), p(7), p(8), p(9), p(10), p(11), p(12)),
            |a, b, c, d, e, f, g, h, i, j, k, l| Ok([a, b, c, d, e, f, g, h, i, j, k, l]),
        );
        assert_eq!(twelve.get(PATIENCE).unwrap(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        let mut list = pool.spawn_with(AsyncList::from_iter([p(1), p(2)]), |all| Ok(all.len()));
        assert_eq!(list.get(PATIENCE).unwrap(), 2);
        let mut fails =
            pool.spawn_with(pool.run(|| ()), |()| Err::<u8, _>(AnyError::msg("the work")));
        assert_eq!(fails.get(PATIENCE).unwrap_err().to_string(), "the work");
    });
}

/// E32: a failed input fails it at once, cancels the others, and the work is dropped unrun.
#[test]
fn a_failed_input_fails_it_at_once() {
    watched(|| {
        let pool = one_worker();
        let (gate, dropped) = (Gate::new(), DropCounter::default());
        let key = gate.key();
        drop(pool.run(move || key.wait())); // no worker is needed
        let (a, first) = Typed::<u8>::deferred();
        let (b, second) = Typed::<u8>::deferred();
        let token = dropped.token();
        let mut result = pool.spawn_with((first, second), move |_, _| {
            let _token = &token;
            if true {
                unreachable!("an input has failed")
            }
            Ok(())
        });
        b.reject("no".to_owned());
        assert!(result.is_set());
        assert!(a.is_cancelled());
        assert_eq!(dropped.dropped(), 1);
        assert!(is_error(result.get(None), "no"));
        let kinds: Vec<_> = result.trace().steps().map(|step| step.kind()).collect();
        assert_eq!(kinds, ["deferred", "join", "spawn_with"]);
    });
}

/// Unready inputs cost no thread.
#[test]
fn unready_inputs_cost_no_thread() {
    watched(|| {
        let pool = Pool::new(4);
        let (deferreds, results): (Vec<_>, Vec<_>) = (0..100_u64)
            .map(|n| {
                let (deferred, promise) = Typed::<u64>::deferred();
                let inputs = (promise, Typed::ready(n));
                (deferred, pool.spawn_with(inputs, |a, b| Ok(a + b)))
            })
            .unzip();
        std::thread::sleep(MOMENT);
        assert_eq!(pool.live_workers(), 0);
        deferreds.into_iter().for_each(|deferred| deferred.resolve(1));
        let mut list: AsyncList<u64, String> = results.into_iter().collect();
        assert_eq!(list.get(PATIENCE).unwrap(), (1..=100).collect::<Vec<_>>());
    });
}

/// It is a job of that pool: it runs there, behind what is queued, and what comes after it too.
#[test]
fn the_work_is_a_job_of_that_pool() {
    watched(|| {
        let (pool, other) = (named_pool(1, "dataflow"), one_worker());
        let (gate, log) = (Gate::new(), Log::new());
        let key = gate.key();
        drop(pool.run(move || key.wait()));
        gate.await_arrival(1);
        let (deferred, promise) = Typed::<u8>::deferred();
        let here = || std::thread::current().name().unwrap_or("?").starts_with("dataflow");
        let (first, second, third) = (log.clone(), log.clone(), log.clone());
        let result = pool.spawn_with((promise, other.spawn(|| Ok(1))), move |_, _| {
            second.add(("work", here()));
            Ok(())
        });
        let mut result = result.map(move |()| third.add(("after", here())));
        drop(pool.run(move || first.add(("queued", here()))));
        deferred.resolve(1);
        gate.open();
        result.get(PATIENCE).unwrap();
        assert_eq!(log.entries(), [("queued", true), ("work", true), ("after", true)]);
    });
}

/// Cancelling the result cancels the inputs; the work is dropped.
#[test]
fn cancelling_the_result_cancels_the_inputs() {
    watched(|| {
        let (a, first) = Typed::<u8>::deferred();
        let (b, second) = Typed::<u8>::deferred();
        let dropped = DropCounter::default();
        let token = dropped.token();
        let result = one_worker().spawn_with((first, second), move |a, b| {
            drop(token);
            Ok(a + b)
        });
        result.cancel();
        assert!(a.is_cancelled() && b.is_cancelled());
        assert_eq!(dropped.dropped(), 1);
    });
}

/// A pool that is shut down runs nothing more.
#[test]
fn a_pool_that_is_shut_down_abandons_it() {
    watched(|| {
        let pool = one_worker();
        let (deferred, promise) = Typed::<u8>::deferred();
        let mut early = pool.spawn_with((promise, Typed::ready(1)), |a, b| Ok(a + b));
        pool.shutdown(Shutdown::Drain, None);
        deferred.resolve(1);
        assert_eq!(verdict(&early.get(PATIENCE)), "Abandoned");
        let mut late = pool.spawn_with((Typed::ready(1), Typed::ready(1)), |a, b| Ok(a + b));
        assert_eq!(verdict(&late.get(PATIENCE)), "Abandoned");
    });
}
