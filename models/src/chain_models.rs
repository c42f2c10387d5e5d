//! The chain word: who starts a root, who frees it, and how a cancellation reaches it.

use loom::thread;

use crate::check;
use crate::engine::{Pool, Promise, Queued, Result, World};

fn popper(world: &World, queued: Queued) -> thread::JoinHandle<()> {
    let world = world.clone();
    thread::spawn(move || queued.pop(&world))
}

fn links(world: &World, promise: Promise, count: usize) -> Promise {
    (0..count).fold(promise, |promise, _| promise.then(world, world.closure(None)))
}

fn cancel_and_leave(world: &World, promise: Promise) {
    promise.cancel(world);
    assert!(promise.try_get().is_some(), "cancelled, and not settled");
    promise.leave();
}

// ── Start and claim ──────────────────────────────────────────────────────────────────────────────

fn claim_against_pop(count: usize, bound: usize) {
    check(bound, move || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let promise = links(&world, promise, count);
        let worker = popper(&world, queued);
        promise.claim(&world, Pool::ONE);
        assert_eq!(promise.get(&world), Result::Value);
        worker.join().unwrap();
        assert_eq!(world.started(), 1 + count);
        world.finish();
    });
}

#[test]
fn claim_against_pop_of_a_job() {
    claim_against_pop(0, 4);
}

#[test]
fn claim_against_pop_of_a_chain() {
    claim_against_pop(2, 4);
}

#[test]
fn claim_against_pop_then_drop() {
    check(4, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let worker = popper(&world, queued);
        promise.claim(&world, Pool::ONE);
        promise.leave();
        worker.join().unwrap();
        assert_eq!(world.started(), 1);
        world.finish();
    });
}

#[test]
fn a_worker_claims_from_its_own_pool_only() {
    check(4, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        promise.claim(&world, Pool::TWO);
        assert_eq!(world.started(), 0);
        let worker = popper(&world, queued);
        promise.leave();
        worker.join().unwrap();
        world.finish();
    });
}

// ── Cancel ───────────────────────────────────────────────────────────────────────────────────────

fn cancel_against_pop(count: usize, bound: usize) {
    check(bound, move || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let promise = links(&world, promise, count);
        let worker = popper(&world, queued);
        cancel_and_leave(&world, promise);
        worker.join().unwrap();
        world.finish();
    });
}

#[test]
fn cancel_against_pop_of_a_job() {
    cancel_against_pop(0, 4);
}

#[test]
fn cancel_against_pop_of_a_chain() {
    cancel_against_pop(2, 4);
}

#[test]
fn cancel_before_pop_runs_nothing() {
    check(4, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let promise = links(&world, promise, 1);
        promise.cancel(&world);
        let worker = popper(&world, queued);
        promise.leave();
        worker.join().unwrap();
        assert_eq!(world.started(), 0);
        world.finish();
    });
}

#[test]
fn a_cancelled_promise_stays_cancelled() {
    check(4, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let worker = popper(&world, queued);
        promise.cancel(&world);
        let cancelled = promise.is_cancelled();
        worker.join().unwrap();
        assert_eq!(promise.is_cancelled(), cancelled);
        promise.leave();
        world.finish();
    });
}

#[test]
fn a_link_attached_and_cancelled_against_pop() {
    check(4, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let worker = popper(&world, queued);
        cancel_and_leave(&world, links(&world, promise, 1));
        worker.join().unwrap();
        world.finish();
    });
}

#[test]
fn a_link_attached_after_cancel_against_pop() {
    check(4, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let worker = popper(&world, queued);
        promise.cancel(&world);
        links(&world, promise, 1).leave();
        worker.join().unwrap();
        world.finish();
    });
}

#[test]
fn two_cancels_against_pop() {
    check(4, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let promise = links(&world, promise, 1);
        let worker = popper(&world, queued);
        promise.cancel(&world);
        cancel_and_leave(&world, promise);
        worker.join().unwrap();
        world.finish();
    });
}

/// Two owners of one tail (a shared value's feeding link, say): one cancels, the other waits.
#[test]
fn cancel_against_claim_against_pop() {
    check(2, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let promise = links(&world, promise, 1);
        let worker = popper(&world, queued);
        let theirs = (world.clone(), promise.alias());
        let waiter = thread::spawn(move || theirs.1.claim(&theirs.0, Pool::ONE));
        promise.cancel(&world);
        waiter.join().unwrap();
        promise.leave();
        worker.join().unwrap();
        world.finish();
    });
}

#[test]
fn two_cancellers_against_pop() {
    check(3, || {
        let world = World::default();
        let (queued, promise) = world.job(None);
        let promise = links(&world, promise, 1);
        let worker = popper(&world, queued);
        let theirs = (world.clone(), promise.alias());
        let other = thread::spawn(move || theirs.1.cancel(&theirs.0));
        promise.cancel(&world);
        other.join().unwrap();
        promise.leave();
        worker.join().unwrap();
        world.finish();
    });
}

