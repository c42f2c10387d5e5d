//! No failure is lost in silence (conformance I1 to I7, C7): what is reported, once, and what is not.
//! The hook is the process's: these tests run one after the other.

#[path = "../common/mod.rs"]
mod common;
mod elsewhere;
mod hook;
mod seen;

use asynckit::{Pool, Promise, set_unobserved_hook};
use common::{eventually, flush, one_worker, watched};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

pub(crate) type Typed<T> = Promise<T, String>;

/// What the hook was told.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) text: String,
    pub(crate) type_name: &'static str,
    pub(crate) way: Vec<&'static str>,
    pub(crate) thread: ThreadId,
}

pub(crate) static TURN: Mutex<()> = Mutex::new(());
pub(crate) static REPORTS: Mutex<Vec<Report>> = Mutex::new(Vec::new());

pub(crate) fn reports() -> Vec<Report> {
    REPORTS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

pub(crate) fn texts() -> Vec<String> {
    let mut texts: Vec<_> = reports().into_iter().map(|report| report.text).collect();
    texts.sort();
    texts
}

pub(crate) fn note(unobserved: &asynckit::Unobserved) {
    let report = Report {
        text: unobserved.to_string(),
        type_name: unobserved.type_name(),
        way: unobserved.trace().steps().map(|step| step.kind()).collect(),
        thread: thread::current().id(),
    };
    REPORTS.lock().unwrap_or_else(PoisonError::into_inner).push(report);
}

/// One test at a time, with a hook that takes notes and a clean page.
pub(crate) fn alone_with_the_hook(body: impl FnOnce() + Send + 'static) {
    let _turn: MutexGuard<()> = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    set_unobserved_hook(note);
    REPORTS.lock().unwrap_or_else(PoisonError::into_inner).clear();
    watched(body);
}

pub(crate) fn no() -> Result<u8, String> {
    Err("no".to_owned())
}

pub(crate) fn failed() -> Typed<u8> {
    Promise::failed("no".to_owned())
}

/// Nothing is reported by `act`; whatever is to come has come when it returns.
#[track_caller]
pub(crate) fn seen(what: &str, act: impl FnOnce(&Pool)) {
    let pool = one_worker();
    act(&pool);
    drop(pool); // with all that it runs
    flush(Pool::global());
    assert_eq!(texts(), [""; 0], "{what}");
}

/// `act` has exactly one failure reported, which says "no".
#[track_caller]
pub(crate) fn unseen(what: &str, act: impl FnOnce(&Pool)) {
    let pool = one_worker();
    act(&pool);
    drop(pool);
    eventually("a report", || !reports().is_empty());
    flush(Pool::global());
    assert_eq!(texts(), ["no"], "{what}");
    REPORTS.lock().unwrap().clear();
}
