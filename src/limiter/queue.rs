//! Who may start, and when: counts and times, no promises.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// The place of a call that waits: the lowest starts first. Of the highest priority, and then the first that came.
pub(super) type Ticket = (Reverse<i32>, u64);

/// Those who wait, in the order in which they came, and what there is for them.
pub(super) struct Queue<W> {
    limit: usize,
    paused: bool,
    under_way: usize,
    rate: Option<Rate>,
    waiting: BTreeMap<Ticket, W>,
    next_ticket: u64,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<W> {
    /// This one may start; it counts as under way.
    Start(W),
    /// Somebody may start at this time.
    Later(Instant),
    /// Nobody waits, or somebody has to end first.
    Nothing,
}

impl<W> Queue<W> {
    pub(super) fn new(limit: usize, rate: Option<Rate>) -> Self {
        let (under_way, next_ticket) = (0, 0);
        Queue { limit, paused: false, under_way, rate, waiting: BTreeMap::new(), next_ticket }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    pub(super) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Whether no call is under way, and none waits.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way == 0 && self.waiting.is_empty()
    }

    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Somebody new comes. `true`: may start at once, and counts as under way.
    pub(super) fn try_start(&mut self, now: Instant) -> bool {
        self.waiting.is_empty() && self.allowed(now) == Next::Start(())
    }

    /// The place of a new call that has to wait.
    pub(super) fn ticket(&mut self, priority: i32) -> Ticket {
        self.next_ticket += 1;
        (Reverse(priority), self.next_ticket)
    }

    pub(super) fn wait(&mut self, ticket: Ticket, waiter: W) {
        self.waiting.insert(ticket, waiter);
    }

    /// Somebody does not want to wait any more.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<W> {
        self.waiting.remove(&ticket)
    }

    /// Takes one out who shall wait no more.
    pub(super) fn give_up(&mut self) -> Option<W> {
        self.waiting.pop_first().map(|entry| entry.1)
    }

    pub(super) fn next(&mut self, now: Instant) -> Next<W> {
        if self.waiting.is_empty() {
            return Next::Nothing;
        }
        match self.allowed(now) {
            Next::Start(()) => self.waiting.pop_first().map_or(Next::Nothing, |w| Next::Start(w.1)),
            Next::Later(at) => Next::Later(at),
            Next::Nothing => Next::Nothing,
        }
    }

    /// Takes what one start needs, if it is there.
    fn allowed(&mut self, now: Instant) -> Next<()> {
        if self.paused || self.under_way >= self.limit {
            return Next::Nothing;
        }
        let allowed = self.rate.as_mut().map_or(Next::Start(()), |rate| rate.take(now));
        if allowed == Next::Start(()) {
            self.under_way += 1;
        }
        allowed
    }

    /// One that may start has done so.
    pub(super) fn started(&mut self, now: Instant) {
        if let Some(rate) = &mut self.rate {
            rate.started(now);
        }
    }

    /// One is not under way any more.
    pub(super) fn ended(&mut self, had_started: bool) {
        self.under_way -= 1;
        if let (Some(rate), false) = (&mut self.rate, had_started) {
            rate.fresh += 1;
        }
    }
}

/// So many starts in any interval, wherever it begins: each start takes one of so many tokens, which
/// is there again an interval later.
pub(super) struct Rate {
    interval: Duration,
    /// Tokens that may be taken now.
    fresh: usize,
    /// When those that were used may be taken again, ascending.
    used: VecDeque<Instant>,
}

impl Rate {
    pub(super) fn new(starts: usize, interval: Duration) -> Self {
        Rate { interval, fresh: starts, used: VecDeque::new() }
    }

    fn take(&mut self, now: Instant) -> Next<()> {
        match self.used.front() {
            _ if self.fresh > 0 => self.fresh -= 1,
            Some(at) if *at <= now => _ = self.used.pop_front(),
            Some(at) => return Next::Later(*at),
            None => return Next::Nothing, // those that have them start, or give them back
        }
        Next::Start(())
    }

