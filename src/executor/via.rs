//! Passing a promise to another executor.

use std::panic::Location;

use super::ExecutorRef;
use crate::promise::Promise;
use crate::value::AsyncValue;

impl<T: 'static, E: 'static> Promise<T, E> {
    /// Has the callbacks that are attached from here on run on `executor`, and nowhere else.
    ///
    /// It holds for what is derived, too, until the next `via` or `chain_on`; work that is upstream
    /// stays where it is. If the executor refuses or drops a callback, its promise fails with
    /// [`Failure::Abandoned`](crate::Failure::Abandoned), and the callback runs nowhere.
    ///
    /// ```
    /// use asynckit::{LocalQueue, Pool};
    ///
    /// let ui = LocalQueue::new(); // drained by this thread
    /// let here = std::thread::current().id();
    /// let mut shown = Pool::global()
    ///     .run(|| "slow work")
    ///     .via(&ui)
    ///     .map(move |text| (text, std::thread::current().id() == here));
    /// assert_eq!(ui.get(&mut shown, None)?, ("slow work", true));
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    pub fn via(self, executor: impl Into<ExecutorRef>) -> Self {
        Promise::new(self.into_parts().0, executor.into().0)
    }
}

impl<T, E> AsyncValue<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// A promise of a clone of the value, whose callbacks run on `executor`: see [`Promise::via`].
    ///
    /// ```
    /// use asynckit::{LocalQueue, Pool};
    ///
    /// let ui = LocalQueue::new(); // drained by this thread
    /// let page = Pool::global().run(|| "slow work").share();
    /// let mut shown = page.via(&ui).map(|text| println!("{text}"));
    /// ui.get(&mut shown, None)?;
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn via(&self, executor: impl Into<ExecutorRef>) -> Promise<T, E> {
        self.copy(Location::caller()).via(executor)
    }
}
