//! Passing a promise to another executor.

use super::ExecutorRef;
use crate::promise::Promise;

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
