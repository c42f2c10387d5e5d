//! Following a promise, also in a loop, and waiting through it.

use loom::thread;

use super::{cancel_and_leave, get, links, popper};
use crate::cell::engine::{Pool, Promise, Result, World};
use crate::check;

/// A job, or a link behind one, returns the promise of another job; what is done meanwhile with the
/// tail.
fn adoption(bound: usize, shape: Shape, act: impl Fn(&World, Promise) + Sync + Send + 'static) {
    check(bound, move || {
        let world = World::default();
        let (inner_queued, inner) = world.job(None);
        let inner = links(&world, inner, shape.inner_links);
        let (outer_queued, tail) = if shape.by_link {
            let (queued, outer) = world.job(None);
            (queued, outer.then(&world, world.closure(Some(inner))))
        } else {
            world.job(Some(inner))
        };
        let tail = links(&world, tail, shape.outer_links);
        let outer_worker = if shape.outer_first {
            outer_queued.pop(&world);
            None
        } else {
            Some(popper(&world, outer_queued))
        };
        let inner_worker = popper(&world, inner_queued);
        act(&world, tail);
        if let Some(worker) = outer_worker {
            worker.join().unwrap();
        }
        inner_worker.join().unwrap();
        world.finish();
    });
}

#[derive(Clone, Copy, Default)]
struct Shape {
    /// It is a link that returns the promise, not the job.
    by_link: bool,
    /// Links behind what returns the promise.
    outer_links: usize,
    /// Links of the promise that is returned.
    inner_links: usize,
    /// The outer job has run before anything else happens.
    outer_first: bool,
}

#[test]
fn adoption_against_inner_wave() {
    adoption(3, Shape::default(), get);
}

#[test]
fn adoption_by_a_link_against_inner_wave() {
    adoption(3, Shape { by_link: true, outer_links: 1, inner_links: 1, ..Shape::default() }, get);
}

#[test]
fn adoption_against_drop() {
    adoption(3, Shape { by_link: true, ..Shape::default() }, |_, tail| tail.leave());
}

#[test]
fn adoption_against_cancel() {
    adoption(2, Shape::default(), |_, tail| cancel_and_leave(tail));
}

#[test]
fn adoption_by_a_link_against_cancel() {
    adoption(2, Shape { by_link: true, ..Shape::default() }, |_, tail| cancel_and_leave(tail));
}

/// However the two meet: what a cancelled chain follows is cancelled.
#[test]
fn adoption_against_cancel_reaches_the_inner_job() {
    check(3, || {
        let world = World::default();
        let (inner_queued, inner) = world.job(None);
        let (outer_queued, tail) = world.job(Some(inner));
        let worker = popper(&world, outer_queued);
        cancel_and_leave(tail);
        worker.join().unwrap();
        // Else its closure was dropped, and has let the inner job go.
        let outer_has_run = world.started() == 1;
        inner_queued.pop(&world);
        if outer_has_run {
            assert_eq!(world.started(), 1, "a job of a cancelled chain has run");
        }
        world.finish();
    });
}

#[test]
fn adopted_against_cancel() {
    adoption(4, Shape { outer_first: true, ..Shape::default() }, |_, tail| cancel_and_leave(tail));
}

#[test]
fn adopted_chain_against_cancel() {
    let shape = Shape { by_link: true, outer_links: 1, inner_links: 1, outer_first: true };
    adoption(4, shape, |_, tail| cancel_and_leave(tail));
}

#[test]
fn adopted_two_levels_deep_against_cancel() {
    check(3, || {
        let world = World::default();
        let (innermost_queued, innermost) = world.job(None);
        let (inner_queued, inner) = world.job(Some(innermost));
        let inner = links(&world, inner, 1);
        let (outer_queued, tail) = world.job(Some(inner));
        outer_queued.pop(&world);
        inner_queued.pop(&world);
        let worker = popper(&world, innermost_queued);
        cancel_and_leave(tail);
        worker.join().unwrap();
        world.finish();
    });
}

#[test]
fn adoption_two_levels_deep_against_cancel() {
    check(3, || {
        let world = World::default();
        let (innermost_queued, innermost) = world.job(None);
        let (inner_queued, inner) = world.job(Some(innermost));
        let inner = links(&world, inner, 1);
        let (outer_queued, tail) = world.job(Some(inner));
        outer_queued.pop(&world);
        let worker = popper(&world, inner_queued);
        cancel_and_leave(tail);
        worker.join().unwrap();
        innermost_queued.pop(&world);
        world.finish();
    });
}

/// A loop of `then(|| promise)`: the follower in the middle steps aside.
fn stepping_aside(bound: usize, act: impl Fn(&World, Promise) + Sync + Send + 'static) {
    check(bound, move || {
        let world = World::default();
        let (innermost_queued, innermost) = world.job(None);
        let (inner_queued, inner) = world.job(Some(innermost));
        let (outer_queued, tail) = world.job(Some(inner));
        outer_queued.pop(&world);
        let inner_worker = popper(&world, inner_queued);
        let innermost_worker = popper(&world, innermost_queued);
        act(&world, tail);
        inner_worker.join().unwrap();
        innermost_worker.join().unwrap();
        world.finish();
    });
}

