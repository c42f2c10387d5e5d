//! Chooses which thread runs next: a schedule is a number, and the same number is the same schedule.

use shuttle_engine::scheduler::{Schedule, Scheduler, Task, TaskId};
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::memory;
use crate::random::{Random, mix};

/// How threads are chosen.
enum Way {
    /// Any, at each step.
    Any,
    /// The same one goes on, but for once in so many steps.
    Sticky(usize),
    /// The one of the highest priority. Priorities are random; the thread that runs loses its own at a few steps
    /// that are random, too: probabilistic concurrency testing.
    Priorities { of: HashMap<TaskId, u64>, lowest: u64, changes: Vec<usize> },
}

/// A scheduler for one schedule after the other.
pub(crate) struct Chooser {
    schedules: std::vec::IntoIter<u64>,
    random: Random,
    way: Way,
    /// The clock goes on once in so many steps at which others could run, too; 0: never.
    clock: usize,
    step: usize,
    /// How many steps the schedules before had at the most.
    longest: usize,
    /// The schedule that is running.
    pub(crate) current: Rc<Cell<u64>>,
}

/// The number of a program's clock: it is the first thread that is started.
const CLOCK: usize = 1;

impl Chooser {
    pub(crate) fn new(schedules: Vec<u64>) -> Self {
        let (schedules, random) = (schedules.into_iter(), Random::new(0));
        let current = Rc::new(Cell::new(0));
        Chooser { schedules, random, way: Way::Any, clock: 0, step: 0, longest: 0, current }
    }

    fn any(&mut self, tasks: &[TaskId]) -> TaskId {
        tasks[self.random.below(tasks.len())]
    }

    fn choose(&mut self, tasks: &[TaskId], current: Option<TaskId>, yields: bool) -> TaskId {
        let here = current.filter(|current| tasks.contains(current));
        match &mut self.way {
            Way::Any => self.any(tasks),
            Way::Sticky(steps) => {
                let steps = *steps;
                match here.filter(|_| !yields) {
                    Some(current) if !self.random.one_in(steps) => current,
                    _ => self.any(tasks),
                }
            }
            Way::Priorities { of, lowest, changes } => {
                for task in tasks {
                    of.entry(*task).or_insert_with(|| self.random.next() | 1 << 63);
                }
                if let Some(current) = current.filter(|_| yields || changes.contains(&self.step)) {
                    *lowest -= 1;
                    of.insert(current, *lowest);
                }
                *tasks.iter().max_by_key(|task| of[task]).expect("one is runnable")
            }
        }
    }
}

impl Scheduler for Chooser {
    fn new_execution(&mut self) -> Option<Schedule> {
        let seed = self.schedules.next()?;
        self.current.set(seed);
        // Where memory is used again at once, what tells addresses apart may take one for another.
        memory::set_mode(seed & 3 != 0);
        crate::say(&format!("s {seed:#x}"));
        self.random = Random::new(mix(seed));
        self.longest = self.longest.max(self.step);
        self.step = 0;
        let random = &mut self.random;
        self.clock = random.pick(&[0, 0, 0, 1000, 100, 20]);
        self.way = match random.below(8) {
            0 | 1 => Way::Any,
            2 => Way::Sticky(3),
            3 => Way::Sticky(10),
            4 => Way::Sticky(40),
            _ => {
                // Not of what went before: a schedule is to be the same when it is run alone.
                let length = random.pick(&[300, 1000, 3000, 8000]);
                let count = 1 + random.below(6);
                let changes = (0..count).map(|_| random.below(length)).collect();
                Way::Priorities { of: HashMap::new(), lowest: 1 << 63, changes }
            }
        };
        Some(Schedule::new(seed))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        yields: bool,
    ) -> Option<TaskId> {
        self.step += 1;
        let clock = TaskId::from(CLOCK);
        let ticks = runnable.iter().any(|task| task.id() == clock);
        let tasks: Vec<_> = runnable
            .iter()
            .map(|task| task.id())
            .filter(|task| *task != clock && !(yields && Some(*task) == current))
            .collect();
        asynckit::controlled::idle(runnable.len() == 1);
        if ticks && self.clock > 0 && self.random.one_in(self.clock) {
            return Some(clock);
        }
        if tasks.is_empty() {
            // Whoever waits for others gives way to the clock when there are no others.
            return Some(if ticks { clock } else { current.unwrap_or(runnable[0].id()) });
        }
        Some(self.choose(&tasks, current, yields))
    }

    fn next_u64(&mut self) -> u64 {
        self.random.next()
    }
}