    fn started(&mut self, now: Instant) {
        // Those that are there again: of a high rate that is not used up, nothing is kept.
        while self.used.front().is_some_and(|at| *at <= now) {
            self.used.pop_front();
            self.fresh += 1;
        }
        // Beyond what the clock can show is never.
        if let Some(again) = now.checked_add(self.interval) {
            self.used.push_back(again);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rated(limit: usize, starts: usize) -> (Queue<u8>, Instant) {
        (Queue::new(limit, Some(Rate::new(starts, SECOND))), Instant::now())
    }

    fn push(queue: &mut Queue<u8>, waiter: u8) -> Ticket {
        let ticket = queue.ticket(0);
        queue.wait(ticket, waiter);
        ticket
    }

    #[test]
    fn so_many_are_under_way_and_the_others_follow_in_their_order() {
        // J11
        let (mut queue, now) = (Queue::new(2, None), Instant::now());
        assert!(queue.try_start(now) && queue.try_start(now) && !queue.try_start(now));
        for waiter in 0..3 {
            push(&mut queue, waiter);
        }
        assert_eq!(queue.next(now), Next::Nothing);
        queue.ended(true);
        assert!(!queue.try_start(now), "nobody overtakes");
        assert_eq!(queue.next(now), Next::Start(0));
        assert_eq!(queue.next(now), Next::Nothing);
        queue.ended(true);
        queue.ended(true);
        assert_eq!((queue.next(now), queue.next(now)), (Next::Start(1), Next::Start(2)));
        assert_eq!((queue.under_way(), queue.waiting()), (2, 0));
    }

    #[test]
    fn who_leaves_is_passed_over() {
        // J12
        let (mut queue, now) = (Queue::new(1, None), Instant::now());
        assert!(queue.try_start(now));
        let tickets = [0, 1, 2].map(|waiter| push(&mut queue, waiter));
        assert_eq!(queue.leave(tickets[0]), Some(0));
        assert_eq!(queue.leave(tickets[1]), Some(1));
        assert_eq!(queue.leave(tickets[1]), None);
        queue.ended(true);
        assert_eq!(queue.next(now), Next::Start(2));
        assert_eq!(queue.leave(tickets[2]), None, "too late");
    }

    #[test]
    fn the_highest_priority_starts_first_and_of_the_same_the_first_that_came() {
        let (mut queue, now) = (Queue::new(1, None), Instant::now());
        assert!(queue.try_start(now));
        for (waiter, priority) in [(0, -1), (1, 0), (2, 7), (3, 0), (4, i32::MIN), (5, i32::MAX)] {
            let ticket = queue.ticket(priority);
            queue.wait(ticket, waiter);
        }
        let order = (0..6).map(|_| {
            queue.ended(true);
            queue.next(now)
        });
        assert!(order.eq([5, 2, 1, 3, 0, 4].map(Next::Start)));
    }

    #[test]
    fn nothing_starts_in_a_pause_nor_above_another_limit() {
        let (mut queue, now) = (Queue::new(3, None), Instant::now());
        assert!(queue.try_start(now) && queue.try_start(now));
        queue.set_paused(true);
        assert!(!queue.try_start(now));
        push(&mut queue, 0);
        assert_eq!(queue.next(now), Next::Nothing);
        queue.set_paused(false);
        queue.set_limit(1);
        assert_eq!(queue.next(now), Next::Nothing, "two are under way");
        queue.ended(true);
        assert_eq!(queue.next(now), Next::Nothing);
        queue.ended(true);
        assert_eq!(queue.next(now), Next::Start(0));
        assert!(!queue.is_idle());
        queue.ended(true);
        assert!(queue.is_idle());
    }

    #[test]
    fn in_no_interval_are_more_starts_than_allowed() {
        // J13
        let (mut queue, begin) = rated(usize::MAX, 3);
        (0..20).for_each(|waiter| _ = push(&mut queue, waiter));
        let (mut now, mut starts) = (begin, Vec::new());
        while starts.len() < 20 {
            match queue.next(now) {
                Next::Start(_) => {
                    now += SECOND / 10; // it takes a while until it has started
                    queue.started(now);
                    starts.push(now);
                }
                Next::Later(at) => now = at,
                Next::Nothing => panic!("nobody else has a token"),
            }
        }
        assert!(starts.windows(4).all(|four| four[3] - four[0] >= SECOND), "{starts:?}");
        assert!(now - begin < SECOND * 8, "no slower than it has to be");
    }

    #[test]
    fn a_token_that_was_not_used_is_there_at_once() {
        let (mut queue, now) = rated(usize::MAX, 1);
        assert!(queue.try_start(now));
        push(&mut queue, 7);
        assert_eq!(queue.next(now), Next::Nothing, "it may still be used");
        queue.ended(false);
        assert_eq!(queue.next(now), Next::Start(7));
        queue.started(now);
        queue.ended(true);
        push(&mut queue, 8);
        assert_eq!(queue.next(now), Next::Later(now + SECOND));
    }

    #[test]
    fn a_rate_that_is_not_used_up_keeps_no_old_starts() {
        let (mut queue, begin) = rated(usize::MAX, usize::MAX);
        for n in 0..1000 {
            let now = begin + SECOND * n;
            assert!(queue.try_start(now));
            queue.started(now);
            queue.ended(true);
        }
        assert_eq!(queue.rate.map(|rate| rate.used.len()), Some(1));
    }

    #[test]
    fn both_limits_hold() {
        let (mut queue, now) = rated(1, 2);
        assert!(queue.try_start(now) && !queue.try_start(now));
        queue.started(now);
        queue.ended(true);
        assert!(queue.try_start(now));
        queue.started(now);
        queue.ended(true);
        assert!(!queue.try_start(now) && queue.try_start(now + SECOND));
    }
}
