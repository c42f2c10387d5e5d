//! The feature `tracing`: spans go along with user code, and what goes wrong is an event.

#[path = "../common/mod.rs"]
mod common;

use asynckit::{Pool, Promise, Shutdown};
use common::watched;
use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

thread_local! {
    static ENTERED: RefCell<Vec<(u64, &'static Metadata<'static>)>> = const { RefCell::new(Vec::new()) };
}

/// Knows the spans, and keeps the events.
struct Recorder {
    next: AtomicU64,
    spans: Mutex<Vec<&'static Metadata<'static>>>,
}

static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!(" {field}={value:?}"));
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.spans.lock().unwrap().push(span.metadata());
        Id::from_u64(self.next.fetch_add(1, Ordering::SeqCst))
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if event.metadata().target() == "asynckit" {
            let mut text = Text(String::new());
            event.record(&mut text);
            EVENTS.lock().unwrap().push(text.0);
        }
    }

    fn enter(&self, id: &Id) {
        let place = id.into_u64();
        let metadata = self.spans.lock().unwrap()[place as usize - 1];
        ENTERED.with_borrow_mut(|entered| entered.push((place, metadata)));
    }

    fn exit(&self, _: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.pop());
    }

    fn current_span(&self) -> Current {
        let last = ENTERED.with_borrow(|entered| entered.last().copied());
        last.map_or(Current::none(), |(id, metadata)| Current::new(Id::from_u64(id), metadata))
    }
}

fn record() {
    let recorder = Recorder { next: AtomicU64::new(1), spans: Mutex::new(Vec::new()) };
    let _ = tracing::subscriber::set_global_default(recorder);
}

fn entered() -> Vec<&'static str> {
    ENTERED.with_borrow(|entered| entered.iter().map(|(_, metadata)| metadata.name()).collect())
}

/// B30
#[test]
fn the_span_is_entered_around_the_job_and_its_callbacks_and_left_again() {
    watched(|| {
        record();
        let pool = Pool::new(1);
        let mut seen = tracing::info_span!("request").in_scope(|| {
            pool.run(entered)
                .map(|job| (job, entered()))
                .chain(|(job, map)| Ok((job, map, entered())))
        });
        let within = vec!["request"];
        assert_eq!(seen.get(None).unwrap(), (within.clone(), within.clone(), within));
        assert_eq!(pool.run(entered).get(None).unwrap(), Vec::<&str>::new());
    });
}

/// A future is polled in it, each time.
#[test]
fn the_span_is_entered_around_each_poll() {
    watched(|| {
        record();
        let pool = Pool::new(1);
        let (deferred, inner) = Promise::<u8>::deferred();
        let mut seen = tracing::info_span!("request").in_scope(|| {
            pool.spawn_future(async move {
                let first = entered();
                inner.await?;
                Ok::<_, asynckit::AnyError>((first, entered()))
            })
        });
        pool.run(|| ()).get(None).unwrap();
        deferred.resolve(1);
        assert_eq!(seen.get(None).unwrap(), (vec!["request"], vec!["request"]));
    });
}

#[test]
fn panics_abandonment_and_shutdown_are_events() {
    watched(|| {
        record();
        let pool = Pool::builder().workers(1).name("told").build().unwrap();
        let mut panics: Promise<()> = pool.run(|| panic!("told of"));
        assert!(panics.get(None).unwrap_err().is_panicked());
        pool.shutdown(Shutdown::Drain, None);
        let mut late = pool.run(|| ());
        assert!(late.get(None).unwrap_err().is_abandoned());
        let events = EVENTS.lock().unwrap().join("\n");
        for part in ["told of", "abandoned", "shutting down"] {
            assert!(events.contains(part), "{part:?} is missing in\n{events}");
        }
    });
}
