//! Each public function is in the table, or here with a reason.

#[path = "../common/public.rs"]
mod public;

use crate::rows::ALL;
use std::collections::BTreeSet;
use std::path::Path;

const LOOKS: &str = "only looks";
const SETS: &str = "only a setting: neither a promise nor what it owns";
const WAITS: &str = "waits: what is waited for is the end `got by a worker`";
const AT_ONCE: &str = "takes or gives something at once, and nothing hangs behind it";
const END: &str = "one of the table's ends, or what its cells are made with";
const CLOSED: &str = "returns when all promises in it have settled: no line can hang behind it";
const SAME: &str = "the same as `map_err`, `from_callback` with a handler";
const LIKE_CANCEL: &str =
    "the same as `CancelSource::cancel`, at another time; as `CancelToken::child`, of several";
const LIKE_SET: &str = "of a set, whose promises are in the rows of its rest and its stream";
const ROOT: &str = "a root: nothing is in front of it; what a job owns is in the row `a job`";

/// Functions that no row is about, and why.
const LEFT_OUT: &[(&str, &[&str])] = &[
    (
        LOOKS,
        &[
            "AllFailed::failures",
            "AllFailed::indices",
            "AnyError::as_error",
            "AnyError::downcast_ref",
            "AsyncList::is_empty",
            "AsyncList::is_error",
            "AsyncList::is_set",
            "AsyncList::len",
            "AsyncOnce::get",
            "AsyncOnce::take",
            "AsyncLazy::forget",
            "SingleFlight::under_way",
            "AsyncValue::is_error",
            "AsyncValue::is_set",
            "AsyncValue::trace",
            "AsyncValue::try_get",
            "CancelReason::as_str",
            "CancelReason::current",
            "CancelSource::is_cancelled",
            "CancelToken::check",
            "CancelToken::is_cancelled",
            "CancelToken::reason",
            "Completed::trace",
            "Failure::downcast_ref",
            "Failure::is_abandoned",
            "Failure::is_cancelled",
            "Failure::is_empty",
            "Failure::is_error",
            "Failure::is_panicked",
            "Failure::is_taken",
            "Failure::is_timed_out",
            "Failure::is_would_deadlock",
            "KeyedCompleted::trace",
            "KeyedList::is_empty",
            "KeyedList::len",
            "Limiter::is_paused",
            "Limiter::under_way",
            "Limiter::waiting",
            "LocalQueue::is_empty",
            "LocalQueue::len",
            "Panic::location",
            "Panic::message",
            "Pool::live_workers",
            "Pool::metrics",
            "Pool::queued",
            "Pool::worker_count",
            "Processed::is_set",
            "Promise::is_error",
            "Promise::state",
            "Promise::trace",
            "TaskSet::is_empty",
            "TaskSet::len",
            "Serial::is_empty",
            "Serial::len",
            "Trace::is_empty",
            "Trace::left_out",
            "Trace::steps",
            "TraceStep::column",
            "TraceStep::file",
            "TraceStep::item",
            "TraceStep::key",
            "TraceStep::kind",
            "TraceStep::last_error",
            "TraceStep::line",
            "Unobserved::trace",
            "Unobserved::type_name",
        ],
    ),
    (
        SETS,
        &[
            "Backoff::cap",
            "Backoff::constant",
            "Backoff::exponential",
            "Backoff::factor",
            "Backoff::full_jitter",
            "Backoff::seeded_jitter",
            "Backoff::times",
            "Blocking::new",
            "Blocking::within",
            "Flow::read_ahead",
            "Limiter::per",
            "Limiter::pause",
            "Limiter::rate",
            "Limiter::resume",
            "Limiter::set_limit",
            "Pool::builder",
            "Pool::global",
            "Pool::set_worker_count",
            "PoolBuilder::build",
            "PoolBuilder::keep_alive",
            "PoolBuilder::max_spare_workers",
            "PoolBuilder::name",
            "PoolBuilder::on_drop",
            "PoolBuilder::on_thread_start",
            "PoolBuilder::on_thread_stop",
            "PoolBuilder::queue_limit",
            "PoolBuilder::stack_size",
            "PoolBuilder::workers",
            "set_unobserved_hook",
        ],
    ),
    (
        WAITS,
        &[
            "AsCompleted::next_timeout",
            "AsyncList::get",
            "AsyncList::wait",
            "AsyncValue::get",
            "AsyncValue::wait",
            "Buffered::next_timeout",
            "CancelToken::wait",
            "KeyedAsCompleted::next_timeout",
            "KeyedList::get",
            "Flow::next_timeout",
            "KeyedAsCompleted::next_timeout",
            "Limiter::wait_idle",
            "LocalQueue::get",
            "Pool::wait_for_room",
            "Processed::get",
            "Processed::raw",
            "Promise::wait",
            "TaskSet::next",
            "TaskSet::next_timeout",
            "TaskSet::wait",
            "Reporter::get",
            "blocking",
        ],
    ),
    (
        AT_ONCE,
        &[
            "AnyError::from_boxed",
            "AnyError::from_local",
            "AnyError::into_boxed",
            "AnyError::msg",
            "CallError::sort",
            "Failure::into_any",
            "Failure::map_error",
            "Flow::stream",
            "Panic::into_payload",
            "Panic::resume",
            "Limiter::clear",
            "Pool::detach",
            "PoolFull::into_inner",
            "Promise::try_get",
            "Reporter::advance",
            "Reporter::fraction",
            "Reporter::here",
            "Reporter::items",
            "Reporter::new",
            "Reporter::none",
            "own_error",
        ],
    ),
    (
        END,
        &[
            "Deferred::is_cancelled",
            "Pool::shutdown",
            "Processed::cancel",
            "Promise::cancel",
            "Promise::detach",
            "Promise::failed",
            "Promise::get",
            "Promise::is_set",
        ],
    ),
    #[cfg(feature = "memo")]
    (LOOKS, &["Memo::is_empty", "Memo::len"]),
    #[cfg(feature = "memo")]
    (SETS, &["Memo::capacity", "Memo::keep_failures", "Memo::new", "Memo::time_to_live"]),
    (SAME, &["Promise::any_error", "Promise::from_abortable"]),
    (
        LIKE_SET,
        &[
            "TaskPusher::push_keyed",
            "TaskSet::cancel",
            "TaskSet::cancel_all",
            "TaskSet::detach",
            "TaskSet::keyed",
            "TaskSet::push_keyed",
        ],
    ),
    (LIKE_CANCEL, &["CancelSource::cancel_after", "CancelSource::cancel_for", "CancelToken::any"]),
    (CLOSED, &["Pool::try_scope", "TryScope::spawn"]),
    (
        ROOT,
        &[
            "Limiter::idle",
            "Pool::attempt",
            "Pool::deferred_cancel_on_drop",
            "Pool::repeat_after",
            "Pool::repeat_every",
            "Pool::run",
            "Serial::run",
            "Promise::deferred",
            "Promise::delay",
            "delay",
            "spawn",
        ],
    ),
];

