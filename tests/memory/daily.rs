//! What the calls of every day ask of the allocator: sources of cancellation, live sets, loops.

use super::timers::ALONE;
use crate::common::alloc::Counter;
use crate::common::{PATIENCE, one_worker, watched};
use asynckit::{
    AsyncLazy, AsyncList, CancelSource, Pool, Promise, SingleFlight, TaskSet, buffered,
    repeat_until, unfold,
};
use std::iter::repeat;
use std::sync::mpsc::channel;
use std::time::Duration;

type Typed<T> = Promise<T, String>;

/// The most that `work` asks for in a round, of a thousand behind a first one.
pub(super) fn most_of_a_round(work: impl Fn()) -> usize {
    let counter = Counter::leaked();
    counter.count_this_thread();
    work();
    let asked = |_| {
        let before = counter.allocations();
        work();
        counter.allocations() - before
    };
    (0..1000).map(asked).max().expect("a thousand")
}

/// A relay is five (its source's list and policy, its promise, the way up); the reason, the places in tokens, and an
/// entry in a token's table come to that.
#[test]
fn a_promise_that_a_token_cancels_is_a_relay_and_some_words() {
    watched(|| {
        let (source, promise) = (CancelSource::new(), Typed::<u8>::deferred);
        let token = source.token();
        let plain = most_of_a_round(|| drop(promise().1.cancellable()));
        let by_token = most_of_a_round(|| drop(promise().1.cancel_by(&token)));
        assert!(by_token <= plain + 5, "{by_token}, and {plain} without a token");
        let child = most_of_a_round(|| drop(token.child()));
        assert!(child <= 4, "a child: {child}");
        let waits = most_of_a_round(|| drop(token.cancelled()));
        assert!(waits <= 4, "a promise of a cancellation: {waits}");
    });
}

/// What is pushed, what settles it, and what is taken: the list that watches it, its policy, and an entry among those
/// that are pending. A wait that is not in vain asks for one more.
#[test]
fn a_promise_of_a_set_is_three_allocations() {
    watched(|| {
        let set = TaskSet::<u8, String>::new();
        let each = most_of_a_round(|| {
            let (deferred, promise) = Typed::<u8>::deferred();
            set.push(promise);
            deferred.resolve(7);
            assert_eq!(set.next().unwrap().outcome.unwrap(), 7);
        });
        assert!(each <= 1 + 3, "{each}, with the promise itself");
    });
}

/// Outcomes in order: nothing for each, but the queue when it is made.
#[test]
fn an_outcome_in_order_is_no_allocation() {
    watched(|| {
        const EACH: usize = 100;
        let most = most_of_a_round(|| {
            let all = buffered((0..EACH).map(Typed::ready), 8);
            assert_eq!(all.map(Result::unwrap).sum::<usize>(), 4950);
        });
        assert!(most <= EACH + 3, "{most}, with {EACH} promises");
    });
}

/// Loops: what is behind a turn is gone when the next one begins.
#[test]
fn loops_take_constant_memory() {
    const TURNS: u32 = 10_000;
    watched(|| {
        let counter = Counter::leaked();
        let pool = one_worker();
        pool.run(|| counter.count_this_thread()).get(PATIENCE).unwrap();
        let flat = |name: &str, run: &dyn Fn(std::sync::mpsc::Sender<isize>)| {
            let (sender, samples) = channel();
            run(sender);
            let (early, late) = (samples.recv().unwrap(), samples.recv().unwrap());
            assert!(late - early < 4096, "{name}: {} bytes more", late - early);
        };
        let sample = |n, sender: &std::sync::mpsc::Sender<isize>| {
            if [TURNS / 10, TURNS].contains(&n) {
                sender.send(counter.live_bytes()).unwrap();
            }
        };
        flat("repeat_until", &|sender| {
            let on = pool.clone();
            let found = repeat_until(
                repeat(Duration::ZERO),
                |n| *n > TURNS,
                move |number| {
                    sample(number, &sender);
                    on.spawn(move || Ok::<u32, String>(number))
                },
            );
            assert_eq!({ found }.get(PATIENCE).unwrap(), TURNS + 1);
        });
        flat("unfold", &|sender| {
            let on = pool.clone();
            let all = unfold(0, move |n| {
                sample(n, &sender);
                on.spawn(move || Ok::<_, String>((n <= TURNS).then_some(((), n + 1))))
            });
            assert_eq!({ all }.get(PATIENCE).unwrap().len(), TURNS as usize + 1);
        });
    });
}

/// A run: the pause (its promise, its alarm, its place in the timer, and a link), and the run's own promise and link.
#[test]
fn periodic_work_takes_constant_memory() {
    watched(|| {
        let _alone = ALONE.lock();
        let (counter, pool) = (Counter::leaked(), Pool::new(1));
        pool.run(|| counter.count_this_thread()).get(PATIENCE).unwrap();
        let (sender, samples) = channel();
        let ticking = pool.repeat_every(Duration::from_micros(1), move |tick| {
            if [100, 1000].contains(&tick.number) {
                sender.send((counter.live_bytes(), counter.allocations())).unwrap();
            }
            if tick.number < 1000 { Ok(()) } else { Err("it is enough".to_owned()) }
        });
        let ((early, first), (late, last)) = (samples.recv().unwrap(), samples.recv().unwrap());
        drop(ticking);
        assert!(late - early < 300_000, "{} bytes more", late - early);
        assert!(last - first <= 900 * 10, "{} for a run", (last - first) / 900);
    });
}

/// As much as `settled`; and the winner of a set costs two promises more than what is taken by hand.
#[test]
fn a_join_of_all_and_a_race_of_a_set_ask_for_little() {
    watched(|| {
        let list = || AsyncList::from_iter([Typed::<u8>::ready(1), Typed::ready(2)]);
        let settled = most_of_a_round(|| drop(list().settled().get(None)));
        let joined = most_of_a_round(|| drop(list().join_all().get(None)));
        assert!(joined <= settled + 1, "{joined}, and {settled} of `settled`");
        let set = || TaskSet::from_iter([Typed::<u8>::ready(1), Typed::ready(2)]);
        let (by_hand, raced) = (
            most_of_a_round(|| drop(set().next())),
            most_of_a_round(|| drop(set().race().get(None))),
        );
        assert!(raced <= by_hand + 2, "{raced}, and {by_hand} by hand");
    });
}

/// A value that is there costs nothing; making one, the value and its promise beside what makes it.
#[test]
fn a_value_that_is_made_once_asks_for_little() {
    watched(|| {
        let lazy = AsyncLazy::<u8, String>::new(|| Typed::ready(1));
        let making = most_of_a_round(|| {
            lazy.forget();
            assert_eq!(lazy.get().get(None).unwrap(), &1);
        });
        assert!(making <= 1 + 2 + 1, "{making}, with the promise itself");
        let there = most_of_a_round(|| assert_eq!(lazy.get().get(None).unwrap(), &1));
        assert_eq!(there, 0);
        let flights = SingleFlight::<u8, u8, String>::new();
        let flight = most_of_a_round(|| {
            assert_eq!(flights.run(1, || Typed::ready(1)).get(None).unwrap(), &1)
        });
        assert!(flight <= 1 + 2 + 4, "{flight}: a key, a place, and a link more");
    });
}
