//! Random graphs of promises that follow each other, made by several threads at a time (conformance C5): who can
//! settle does so with its value, and all others are told.

#[expect(dead_code, reason = "the stress tests use more of it")]
#[path = "../stress/random.rs"]
mod random;

use crate::common::{PATIENCE, watched_long};
use asynckit::{AsyncValue, Deferred, IntoPromise, Promise};
use random::Random;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

type Typed = Promise<u8, String>;
type Value = AsyncValue<u8, String>;
/// What is to be settled, and what it follows.
type Duty = (Deferred<u8, String>, Option<Typed>);

/// What a value is to be, by the numbers of others.
#[derive(Clone, Copy, Debug)]
enum Node {
    Resolves,
    Follows(usize),
    FollowsLinkOf(usize),
    FollowsThen(usize, usize),
}

impl Node {
    fn random(random: &mut Random, count: usize) -> Node {
        let (one, other) = (random.below(count), random.below(count));
        match random.below(6) {
            0 | 1 => Node::Resolves,
            2 => Node::Follows(one),
            3 => Node::FollowsLinkOf(one),
            _ => Node::FollowsThen(one, other),
        }
    }

    fn inputs(self) -> Vec<usize> {
        match self {
            Node::Resolves => vec![],
            Node::Follows(one) | Node::FollowsLinkOf(one) => vec![one],
            Node::FollowsThen(one, other) => vec![one, other],
        }
    }

    /// Whether it can settle when those can.
    fn can(self, can: &[bool]) -> bool {
        self.inputs().into_iter().all(|input| can[input])
    }

    /// `None`: it resolves.
    fn followed(self, values: &[Value]) -> Option<Typed> {
        let value = |number: usize| values[number].clone().into_promise();
        Some(match self {
            Node::Resolves => return None,
            Node::Follows(one) => value(one),
            Node::FollowsLinkOf(one) => value(one).map(|n| n),
            Node::FollowsThen(one, other) => {
                let other = values[other].clone();
                value(one).then(move |_| -> Typed { other.into_promise() })
            }
        })
    }
}

/// Who can settle with a value: all that it waits for can.
fn surely_settle(nodes: &[Node]) -> Vec<bool> {
    let mut can = vec![false; nodes.len()];
    for _ in nodes {
        can = nodes.iter().map(|node| node.can(&can)).collect();
    }
    can
}

fn settle(nodes: &[Node], threads: usize) -> Vec<Result<u8, String>> {
    let (deferreds, promises): (Vec<Deferred<u8, String>>, Vec<Typed>) =
        nodes.iter().map(|_| Promise::deferred()).unzip();
    let values: Vec<Value> = promises.into_iter().map(Promise::share).collect();
    let mut shares: Vec<Vec<Duty>> = Vec::new();
    shares.resize_with(threads, Vec::new);
    for (number, (deferred, node)) in deferreds.into_iter().zip(nodes).enumerate() {
        shares[number % threads].push((deferred, node.followed(&values)));
    }
    let meet = Barrier::new(threads);
    thread::scope(|scope| {
        for share in shares {
            scope.spawn(|| {
                meet.wait();
                for (deferred, followed) in share {
                    match followed {
                        None => deferred.resolve(1),
                        Some(promise) => deferred.follow(promise),
                    }
                }
            });
        }
    });
    let end = Instant::now() + PATIENCE;
    let outcome = |value: &Value| value.get(end).copied().map_err(|failure| failure.to_string());
    values.iter().map(outcome).collect()
}

#[test]
fn whoever_goes_in_a_circle_is_told_and_nobody_else() {
    watched_long(|| {
        let (mut told, mut random) = (0, Random::new(5));
        for round in 0..1500 {
            let (count, threads) = (2 + random.below(4), 1 + random.below(3));
            let nodes: Vec<Node> = (0..count).map(|_| Node::random(&mut random, count)).collect();
            let outcomes = settle(&nodes, threads);
            for (number, settles) in surely_settle(&nodes).into_iter().enumerate() {
                let outcome = &outcomes[number];
                let fits = match outcome {
                    Ok(_) => true,
                    Err(failure) => !settles && failure.contains("deadlock"),
                };
                assert!(fits, "round {round}: {number} is {outcome:?} of {nodes:?}");
                told += usize::from(outcome.is_err());
            }
        }
        assert!(told > 500, "{told} were told");
    });
}
