//! What comes after a shared value, whatever its outcome is: `handle`, `catch`, `inspect`; and a promise of it.

use std::marker::PhantomData;
use std::panic::Location;

use super::AsyncValue;
use crate::cell::{Next, Origin, Reference, Step};
use crate::failure::{Failure, Outcome, catch, drop_quietly};
use crate::promise::{IntoPromise, Promise};

impl<T, E> AsyncValue<T, E>
where
    T: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// A promise of a clone of the value, for all that promises have, and values have not.
    ///
    /// It is cloned on the thread that settles it. Cancelling the promise lets go of the value only: see
    /// [`cancel`](Self::cancel). For a value that is no `Clone`, or a dear one, share an `Arc` of it, or go on with
    /// [`map`](Self::map), which gives a promise, too.
    ///
    /// ```
    /// use asynckit::{CancelSource, Pool};
    ///
    /// let (pool, source) = (Pool::new(1), CancelSource::new());
    /// let text = pool.run(|| String::from("shared")).share();
    /// let mut mine = text.cloned().cancel_by(&source.token()).map(|text| text + "!");
    /// assert_eq!(mine.get(None)?, "shared!");
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn cloned(&self) -> Promise<T, E>
    where
        T: Clone,
    {
        self.copy(Location::caller())
    }

    /// Continues with the outcome, whatever it is: the value, or a clone of the failure.
    ///
    /// `f` runs on the value's executor, next; beside the branches of [`then`](Self::then), not in their order. What it
    /// returns, a `Result` or a promise, is the outcome.
    ///
    /// ```
    /// use asynckit::AsyncValue;
    ///
    /// let event = AsyncValue::<u32, String>::new();
    /// let text = event.handle(|outcome| match outcome {
    ///     Ok(number) => Ok(format!("it is {number}")),
    ///     Err(failure) => Ok(format!("it failed: {failure}")),
    /// });
    /// event.fail("no".to_owned()).unwrap();
    /// assert_eq!({ text }.get(None).unwrap(), "it failed: no");
    /// ```
    #[track_caller]
    pub fn handle<R, F>(&self, f: F) -> Promise<R::Ok, E>
    where
        F: FnOnce(Result<&T, Failure<E>>) -> R + Send + 'static,
        R: IntoPromise<Err = E> + 'static,
        R::Ok: Send + 'static,
    {
        let location = Location::caller();
        let step = Handle { f, value: self.owner.reference(), types: PhantomData };
        self.settling::<Handled>(location).link(step, None, location)
    }

    /// Continues after any failure with a clone of it; else with a clone of the value.
    ///
    /// `f` runs on the value's executor, next. What it returns, a `Result` or a promise, is the outcome. As
    /// [`Promise::catch`] behind [`cloned`](Self::cloned).
    ///
    /// ```
    /// use asynckit::{AsyncValue, Failure};
    ///
    /// let event = AsyncValue::<u32, String>::new();
    /// let number = event.catch(|_| Ok(0));
    /// event.fail("no".to_owned()).unwrap();
    /// assert_eq!({ number }.get(None).unwrap(), 0);
    /// ```
    #[track_caller]
    pub fn catch<R, F>(&self, f: F) -> Promise<T, E>
    where
        T: Clone,
        F: FnOnce(Failure<E>) -> R + Send + 'static,
        R: IntoPromise<Ok = T, Err = E> + 'static,
    {
        self.copy(Location::caller()).catch(f)
    }

    /// Shows the outcome to `f` when it is there, whatever it is, and gives another handle on the value.
    ///
    /// `f` runs on the value's executor, beside all that goes on from the value; if its pool is gone or was shut down, on
    /// [`Pool::global`](crate::Pool::global). It does not keep the value wanted: where that is cancelled, `f` is shown
    /// that. A failure that it was shown is seen. A panic of it changes nothing, and goes to the
    /// [unobserved hook](crate::set_unobserved_hook).
    ///
    /// ```
    /// use asynckit::Pool;
    ///
    /// let answer = Pool::global().run(|| 42).share().inspect(|outcome| println!("{outcome:?}"));
    /// assert_eq!(answer.get(None)?, &42);
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn inspect<F>(&self, f: F) -> Self
    where
        F: FnOnce(Result<&T, &Failure<E>>) + Send + 'static,
    {
        let location = Location::caller();
        let step = Inspect { f, value: self.owner.reference() };
        self.settling::<Inspected>(location).link(step, None, location).detach();
        self.clone()
    }
}

struct Handled;
struct Inspected;

impl Origin for Handled {
    const KIND: &'static str = "handle";
}

impl Origin for Inspected {
    const KIND: &'static str = "inspect";
}

/// Behind a promise that settles with the value. It keeps the value, but does not want it.
struct Handle<T: 'static, E: 'static, F, R> {
    f: F,
    value: Reference<T, E>,
    types: PhantomData<fn() -> R>,
}

struct Inspect<T: 'static, E: 'static, F> {
    f: F,
    value: Reference<T, E>,
}

/// The value, behind a promise that has settled with it.
fn read<T, E>(value: &Reference<T, E>, there: Outcome<(), E>) -> Result<&T, Failure<E>> {
    there?;
    match value.outcome() {
        Some(Some(Ok(value))) => Ok(value),
        _ => Err(Failure::Cancelled), // not reachable: it is there
    }
}

impl<T, E, F, R> Step<(), E> for Handle<T, E, F, R>
where
    T: Send + Sync + 'static,
    E: Send + Sync + 'static,
    F: FnOnce(Result<&T, Failure<E>>) -> R + Send + 'static,
    R: IntoPromise<Err = E> + 'static,
    R::Ok: 'static,
{
    type Ok = R::Ok;
    type Err = E;
    type Wanted = Outcome<(), E>;
    const KIND: &'static str = Handled::KIND;

    fn wants(_: &Outcome<(), E>) -> bool {
        true
    }

    fn sort(there: Outcome<(), E>) -> Result<Outcome<(), E>, Outcome<R::Ok, E>> {
        Ok(there)
    }

    fn run(self, there: Outcome<(), E>) -> Next<R::Ok, E> {
        (self.f)(read(&self.value, there)).adopt().0
    }
}

impl<T, E, F> Step<(), E> for Inspect<T, E, F>
where
    T: Send + Sync + 'static,
    E: Send + Sync + 'static,
    F: FnOnce(Result<&T, &Failure<E>>) + Send + 'static,
{
    type Ok = ();
    type Err = E;
    type Wanted = Outcome<(), E>;
    const KIND: &'static str = Inspected::KIND;

    fn wants(_: &Outcome<(), E>) -> bool {
        true
    }

    fn sort(there: Outcome<(), E>) -> Result<Outcome<(), E>, Outcome<(), E>> {
        Ok(there)
    }

    fn run(self, there: Outcome<(), E>) -> Next<(), E> {
        let Inspect { f, value } = self;
        let looked = match read(&value, there) {
            Ok(value) => catch(|| f(Ok(value))),
            Err(failure) => {
                value.show();
                let looked = catch(|| f(Err(&failure)));
                drop_quietly(failure); // not while the panic of `f` unwinds: its drop may panic, too
                looked
            }
        };
        Next::Settled(looked.map_err(Failure::Panicked))
    }
}