/// The outermost job returns its promise while the one in the middle does.
#[test]
fn stepping_aside_against_adoption() {
    check(4, || {
        let world = World::default();
        let (innermost_queued, innermost) = world.job(None);
        let (inner_queued, inner) = world.job(Some(innermost));
        let (outer_queued, tail) = world.job(Some(inner));
        let outer_worker = popper(&world, outer_queued);
        inner_queued.pop(&world);
        outer_worker.join().unwrap();
        innermost_queued.pop(&world);
        get(&world, tail);
        world.finish();
    });
}

#[test]
fn stepping_aside_against_inner_wave() {
    stepping_aside(3, get);
}

#[test]
fn stepping_aside_against_cancel() {
    stepping_aside(2, |_, tail| cancel_and_leave(tail));
}

#[test]
fn stepping_aside_against_drop() {
    stepping_aside(2, |_, tail| tail.leave());
}

#[test]
fn a_deferred_follows_against_cancel() {
    check(4, || {
        let world = World::default();
        let (inner_queued, inner) = world.job(None);
        let (deferred, promise) = world.deferred();
        let tail = links(&world, promise, 1);
        let theirs = world.clone();
        let follower = thread::spawn(move || deferred.follow(&theirs, inner));
        cancel_and_leave(tail);
        inner_queued.pop(&world);
        follower.join().unwrap();
        world.finish();
    });
}

/// Promises that follow each other, one of them with some links, and some between the two that do so last: one of
/// these at least sees it, else nothing would ever be freed.
fn following_each_other(bound: usize, count: usize, between: usize) {
    check(bound, move || {
        let world = World::default();
        let ((one, first), (other, mut second)) = (world.deferred(), world.deferred());
        let first = links(&world, first, count);
        for _ in 0..between {
            let (middle, promise) = world.deferred();
            middle.follow(&world, std::mem::replace(&mut second, promise));
        }
        let theirs = world.clone();
        let follower = thread::spawn(move || one.follow(&theirs, second));
        other.follow(&world, first);
        follower.join().unwrap();
        world.finish();
    });
}

#[test]
fn two_cells_that_follow_each_other() {
    following_each_other(3, 0, 0);
}

#[test]
fn two_chains_that_follow_each_other() {
    following_each_other(3, 1, 0);
}

#[test]
fn three_that_follow_each_other() {
    following_each_other(3, 0, 1);
}

// ── Waiting through an adoption ──────────────────────────────────────────────────────────────────

#[test]
fn claim_of_an_inner_job_against_pop() {
    let shape = Shape { by_link: true, outer_links: 1, outer_first: true, ..Shape::default() };
    adoption(4, shape, |world, tail| {
        tail.claim(world, Pool::ONE);
        get(world, tail);
    });
}

#[test]
fn claim_during_adoption_against_pop() {
    adoption(2, Shape::default(), |world, tail| {
        tail.claim(world, Pool::ONE);
        get(world, tail);
    });
}

#[test]
fn claim_against_stepping_aside() {
    check(3, || {
        let world = World::default();
        let (innermost_queued, innermost) = world.job(None);
        let (inner_queued, inner) = world.job(Some(innermost));
        let (outer_queued, tail) = world.job(Some(inner));
        outer_queued.pop(&world);
        let worker = popper(&world, inner_queued);
        tail.claim(&world, Pool::ONE);
        innermost_queued.pop(&world);
        get(&world, tail);
        worker.join().unwrap();
        assert_eq!(world.started(), 3);
        world.finish();
    });
}

#[test]
fn a_look_two_levels_deep_against_the_inner_wave() {
    check(3, || {
        let world = World::default();
        let (innermost_queued, innermost) = world.job(None);
        let (inner_queued, inner) = world.job(Some(innermost));
        let (outer_queued, tail) = world.job(Some(links(&world, inner, 1)));
        outer_queued.pop(&world);
        inner_queued.pop(&world);
        let worker = popper(&world, innermost_queued);
        tail.claim(&world, Pool::TWO);
        worker.join().unwrap();
        get(&world, tail);
        world.finish();
    });
}

/// One cancels while another looks through the adoption, to claim something (in its own pool) or nothing.
fn cancel_against_look(bound: usize, pool: Pool, inner_runs: bool) {
    check(bound, move || {
        let world = World::default();
        let (inner_queued, inner) = world.job(None);
        let (outer_queued, tail) = world.job(Some(inner));
        outer_queued.pop(&world);
        let theirs = (world.clone(), tail.alias());
        let canceller = thread::spawn(move || theirs.1.cancel());
        let (worker, queued) = if inner_runs {
            (Some(popper(&world, inner_queued)), None)
        } else {
            (None, Some(inner_queued))
        };
        tail.claim(&world, pool);
        canceller.join().unwrap();
        tail.leave();
        if let Some(queued) = queued {
            let before = world.started();
            queued.pop(&world);
            assert_eq!(world.started(), before, "a job of a cancelled chain has run");
        }
        if let Some(worker) = worker {
            worker.join().unwrap();
        }
        world.finish();
    });
}

#[test]
fn cancel_against_claim_of_an_inner_job() {
    cancel_against_look(3, Pool::ONE, false);
}

#[test]
fn cancel_against_a_look_at_an_inner_job() {
    cancel_against_look(3, Pool::TWO, false);
}

#[test]
fn cancel_against_a_look_against_inner_wave() {
    cancel_against_look(2, Pool::TWO, true);
}
