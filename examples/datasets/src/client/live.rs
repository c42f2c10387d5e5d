//! What happens, as it happens: a long poll after the other, told to listeners.

use std::sync::{Arc, Mutex, PoisonError};

use asynckit::{AsyncValue, Canceller, Failure, IntoPromise, Promise, Timeout, pages};

use super::{Batch, Error, Event};

type OnMessage = Box<dyn FnMut(&Event) + Send>;

/// A stream of events. Listeners may come at any time: one that comes late still hears that it is open.
///
/// It ends when the service says so, when a request fails, or by [`close`](Live::close).
pub(crate) struct Live {
    opened: AsyncValue<(), Error>,
    closed: AsyncValue<(), Error>,
    listeners: Listeners,
    canceller: Canceller,
}

#[derive(Clone, Default)]
struct Listeners(Arc<Mutex<Vec<OnMessage>>>);

impl Listeners {
    /// Tells all of them; no lock is held meanwhile, so a listener may add others.
    fn tell(&self, events: &[Event]) {
        let mut told = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for event in events {
            told.iter_mut().for_each(|listener| listener(event));
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.append(&mut all); // what has come meanwhile is behind
        *all = told;
    }
}

impl Live {
    /// `poll` asks for what came after the event of this number.
    pub(super) fn new(poll: impl Fn(u64) -> Promise<Batch, Error> + Send + 'static) -> Live {
        let (opened, listeners) = (AsyncValue::new(), Listeners::default());
        let (open, tell) = (opened.clone(), listeners.clone());
        let batches = pages(0, move |after| {
            poll(after).map(move |batch| {
                let last = batch.events.last().map_or(after, |event| event.number);
                let next = (!batch.over).then_some(last);
                (batch, next)
            })
        });
        let told = batches.stage(move |batch| {
            _ = open.set(()); // the first one opens it
            tell.tell(&batch.events);
            Ok::<_, Error>(())
        });
        let (all, canceller) = told.join().map(|_| ()).cancellable();
        Live { opened, closed: all.share(), listeners, canceller }
    }

    /// Has `f` called when the service has answered; at once, if it has.
    pub(crate) fn on_open(&self, f: impl FnOnce() + Send + 'static) {
        self.opened.map(move |()| f()).detach();
    }

    /// Has `f` called with each event from now on.
    pub(crate) fn on_message(&self, f: impl FnMut(&Event) + Send + 'static) {
        let mut all = self.listeners.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Box::new(f));
    }

    /// Has `f` called when it has ended, and with what; at once, if it has.
    pub(crate) fn on_close(&self, f: impl FnOnce(Result<(), Failure<Error>>) + Send + 'static) {
        self.closed
            .clone()
            .into_promise()
            .handle(move |outcome| {
                f(outcome);
                Ok(())
            })
            .detach();
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&self, timeout: impl Into<Timeout>) -> bool {
        self.closed.wait(timeout)
    }

    /// Ends it.
    pub(crate) fn close(&self) {
        self.canceller.cancel();
    }
}