/// The deferred has settled by the state word alone; its chain goes on all the same.
#[test]
fn a_link_on_a_settled_deferred_against_cancel() {
    check(4, || {
        let world = World::default();
        let (deferred, promise) = world.deferred();
        deferred.resolve(&world);
        let (tail, posted) = promise.then_posted(&world, world.closure(None));
        let theirs = world.clone();
        let worker = thread::spawn(move || posted.unwrap().run(&theirs));
        cancel_and_leave(&world, tail);
        worker.join().unwrap();
        world.finish();
    });
}

// ── Cancellation handlers ────────────────────────────────────────────────────────────────────────

#[test]
fn a_handler_is_given_against_cancel() {
    check(4, || {
        let world = World::default();
        let (deferred, promise) = world.deferred();
        let theirs = world.clone();
        let giver = thread::spawn(move || {
            deferred.on_cancel(&theirs);
            deferred.on_cancel(&theirs);
            deferred
        });
        cancel_and_leave(&world, promise);
        let deferred = giver.join().unwrap();
        assert_eq!(world.handled(), 2, "before the cancellation or after it, each runs once");
        deferred.resolve(&world);
        world.finish();
    });
}

#[test]
fn a_handler_against_resolve_and_cancel() {
    check(4, || {
        let world = World::default();
        let (deferred, promise) = world.deferred();
        deferred.on_cancel(&world);
        let theirs = world.clone();
        let producer = thread::spawn(move || deferred.resolve(&theirs));
        let tail = links(&world, promise, 1);
        cancel_and_leave(&world, tail);
        producer.join().unwrap();
        assert!(world.handled() <= 1);
        world.finish();
    });
}

// ── Following a promise ──────────────────────────────────────────────────────────────────────────

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

fn get(world: &World, tail: Promise) {
    assert_eq!(tail.get(world), Result::Value);
}

#[test]
fn adoption_against_inner_wave() {
    adoption(4, Shape::default(), get);
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
    adoption(2, Shape::default(), cancel_and_leave);
}

#[test]
fn adoption_by_a_link_against_cancel() {
    adoption(2, Shape { by_link: true, ..Shape::default() }, cancel_and_leave);
}

