//! One thread that knows when which alarm is due.
//!
//! What is due it hands to others: see `ringers`. It is started with the first alarm, sleeps until the next one is due, and is woken only for an
//! alarm that is due before that. An alarm that is removed is gone at once; one that nobody wants any more, at the
//! latest when there are twice as many.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use super::ringers;
use crate::clock::{Alarm, Clock, Key, key};
use crate::failure::{contain, drop_quietly};
use crate::sync;
use crate::sync::thread;
use crate::sync::{Condvar, Mutex, MutexGuard};

/// So many alarms are taken out at a time, as long as who adds one waits.
const BATCH: usize = 256;

/// So many alarms may be there before those that nobody wants are looked for.
const FEW: usize = 64;

/// Has the alarm rung at its time; one that nobody wants is dropped.
pub(crate) fn add(key: Key, alarm: Box<dyn Alarm>) {
    if let Some(alarm) = Clock::keep(key, alarm) {
        TIMER.add(key, alarm, start);
    }
}

/// Drops an alarm, if it has not been rung.
pub(crate) fn remove(key: Key) {
    let alarm = Clock::take(key).unwrap_or_else(|| TIMER.lock().alarms.remove(&key));
    drop_quietly(alarm); // not under the lock
}

/// Removes its alarm when it is dropped.
#[derive(Debug)]
pub(crate) struct Guard(Key);

impl Guard {
    /// Has the alarm rung at this time, by this thread's clock, unless the guard is dropped before.
    pub(crate) fn new(at: Instant, alarm: Box<dyn Alarm>) -> Self {
        let key = key(Clock::current(), at);
        add(key, alarm);
        Guard(key)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        remove(self.0);
    }
}

sync::global! {
    static TIMER: Timer = Timer::new();
}

struct Timer {
    queue: Mutex<Queue>,
    /// Rung for the thread when an alarm is due before it would wake.
    bell: Condvar,
}

struct Queue {
    alarms: BTreeMap<Key, Box<dyn Alarm>>,
    keeper: Keeper,
    /// What the thread was woken for last. It sleeps until then also when that was removed before it
    /// could look: else each of many short-lived alarms could wake it.
    woken_for: Option<Instant>,
    /// When there are so many, those that nobody wants are looked for.
    full: usize,
}

/// The timer's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeper {
    /// Not started.
    Nobody,
    /// It will look at the queue before it sleeps.
    Awake,
    /// It will look at the queue then, or when somebody wakes it.
    Asleep(Option<Instant>),
}

impl Timer {
    const fn new() -> Self {
        Timer { queue: Mutex::new(Queue::new()), bell: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // No user code runs under this lock, so it is never poisoned half-way.
        self.queue.lock()
    }

    fn add(&self, key: Key, alarm: Box<dyn Alarm>, start: impl FnOnce() -> io::Result<()>) {
        let mut queue = self.lock();
        if alarm.is_unwanted() {
            drop(queue);
            return drop_quietly(alarm);
        }
        if queue.keeper == Keeper::Nobody {
            if start().is_err() {
                drop(queue);
                contain(|| alarm.refuse()); // what it holds is the user's
                return;
            }
            queue.keeper = Keeper::Awake;
        }
        let unwanted = queue.take_unwanted();
        queue.alarms.insert(key, alarm);
        if queue.must_wake(key.at) {
            queue.keeper = Keeper::Awake;
            queue.woken_for = Some(key.at);
            self.bell.notify_one();
        }
        drop(queue);
        unwanted.into_iter().for_each(drop_quietly); // not under the lock
    }

    /// The thread's life.
    fn keep(&self) {
        let mut due = Vec::with_capacity(BATCH);
        let mut queue = self.lock();
        loop {
            let now = sync::now();
            let until = queue.take_due(now, &mut due);
            if !due.is_empty() {
                drop(queue);
                ringers::ring(&mut due);
                queue = self.lock();
                continue; // there may be more
            }
            let look = ringers::look(now);
            let woken_for = queue.woken_for.take().filter(|at| *at > now);
            queue = self.sleep(queue, until.into_iter().chain(look).chain(woken_for).min());
        }
    }

    fn sleep<'a>(
        &'a self,
        mut queue: MutexGuard<'a, Queue>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, Queue> {
        queue.keeper = Keeper::Asleep(until);
        let left = until.map(|until| until.saturating_duration_since(sync::now()));
        queue = match left {
            Some(Duration::ZERO) => queue,
            Some(left) => self.bell.wait_timeout(queue, left).0,
            None => self.bell.wait(queue),
        };
        queue.keeper = Keeper::Awake;
        queue
    }
}

