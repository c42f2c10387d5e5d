//! Who decides whether another attempt is worth it.

use crate::cell::{Consumer, Next};
use crate::failure::Failure;
use crate::promise::IntoPromise;

/// Whether another attempt is worth it.
pub(super) enum Verdict<E> {
    Now(bool),
    Fails(Failure<E>),
    Later(Consumer<bool, E>),
}

/// Who decides that; the code is the user's.
pub(super) trait Decide<E>: Send + 'static {
    fn decide(&mut self, number: u32, error: &E) -> Verdict<E>;
}

pub(super) struct If<W>(pub(super) W);

impl<E, W: FnMut(&E) -> bool + Send + 'static> Decide<E> for If<W> {
    fn decide(&mut self, _: u32, error: &E) -> Verdict<E> {
        Verdict::Now((self.0)(error))
    }
}

pub(super) struct When<W>(pub(super) W);

impl<E, R, W> Decide<E> for When<W>
where
    E: 'static,
    R: IntoPromise<Ok = bool, Err = E>,
    W: FnMut(u32, &E) -> R + Send + 'static,
{
    fn decide(&mut self, number: u32, error: &E) -> Verdict<E> {
        match (self.0)(number, error).adopt().0 {
            Next::Settled(Ok(yes)) => Verdict::Now(yes),
            Next::Settled(Err(failure)) | Next::Same(failure) | Next::Failed(failure, _) => {
                Verdict::Fails(failure)
            }
            Next::Follow(promise) => Verdict::Later(promise),
        }
    }
}
