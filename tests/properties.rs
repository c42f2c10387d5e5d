//! Small trees of combinators, settled in any order, give what plain functions on `Result`s give.
//! Where several may be first, any of them will do; a tree that fails is made as small as can be.

mod common;

use asynckit::{AsyncList, Deferred, Failure, IntoPromise, Pool, Promise, join};
use common::{DropCounter, PATIENCE, flush, one_worker, watched_long};
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Duration;

/// What comes of a promise.
#[derive(Clone, Debug, PartialEq)]
enum Out {
    Value(u64),
    Error(String),
    Panicked(String),
    Abandoned,
}

/// What user code does with a number.
#[derive(Clone, Copy, Debug)]
enum Act {
    Value(u8),
    Error(u8),
    Panic(u8),
}

#[derive(Clone, Debug)]
enum Tree {
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
enum Same {
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

fn tree() -> impl Strategy<Value = Tree> {
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

// ── With plain functions ─────────────────────────────────────────────────────────────────────────────────────────

/// An outcome, and when it comes: the number of the `Deferred` that was settled last before it.
type Timed = (Out, usize);

fn mix(seed: u64, n: u64) -> u64 {
    (n ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}

fn number(out: &Out) -> u64 {
    match out {
        Out::Value(n) => *n,
        Out::Error(text) => text.bytes().fold(3, |sum, byte| mix(sum, u64::from(byte))),
        Out::Panicked(text) => text.bytes().fold(5, |sum, byte| mix(sum, u64::from(byte))),
        Out::Abandoned => 7,
    }
}

fn fold(numbers: impl IntoIterator<Item = u64>) -> u64 {
    numbers.into_iter().fold(11, mix)
}

fn acted(act: Act, input: u64) -> Out {
    match act {
        Act::Value(n) => Out::Value(mix(u64::from(n), input)),
        Act::Error(n) => Out::Error(format!("error {n}")),
        Act::Panic(n) => Out::Panicked(format!("panic {n}")),
    }
}

fn is_value(out: &Out) -> bool {
    matches!(out, Out::Value(_))
}

/// What may come of it; `late` gives the turns of the `Deferred`s, in the order in which they stand in the tree.
fn plain(tree: &Tree, late: &mut dyn Iterator<Item = usize>) -> Vec<Timed> {
    let mut one = |tree: &Tree, f: &dyn Fn(Out) -> Out| -> Vec<Timed> {
        plain(tree, late).into_iter().map(|(out, time)| (f(out), time)).collect()
    };
    let on = |own: &dyn Fn(&Out) -> bool, act: Act, out: Out| {
        if own(&out) { acted(act, number(&out)) } else { out }
    };
    match tree {
        Tree::Job(act) => vec![(acted(*act, 0), 0)],
        Tree::Late(act) => {
            let time = late.next().expect("each has its turn");
            vec![(act.map_or(Out::Abandoned, late_outcome), time)]
        }
        Tree::Map(t, a) | Tree::Then(t, a) | Tree::Chain(t, a) => {
            one(t, &|out| on(&is_value, *a, out))
        }
        Tree::Catch(t, a) => one(t, &|out| on(&|out| !is_value(out), *a, out)),
        Tree::CatchIf(t, yes, a) => one(t, &|out| on(&|out| *yes && !is_value(out), *a, out)),
        Tree::OrElse(t, a) => one(t, &|out| on(&|out| matches!(out, Out::Error(_)), *a, out)),
        Tree::Handle(t, a) => one(t, &|out| on(&|_| true, *a, out)),
        Tree::MapErr(t) => one(t, &|out| match out {
            Out::Error(text) => Out::Error(format!("{text}, mapped")),
            out => out,
        }),
        Tree::InspectPanics(t) => one(t, &|out| match out {
            Out::Value(_) => Out::Panicked("the inspector".to_owned()),
            out => out,
        }),
        Tree::Finally(t) | Tree::Same(t, _) => one(t, &|out| out),
        Tree::Shared(t) => one(t, &|out| match out {
            Out::Value(n) => Out::Value(fold([n, mix(1, n)])),
            out => out,
        }),
        Tree::ThenAdopt(a, b) => adopted(plain(a, late), plain(b, late), true),
        Tree::CatchAdopt(a, b) => adopted(plain(a, late), plain(b, late), false),
        Tree::Pair(a, b) => joined(&rows(vec![plain(a, late), plain(b, late)])),
        Tree::Join(all) => joined(&rows(all.iter().map(|t| plain(t, late)).collect())),
        Tree::Settled(all) => {
            let rows = rows(all.iter().map(|t| plain(t, late)).collect());
            rows.iter().map(|row| (value_of(row), last(row))).collect()
        }
        Tree::Race(all) => first(&rows(all.iter().map(|t| plain(t, late)).collect()), &|_| true),
        Tree::Any(all) => any_of(&rows(all.iter().map(|t| plain(t, late)).collect())),
    }
}

/// A `Deferred` cannot panic; it is settled with an error instead.
fn late_outcome(act: Act) -> Out {
    match act {
        Act::Panic(n) => Out::Error(format!("panic {n}")),
        act => acted(act, 0),
    }
}

fn adopted(outer: Vec<Timed>, inner: Vec<Timed>, by_value: bool) -> Vec<Timed> {
    let mut all = vec![];
    for (out, time) in outer {
        if is_value(&out) == by_value {
            all.extend(inner.iter().map(|(out, later)| (out.clone(), time.max(*later))));
        } else {
            all.push((out, time));
        }
    }
    all
}

/// All ways to take one of each.
fn rows(all: Vec<Vec<Timed>>) -> Vec<Vec<Timed>> {
    all.into_iter().fold(vec![vec![]], |rows, choices| {
        let extend = |row: &Vec<Timed>| -> Vec<Vec<Timed>> {
            choices.iter().map(|choice| [row.clone(), vec![choice.clone()]].concat()).collect()
        };
        rows.iter().flat_map(extend).collect()
    })
}

fn last(row: &[Timed]) -> usize {
    row.iter().map(|(_, time)| *time).max().unwrap_or(0)
}

fn value_of(row: &[Timed]) -> Out {
    Out::Value(fold(row.iter().map(|(out, _)| number(out))))
}

/// Those that are first among the ones that count: all with the earliest turn.
fn first(rows: &[Vec<Timed>], counts: &dyn Fn(&Out) -> bool) -> Vec<Timed> {
    let mut all = vec![];
    for row in rows {
        let counting: Vec<&Timed> = row.iter().filter(|(out, _)| counts(out)).collect();
        let earliest = counting.iter().map(|(_, time)| *time).min();
        all.extend(counting.into_iter().filter(|(_, time)| Some(*time) == earliest).cloned());
    }
    all
}

fn joined(rows: &[Vec<Timed>]) -> Vec<Timed> {
    let mut all = first(rows, &|out| !is_value(out));
    let complete = rows.iter().filter(|row| row.iter().all(|(out, _)| is_value(out)));
    all.extend(complete.map(|row| (value_of(row), last(row))));
    all
}

fn any_of(rows: &[Vec<Timed>]) -> Vec<Timed> {
    let mut all = first(rows, &is_value);
    let hopeless = rows.iter().filter(|row| !row.iter().any(|(out, _)| is_value(out)));
    all.extend(hopeless.map(|row| (Out::Error(format!("all {} failed", row.len())), last(row))));
    all
}

// ── With promises ────────────────────────────────────────────────────────────────────────────────────────────────

type Typed = Promise<u64, String>;

/// What the tree is built with.
struct Builder<'a> {
    pool: &'a Pool,
    late: std::vec::IntoIter<Typed>,
    drops: DropCounter,
    tokens: usize,
}

fn act_on(act: Act, input: u64) -> Result<u64, String> {
    match acted(act, input) {
        Out::Value(n) => Ok(n),
        Out::Error(text) => Err(text),
        Out::Panicked(text) => std::panic::resume_unwind(Box::new(text)),
        Out::Abandoned => unreachable!("no act abandons"),
    }
}

fn out(outcome: Result<u64, Failure<String>>) -> Out {
    match outcome {
        Ok(n) => Out::Value(n),
        Err(Failure::Error(text)) => Out::Error(text),
        Err(Failure::Panicked(panic)) => Out::Panicked(panic.message().to_owned()),
        Err(Failure::Abandoned) => Out::Abandoned,
        Err(other) => Out::Error(format!("unexpected: {other:?}")),
    }
}

fn failed(failure: Failure<String>) -> u64 {
    number(&out(Err(failure)))
}

impl Builder<'_> {
    /// A callback with something to drop.
    fn call<I: 'static, O>(
        &mut self,
        f: impl FnOnce(I) -> O + Send + 'static,
    ) -> impl FnOnce(I) -> O + Send + 'static {
        let token = self.drops.token();
        self.tokens += 1;
        move |input| {
            let _token = token;
            f(input)
        }
    }

