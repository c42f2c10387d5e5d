//! What is in failures, panics, traces and reports.

use std::error::Error;

use asynckit::{AnyError, Failure, Panic, Promise, Trace, Unobserved, set_unobserved_hook};

use super::{Operation, operation};
use crate::callback::callback;
use crate::finding::OnPurpose;
use crate::held::{Held, LAST};
use crate::pools::Handle;
use crate::random::Random;
use crate::sync::Lock;
use crate::value::{Fault, check_failure, without};

pub(super) const OPERATIONS: &[Operation] = &[
    operation(
        "failure",
        &[
            "Failure::is_error",
            "Failure::is_panicked",
            "Failure::is_cancelled",
            "Failure::is_timed_out",
            "Failure::is_abandoned",
            "Failure::is_taken",
            "Failure::is_would_deadlock",
            "Failure::is_empty",
            "Failure::map_error",
            "Failure::into_any",
            "Failure::downcast_ref",
        ],
        failure,
    ),
    operation(
        "panic",
        &["Panic::message", "Panic::location", "Panic::into_payload", "Panic::resume"],
        panic,
    ),
    operation(
        "AnyError",
        &[
            "AnyError::msg",
            "AnyError::from_boxed",
            "AnyError::from_local",
            "AnyError::into_boxed",
            "AnyError::as_error",
            "AnyError::downcast_ref",
        ],
        any_error,
    ),
    operation(
        "trace",
        &[
            "Trace::steps",
            "Trace::left_out",
            "Trace::is_empty",
            "TraceStep::kind",
            "TraceStep::file",
            "TraceStep::line",
            "TraceStep::column",
            "TraceStep::item",
            "TraceStep::key",
            "TraceStep::last_error",
        ],
        trace,
    ),
    operation(
        "unobserved hook",
        &["set_unobserved_hook", "Unobserved::trace", "Unobserved::type_name"],
        hook,
    )
    .seldom(),
];

fn failure(r: &mut Random) {
    let mut held = Held::any(r);
    if let Some(Err(failure)) = held.it.try_get() {
        check_failure(&failure);
        let copy = failure.clone();
        let tests = [
            copy.is_error(),
            copy.is_panicked(),
            copy.is_cancelled(),
            copy.is_timed_out(),
            copy.is_abandoned(),
            copy.is_taken(),
            copy.is_would_deadlock(),
            copy.is_empty(),
        ];
        assert_eq!(tests.iter().filter(|is| **is).count(), 1);
        drop(failure);
        let dynamic = match r.below(2) {
            0 => copy.map_error(AnyError::from),
            _ => copy.into_any(),
        };
        let is_fault = dynamic.downcast_ref::<Fault>().map(Fault::check).is_some();
        assert_eq!(is_fault, dynamic.is_error());
        assert!(!format!("{dynamic:?} {dynamic} {:?}", dynamic.source().is_some()).is_empty());
    }
    held.keep(r);
}

fn panic(r: &mut Random) {
    let mut promise = Handle::any(r).run(|| crate::finding::panic_on_purpose());
    let outcome: Result<(), _> = promise.get(super::wait::moment(r));
    let Err(Failure::Panicked(panic)) = outcome else { return };
    let copy: Panic = panic.clone();
    assert!(!panic.message().is_empty());
    assert!(panic.location().is_some_and(|place| place.contains(".rs:")), "{panic}");
    match r.below(3) {
        0 => assert!(panic.into_payload().is_some_and(|payload| payload.is::<OnPurpose>())),
        1 => {
            let resumed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panic.resume()));
            assert!(resumed.is_err());
        }
        _ => {}
    }
    drop(copy);
}

/// Errors of any type, through promises of them.
fn any_error(r: &mut Random) {
    let fault = Fault::new(r);
    let error: AnyError = match r.below(5) {
        0 => AnyError::msg(&fault),
        1 => AnyError::from_boxed(Box::new(fault)),
        2 => AnyError::from_local(Box::new(fault)),
        3 => AnyError::from_boxed(AnyError::from(fault).into_boxed()),
        _ => fault.into(),
    };
    assert!(!error.as_error().to_string().is_empty());
    let again = error.clone();
    again.downcast_ref::<Fault>().into_iter().for_each(Fault::check);
    let own = Fault::new(r);
    let promise = Handle::any(r).spawn(move || {
        Promise::<u8>::failed(error).get(None)?;
        Ok(())
    });
    let value = crate::value::Value::new(r);
    Held::new(promise.map(|()| value).map_err(move |error: AnyError| without(own, error)), 0)
        .keep(r);
}

fn walk(trace: &Trace) {
    for step in trace.steps() {
        assert!(!step.kind().is_empty() && !step.file().is_empty());
        assert!(step.line() > 0 && step.column() > 0);
        assert!(step.item().is_none() || step.key().is_none());
    }
    assert!(trace.left_out() == 0 || !trace.is_empty());
    drop(trace.to_string());
}

fn trace(r: &mut Random) {
    let held = Held::any(r);
    walk(&held.it.trace());
    held.keep(r);
}

/// A new hook, which also does something; the old one is dropped.
fn hook(r: &mut Random) {
    let callback = Lock::new(Some(callback(r, LAST)));
    set_unobserved_hook(move |unobserved: &Unobserved| {
        walk(unobserved.trace());
        assert!(!unobserved.type_name().is_empty() && !unobserved.to_string().is_empty());
        let callback = callback.lock().take();
        if let Some(callback) = callback {
            callback.run("unobserved hook");
        }
    });
}

/// The last hook goes, and what it owns.
pub(crate) fn drop_hook() {
    set_unobserved_hook(|_| ());
}
