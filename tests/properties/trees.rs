//! Small trees of combinators, settled in any order, give what plain functions on `Result`s give.
//! Where several may be first, any of them will do; a tree that fails is made as small as can be.

mod builder;
#[path = "../common/mod.rs"]
mod common;
mod outcome;
mod plain;
mod tree;

use asynckit::{Deferred, Pool};
use builder::Builder;
use common::{DropCounter, PATIENCE, flush, one_worker, watched_long};
use outcome::{Act, Out, late_outcome, out};
use plain::{Timed, plain};
use proptest::collection::vec;
use proptest::prelude::*;
use tree::{Tree, late_acts, tree};

fn settle(deferred: Deferred<u64, String>, act: Option<Act>) {
    match act.map(late_outcome) {
        Some(Out::Value(n)) => deferred.resolve(n),
        Some(Out::Error(text)) => deferred.reject(text),
        _ => drop(deferred),
    }
}

/// All that is ready has run: what a callback makes ready is queued at most once for each callback.
fn come_to_rest(pool: &Pool, callbacks: usize) {
    for _ in 0..=callbacks {
        flush(pool);
    }
}

/// Builds the tree, settles its `Deferred`s in the order of `keys`, so many of them `early`, before it is built.
fn promised(tree: &Tree, keys: &[u16], early: usize) -> Result<(Out, Vec<Timed>), TestCaseError> {
    let pool = one_worker();
    let mut acts = vec![];
    late_acts(tree, &mut acts);
    let (mut deferreds, promises): (Vec<_>, Vec<_>) =
        acts.iter().map(|_| pool.deferred()).map(|(d, p)| (Some(d), p)).unzip();
    let mut order: Vec<usize> = (0..acts.len()).collect();
    order.sort_by_key(|index| keys[index % keys.len()].wrapping_mul(*index as u16 + 1));
    let early = early.min(order.len());

    let mut times = vec![0; acts.len()];
    let mut settle_next =
        |index: usize| settle(deferreds[index].take().expect("once"), acts[index]);
    order[..early].iter().for_each(|index| settle_next(*index));
    let mut builder = Builder {
        pool: &pool,
        late: promises.into_iter(),
        drops: DropCounter::default(),
        tokens: 0,
    };
    let mut promise = builder.build(tree);
    let (drops, tokens) = (builder.drops.clone(), builder.tokens);
    drop(builder);
    come_to_rest(&pool, tokens);
    for (turn, index) in order[early..].iter().enumerate() {
        prop_assert!(drops.dropped() <= tokens);
        times[*index] = turn + 1;
        settle_next(*index);
        come_to_rest(&pool, tokens);
    }
    prop_assert!(promise.is_set(), "all is settled, but the promise is pending");
    let got = out(promise.get(PATIENCE));
    drop(pool);
    prop_assert_eq!(drops.dropped(), tokens, "closures that were not dropped once");
    Ok((got, plain(tree, &mut times.into_iter())))
}

#[test]
fn trees_give_what_plain_functions_give() {
    watched_long(|| {
        let config =
            ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
        let mut runner = proptest::test_runner::TestRunner::new(config);
        let cases = (tree(), vec(any::<u16>(), 1..8), 0..4_usize);
        // The failures that nobody looks at are part of the trees.
        asynckit::set_unobserved_hook(|_| ());
        let result = runner.run(&cases, |(tree, keys, early)| {
            let (got, expected) = promised(&tree, &keys, early)?;
            prop_assert!(
                expected.iter().any(|(out, _)| *out == got),
                "got {:?}, expected one of {:?}",
                got,
                expected
            );
            Ok(())
        });
        if let Err(failure) = result {
            panic!("{failure}");
        }
    });
}
