//! What a tree may give, by plain functions on `Result`s.

use crate::outcome::{Act, Out, acted, fold, is_value, late_outcome, mix, number};
use crate::tree::Tree;

/// An outcome, and when it comes: the number of the `Deferred` that was settled last before it.
pub(crate) type Timed = (Out, usize);

/// What may come of it; `late` gives the turns of the `Deferred`s, in the order in which they stand in the tree.
pub(crate) fn plain(tree: &Tree, late: &mut dyn Iterator<Item = usize>) -> Vec<Timed> {
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
