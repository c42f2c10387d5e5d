//! A bag that threads share. Its lock spins.

use crate::random::Random;
use crate::sync::{Guard, Lock};

pub(crate) struct Heap<T> {
    things: Lock<Vec<T>>,
    most: usize,
}

impl<T> Heap<T> {
    /// It holds up to `most` things.
    pub(crate) const fn new(most: usize) -> Self {
        Heap { things: Lock::new(Vec::new()), most }
    }

    fn lock(&self) -> Guard<'_, Vec<T>> {
        self.things.lock()
    }

    /// Puts one in. If the heap is full, another one falls out, and is dropped here.
    pub(crate) fn put(&self, thing: T, r: &mut Random) {
        drop(self.exchange(thing, r));
    }

    fn exchange(&self, thing: T, r: &mut Random) -> Option<T> {
        let at = r.below(self.most);
        let mut things = self.lock();
        if things.len() < self.most {
            things.push(thing);
            return None;
        }
        Some(std::mem::replace(&mut things[at], thing))
    }

    /// Puts one in, however full it is.
    pub(crate) fn force(&self, thing: T) {
        self.lock().push(thing);
    }

    /// Takes any one.
    pub(crate) fn take(&self, r: &mut Random) -> Option<T> {
        self.take_if(r, |_| true)
    }

    /// Takes one that fits, if it is found among a few.
    pub(crate) fn take_if(&self, r: &mut Random, fits: impl Fn(&T) -> bool) -> Option<T> {
        let start = usize::try_from(r.next() >> 32).unwrap_or(0);
        let mut things = self.lock();
        let count = things.len();
        let found = (0..count.min(4)).map(|n| (start + n) % count).find(|n| fits(&things[*n]))?;
        Some(things.swap_remove(found))
    }

    /// Another handle on any one.
    pub(crate) fn copy(&self, r: &mut Random) -> Option<T>
    where
        T: Clone,
    {
        let start = usize::try_from(r.next() >> 32).unwrap_or(0);
        let things = self.lock();
        let count = things.len();
        (count > 0).then(|| things[start % count].clone())
    }

    /// Takes all.
    pub(crate) fn clear(&self) -> Vec<T> {
        std::mem::take(&mut *self.lock())
    }
}
