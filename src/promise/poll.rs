//! The async face.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Promise;
use crate::failure::Outcome;

/// On any runtime; the last waker is woken. Dropping it detaches, as always.
impl<T: 'static, E: 'static> Future for Promise<T, E> {
    type Output = Outcome<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.consumer.poll(context)
    }
}