impl Queue {
    const fn new() -> Self {
        Queue { alarms: BTreeMap::new(), keeper: Keeper::Nobody, woken_for: None, full: FEW }
    }

    /// Where there are many alarms, takes out those that nobody wants: each is looked at as often as one is
    /// added, no more.
    fn take_unwanted(&mut self) -> Vec<Box<dyn Alarm>> {
        if self.alarms.len() < self.full {
            return Vec::new();
        }
        let unwanted = self.alarms.iter().filter(|(_, alarm)| alarm.is_unwanted());
        let keys: Vec<Key> = unwanted.map(|(key, _)| *key).collect();
        let taken = keys.iter().filter_map(|key| self.alarms.remove(key)).collect();
        self.full = FEW.max(2 * self.alarms.len());
        taken
    }

    /// Whether the thread has to be woken for an alarm at this time.
    fn must_wake(&self, at: Instant) -> bool {
        match self.keeper {
            Keeper::Asleep(until) => until.is_none_or(|until| at < until),
            Keeper::Nobody | Keeper::Awake => false,
        }
    }

    /// Takes out what is due, up to a batch of it. Gives the time of the first one that is left.
    fn take_due(&mut self, now: Instant, due: &mut Vec<Box<dyn Alarm>>) -> Option<Instant> {
        loop {
            let first = self.alarms.first_key_value().map(|(key, _)| key.at)?;
            if first > now || due.len() == BATCH {
                return Some(first);
            }
            due.extend(self.alarms.pop_first().map(|(_, alarm)| alarm));
        }
    }
}

