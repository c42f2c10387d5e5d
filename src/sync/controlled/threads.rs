//! Threads of a schedule, and their statics.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shuttle_engine::runtime::execution::ExecutionState;
use shuttle_engine::runtime::task::TaskId;
use shuttle_engine::thread_support::{AccessError, LocalKey};

use super::execution::{block_until, end_of, handle, me, pause, point, random, spent, unblock};

/// A thread, to be unparked.
#[derive(Clone, Debug)]
pub struct Thread(Arc<Parker>);

#[derive(Debug)]
struct Parker {
    id: TaskId,
    /// It was unparked.
    token: AtomicBool,
    parked: AtomicBool,
}

/// Which thread it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadId(TaskId);

fn handle_of(id: TaskId) -> Thread {
    handle(id, || {
        let (token, parked) = (AtomicBool::new(false), AtomicBool::new(false));
        Thread(Arc::new(Parker { id, token, parked }))
    })
}

#[expect(missing_docs, reason = "as in the standard library")]
impl Thread {
    pub fn id(&self) -> ThreadId {
        ThreadId(self.0.id)
    }

    pub fn unpark(&self) {
        point();
        self.0.token.store(true, Ordering::Relaxed);
        if self.0.parked.load(Ordering::Relaxed) {
            unblock(self.0.id);
        }
        point();
    }
}

/// Once in so many times a thread is not parked at all, as may be.
const SPURIOUS: u64 = 64;

fn park_until(end: Option<Duration>) {
    let Thread(parker) = thread::current();
    point();
    if random() % SPURIOUS == 0 {
        return;
    }
    parker.parked.store(true, Ordering::Relaxed);
    while !parker.token.swap(false, Ordering::Relaxed) && end.is_none_or(|end| end > spent()) {
        block_until(end);
    }
    parker.parked.store(false, Ordering::Relaxed);
}

/// Threads, and what they are parked with.
#[expect(missing_docs, reason = "as in the standard library")]
pub mod thread {
    use super::*;
    pub use super::{Thread, ThreadId};
    use std::io;
    use std::num::NonZero;

    pub fn current() -> Thread {
        handle_of(me())
    }

    pub fn park() {
        park_until(None);
    }

    pub fn park_timeout(limit: Duration) {
        park_until(Some(end_of(limit)));
    }

    pub fn sleep(time: Duration) {
        point();
        let end = end_of(time);
        while end > spent() {
            block_until(Some(end));
        }
    }

    pub fn yield_now() {
        pause();
    }

    pub fn available_parallelism() -> io::Result<NonZero<usize>> {
        Ok(NonZero::<usize>::MIN)
    }

    /// The handle of a thread.
    #[derive(Debug)]
    pub struct JoinHandle<T> {
        id: TaskId,
        inner: shuttle::thread::JoinHandle<T>,
    }

    impl<T> JoinHandle<T> {
        pub fn join(self) -> std::thread::Result<T> {
            self.inner.join()
        }

        pub fn is_finished(&self) -> bool {
            point();
            ExecutionState::with(|state| state.get(self.id).finished())
        }

        pub fn thread(&self) -> Thread {
            handle_of(self.id)
        }
    }

    #[derive(Debug, Default)]
    pub struct Builder {
        name: Option<String>,
    }

    impl Builder {
        pub fn new() -> Self {
            Builder::default()
        }

        pub fn name(mut self, name: String) -> Self {
            self.name = Some(name);
            self
        }

        /// All stacks are of the size that the scheduler was told.
        pub fn stack_size(self, _: usize) -> Self {
            self
        }

        pub fn spawn<T: Send + 'static>(
            self,
            f: impl FnOnce() -> T + Send + 'static,
        ) -> io::Result<JoinHandle<T>> {
            let mut builder = shuttle::thread::Builder::new();
            if let Some(name) = self.name {
                builder = builder.name(name);
            }
            let inner = builder.spawn(f)?;
            let id = TaskId::from(usize::from(inner.thread().id()));
            // The program ends when its first thread does.
            ExecutionState::with(|state| state.detach(id));
            point();
            Ok(JoinHandle { id, inner })
        }
    }

    pub fn spawn<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        Builder::new().spawn(f).expect("there is always one more")
    }
}

/// A static of each thread.
pub struct Local<T: 'static>(LocalKey<T>);

#[expect(missing_docs, reason = "as in the standard library")]
impl<T> Local<T> {
    #[doc(hidden)]
    pub const fn new(init: fn() -> T) -> Self {
        Local(LocalKey { init, _p: PhantomData })
    }

    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.0.with(f)
    }

    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        self.0.try_with(f)
    }
}

#[expect(missing_docs, reason = "as in the standard library")]
impl<T> Local<Cell<T>> {
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }

    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }
}

#[expect(missing_docs, reason = "as in the standard library")]
impl<T> Local<RefCell<T>> {
    pub fn with_borrow<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.with(|cell| f(&cell.borrow()))
    }

    pub fn with_borrow_mut<R>(&'static self, f: impl FnOnce(&mut T) -> R) -> R {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }

    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(RefCell::take)
    }
}
