//! Makes promises of several others: of all of them, of the first, with keys, and with the rest of a live set.

use crate::ledger::{Out, Value, code, inside};
use crate::outs::Outs;
use crate::program::{Node, Op, Plan};
use crate::run::Run;
use crate::world::{Callback, Place, Promised};
use asynckit::{AllFailed, AnyError, AsyncList, KeyedList, Promise, TaskSet};

impl Run<'_> {
    pub(crate) fn combined(&self, node: Node, op: &Op, list: AsyncList<Value>) -> Promised {
        let callback = self.callback(node, Plan::Value, "fold", Place::Anywhere);
        let all_failed = self.all_failed(node, list.len());
        inside(|| match op {
            Op::Join(_) => list.map(move |values| callback.folded(values)),
            Op::Race(_) => list.race(),
            Op::Any(_) => {
                list.any().map_err(all_failed).map(move |value| callback.folded(vec![value]))
            }
            Op::Some(_, n) => {
                list.some(*n).map_err(all_failed).map(move |values| callback.folded(values))
            }
            Op::JoinAll(_) => {
                list.join_all().map_err(all_failed).map(move |values| callback.folded(values))
            }
            _ => list.settled().map(move |outcomes| callback.folded(outcomes)),
        })
    }

    /// The same with keys, which are the indices.
    pub(crate) fn combined_with_keys(&mut self, node: Node, op: &Op, items: &[Node]) -> Promised {
        let (count, outs) = (items.len(), self.outs_of(items));
        let list: KeyedList<usize, Value> = self.items(items).into_iter().enumerate().collect();
        let callback = self.callback(node, Plan::Value, "fold", Place::Anywhere);
        let all_failed = self.all_failed(node, count);
        let ledger = self.world.ledger.clone();
        let look = move |(key, value): (usize, Value)| {
            expect(&outs, key, &Out::Ok(value.n), &|text| {
                ledger.problem(format!("n{node}: {text}"))
            });
            value
        };
        let all =
            move |values: Vec<(usize, Value)>| values.into_iter().map(look).collect::<Vec<_>>();
        inside(|| match op {
            Op::Join(_) => list.map(move |values| callback.folded(all(values))),
            Op::Race(_) => list.race().map(move |one| all(vec![one]).remove(0)),
            Op::Any(_) => {
                list.any().map_err(all_failed).map(move |one| callback.folded(all(vec![one])))
            }
            Op::Some(_, n) => {
                list.some(*n).map_err(all_failed).map(move |values| callback.folded(all(values)))
            }
            Op::JoinAll(_) => {
                list.join_all().map_err(all_failed).map(move |values| callback.folded(all(values)))
            }
            _ => list.settled().map(move |outcomes| {
                callback.folded(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
            }),
        })
    }

    /// What is made of the failures of a list of so many items.
    fn all_failed(&self, node: Node, count: usize) -> impl FnOnce(AllFailed) -> AnyError + use<> {
        let failed = self.callback(node, Plan::Fault, "all failed", Place::Anywhere);
        move |all| {
            failed.begin();
            let ledger = &failed.world.ledger;
            let ascend = all.indices().windows(2).all(|two| two[0] < two[1]);
            let inside = all.indices().iter().all(|index| *index < count);
            if !ascend || !inside || all.indices().len() != all.failures().len() {
                ledger.problem(format!("n{node}: the indices of {all:?}, of {count}"));
            }
            failed.world.fault(code(node, 0))
        }
    }

    fn outs_of(&self, items: &[Node]) -> Vec<Outs> {
        items.iter().map(|item| self.model.outs[*item].clone()).collect()
    }

    /// The one that wins of a live set; the others are kept, or cancelled where the set is dropped.
    pub(crate) fn raced(&mut self, node: Node, items: &[Node], keep: bool) -> Promised {
        let outs = self.outs_of(items);
        let set = self.set(items);
        let callback = self.callback(node, Plan::Value, "race", Place::Anywhere);
        inside(|| {
            set.race().then(move |(first, rest)| {
                callback.begin();
                callback.expect(
                    &outs,
                    first.key,
                    &callback.world.ledger.look(first.outcome.as_ref()),
                );
                callback.rest(rest, outs.len() - 1, keep);
                Promise::settled(first.outcome)
            })
        })
    }

    /// The first value of a live set.
    pub(crate) fn first_of_set(&mut self, node: Node, items: &[Node], keep: bool) -> Promised {
        let outs = self.outs_of(items);
        let (set, all_failed) = (self.set(items), self.all_failed(node, items.len()));
        let callback = self.callback(node, Plan::Value, "fold", Place::Anywhere);
        inside(|| {
            set.any().map_err(all_failed).map(move |(key, value, rest)| {
                callback.expect(&outs, key, &Out::Ok(value.n));
                callback.rest(rest, outs.len() - 1, keep);
                callback.folded(vec![value])
            })
        })
    }

    fn set(&mut self, items: &[Node]) -> TaskSet<Value> {
        let promises = self.items(items);
        inside(|| promises.into_iter().collect())
    }
}

/// This item may have this outcome.
fn expect(outs: &[Outs], key: usize, out: &Out, problem: &dyn Fn(String)) {
    match outs.get(key) {
        Some(outs) if outs.may(out) => {}
        Some(outs) => problem(format!("item {key} has won with {out:?}, and may have {outs:?}")),
        None => problem(format!("item {key} has won, of {}", outs.len())),
    }
}

impl Callback {
    fn expect(&self, outs: &[Outs], key: usize, out: &Out) {
        expect(outs, key, out, &|text| {
            self.world.ledger.problem(format!("n{}: {text}", self.node))
        });
    }

    /// The others of a set, of which there are so many at the most.
    fn rest(&self, rest: TaskSet<Value>, most: usize, keep: bool) {
        if rest.len() > most {
            self.world.ledger.problem(format!("n{}: {rest:?} beside the winner", self.node));
        }
        if keep {
            rest.detach();
        }
    }
}
