//! Promises that are made once, and kept for others.

use std::fmt;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use lru::LruCache;

use crate::cell::ExecutorHandle;
use crate::clock;
use crate::failure::{AnyError, Failure, catch, drop_quietly};
use crate::pool::Pool;
use crate::promise::{IntoPromise, Promise};
use crate::sync::{Arc, Mutex, OnceLock};
use crate::value::AsyncValue;

/// Keeps what calls have given, by their keys: callers at the same time share one call, later ones its value.
///
/// A value is kept for ever if nothing else is said: see [`time_to_live`](Self::time_to_live),
/// [`capacity`](Self::capacity), [`invalidate`](Self::invalidate). A failure goes to all that wait for the call, and is
/// not kept, unless [`keep_failures`](Self::keep_failures) says so. A caller that cancels its promise, or drops it, stops
/// nothing for the others: the call goes on, and its value is kept.
///
/// Clones are handles on the same memo. The keys' `Hash` and `Eq` run under its lock: they must not use it themselves.
/// Put an `Arc` around values that are costly to clone.
///
/// ```
/// use asynckit::{Memo, Pool};
/// use std::time::Duration;
///
/// let (pool, users) = (Pool::new(4), Memo::new().time_to_live(Duration::from_secs(60)).capacity(1000));
/// let user = |id: u32| {
///     let pool = pool.clone();
///     users.run(id, move || pool.run(move || format!("user {id}"))) // once in a minute
/// };
/// let (mut first, mut second) = (user(7), user(7));
/// assert_eq!((first.get(None)?, second.get(None)?), ("user 7".to_owned(), "user 7".to_owned()));
/// # Ok::<(), asynckit::Failure>(())
/// ```
pub struct Memo<K, T: 'static, E: 'static = AnyError> {
    shared: Arc<Shared<K, T, E>>,
}

struct Shared<K, T: 'static, E: 'static> {
    settings: Settings,
    /// Of user code, only the keys' `Hash` and `Eq` run under this lock.
    entries: Mutex<LruCache<K, Entry<T, E>>>,
}

#[derive(Clone)]
struct Settings {
    life: Duration,
    life_of_failures: Duration,
    /// 0: no limit.
    capacity: usize,
    executor: ExecutorHandle,
}

struct Entry<T: 'static, E: 'static> {
    value: AsyncValue<T, E>,
    /// Set when the call has settled; `None` is no end.
    fresh_until: Arc<OnceLock<Option<Instant>>>,
}

impl<T, E> Entry<T, E> {
    fn is_fresh(&self) -> bool {
        match self.fresh_until.get() {
            Some(Some(end)) => clock::now() < *end,
            Some(None) | None => true,
        }
    }
}

