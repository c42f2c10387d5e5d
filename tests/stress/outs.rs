//! Sets of outcomes, and what each kind of step makes of them.

use std::collections::BTreeSet;

use crate::ledger::{Out, code};
use crate::model::{answer, fold, is_bad, number};
use crate::program::{Node, Plan, Steer, Whole};

/// More outcomes than this are no longer told apart.
const MANY: usize = 48;

/// What an outcome may be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outs {
    pub(crate) outs: BTreeSet<Out>,
    /// Any value at all.
    pub(crate) any_value: bool,
}

impl Outs {
    pub(crate) fn one(out: Out) -> Self {
        Outs { outs: BTreeSet::from([out]), any_value: false }
    }

    pub(crate) fn may(&self, out: &Out) -> bool {
        self.outs.contains(out) || (self.any_value && out.is_ok())
    }

    pub(crate) fn add(&mut self, out: Out) {
        self.outs.insert(out);
        if self.outs.iter().filter(|out| out.is_ok()).count() > MANY {
            self.outs.retain(|out| !out.is_ok());
            self.any_value = true;
        }
    }

    fn extend(&mut self, other: &Outs) {
        self.any_value |= other.any_value;
        for out in &other.outs {
            self.add(*out);
        }
    }

    fn values(&self) -> Outs {
        let outs = self.outs.iter().filter(|out| out.is_ok()).copied().collect();
        Outs { outs, any_value: self.any_value }
    }

    fn failures(&self) -> Outs {
        let outs = self.outs.iter().filter(|out| !out.is_ok()).copied().collect();
        Outs { outs, any_value: false }
    }

    pub(crate) fn may_succeed(&self) -> bool {
        self.any_value || self.outs.iter().any(Out::is_ok)
    }

    pub(crate) fn may_fail(&self) -> bool {
        self.outs.iter().any(|out| !out.is_ok())
    }
}

pub(crate) fn union<'a>(all: impl Iterator<Item = &'a Outs>) -> Outs {
    let mut outs = Outs::default();
    all.for_each(|other| outs.extend(other));
    outs
}

/// What a handler makes of the outcomes that are its own; the others pass.
pub(crate) fn handled(node: Node, input: &Outs, plan: Plan, own: impl Fn(&Out) -> bool) -> Outs {
    let mut outs = Outs::default();
    for out in &input.outs {
        let given = match out {
            Out::Ok(n) => *n,
            failure => failure.number(),
        };
        outs.add(if own(out) { answer(node, plan, given) } else { *out });
    }
    if input.any_value {
        match answer(node, plan, 0) {
            failure if own(&Out::Ok(0)) && !failure.is_ok() => outs.add(failure),
            _ => outs.any_value = true,
        }
    }
    outs
}

/// `finally` and `inspect`: a panic takes the place of a value only.
pub(crate) fn observed(node: Node, input: &Outs, plan: Plan) -> Outs {
    if plan != Plan::Panic {
        return input.clone();
    }
    let mut outs = input.failures();
    if input.may_succeed() {
        outs.add(Out::Panic(code(node, 0)));
    }
    outs
}

/// What is begun by `finally_then` fails: its failure takes the place of a value only.
pub(crate) fn beside(node: Node, input: &Outs, plan: Plan) -> Outs {
    let failure = match answer(node, plan, 0) {
        Out::Ok(_) => return input.clone(),
        failure => failure,
    };
    let mut outs = input.failures();
    if input.may_succeed() {
        outs.add(failure);
    }
    outs
}

/// All values, or all failures, when all have settled.
pub(crate) fn joined_all(node: Node, all: &[&Outs]) -> Outs {
    let mut outs = Outs::default();
    if all.iter().all(|outs| outs.may_succeed()) {
        let values: Vec<Outs> = all.iter().map(|outs| outs.values()).collect();
        outs = product(node, &values.iter().collect::<Vec<_>>());
    }
    if all.iter().any(|outs| outs.may_fail()) {
        outs.add(Out::Fault(code(node, 0)));
    }
    outs
}

/// What calls come to that go together.
pub(crate) fn whole(node: Node, whole: Whole) -> Outs {
    let of = |call: usize, bad: u8| match is_bad(bad, call) {
        true => Out::Fault(code(node, call as u64 + 1)).number(),
        false => number(node, call as u64),
    };
    let all =
        |count: usize, bad: u8| Out::Ok(number(node, fold((0..count).map(|call| of(call, bad)))));
    let fault = Out::Fault(code(node, 0));
    Outs::one(match whole {
        Whole::Scope(count, bad, true) if (0..count).any(|call| is_bad(bad, call)) => fault,
        Whole::Scope(count, bad, _) => all(count, bad),
        Whole::RepeatUntil(turns, pauses) if turns > pauses + 1 => Out::Expired,
        Whole::RepeatUntil(turns, _) => Out::Ok(number(node, u64::from(turns))),
        Whole::Unfold(_, true) | Whole::Periodic(..) => fault,
        Whole::Unfold(count, false) => all(count as usize, 0),
        Whole::Limited(count, _, _, Steer::Clear) => {
            Out::Ok(number(node, fold((0..count).map(|_| Out::Cancelled.number()))))
        }
        Whole::Limited(count, _, bad, _) => all(count, bad),
    })
}

/// A job that waits gives the value on, and says in its own words what failed.
pub(crate) fn waited(node: Node, input: &Outs) -> Outs {
    let mut outs = Outs { any_value: input.any_value, ..Outs::default() };
    for out in &input.outs {
        outs.add(match out {
            Out::Fault(_) | Out::Panic(_) | Out::Bomb => Out::Fault(code(node, 0)),
            other => *other,
        });
    }
    outs
}

pub(crate) fn joined(node: Node, all: &[&Outs]) -> Outs {
    let values: Vec<Outs> = all.iter().map(|outs| outs.values()).collect();
    let mut outs = union(all.iter().map(|outs| outs.failures()).collect::<Vec<_>>().iter());
    if all.iter().all(|outs| outs.may_succeed()) {
        outs.extend(&product(node, &values.iter().collect::<Vec<_>>()));
    }
    outs
}

/// The values that are made of one outcome of each.
pub(crate) fn product(node: Node, all: &[&Outs]) -> Outs {
    let any = Outs { any_value: true, ..Outs::default() };
    let mut rows: Vec<Vec<u64>> = vec![vec![]];
    for outs in all {
        if outs.any_value || rows.len() * outs.outs.len() > MANY {
            return any;
        }
        rows = rows
            .iter()
            .flat_map(|row| outs.outs.iter().map(|out| [row.clone(), vec![out.number()]].concat()))
            .collect();
    }
    let mut outs = Outs::default();
    rows.into_iter().for_each(|row| outs.add(Out::Ok(number(node, fold(row)))));
    outs
}

/// `any` and `some`: so many values, or the failure that all are gathered in.
pub(crate) fn first_values(node: Node, wanted: usize, all: &[&Outs]) -> Outs {
    let may_succeed = all.iter().filter(|outs| outs.may_succeed()).count();
    let must_succeed = all.iter().filter(|outs| !outs.may_fail()).count();
    let mut outs = Outs { any_value: may_succeed >= wanted, ..Outs::default() };
    if must_succeed < wanted {
        outs.add(Out::Fault(code(node, 0)));
    }
    if wanted == 1 && outs.any_value {
        outs = Outs { any_value: false, ..outs };
        for values in all.iter().map(|outs| outs.values()) {
            for out in values.outs.iter() {
                outs.add(Out::Ok(number(node, fold([out.number()]))));
            }
            outs.any_value |= values.any_value;
        }
    }
    outs
}
