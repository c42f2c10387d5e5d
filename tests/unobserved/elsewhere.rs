//! Failures on their way through something else: a list, a shield, an executor.

use crate::common::{Gate, flush, one_worker};
use crate::{Typed, alone_with_the_hook, failed, seen, texts, unseen};
use asynckit::{AsyncList, Flow, Job, Promise, pages};

/// I4: what `any` swallows is not reported, nor is what a loser does later.
#[test]
fn what_any_swallows_is_not_reported() {
    alone_with_the_hook(|| {
        let pool = one_worker();
        let gate = Gate::new();
        let key = gate.key();
        let late = pool.spawn(move || {
            key.wait();
            Err("no".to_owned())
        });
        gate.await_arrival(1);
        let list: AsyncList<u8, String> =
            [failed(), late, Promise::ready(1), failed()].into_iter().collect();
        assert_eq!(list.any().get(None).unwrap(), 1);
        gate.open();
        flush(&pool);
        drop(AsyncList::from_iter([Promise::ready(0), failed()]).race().get(None));
        assert_eq!(texts(), [""; 0]);
        drop(failed());
        assert_eq!(texts(), ["no"], "the hook works");
    });
}

/// I1 and G15: what comes after the cancellation is dropped like that of a detached promise.
#[test]
fn a_failure_that_comes_after_the_shield_was_cancelled_is_reported() {
    alone_with_the_hook(|| {
        let (deferred, promise) = Typed::<u8>::deferred();
        let shielded = promise.shield();
        shielded.cancel();
        drop(shielded);
        deferred.reject("after the shield".to_owned());
        let (deferred, promise) = Typed::<u8>::deferred();
        let (cancelled, canceller) = promise.cancellable();
        canceller.cancel();
        deferred.reject("after the canceller".to_owned());
        drop(cancelled);
        assert_eq!(texts(), ["after the shield"]);
    });
}

/// What its executor has refused with a failure in it is not lost in silence: it is reported.
#[test]
fn a_failure_whose_callback_was_refused_is_reported() {
    alone_with_the_hook(|| {
        let nobody: fn(Job) = drop;
        let failed = Typed::<u8>::failed("the refused error".to_owned());
        assert!(failed.via(nobody).catch(|_| Ok(1)).get(None).unwrap_err().is_abandoned());
        assert_eq!(texts(), ["the refused error"]);
    });
}

/// A page that was read ahead, and that nothing has asked for.
#[test]
fn a_failure_of_a_flow_is_reported_unless_it_was_taken() {
    alone_with_the_hook(|| {
        let failing = || {
            pages(1, |n: u8| match n {
                1 => Promise::ready((1, Some(2))),
                _ => failed().map(|n| (n, None)),
            })
        };
        seen("a page that was taken", |_| {
            let mut flow = failing();
            assert_eq!((flow.next().unwrap().unwrap(), flow.next().unwrap().is_err()), (1, true));
        });
        unseen("a page that was read ahead", |_| drop(failing().next()));
        seen("a flow that was joined", |_| drop(failing().join().get(None)));
        unseen("one of those at once", |_| {
            drop(Flow::at_once(0..2, 2, |n| if n == 0 { Promise::ready(0) } else { failed() }));
        });
    });
}
