//! Promises that are made once, and kept for others.

use std::fmt;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::time::{Duration, Instant};

use lru::LruCache;

use crate::cell::ExecutorHandle;
use crate::clock::{self, Clock};
use crate::failure::{AnyError, drop_quietly};
use crate::once::{Place, Table, begin, make_with};
use crate::pass::{Pass, Passing};
use crate::pool::Pool;
use crate::promise::{IntoPromise, Promise};
use crate::sync::{Arc, Mutex, OnceLock};
use crate::value::AsyncValue;

/// Keeps what calls have given, by their keys: callers at the same time share one call, later ones its value.
///
/// A value is kept for ever if nothing else is said: see [`time_to_live`](Self::time_to_live),
/// [`capacity`](Self::capacity), [`invalidate`](Self::invalidate). A failure goes to all that wait for the call, and is
/// not kept, unless [`keep_failures`](Self::keep_failures) says so. A caller that cancels its promise, or drops it, stops
/// nothing for the others: the call goes on, and its value is kept for those that come later, also where all have cancelled. So
/// give the call itself a limit of time where it may hang.
///
/// Clones are handles on the same memo. Put an `Arc` around values that are costly to clone. For calls that are shared only
/// as long as they are under way there is [`SingleFlight`](crate::SingleFlight).
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
    entries: Table<K, Entry<T, E>>,
    /// Which of them were used least recently, where there is a limit. No user code runs under this lock.
    used: Option<Mutex<LruCache<Place, ()>>>,
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

impl<T, E> Clone for Entry<T, E> {
    fn clone(&self) -> Self {
        Entry { value: self.value.clone(), fresh_until: Arc::clone(&self.fresh_until) }
    }
}

impl<T, E> Entry<T, E> {
    fn is_fresh(&self) -> bool {
        match self.fresh_until.get() {
            Some(Some(end)) => clock::now() < *end,
            Some(None) | None => true,
        }
    }
}

/// Behind a call: says how long its outcome is fresh.
struct Ages {
    fresh_until: Arc<OnceLock<Option<Instant>>>,
    life: Duration,
    life_of_failures: Duration,
    /// That of the caller.
    clock: Clock,
}

impl Ages {
    fn begins(&self, life: Duration) {
        _ = self.fresh_until.set(self.clock.now().checked_add(life)); // once
    }
}

impl Pass for Ages {
    const KIND: &'static str = "memo";
    const IN_WAY: bool = false;

    fn passed(self, failed: bool) {
        self.begins(if failed { self.life_of_failures } else { self.life });
    }
}

impl Drop for Ages {
    /// No outcome has passed: the call has failed before it was one, or is never going to be.
    fn drop(&mut self) {
        self.begins(self.life_of_failures);
    }
}

impl<K, T, E> Shared<K, T, E> {
    /// Notes that an entry was used; the one that was used least recently goes if there are too many.
    fn note_use(&self, place: Place) {
        let Some(used) = &self.used else { return };
        let gone = used.lock().push(place, ());
        if let Some((gone, ())) = gone.filter(|gone| gone.0 != place) {
            self.forget(gone);
        }
        if !self.entries.has(place) {
            self.is_gone(place); // forgotten meanwhile
        }
    }

    fn forget(&self, place: Place) {
        if let Some((key, entry)) = self.entries.remove(place) {
            drop_quietly(key);
            drop_quietly(entry);
        }
        self.is_gone(place);
    }

    fn is_gone(&self, place: Place) {
        if let Some(used) = &self.used {
            used.lock().pop(&place);
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
        let used = NonZeroUsize::new(settings.capacity);
        let used = used.map(|capacity| Mutex::new(LruCache::new(capacity)));
        Memo { shared: Arc::new(Shared { settings, entries: Table::new(), used }) }
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
    /// It runs with nothing locked, and so do `Hash` and `Eq` of the keys.
    ///
    /// # Errors
    /// The promise fails as that of the call does; a panic of `call` is its failure. A call that waits for its own key fails
    /// with [`Failure::WouldDeadlock`](crate::Failure::WouldDeadlock), or waits for ever.
    ///
    /// # Panics
    /// If the key's `Hash` or `Eq` does; the memo stays as it was.
    #[track_caller]
    pub fn run<R>(&self, key: K, call: impl FnOnce() -> R) -> Promise<T, E>
    where
        R: IntoPromise<Ok = T, Err = E>,
    {
        let (shared, location) = (&self.shared, Location::caller());
        let fresh = |place, entry: &Entry<T, E>| {
            let fresh = entry.is_fresh();
            if !fresh {
                shared.forget(place);
            }
            fresh
        };
        let begin = || {
            let (producer, value) = begin(shared.settings.executor.clone(), location);
            (producer, Entry { value, fresh_until: Arc::default() })
        };
        let (place, entry, begun) = shared.entries.find_or_begin(key, fresh, begin);
        shared.note_use(place);
        if let Some(producer) = begun {
            let ages = shared.settings.ages(&entry);
            make_with(producer, || call().into_promise().link(Passing(ages), None, location));
        }
        entry.value.into_promise()
    }

    /// Forgets what is kept for `key`: the next caller makes a new call. Those that wait for one get its outcome.
    pub fn invalidate(&self, key: &K) {
        self.shared.entries.for_each_of(key, |place| self.shared.forget(place));
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.shared.entries.clear(|place| self.shared.is_gone(place));
    }

    /// How many entries there are, those that are under way and those that are no longer fresh among them.
    pub fn len(&self) -> usize {
        self.shared.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Settings {
    fn ages<T, E>(&self, entry: &Entry<T, E>) -> Ages {
        let (life, life_of_failures) = (self.life, self.life_of_failures);
        let (fresh_until, clock) = (Arc::clone(&entry.fresh_until), Clock::current());
        Ages { fresh_until, life, life_of_failures, clock }
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