impl<K, T, E> Memo<K, T, E>
where
    K: Hash + Eq,
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// An empty one, which keeps all values for ever, and no failures.
    pub fn new() -> Self {
        Memo::with(Settings {
            life: Duration::MAX,
            life_of_failures: Duration::ZERO,
            capacity: 0,
            executor: Pool::global().core().executor(),
        })
    }

    fn with(settings: Settings) -> Self {
        let entries = match NonZeroUsize::new(settings.capacity) {
            Some(capacity) => LruCache::new(capacity),
            None => LruCache::unbounded(),
        };
        Memo { shared: Arc::new(Shared { settings, entries: Mutex::new(entries) }) }
    }

    /// A new memo, with these settings, that keeps a value for so long after it has come.
    #[must_use]
    pub fn time_to_live(self, life: Duration) -> Self {
        Memo::with(Settings { life, ..self.shared.settings.clone() })
    }

    /// A new memo, with these settings, that keeps failures, too, for so long after they have come.
    #[must_use]
    pub fn keep_failures(self, life: Duration) -> Self {
        Memo::with(Settings { life_of_failures: life, ..self.shared.settings.clone() })
    }

    /// A new memo, with these settings, that keeps so many entries: the one that was used least recently goes first. 0 is no limit.
    #[must_use]
    pub fn capacity(self, entries: usize) -> Self {
        Memo::with(Settings { capacity: entries, ..self.shared.settings.clone() })
    }

    /// A new memo, with these settings, that has the callbacks of its promises run on this pool instead of [`Pool::global`].
    ///
    /// It does not keep the pool alive.
    #[must_use]
    pub fn on(self, pool: &Pool) -> Self {
        Memo::with(Settings { executor: pool.core().executor(), ..self.shared.settings.clone() })
    }

    /// Gives what is kept for `key`, or is under way for it; else makes `call`, inside of this call, and keeps what comes of it.
    ///
    /// `Hash` and `Eq` of the keys run under the memo's lock: they must not use the memo. If one panics, so does this, and the
    /// memo stays as it was. `call` runs with nothing locked.
    ///
    /// # Errors
    /// The promise fails as that of the call does; a panic of `call` is its failure. A call that waits for its own key fails
    /// with [`Failure::WouldDeadlock`], or waits for ever.
    #[track_caller]
    pub fn run<R>(&self, key: K, call: impl FnOnce() -> R) -> Promise<T, E>
    where
        R: IntoPromise<Ok = T, Err = E>,
    {
        let settings = &self.shared.settings;
        let mut entries = self.shared.entries.lock();
        if let Some(entry) = entries.get(&key).filter(|entry| entry.is_fresh()) {
            let value = entry.value.clone();
            drop(entries);
            return value.into_promise();
        }
        let (deferred, promise) = Promise::deferred();
        let (entry, value) = settings.entry(promise);
        let before = entries.push(key, entry);
        drop(entries);
        drop_quietly(before);
        let promise = value.into_promise();
        match catch(call) {
            Ok(made) => deferred.follow(made),
            Err(panic) => deferred.settle(Err(Failure::Panicked(panic))),
        }
        promise
    }

    /// Forgets what is kept for `key`: the next caller makes a new call. Those that wait for one get its outcome.
    pub fn invalidate(&self, key: &K) {
        let entry = self.shared.entries.lock().pop_entry(key);
        drop_quietly(entry);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut entries = self.shared.entries.lock();
        let all: Vec<_> = std::iter::from_fn(|| entries.pop_lru()).collect();
        drop(entries);
        all.into_iter().for_each(drop_quietly);
    }

    /// How many entries there are, those that are under way and those that are no longer fresh among them.
    pub fn len(&self) -> usize {
        self.shared.entries.lock().len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Settings {
    /// An entry for the promise, which notes when that has settled.
    #[track_caller]
    fn entry<T, E>(&self, promise: Promise<T, E>) -> (Entry<T, E>, AsyncValue<T, E>)
    where
        T: Send + Sync + 'static,
        E: Clone + Send + Sync + 'static,
    {
        let fresh_until = Arc::new(OnceLock::new());
        let (until, life, life_of_failures) =
            (Arc::clone(&fresh_until), self.life, self.life_of_failures);
        let (consumer, _) = promise.into_parts();
        let promise = Promise::new(consumer, self.executor.clone()).inspect(move |outcome| {
            let life = if outcome.is_ok() { life } else { life_of_failures };
            let first = until.set(clock::now().checked_add(life));
            debug_assert!(first.is_ok(), "it settles once");
        });
        let value = promise.share();
        (Entry { value: value.clone(), fresh_until }, value)
    }
}

impl<K, T, E> Clone for Memo<K, T, E> {
    fn clone(&self) -> Self {
        Memo { shared: Arc::clone(&self.shared) }
    }
}

impl<K, T, E> Default for Memo<K, T, E>
where
    K: Hash + Eq,
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        Memo::new()
    }
}

impl<K, T, E> fmt::Debug for Memo<K, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").finish_non_exhaustive()
    }
}
