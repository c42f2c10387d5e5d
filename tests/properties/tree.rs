//! Trees of combinators, and how one is made at random.

use crate::outcome::Act;
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(crate) enum Tree {
    /// A job of the pool.
    Job(Act),
    /// A `Deferred` of the pool, settled when its turn comes; `None`: dropped.
    Late(Option<Act>),
    Map(Box<Tree>, Act),
    Then(Box<Tree>, Act),
    Chain(Box<Tree>, Act),
    /// The callback returns the promise of the second tree.
    ThenAdopt(Box<Tree>, Box<Tree>),
    Catch(Box<Tree>, Act),
    CatchAdopt(Box<Tree>, Box<Tree>),
    CatchIf(Box<Tree>, bool, Act),
    OrElse(Box<Tree>, Act),
    MapErr(Box<Tree>),
    Handle(Box<Tree>, Act),
    Finally(Box<Tree>),
    InspectPanics(Box<Tree>),
    /// These leave the outcome as it is.
    Same(Box<Tree>, Same),
    /// Two branches of a shared value, joined.
    Shared(Box<Tree>),
    Pair(Box<Tree>, Box<Tree>),
    Join(Vec<Tree>),
    Settled(Vec<Tree>),
    Any(Vec<Tree>),
    Race(Vec<Tree>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Same {
    Timeout,
    Shield,
    Cancellable,
    Follow,
    Inspect,
    Copy,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => any::<u8>().prop_map(Act::Value),
        2 => any::<u8>().prop_map(Act::Error),
        1 => any::<u8>().prop_map(Act::Panic),
    ]
}

pub(crate) fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        act().prop_map(Tree::Job),
        prop::option::weighted(0.9, act()).prop_map(Tree::Late),
    ];
    leaf.prop_recursive(5, 20, 3, |inner| {
        let one = inner.clone().prop_map(Box::new).boxed();
        let many = vec(inner, 1..4);
        let same = prop_oneof![
            Just(Same::Timeout),
            Just(Same::Shield),
            Just(Same::Cancellable),
            Just(Same::Follow),
            Just(Same::Inspect),
            Just(Same::Copy),
        ];
        prop_oneof![
            (one.clone(), act()).prop_map(|(t, a)| Tree::Map(t, a)),
            (one.clone(), act()).prop_map(|(t, a)| Tree::Then(t, a)),
            (one.clone(), act()).prop_map(|(t, a)| Tree::Chain(t, a)),
            (one.clone(), one.clone()).prop_map(|(a, b)| Tree::ThenAdopt(a, b)),
            (one.clone(), act()).prop_map(|(t, a)| Tree::Catch(t, a)),
            (one.clone(), one.clone()).prop_map(|(a, b)| Tree::CatchAdopt(a, b)),
            (one.clone(), any::<bool>(), act()).prop_map(|(t, yes, a)| Tree::CatchIf(t, yes, a)),
            (one.clone(), act()).prop_map(|(t, a)| Tree::OrElse(t, a)),
            one.clone().prop_map(Tree::MapErr),
            (one.clone(), act()).prop_map(|(t, a)| Tree::Handle(t, a)),
            one.clone().prop_map(Tree::Finally),
            one.clone().prop_map(Tree::InspectPanics),
            (one.clone(), same).prop_map(|(t, same)| Tree::Same(t, same)),
            one.clone().prop_map(Tree::Shared),
            (one.clone(), one.clone()).prop_map(|(a, b)| Tree::Pair(a, b)),
            many.clone().prop_map(Tree::Join),
            many.clone().prop_map(Tree::Settled),
            many.clone().prop_map(Tree::Any),
            many.prop_map(Tree::Race),
        ]
    })
}

/// The acts of the `Deferred`s, in the order in which they stand in the tree.
pub(crate) fn late_acts(tree: &Tree, acts: &mut Vec<Option<Act>>) {
    match tree {
        Tree::Job(_) => {}
        Tree::Late(act) => acts.push(*act),
        Tree::Map(t, _) | Tree::Then(t, _) | Tree::Chain(t, _) | Tree::Catch(t, _) => {
            late_acts(t, acts)
        }
        Tree::CatchIf(t, ..) | Tree::OrElse(t, _) | Tree::MapErr(t) | Tree::Handle(t, _) => {
            late_acts(t, acts)
        }
        Tree::Finally(t) | Tree::InspectPanics(t) | Tree::Same(t, _) | Tree::Shared(t) => {
            late_acts(t, acts)
        }
        Tree::ThenAdopt(a, b) | Tree::CatchAdopt(a, b) | Tree::Pair(a, b) => {
            late_acts(a, acts);
            late_acts(b, acts);
        }
        Tree::Join(all) | Tree::Settled(all) | Tree::Any(all) | Tree::Race(all) => {
            all.iter().for_each(|tree| late_acts(tree, acts));
        }
    }
}
