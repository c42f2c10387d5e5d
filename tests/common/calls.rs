//! Calls that a test settles by hand.

use super::eventually;
use asynckit::{AsyncList, Deferred, Promise};
use std::sync::{Arc, Mutex};
use std::thread;

/// `n` promises in a list, and what settles them.
pub(crate) fn pending(n: usize) -> (Vec<Deferred<usize, String>>, AsyncList<usize, String>) {
    (0..n).map(|_| Promise::deferred()).unzip()
}

/// An iterator that says nothing of its length.
pub(crate) fn unknown(count: usize) -> impl Iterator<Item = usize> + Send + 'static {
    let mut next = 0..count;
    std::iter::from_fn(move || next.next())
}

/// Calls that the test settles by hand, in the order in which they were made.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<Call>>>);

/// Its number, and what settles it, until that is taken.
type Call = (usize, Option<Deferred<usize, String>>);

impl Calls {
    fn make(&self, number: usize) -> Promise<usize, String> {
        let (deferred, promise) = Promise::deferred();
        self.0.lock().unwrap().push((number, Some(deferred)));
        promise
    }

    /// One call, with this number.
    pub(crate) fn call(
        &self,
        number: usize,
    ) -> impl FnOnce() -> Promise<usize, String> + Send + use<> {
        let calls = self.clone();
        move || calls.make(number)
    }

    /// One call for each number; they must come in their order, from 0 on.
    pub(crate) fn in_order(&self) -> impl FnMut(usize) -> Promise<usize, String> + Send + use<> {
        let calls = self.clone();
        move |number| {
            assert_eq!(calls.count(), number, "in the order of the inputs");
            calls.make(number)
        }
    }

    /// The numbers of the calls, in the order in which they were made.
    pub(crate) fn made(&self) -> Vec<usize> {
        self.0.lock().unwrap().iter().map(|call| call.0).collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn take(&self, number: usize) -> Deferred<usize, String> {
        let mut calls = self.0.lock().unwrap();
        calls.iter_mut().find(|call| call.0 == number).unwrap().1.take().unwrap()
    }

    /// Its value is ten times its number.
    pub(crate) fn end(&self, number: usize) {
        self.take(number).resolve(number * 10);
    }

    pub(crate) fn fail(&self, number: usize) {
        self.take(number).reject(format!("no {number}"));
    }

    /// Waits until so many were made, and checks that it stays at that.
    #[track_caller]
    pub(crate) fn await_count(&self, count: usize) {
        eventually("the calls are made", || self.count() >= count);
        thread::yield_now();
        assert_eq!(self.count(), count);
    }

    /// Waits until these were made, in this order.
    #[track_caller]
    pub(crate) fn await_made(&self, numbers: &[usize]) {
        eventually("the calls are made", || self.count() >= numbers.len());
        assert_eq!(self.made(), numbers);
    }
}

/// Calls `f` so many cancellation handlers deep.
pub(crate) fn inside_of_handlers(depth: usize, f: impl FnOnce() + Send + 'static) {
    let mut inner: Box<dyn FnOnce() + Send> = Box::new(f);
    for _ in 0..depth {
        let before = inner;
        inner = Box::new(move || {
            let (mut deferred, promise) = Promise::<(), ()>::deferred();
            deferred.on_cancel(before);
            promise.cancel();
        });
    }
    inner();
}