/// In rows, but no `pub fn`.
const OTHERS: &[&str] = &["IntoPromise::into_promise"];

fn all() -> BTreeSet<String> {
    let built: &[&str] = if cfg!(feature = "memo") { &["memo.rs"] } else { &[] };
    public::public(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), built)
}

fn in_rows() -> impl Iterator<Item = &'static str> {
    ALL.iter().flat_map(|group| group.1).flat_map(|row| row.uses).copied()
}

fn left_out() -> impl Iterator<Item = &'static str> {
    LEFT_OUT.iter().flat_map(|(_, names)| *names).copied()
}

#[test]
fn every_public_function_is_in_a_row_or_left_out_for_a_reason() {
    let known: BTreeSet<&str> = in_rows().chain(left_out()).collect();
    let missing: Vec<_> = all().into_iter().filter(|name| !known.contains(&**name)).collect();
    assert!(missing.is_empty(), "neither in a row nor left out: {missing:#?}");
}

#[test]
fn what_rows_name_exists_and_is_not_left_out_as_well() {
    let all = all();
    let exists = |name: &&str| all.contains(*name) || OTHERS.contains(name);
    let unknown: Vec<_> = in_rows().chain(left_out()).filter(|name| !exists(name)).collect();
    assert!(unknown.is_empty(), "there is no {unknown:#?}");
    let rows: BTreeSet<&str> = in_rows().collect();
    let both: Vec<_> = left_out().filter(|name| rows.contains(name)).collect();
    assert!(both.is_empty(), "in a row, and left out: {both:#?}");
}
