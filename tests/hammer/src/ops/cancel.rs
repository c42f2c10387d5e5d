//! Giving up.

use super::{Operation, operation};
use crate::callback::callback;
use crate::held::Held;
use crate::random::Random;
use crate::world::world;

pub(super) const OPERATIONS: &[Operation] = &[
    operation("cancel", &["Promise::cancel"], cancel),
    operation("cancellable", &["Promise::cancellable"], cancellable).often(),
    operation("Canceller::cancel", &["Canceller::cancel"], use_canceller).often(),
    operation(
        "cancel_on_drop",
        &["Promise::cancel_on_drop", "CancelOnDrop::into_inner"],
        cancel_on_drop,
    ),
    operation("detach", &["Promise::detach"], |r| Held::any(r).it.detach()),
    operation("drop a guard", &[], |r| drop(world().guards.take(r))),
    operation("on_cancel", &["Promise::on_cancel"], on_cancel),
    operation("shield", &["Promise::shield"], shield),
    operation("a token", &["CancelToken::is_cancelled", "CancelToken::on_cancel"], use_token),
];

fn cancel(r: &mut Random) {
    let held = Held::any(r);
    held.it.cancel();
    held.keep(r);
}

fn cancellable(r: &mut Random) {
    let held = Held::any(r);
    let (it, canceller) = held.it.cancellable();
    world().cancellers.put(canceller, r);
    Held::new(it, held.after).keep(r);
}

fn use_canceller(r: &mut Random) {
    let Some(canceller) = world().cancellers.take(r) else { return };
    if r.one_in(4) {
        world().cancellers.put(canceller.clone(), r);
    }
    canceller.cancel();
}

fn cancel_on_drop(r: &mut Random) {
    let held = Held::any(r);
    let guard = held.it.cancel_on_drop();
    if r.one_in(4) {
        Held::new(guard.into_inner(), held.after).keep(r);
    } else if r.one_in(2) {
        world().guards.put(guard, r);
    }
}

fn on_cancel(r: &mut Random) {
    let held = Held::any(r);
    let hook = callback(r, held.after);
    held.go(|promise| promise.on_cancel(move || hook.run("on_cancel"))).keep(r);
}

fn shield(r: &mut Random) {
    let held = Held::any(r).go(|promise| promise.shield());
    if r.one_in(2) {
        held.it.cancel();
    }
    held.keep(r);
}

fn use_token(r: &mut Random) {
    let Some(token) = world().tokens.take(r) else { return };
    let callback = callback(r, 0);
    token.on_cancel(move || callback.run("token"));
    if !token.is_cancelled() {
        world().tokens.put(token, r);
    }
}
