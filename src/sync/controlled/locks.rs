//! Locks that block only the thread of a schedule.

use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

use shuttle_engine::runtime::task::TaskId;

use super::execution::{
    before, block, block_until, end_of, inside, look_at, me, point, random, spent, unblock,
};

/// A lock without poison.
#[derive(Default)]
pub struct Mutex<T: ?Sized> {
    waiters: std::sync::Mutex<Vec<TaskId>>,
    inner: std::sync::Mutex<T>,
}

/// Unlocks when it is dropped.
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    inner: Option<std::sync::MutexGuard<'a, T>>,
}

#[expect(missing_docs, reason = "as in the standard library")]
impl<T> Mutex<T> {
    pub const fn new(value: T) -> Self {
        Mutex { waiters: std::sync::Mutex::new(Vec::new()), inner: std::sync::Mutex::new(value) }
    }

    pub fn into_inner(self) -> T {
        self.inner.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

fn own<T: ?Sized>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(missing_docs, reason = "as in the standard library")]
impl<T: ?Sized> Mutex<T> {
    pub fn lock(&self) -> MutexGuard<'_, T> {
        before(&self.waiters);
        loop {
            if let Some(guard) = self.take() {
                return guard;
            }
            assert!(inside(), "locked by a thread of a schedule that is over");
            own(&self.waiters).push(me());
            block();
        }
    }

    /// `None`: it is locked.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        before(&self.waiters);
        self.take()
    }

    fn take(&self) -> Option<MutexGuard<'_, T>> {
        let inner = match self.inner.try_lock() {
            Ok(inner) => inner,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(MutexGuard { mutex: self, inner: Some(inner) })
    }

    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    fn unlocked(&self) {
        look_at(&self.waiters);
        let waiters = std::mem::take(&mut *own(&self.waiters));
        if inside() {
            waiters.into_iter().for_each(unblock);
        }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        point();
        self.inner = None;
        self.mutex.unlocked();
        point();
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.inner.as_ref().expect("there until it is dropped")
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.inner.as_mut().expect("there until it is dropped")
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").finish_non_exhaustive()
    }
}

/// A bell that threads wait for, behind a [`Mutex`].
#[derive(Debug, Default)]
pub struct Condvar(std::sync::Mutex<VecDeque<(TaskId, Arc<AtomicBool>)>>);

#[expect(missing_docs, reason = "as in the standard library")]
impl Condvar {
    pub const fn new() -> Self {
        Condvar(std::sync::Mutex::new(VecDeque::new()))
    }

    fn ring(&self, waiter: Option<(TaskId, Arc<AtomicBool>)>) {
        if let Some((id, rung)) = waiter {
            rung.store(true, Ordering::Relaxed);
            unblock(id);
        }
    }

    pub fn notify_one(&self) {
        before(self);
        let mut waiters = own(&self.0);
        let count = waiters.len() as u64;
        let index = if count < 2 { 0 } else { random() % count };
        let waiter = waiters.remove(usize::try_from(index).expect("below a usize"));
        drop(waiters);
        self.ring(waiter);
        point();
    }

    pub fn notify_all(&self) {
        before(self);
        let waiters = std::mem::take(&mut *own(&self.0));
        waiters.into_iter().for_each(|waiter| self.ring(Some(waiter)));
        point();
    }

    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.wait_until(guard, None).0
    }

    /// `true`: the time is over.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        self.wait_until(guard, Some(end_of(limit)))
    }

    fn wait_until<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        end: Option<Duration>,
    ) -> (MutexGuard<'a, T>, bool) {
        let (mutex, rung) = (guard.mutex, Arc::new(AtomicBool::new(false)));
        own(&self.0).push_back((me(), Arc::clone(&rung)));
        drop(guard);
        while !rung.load(Ordering::Relaxed) && end.is_none_or(|end| end > spent()) {
            block_until(end);
        }
        let in_vain = !rung.load(Ordering::Relaxed);
        if in_vain {
            own(&self.0).retain(|(_, other)| !Arc::ptr_eq(other, &rung));
        }
        (mutex.lock(), in_vain)
    }
}

/// A lock; readers wait for each other, too.
#[derive(Debug, Default)]
pub struct RwLock<T>(Mutex<T>);

#[expect(missing_docs, reason = "as in the standard library")]
impl<T> RwLock<T> {
    pub const fn new(value: T) -> Self {
        RwLock(Mutex::new(value))
    }

    pub fn read(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }

    pub fn write(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }
}

/// What is set once.
#[derive(Debug)]
pub struct OnceLock<T> {
    making: Mutex<()>,
    inner: std::sync::OnceLock<T>,
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(missing_docs, reason = "as in the standard library")]
impl<T> OnceLock<T> {
    pub const fn new() -> Self {
        OnceLock { making: Mutex::new(()), inner: std::sync::OnceLock::new() }
    }

    pub fn get(&self) -> Option<&T> {
        before(self);
        self.inner.get()
    }

    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.inner.get_mut()
    }

    pub fn set(&self, value: T) -> Result<(), T> {
        let _making = self.making.lock();
        self.inner.set(value)
    }

    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if self.get().is_none() {
            let _making = self.making.lock();
            if self.inner.get().is_none() {
                let _ = self.inner.set(make());
            }
        }
        self.inner.get().expect("just set")
    }

    pub fn into_inner(self) -> Option<T> {
        self.inner.into_inner()
    }
}