/// However the two meet: what a cancelled chain follows is cancelled.
#[test]
fn adoption_against_cancel_reaches_the_inner_job() {
    check(3, || {
        let world = World::default();
        let (inner_queued, inner) = world.job(None);
        let (outer_queued, tail) = world.job(Some(inner));
        let worker = popper(&world, outer_queued);
        cancel_and_leave(&world, tail);
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
    adoption(4, Shape { outer_first: true, ..Shape::default() }, cancel_and_leave);
}

#[test]
fn adopted_chain_against_cancel() {
    let shape = Shape { by_link: true, outer_links: 1, inner_links: 1, outer_first: true };
    adoption(4, shape, cancel_and_leave);
}

#[test]
fn adopted_two_levels_deep_against_cancel() {
    check(4, || {
        let world = World::default();
        let (innermost_queued, innermost) = world.job(None);
        let (inner_queued, inner) = world.job(Some(innermost));
        let inner = links(&world, inner, 1);
        let (outer_queued, tail) = world.job(Some(inner));
        outer_queued.pop(&world);
        inner_queued.pop(&world);
        let worker = popper(&world, innermost_queued);
        cancel_and_leave(&world, tail);
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
        cancel_and_leave(&world, tail);
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
    stepping_aside(2, cancel_and_leave);
}

#[test]
fn stepping_aside_against_drop() {
    stepping_aside(3, |_, tail| tail.leave());
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
        cancel_and_leave(&world, tail);
        inner_queued.pop(&world);
        follower.join().unwrap();
        world.finish();
    });
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

/// One cancels while another looks through the adoption, to claim something (in its own pool) or nothing.
fn cancel_against_look(bound: usize, pool: Pool, inner_runs: bool) {
    check(bound, move || {
        let world = World::default();
        let (inner_queued, inner) = world.job(None);
        let (outer_queued, tail) = world.job(Some(inner));
        outer_queued.pop(&world);
        let theirs = (world.clone(), tail.alias());
        let canceller = thread::spawn(move || theirs.1.cancel(&theirs.0));
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

// ── A job that waits for something else than its turn ────────────────────────────────────────────

/// The value has come: what it does with a branch.
fn comes(world: &World, branch: Queued) -> thread::JoinHandle<()> {
    let world = world.clone();
    thread::spawn(move || {
        branch.offer(Pool::ONE);
        branch.pop(&world);
    })
}

#[test]
fn a_look_against_start() {
    check(4, || {
        let world = World::default();
        let (branch, promise) = world.branch();
        let promise = links(&world, promise, 1);
        let value = comes(&world, branch);
        promise.look();
        promise.claim(&world, Pool::ONE);
        assert_eq!(promise.get(&world), Result::Value);
        value.join().unwrap();
        assert_eq!(world.started(), 2);
        world.finish();
    });
}

#[test]
fn a_look_against_cancel() {
    check(4, || {
        let world = World::default();
        let (branch, promise) = world.branch();
        let (again, beside) = (promise.alias(), world.clone());
        let canceller = thread::spawn(move || again.cancel(&beside));
        promise.look();
        canceller.join().unwrap();
        assert!(promise.is_cancelled() && !promise.look());
        promise.leave();
        branch.pop(&world);
        world.finish();
    });
}

#[test]
fn a_look_against_a_look() {
    check(3, || {
        let world = World::default();
        let (branch, promise) = world.branch();
        let again = promise.alias();
        let other = thread::spawn(move || assert!(again.look()));
        assert!(promise.look());
        other.join().unwrap();
        promise.leave();
        branch.pop(&world);
        assert_eq!(world.started(), 1);
        world.finish();
    });
}

#[test]
fn who_wants_it_against_cancel() {
    check(4, || {
        let world = World::default();
        let (branch, promise) = world.branch();
        let promise = links(&world, promise, 2);
        let beside = world.clone();
        let canceller = thread::spawn(move || cancel_and_leave(&beside, promise));
        branch.is_wanted();
        branch.pop(&world);
        canceller.join().unwrap();
        world.finish();
    });
}

#[test]
fn who_wants_it_against_leave() {
    check(4, || {
        let world = World::default();
        let (branch, promise) = world.branch();
        let promise = links(&world, promise, 1);
        let leaver = thread::spawn(move || promise.leave());
        branch.is_wanted();
        leaver.join().unwrap();
        assert!(!branch.is_wanted());
        branch.pop(&world);
        world.finish();
    });
}

// ── A link that is queued ────────────────────────────────────────────────────────────────────────

/// A chain whose root has run, and whose link, `before` others behind the root, is queued; one more is behind it.
fn with_queued_link(world: &World, before: usize) -> Promise {
    let (job, promise) = world.job(None);
    let promise = links(world, promise, before).then(world, world.queued_closure());
    let promise = links(world, promise, 1);
    job.pop(world);
    assert_eq!(world.started(), 1 + before);
    promise
}

fn link_popper(world: &World) -> thread::JoinHandle<()> {
    let world = world.clone();
    thread::spawn(move || world.pop_links())
}

fn cancel_against_pop_of_a_link(before: usize) {
    check(4, move || {
        let world = World::default();
        let promise = with_queued_link(&world, before);
        let worker = link_popper(&world);
        cancel_and_leave(&world, promise);
        worker.join().unwrap();
        world.finish();
    });
}

#[test]
fn cancel_against_pop_of_a_link_behind_the_root() {
    cancel_against_pop_of_a_link(0);
}

#[test]
fn cancel_against_pop_of_a_link_further_down() {
    cancel_against_pop_of_a_link(1);
}

#[test]
fn a_cancelled_link_is_settled_at_once() {
    check(4, || {
        for before in [0, 1] {
            let world = World::default();
            let promise = with_queued_link(&world, before);
            cancel_and_leave(&world, promise);
            assert_eq!(world.started(), 1 + before);
            world.pop_links();
            assert_eq!(world.started(), 1 + before);
            world.finish();
        }
    });
}

#[test]
fn leave_and_get_against_pop_of_a_link() {
    for gets in [false, true] {
        check(4, move || {
            let world = World::default();
            let promise = with_queued_link(&world, 1);
            let worker = link_popper(&world);
            if gets {
                assert_eq!(promise.get(&world), Result::Value);
            } else {
                promise.leave();
            }
            worker.join().unwrap();
            assert_eq!(world.started(), 4);
            world.finish();
        });
    }
}

#[test]
fn a_link_of_a_root_that_is_in_its_queue_still() {
    check(3, || {
        let world = World::default();
        let (job, promise) = world.job(None);
        let promise = links(&world, promise.then(&world, world.queued_closure()), 1);
        promise.claim(&world, Pool::ONE);
        let worker = link_popper(&world);
        let other = popper(&world, job);
        promise.cancel(&world);
        promise.leave();
        worker.join().unwrap();
        other.join().unwrap();
        world.finish();
    });
}

#[test]
fn two_cancel_a_chain_with_a_queued_link() {
    check(3, || {
        let world = World::default();
        let promise = with_queued_link(&world, 0);
        let (again, beside) = (promise.alias(), world.clone());
        let other = thread::spawn(move || again.cancel(&beside));
        promise.cancel(&world);
        other.join().unwrap();
        promise.leave();
        world.pop_links();
        world.finish();
    });
}
