//! With the feature `tracing`: the span that is current goes along.

use tracing::Span;

use super::hook::{CapturedContext, ContextHook};

/// The span goes along as what a hook finds does.
pub(super) static BUILT_IN: &[&dyn ContextHook] = &[&Spans];

struct Spans;

impl ContextHook for Spans {
    fn capture(&self) -> Option<Box<dyn CapturedContext>> {
        let span = Span::current();
        (!span.is_none()).then(|| Box::new(Inside(span)) as Box<dyn CapturedContext>)
    }
}

/// The span in which a job or a callback was attached.
struct Inside(Span);

impl CapturedContext for Inside {
    fn within(&self, work: &mut dyn FnMut()) {
        self.0.in_scope(work);
    }
}
