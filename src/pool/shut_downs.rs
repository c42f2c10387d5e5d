//! Where pools were shut down, for what comes by their numbers afterwards.

use std::panic::Location;

use crate::cell::{Number, ShutDown};

/// The pools that a core was, and where they were shut down: not those that were only dropped.
#[derive(Default)]
pub(super) struct ShutDowns(Vec<Span>);

/// Pools one after the other that were shut down in the same place.
struct Span {
    first: Number,
    last: Number,
    location: &'static Location<'static>,
}

impl ShutDowns {
    pub(super) fn note(&mut self, number: Number, location: &'static Location<'static>) {
        match self.0.last_mut() {
            Some(span) if span.last == number => {} // the first time counts
            Some(span) if span.last.next() == number && span.location == location => {
                span.last = number;
            }
            _ => self.0.push(Span { first: number, last: number, location }),
        }
    }

    pub(super) fn find(&self, number: Number) -> ShutDown {
        let at = self.0.partition_point(|span| span.last < number);
        self.0.get(at).filter(|span| span.first <= number).map(|span| span.location)
    }
}
