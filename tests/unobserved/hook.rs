//! The hook: what it is told, when, and what it may do.

use crate::common::{
    Bomb, DropCounter, Gate, PATIENCE, alone, flush, held, named_thread, one_worker, survives,
    worker_id,
};
use crate::{REPORTS, Typed, alone_with_the_hook, failed, no, note, reports, texts};
use asynckit::{AnyError, Failure, Outcome, Pool, Promise, set_unobserved_hook};
use std::sync::Arc;
use std::thread;

/// I1: once, on the thread that drops it, with its text, its type and the way that it came.
#[test]
fn a_failure_dropped_unseen_is_reported_once() {
    alone_with_the_hook(|| {
        let pool = one_worker();
        let mut promise = pool.spawn(no).map(|n| n);
        assert!(promise.wait(PATIENCE));
        assert_eq!(texts(), [""; 0], "not before it is dropped");
        named_thread("dropper", move || {
            drop(promise);
            let [report] = &reports()[..] else { panic!("{:?}", reports()) };
            assert_eq!((report.text.as_str(), report.type_name), ("no", "alloc::string::String"));
            assert_eq!(
                (&report.way[..], report.thread),
                (&["spawn", "map"][..], thread::current().id())
            );
        })
        .join()
        .unwrap();
    });
}

/// I1: a promise that was dropped first: on the thread where its failure comes.
#[test]
fn a_failure_that_nobody_waits_for_is_reported_when_it_comes() {
    alone_with_the_hook(|| {
        let pool = one_worker();
        let worker = worker_id(&pool);
        let gate = Gate::new();
        drop(held(&pool, &gate, no));
        gate.open();
        flush(&pool);
        assert_eq!(reports().len(), 1);
        assert_eq!(reports()[0].thread, worker);
        let (deferred, promise) = Typed::<u8>::deferred();
        drop(promise);
        deferred.reject("mine".to_owned());
        assert_eq!(reports().len(), 2);
        assert_eq!(reports()[1].thread, thread::current().id());
    });
}

/// Display: the message of a panic, an `AnyError`, a `String`, a `&str` or an `io::Error`, else the name of the type.
#[test]
fn the_text_says_what_is_known() {
    #[derive(Debug)]
    struct Mine;
    fn report<E: Send + 'static>(outcome: Outcome<u8, E>) -> (String, &'static str) {
        drop(Promise::settled(outcome));
        let report = REPORTS.lock().unwrap().pop().expect("it is reported");
        (report.text, report.type_name)
    }
    alone_with_the_hook(|| {
        assert_eq!(report(Err(Failure::Error("owned".to_owned()))).0, "owned");
        assert_eq!(report(Err(Failure::Error("borrowed"))), ("borrowed".to_owned(), "&str"));
        let io = std::io::Error::other("the disk");
        assert_eq!(
            report(Err(Failure::Error(io))),
            ("the disk".to_owned(), "std::io::error::Error")
        );
        let any = AnyError::from(std::io::Error::other("the disk"));
        let (text, name) = report(Err(Failure::Error(any)));
        assert!(text == "the disk" && name.ends_with("AnyError"), "{text} {name}");
        let (text, name) = report(Err(Failure::Error(Mine)));
        assert!(text == name && name.ends_with("Mine"), "{text} {name}");
        let mut panicked: Promise<u8, Mine> =
            one_worker().spawn(|| -> Result<u8, Mine> { panic!("on {}", "purpose") });
        panicked.wait(PATIENCE);
        drop(panicked);
        let text = texts().pop().expect("it is reported");
        let (place, message) = text.rsplit_once(": ").expect("a place and a message");
        assert!(place.starts_with(&format!("panicked at {}:", file!())), "{text}");
        assert_eq!(message, "on purpose");
    });
}

/// I6: a hook that panics harms neither the thread that drops nor a worker, and what it was told of is dropped.
#[test]
fn a_hook_that_panics_is_contained() {
    alone_with_the_hook(|| {
        set_unobserved_hook(|unobserved| {
            note(unobserved);
            panic!("the hook");
        });
        survives(|pool| {
            drop(pool.spawn(no));
            drop(pool.spawn(|| Err::<u8, _>("no".to_owned())).map(|n| n));
            flush(pool);
            let drops = DropCounter::default();
            drop(Promise::<u8, _>::failed((drops.token(), Bomb)));
            assert_eq!(drops.dropped(), 1);
        });
        assert_eq!(reports().len(), 3);
    });
}

/// The same where what it throws throws again when it is dropped (which is leaked then: not for a leak checker).
#[test]
fn endless_panics_of_a_hook_are_contained() {
    alone_with_the_hook(|| {
        set_unobserved_hook(|unobserved| {
            note(unobserved);
            std::panic::panic_any(Bomb);
        });
        drop(failed());
        assert_eq!(reports().len(), 1);
    });
}

/// A hook may use the library: spawn, wait, drop other failures, set another hook.
#[test]
fn a_hook_may_use_the_library() {
    alone_with_the_hook(|| {
        let pool = Arc::new(alone());
        let own = pool.clone();
        set_unobserved_hook(move |unobserved| {
            note(unobserved);
            if unobserved.to_string() != "nested" {
                drop(Typed::<u8>::failed("nested".to_owned()));
                assert_eq!(own.run(|| 7).get(PATIENCE).unwrap(), 7);
            } else {
                set_unobserved_hook(note);
            }
        });
        drop(failed());
        assert_eq!(texts(), ["nested", "no"]);
        drop(failed());
        assert_eq!(texts(), ["nested", "no", "no"], "the hook that was set last counts");
        let again = pool.clone();
        let own = (**pool).clone();
        set_unobserved_hook(move |_| drop(again.run(|| 7).get(None)));
        let mut job = own.run(|| drop(failed()));
        assert!(job.get(PATIENCE).is_ok(), "on a worker, too");
        set_unobserved_hook(note);
    });
}

/// Many threads drop at once: each failure once.
#[test]
fn failures_dropped_on_many_threads_are_reported_once_each() {
    alone_with_the_hook(|| {
        let pool = Pool::new(2);
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let pool = pool.clone();
                named_thread("dropper", move || {
                    for n in 0..100 {
                        let text = format!("{thread} {n}");
                        drop(pool.spawn(move || Err::<u8, _>(text)).map(|n| n));
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(pool);
        let mut expected: Vec<String> =
            (0..4).flat_map(|t| (0..100).map(move |n| format!("{t} {n}"))).collect();
        expected.sort();
        assert_eq!(texts(), expected);
    });
}