    fn list(&mut self, all: &[Tree]) -> AsyncList<u64, String> {
        all.iter().map(|tree| self.build(tree)).collect()
    }

    fn build(&mut self, tree: &Tree) -> Typed {
        match tree {
            Tree::Job(act) => {
                let act = *act;
                let call = self.call(move |()| act_on(act, 0));
                self.pool.spawn(move || call(()))
            }
            Tree::Late(_) => self.late.next().expect("one for each"),
            Tree::Map(t, act) => {
                let (source, act) = (self.build(t), *act);
                match act {
                    // `map` has no errors: the nearest to it is `then`.
                    Act::Error(_) => source.then(self.call(move |n| act_on(act, n))),
                    act => source.map(self.call(move |n| act_on(act, n).expect("no error"))),
                }
            }
            Tree::Then(t, act) => {
                let (source, act) = (self.build(t), *act);
                source.then(self.call(move |n| act_on(act, n)))
            }
            Tree::Chain(t, act) => {
                let (source, act) = (self.build(t), *act);
                source.chain(self.call(move |n| act_on(act, n)))
            }
            Tree::ThenAdopt(a, b) => {
                let (source, inner) = (self.build(a), self.build(b));
                source.then(self.call(move |_| inner))
            }
            Tree::CatchAdopt(a, b) => {
                let (source, inner) = (self.build(a), self.build(b));
                source.catch(self.call(move |_| inner))
            }
            _ => self.handled(tree),
        }
    }

