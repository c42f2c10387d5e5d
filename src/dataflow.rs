//! Work that starts when its inputs are there, and gets them as plain values.

use std::panic::Location;

use crate::join::Join;
use crate::pool::Pool;
use crate::promise::{GoOn, IntoPromise, Manner, Promise};

impl Pool {
    /// Queues work as soon as its inputs have values, which it gets as arguments.
    ///
    /// `inputs` is one promise, or a tuple of 2 to 12 (or whatever else [`join`](crate::join()) takes in
    /// one: a list arrives as a plain `Vec`). As long as they are pending this costs no thread. The
    /// first failure in time is that of the result, cancels the other inputs, and does not run the
    /// work. Otherwise it is as with [`spawn`](Pool::spawn).
    ///
    /// ```
    /// use asynckit::Pool;
    ///
    /// let pool = Pool::new(2);
    /// let (text, times) = (pool.run(|| "ab"), pool.run(|| 3));
    /// let mut repeated = pool.spawn_with((text, times), |text, times| Ok(text.repeat(times)));
    /// assert_eq!(repeated.get(None)?, "ababab");
    /// # Ok::<(), asynckit::Failure>(())
    /// ```
    #[track_caller]
    pub fn spawn_with<I, F>(&self, inputs: I, work: F) -> Promise<I::Ok, I::Err>
    where
        I: Inputs<F>,
    {
        inputs.spawn_on(self, work)
    }
}

/// What [`Pool::spawn_with`] takes for work of the type `F`: one promise, or a tuple of 2 to 12.
pub trait Inputs<F> {
    /// The value of the work.
    type Ok;
    /// The error, which the inputs and the work have in common.
    type Err;

    /// Does what [`Pool::spawn_with`] says.
    #[doc(hidden)]
    #[track_caller]
    fn spawn_on(self, pool: &Pool, work: F) -> Promise<Self::Ok, Self::Err>;
}

struct Dataflow;

impl Manner for Dataflow {
    const KIND: &'static str = "spawn_with";
    const QUEUED: bool = true;
}

/// Queues the work behind the promise of its inputs.
fn queue<T, E, R>(
    inputs: Promise<T, E>,
    pool: &Pool,
    work: impl FnOnce(T) -> R + Send + 'static,
    location: &'static Location<'static>,
) -> Promise<R::Ok, E>
where
    T: 'static,
    E: 'static,
    R: IntoPromise<Err = E> + 'static,
    R::Ok: 'static,
{
    inputs.link(GoOn::<Dataflow, _, _>::new(work), Some(pool.core().executor()), location)
}

impl<P, F, R> Inputs<F> for P
where
    P: IntoPromise,
    P::Ok: Send + 'static,
    P::Err: Send + 'static,
    F: FnOnce(P::Ok) -> R + Send + 'static,
    R: IntoPromise<Err = P::Err> + 'static,
    R::Ok: Send + 'static,
{
    type Ok = R::Ok;
    type Err = P::Err;

    #[track_caller]
    fn spawn_on(self, pool: &Pool, work: F) -> Promise<R::Ok, P::Err> {
        queue(self.into_promise(), pool, work, Location::caller())
    }
}

macro_rules! impl_inputs {
    ($($Input:ident $value:ident),+) => {
        impl<E: Send + 'static, Work, R, $($Input),+> Inputs<Work> for ($($Input,)+)
        where
            $($Input: IntoPromise<Err = E>, $Input::Ok: Send + 'static,)+
            Work: FnOnce($($Input::Ok),+) -> R + Send + 'static,
            R: IntoPromise<Err = E> + 'static,
            R::Ok: Send + 'static,
        {
            type Ok = R::Ok;
            type Err = E;

            #[track_caller]
            fn spawn_on(self, pool: &Pool, work: Work) -> Promise<R::Ok, E> {
                let spread = |($($value,)+)| work($($value),+);
                queue(self.join_here(), pool, spread, Location::caller())
            }
        }
    };
}

impl_inputs!(A a, B b);
impl_inputs!(A a, B b, C c);
impl_inputs!(A a, B b, C c, D d);
impl_inputs!(A a, B b, C c, D d, F f);
impl_inputs!(A a, B b, C c, D d, F f, G g);
impl_inputs!(A a, B b, C c, D d, F f, G g, H h);
impl_inputs!(A a, B b, C c, D d, F f, G g, H h, I i);
impl_inputs!(A a, B b, C c, D d, F f, G g, H h, I i, J j);
impl_inputs!(A a, B b, C c, D d, F f, G g, H h, I i, J j, K k);
impl_inputs!(A a, B b, C c, D d, F f, G g, H h, I i, J j, K k, L l);
impl_inputs!(A a, B b, C c, D d, F f, G g, H h, I i, J j, K k, L l, M m);
