//! What hooks find goes along; whatever they do, the job runs, once.

use crate::common::alloc::Counter;
use crate::common::{PATIENCE, one_worker, watched};
use asynckit::{CapturedContext, Pool, Promise, add_context_hook};
use std::cell::Cell;
use std::sync::Once;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Nothing,
    Its,
    PanicsInCapture,
    PanicsBefore,
    PanicsBehind,
    PanicsInDrop,
    NotCall,
    CallsTwice,
    Spawns,
}

thread_local! {
    static DOES: Cell<Does> = const { Cell::new(Does::Nothing) };
    static INSIDE: Cell<Does> = const { Cell::new(Does::Nothing) };
}

struct Found(Does);

impl CapturedContext for Found {
    fn within(&self, work: &mut dyn FnMut()) {
        assert_ne!(self.0, Does::PanicsBefore, "a hook panics before the work");
        let outer = INSIDE.replace(self.0);
        match self.0 {
            Does::NotCall => {}
            Does::CallsTwice => {
                work();
                work();
            }
            _ => work(),
        }
        INSIDE.set(outer);
        assert_ne!(self.0, Does::PanicsBehind, "a hook panics behind the work");
    }
}

impl Drop for Found {
    fn drop(&mut self) {
        assert_ne!(self.0, Does::PanicsInDrop, "what a hook has taken along panics in its drop");
    }
}

fn capture() -> Option<Box<dyn CapturedContext>> {
    let does = DOES.get();
    assert_ne!(does, Does::PanicsInCapture, "a hook panics");
    if does == Does::Spawns {
        // It is not called for this.
        drop(Promise::<_>::ready(()).map(|()| ()));
        return Some(Box::new(Found(Does::Its)));
    }
    (does != Does::Nothing).then(|| Box::new(Found(does)) as Box<dyn CapturedContext>)
}

/// A job that was attached while the hook does so: what it has seen, and how often it was called.
fn attached(pool: &Pool, does: Does) -> (Does, u32) {
    static ADDED: Once = Once::new();
    ADDED.call_once(|| add_context_hook(capture));
    let outer = DOES.replace(does);
    let mut calls = 0;
    let mut job = pool.run(move || {
        calls += 1;
        (INSIDE.get(), calls)
    });
    DOES.set(outer);
    job.get(PATIENCE).expect("the job is run")
}

#[test]
fn what_a_hook_finds_is_current_around_the_job_and_no_other() {
    watched(|| {
        let pool = one_worker();
        assert_eq!(attached(&pool, Does::Its), (Does::Its, 1));
        assert_eq!(attached(&pool, Does::Nothing), (Does::Nothing, 1));
    });
}

#[test]
fn whatever_a_hook_does_the_job_is_run_once() {
    watched(|| {
        let pool = one_worker();
        assert_eq!(attached(&pool, Does::PanicsInCapture), (Does::Nothing, 1));
        assert_eq!(attached(&pool, Does::PanicsBefore), (Does::Nothing, 1));
        assert_eq!(attached(&pool, Does::PanicsBehind), (Does::PanicsBehind, 1));
        assert_eq!(attached(&pool, Does::NotCall), (Does::Nothing, 1));
        assert_eq!(attached(&pool, Does::CallsTwice), (Does::CallsTwice, 1));
        assert_eq!(attached(&pool, Does::PanicsInDrop), (Does::PanicsInDrop, 1));
        assert_eq!(attached(&pool, Does::Spawns), (Does::Its, 1));
        assert_eq!(pool.run(INSIDE_NOW).get(PATIENCE).unwrap(), Does::Nothing);
    });
}

const INSIDE_NOW: fn() -> Does = || INSIDE.get();

#[test]
fn a_panic_of_the_job_inside_of_a_hook_is_its_own() {
    watched(|| {
        let pool = one_worker();
        attached(&pool, Does::Its);
        DOES.set(Does::Its);
        let mut panics = pool.run(|| panic!("the job's own"));
        DOES.set(Does::Nothing);
        let Err(asynckit::Failure::Panicked(panic)) = panics.get(PATIENCE) else {
            panic!("it has not panicked");
        };
        assert_eq!(panic.message(), "the job's own");
        assert!(panic.location().is_some_and(|place| place.contains("hooks.rs")));
        let _: asynckit::Outcome<()> = panics.get(PATIENCE);
        assert_eq!(pool.run(INSIDE_NOW).get(PATIENCE).unwrap(), Does::Nothing);
    });
}

/// What the hook makes, and what carries it.
#[test]
fn a_hook_that_finds_something_costs_two_allocations_and_else_none() {
    watched(|| {
        let pool = one_worker();
        attached(&pool, Does::Its); // the hook is there
        let counter = Counter::leaked();
        counter.count_this_thread();
        let attach = |does| {
            let (deferred, promise) = Promise::<u8>::deferred();
            let before = counter.allocations();
            DOES.set(does);
            let promise = promise.map(|n| n + 1);
            DOES.set(Does::Nothing);
            let asked = counter.allocations() - before;
            drop((deferred, promise));
            asked
        };
        attach(Does::Nothing);
        let plain = attach(Does::Nothing);
        assert_eq!((attach(Does::Its), attach(Does::Nothing)), (plain + 2, plain));
    });
}