    fn handled(&mut self, tree: &Tree) -> Typed {
        match tree {
            Tree::Catch(t, act) => {
                let (source, act) = (self.build(t), *act);
                source.catch(self.call(move |failure| act_on(act, failed(failure))))
            }
            Tree::CatchIf(t, yes, act) => {
                let (source, yes, act) = (self.build(t), *yes, *act);
                let handler = self.call(move |failure| act_on(act, failed(failure)));
                source.catch_if(move |_| yes, handler)
            }
            Tree::OrElse(t, act) => {
                let (source, act) = (self.build(t), *act);
                source.or_else(self.call(move |text| act_on(act, number(&Out::Error(text)))))
            }
            Tree::MapErr(t) => {
                let source = self.build(t);
                source.map_err(self.call(|text| format!("{text}, mapped")))
            }
            Tree::Handle(t, act) => {
                let (source, act) = (self.build(t), *act);
                source.handle(self.call(move |outcome| act_on(act, number(&out(outcome)))))
            }
            Tree::Finally(t) => {
                let source = self.build(t);
                let call = self.call(|()| ());
                source.finally(move || call(()))
            }
            Tree::InspectPanics(t) => {
                let source = self.build(t);
                source.inspect(|_| std::panic::resume_unwind(Box::new("the inspector")))
            }
            Tree::Same(t, same) => {
                let source = self.build(t);
                unchanged(self.pool, source, *same)
            }
            _ => self.gathered(tree),
        }
    }

    fn gathered(&mut self, tree: &Tree) -> Typed {
        match tree {
            Tree::Shared(t) => {
                let value = self.build(t).share();
                let (first, second) = (value.map(|n| *n), value.then(|n| Ok(mix(1, *n))));
                join((first, second)).map(self.call(|(a, b)| fold([a, b])))
            }
            Tree::Pair(a, b) => {
                let both = (self.build(a), self.build(b));
                join(both).map(self.call(|(a, b)| fold([a, b])))
            }
            Tree::Join(all) => {
                let list = self.list(all);
                list.map(self.call(fold))
            }
            Tree::Settled(all) => {
                let all = self.list(all).settled();
                all.map(self.call(|all: Vec<_>| fold(all.into_iter().map(|one| number(&out(one))))))
            }
            Tree::Any(all) => {
                let list = self.list(all).any();
                list.map_err(self.call(|all: asynckit::AllFailed<String>| {
                    format!("all {} failed", all.failures().len())
                }))
            }
            Tree::Race(all) => self.list(all).race(),
            _ => unreachable!("it is built elsewhere"),
        }
    }
}

fn unchanged(pool: &Pool, source: Typed, same: Same) -> Typed {
    match same {
        Same::Timeout => source.timeout(Duration::MAX),
        Same::Shield => source.shield(),
        Same::Cancellable => source.cancellable().0,
        Same::Inspect => source.inspect(|_| ()),
        Same::Copy => source.share().into_promise(),
        Same::Follow => {
            let (deferred, promise) = pool.deferred();
            deferred.follow(source);
            promise
        }
    }
}

/// The acts of the `Deferred`s, in the order in which they stand in the tree.
fn late_acts(tree: &Tree, acts: &mut Vec<Option<Act>>) {
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
