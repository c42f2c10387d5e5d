//! Sources of cancellation, and their tokens.

use std::time::Duration;

use asynckit::{CancelReason, CancelSource, CancelToken};

use super::wait::moment;
use super::{Operation, operation};
use crate::callback::callback;
use crate::held::{Held, number};
use crate::random::Random;
use crate::value::Fault;
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("a source", &["CancelSource::new", "CancelSource::token"], source),
    operation("cancel_by", &["Promise::cancel_by"], cancel_by).often(),
    operation(
        "cancel a source",
        &["CancelSource::cancel", "CancelSource::cancel_for", "CancelSource::is_cancelled"],
        cancel,
    )
    .often(),
    operation("cancel_after", &["CancelSource::cancel_after"], cancel_after),
    operation("drop a source", &[], |r| drop(world().sources.take(r))),
    operation("tokens of tokens", &["CancelToken::child", "CancelToken::any"], below),
    operation("a handler", &["CancelToken::on_cancel", "CancelReason::current"], on_cancel),
    operation(
        "look at a token",
        &["CancelToken::reason", "CancelToken::check", "CancelReason::as_str"],
        look,
    ),
    operation("wait for a token", &["CancelToken::wait"], wait),
    operation("promise of a token", &["CancelToken::cancelled"], cancelled),
];

fn any(r: &mut Random) -> CancelToken {
    match world().tokens.take(r) {
        Some(token) => {
            world().tokens.put(token.clone(), r);
            token
        }
        None => {
            let source = CancelSource::new();
            let token = source.token();
            world().sources.put(source, r);
            token
        }
    }
}

fn source(r: &mut Random) {
    let source = CancelSource::new();
    world().tokens.put(source.token(), r);
    world().sources.put(source, r);
}

fn cancel_by(r: &mut Random) {
    let token = if r.one_in(4) { any(r).child().token() } else { any(r) };
    Held::any(r).go(|promise| promise.cancel_by(&token)).keep(r);
}

fn cancel(r: &mut Random) {
    let Some(source) = world().sources.take(r) else { return };
    if r.one_in(4) {
        world().sources.put(source.clone(), r);
    }
    if r.one_in(2) {
        source.cancel();
    } else {
        source.cancel_for("it has been hammered");
    }
    assert!(source.is_cancelled());
}

fn cancel_after(r: &mut Random) {
    let Some(source) = world().sources.take(r) else { return };
    source.cancel_after(Duration::from_micros(r.next() % 500));
    world().sources.put(source, r);
}

fn below(r: &mut Random) {
    let child =
        if r.one_in(2) { any(r).child() } else { CancelToken::any([any(r), any(r)]).child() };
    world().tokens.put(child.token(), r);
    world().sources.put(child, r);
}

fn on_cancel(r: &mut Random) {
    let callback = callback(r, 0);
    any(r).on_cancel(move || {
        drop(CancelReason::current());
        callback.run("token");
    });
}

fn look(r: &mut Random) {
    let token = any(r);
    let reason = token.reason();
    assert!(reason.is_none_or(|why| !why.as_str().is_empty()));
    assert!(token.check().is_ok() || token.is_cancelled());
    drop(format!("{token:?}"));
}

fn wait(r: &mut Random) {
    let (token, limit) = (any(r), moment(r));
    if token.wait(limit) {
        assert!(token.is_cancelled());
    }
}

fn cancelled(r: &mut Random) {
    let after = number();
    let (callback, fault) = (callback(r, after), Fault::new(r));
    let promise = any(r).cancelled().map_err(move |_| fault);
    let promise = promise.handle(move |_| callback.result("cancelled", None));
    Held::new(promise, after).keep(r);
}