/// Starts the timer's thread; called under its lock, once.
fn start() -> io::Result<()> {
    thread::Builder::new().name("asynckit-timer".to_owned()).spawn(|| TIMER.keep()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Arc;
    use crate::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Sends its number when it rings, and its negative when it is refused.
    struct Number(i32, Sender<i32>);

    impl Alarm for Number {
        fn is_unwanted(&self) -> bool {
            self.0 == 0
        }

        fn ring(self: Box<Self>) {
            self.1.send(self.0).unwrap();
        }

        fn refuse(self: Box<Self>) {
            self.1.send(-self.0).unwrap();
        }
    }

    /// A timer whose thread was never started, so that the test can be it.
    fn by_hand() -> (Timer, Instant, Sender<i32>, Receiver<i32>) {
        let (sender, receiver) = channel();
        (Timer::new(), Instant::now(), sender, receiver)
    }

    fn ring_due(timer: &Timer, now: Instant) -> Option<Instant> {
        let mut due = Vec::new();
        let until = timer.lock().take_due(now, &mut due);
        due.into_iter().for_each(|alarm| alarm.ring());
        until
    }

    #[test]
    fn due_alarms_ring_in_the_order_of_their_times() {
        // H12
        let (timer, now, sender, rung) = by_hand();
        let at = |seconds| now + Duration::from_secs(seconds);
        for (number, seconds) in [(3, 30), (1, 10), (2, 20), (4, 30)] {
            timer.add(
                key(Clock::REAL, at(seconds)),
                Box::new(Number(number, sender.clone())),
                || Ok(()),
            );
        }
        assert_eq!(ring_due(&timer, at(9)), Some(at(10)));
        assert_eq!(rung.try_iter().count(), 0);
        assert_eq!(ring_due(&timer, at(20)), Some(at(30)));
        assert_eq!(rung.try_iter().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(ring_due(&timer, at(99)), None);
        assert_eq!(rung.try_iter().collect::<Vec<_>>(), [3, 4], "a tie: as they were made");
        assert_eq!(ring_due(&timer, at(99)), None);
    }

    #[test]
    fn an_alarm_that_was_removed_does_not_ring() {
        // H12
        let (timer, now, sender, rung) = by_hand();
        let (first, second) = (key(Clock::REAL, now), key(Clock::REAL, now));
        timer.add(first, Box::new(Number(1, sender.clone())), || Ok(()));
        timer.add(second, Box::new(Number(2, sender.clone())), || Ok(()));
        assert!(timer.lock().alarms.remove(&first).is_some());
        assert_eq!(ring_due(&timer, now), None);
        assert_eq!(rung.try_iter().collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn the_thread_is_woken_only_for_what_is_due_before_it_wakes() {
        let (timer, now, ..) = by_hand();
        let later = now + Duration::from_secs(1);
        let must_wake = |keeper, at| Queue { keeper, ..Queue::new() }.must_wake(at);
        assert!(must_wake(Keeper::Asleep(None), later));
        assert!(must_wake(Keeper::Asleep(Some(later)), now));
        assert!(!must_wake(Keeper::Asleep(Some(now)), later));
        assert!(!must_wake(Keeper::Asleep(Some(now)), now));
        assert!(!must_wake(Keeper::Awake, now));
        assert_eq!(timer.lock().keeper, Keeper::Nobody);
    }

    #[test]
    fn what_nobody_wants_is_dropped() {
        let (timer, now, sender, rung) = by_hand();
        timer.add(key(Clock::REAL, now), Box::new(Number(0, sender)), || Ok(()));
        assert_eq!(ring_due(&timer, now), None);
        assert!(rung.try_iter().next().is_none());
    }

    #[test]
    fn what_nobody_wants_any_more_is_dropped_where_there_are_many() {
        struct Wanted(Arc<AtomicBool>);

        impl Alarm for Wanted {
            fn is_unwanted(&self) -> bool {
                !self.0.load(Ordering::Relaxed)
            }

            fn ring(self: Box<Self>) {}
        }

        let (timer, now, ..) = by_hand();
        let wanted = Arc::new(AtomicBool::new(true));
        let add =
            || timer.add(key(Clock::REAL, now), Box::new(Wanted(Arc::clone(&wanted))), || Ok(()));
        (0..3 * FEW).for_each(|_| add());
        assert_eq!(timer.lock().alarms.len(), 3 * FEW, "all of them are wanted");
        wanted.store(false, Ordering::Relaxed);
        let another = Arc::new(AtomicBool::new(true));
        (0..2 * FEW).for_each(|_| {
            timer.add(key(Clock::REAL, now), Box::new(Wanted(Arc::clone(&another))), || Ok(()));
        });
        assert!(timer.lock().alarms.len() <= 2 * FEW, "{}", timer.lock().alarms.len());
        assert_eq!(Arc::strong_count(&wanted), 1);
    }

    #[test]
    fn without_a_thread_an_alarm_is_refused_and_the_next_one_tries_again() {
        // H11
        let (timer, now, sender, rung) = by_hand();
        let none = || Err(io::ErrorKind::WouldBlock.into());
        timer.add(key(Clock::REAL, now), Box::new(Number(7, sender.clone())), none);
        assert_eq!(rung.try_iter().collect::<Vec<_>>(), [-7]);
        timer.add(key(Clock::REAL, now), Box::new(Number(8, sender)), || Ok(()));
        ring_due(&timer, now);
        assert_eq!(rung.try_iter().collect::<Vec<_>>(), [8]);
    }

    #[test]
    fn a_panic_of_what_is_refused_is_contained() {
        struct Bomb;

        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("a bomb was dropped");
            }
        }

        impl Alarm for Bomb {
            fn ring(self: Box<Self>) {}
        }

        let (timer, now, ..) = by_hand();
        timer.add(key(Clock::REAL, now), Box::new(Bomb), || Err(io::ErrorKind::WouldBlock.into()));
        assert_eq!(timer.lock().keeper, Keeper::Nobody);
    }

    #[test]
    fn a_guard_takes_its_alarm_along() {
        let (sender, rung) = channel();
        let alarm = Number(1, sender);
        let guard = Guard::new(Clock::REAL.after(Duration::MAX), Box::new(alarm));
        drop(guard);
        assert!(rung.recv().is_err(), "the alarm is gone, and with it the sender");
    }
}
