//! Up the chains: cancelling what a chain waits for, and looking at it.

use super::cell::At;
use super::links::step_of_link;
use super::wave::{settle, wave};
use super::world::World;
use crate::chain::Cancel;
use crate::handlers;

/// The caller keeps the root of the chain alive.
pub(super) fn cancel_chain(world: &World, mut root: At) {
    let mut held = Vec::new();
    loop {
        match root.up.cancel() {
            Cancel::Before | Cancel::Running => break,
            Cancel::Claimed => {
                let handlers = if root.is_job {
                    root.take_closure().leave();
                    None
                } else {
                    handlers::close(&root.handlers)
                };
                wave(world, settle(root, root.word.settle_without_outcome()));
                if let Some(handlers) = handlers {
                    handlers.run();
                }
                break;
            }
            Cancel::Link(link) => {
                wave(world, step_of_link(root, At::from_address(link)));
                break;
            }
            Cancel::Inner(inner) => {
                held.push(root);
                root = At::from_address(inner);
            }
        }
    }
    // Innermost first: whoever holds the outer root keeps the inner one alive.
    while let Some(outer) = held.pop() {
        if outer.up.release().end_inner {
            root.end();
        }
        root = outer;
    }
}

/// Shows the roots that a chain waits for, until `visit` says that it is enough. The caller keeps the
/// first one alive.
pub(super) fn explore(world: &World, mut root: At, visit: &mut dyn FnMut(At) -> bool) -> bool {
    let mut held = Vec::new();
    let enough = loop {
        if visit(root) {
            break true;
        }
        let Some(inner) = root.up.hold_inner() else { break false };
        held.push(root);
        root = At::from_address(inner);
    };
    while let Some(outer) = held.pop() {
        let release = outer.up.release_unless_cancelled().unwrap_or_else(|| {
            cancel_chain(world, root);
            outer.up.release()
        });
        if release.end_inner {
            root.end();
        }
        root = outer;
    }
    enough
}
