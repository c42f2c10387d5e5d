//! What a chain needs in order to settle: all of some roots, or one of some chains. For whoever has to
//! tell whether a wait would never end.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::header::CellRef;
use super::later::{Later, later};
use super::look::{is_circle, visit};
use super::upstream::{Kept, Sources, Upstream, sources, walk};

/// How deep lists of lists are looked into.
const DEPTH: u32 = 32;

/// Something without which a chain does not settle.
pub(crate) enum Need {
    /// This root, and the executor in whose queue it is, if it is in one. Both are addresses only: what
    /// is there may be gone.
    Root(CellRef, Option<*mut ()>),
    /// One of these chains, and what it needs.
    OneOf(Vec<Vec<Need>>),
}

/// Whether what has all these needs never settles, if `never` says which roots do not.
pub(crate) fn is_hopeless(
    needs: &[Need],
    never: &mut dyn FnMut(CellRef, Option<*mut ()>) -> bool,
) -> bool {
    needs.iter().any(|need| match need {
        Need::Root(root, queue) => never(*root, *queue),
        Need::OneOf(chains) => chains.iter().all(|needs| is_hopeless(needs, never)),
    })
}

/// What the chain needs, as far as `most` roots show it; says how many may be looked at still. To be
/// called [`quietly`](super::later::quietly).
pub(crate) fn needs(chain: Kept<'_>, most: usize) -> (Vec<Need>, usize) {
    let left = Cell::new(most);
    (of_chain(chain, DEPTH, &left), left.get())
}

/// Whether the chain never settles if this root does not, as far as `most` roots show it: as
/// [`is_hopeless`] of its [`needs`], without putting them together; and it knows circles of others, which
/// these do not. To be called [`quietly`](super::later::quietly).
pub(super) fn needs_root(chain: Kept<'_>, root: CellRef, most: usize) -> bool {
    chain_needs(chain, root, DEPTH, &Cell::new(most)) == Needs::It
}

/// Whether a glance tells that the chain does not need this root. Else [`needs_root`] has to look.
pub(super) fn is_without(chain: Kept<'_>, root: CellRef) -> bool {
    match chain.only_root() {
        Some(only) => only != root,
        None => chain.glance(|upstream| upstream.is_without(root)) == Some(true),
    }
}

/// What a look for a root has found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Needs {
    /// It may settle without.
    Not,
    /// It waits for itself: for the root only where something else on that circle does.
    Itself,
    /// It does not settle without the root.
    It,
}

fn chain_needs(chain: Kept<'_>, wanted: CellRef, depth: u32, left: &Cell<usize>) -> Needs {
    if let Some(root) = chain.only_root() {
        left.set(left.get().saturating_sub(1));
        return if root == wanted { Needs::It } else { Needs::Not }; // the common case: it was just spawned
    }
    let found = Cell::new(Needs::Not);
    let mut see = |root: CellRef| {
        found.set(match root == wanted {
            true => Needs::It,
            false if is_circle(root.address().addr()) => Needs::Itself,
            false => Needs::Not,
        });
        left.set(left.get().saturating_sub(1));
        found.get() > Needs::Not || left.get() == 0
    };
    walk(chain, &mut see, |root, _| {
        // SAFETY: a root is alive while it is shown.
        let sources = if depth > 0 { unsafe { sources(root) } } else { Sources::default() };
        for upstream in sources {
            if found.get() == Needs::It || left.get() == 0 {
                later(Later::Drop(upstream));
            } else {
                found.set(found.get().max(upstream_needs(upstream, wanted, depth - 1, left)));
            }
        }
        found.get() == Needs::It || left.get() == 0
    });
    found.get()
}

fn upstream_needs(
    upstream: Arc<dyn Upstream>,
    wanted: CellRef,
    depth: u32,
    left: &Cell<usize>,
) -> Needs {
    let one = upstream.one_is_enough();
    let (mut most, mut least) = (Needs::Not, Needs::It);
    let seen = visit(upstream, &mut |chain| {
        let needs = chain_needs(chain, wanted, depth, left);
        (most, least) = (most.max(needs), least.min(needs));
        left.get() == 0 || if one { least == Needs::Not } else { most == Needs::It }
    });
    match seen {
        false => Needs::Itself,
        // What was not looked at may be the one.
        true if one && (least == Needs::Not || left.get() == 0) => Needs::Not,
        true => most,
    }
}

fn of_chain(chain: Kept<'_>, depth: u32, left: &Cell<usize>) -> Vec<Need> {
    let found = RefCell::new(Vec::new());
    let mut see = |root: CellRef| {
        // SAFETY: a root is alive while it is shown.
        let queue = unsafe { root.header().up.queued_in() };
        found.borrow_mut().push(Need::Root(root, queue));
        left.set(left.get().saturating_sub(1));
        left.get() == 0
    };
    walk(chain, &mut see, |root, _| {
        // SAFETY: as above.
        let sources = if depth > 0 { unsafe { sources(root) } } else { Sources::default() };
        for upstream in sources {
            let more = of_upstream(upstream, depth - 1, left);
            found.borrow_mut().extend(more);
        }
        left.get() == 0
    });
    found.into_inner()
}

fn of_upstream(upstream: Arc<dyn Upstream>, depth: u32, left: &Cell<usize>) -> Vec<Need> {
    if left.get() == 0 {
        later(Later::Drop(upstream));
        return Vec::new();
    }
    let one = upstream.one_is_enough();
    let (mut all, mut chains) = (Vec::new(), Vec::new());
    visit(upstream, &mut |chain| {
        let needs = of_chain(chain, depth, left);
        if one {
            chains.push(needs)
        } else {
            all.extend(needs)
        }
        left.get() == 0
    });
    // What was not looked at may be the one.
    if !chains.is_empty() && left.get() > 0 {
        all.push(Need::OneOf(chains));
    }
    all
}
