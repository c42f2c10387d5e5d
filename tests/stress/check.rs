//! What must hold when a program has ended.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use asynckit::{AsyncList, Pool};

use crate::common::PATIENCE;
use crate::common::tasks::threads_named;
use crate::ledger::{Code, Out, parse, take_reports};
use crate::model::{Model, is_bad};
use crate::outs::Outs;
use crate::program::{Node, Op, Program, Steer, Taking, Whole};
use crate::world::{THREADS, World};

/// Waits until it holds; whether it did in the end.
fn comes_true(condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_micros(20));
    }
    true
}

/// Checks all that is to be checked; the problems are in the ledger.
pub(crate) fn check(program: &Program, model: &Model, world: Arc<World>) {
    let ledger = world.ledger.clone();
    for helper in &world.helpers {
        let (done, finished) = channel();
        helper.send(Box::new(move || done.send(()).expect("it waits"))).expect("the helper lives");
        if finished.recv_timeout(PATIENCE).is_err() {
            ledger.problem("a helper does not come back".to_owned());
        }
    }
    if !comes_true(|| ledger.closures_alive() == 0) {
        ledger.problem(format!("closures that were neither run nor dropped: {:?}", ledger.alive()));
        for index in 0..program.pools.len() {
            ledger.problem(what_of(index, &world));
        }
        ledger.problem(format!("after one more job: {:?}", ledger.alive()));
        return;
    }
    if !world.stops {
        workers_live(program, &world);
    }
    for index in 0..program.pools.len() {
        drop(world.take_pool(index));
    }
    drop(world);
    Pool::global().run(|| ()).get(PATIENCE).expect("the global pool works");
    if !comes_true(|| ledger.alive().is_empty()) {
        ledger.problem(format!("never dropped: {:?}", ledger.alive()));
    }
    if program.seed % 8 == 0 && !comes_true(|| threads_named(THREADS) == 0) {
        ledger.problem("threads are left of pools that were dropped".to_owned());
    }
    for node in 0..program.nodes() {
        runs(program, model, node, &|what| ledger.ran(node, what), &|text| ledger.problem(text));
    }
    reports(program, model, &ledger);
}

/// What can be known of a pool that does not go on, and whether one more job sets it going.
fn what_of(index: usize, world: &World) -> String {
    let Some(pool) = world.pool(index) else { return format!("pool {index} was dropped") };
    let (live, target) = (pool.live_workers(), pool.worker_count());
    let works = pool.run(|| ()).get(PATIENCE / 10).is_ok();
    format!("pool {index} has {live} threads for {target} workers, one more job runs: {works}")
}

/// Each pool has the workers that it should, and they work.
fn workers_live(program: &Program, world: &World) {
    for index in 0..program.pools.len() {
        let pool = world.pool(index).expect("nobody has dropped it");
        // As many jobs as workers, each of which ends only when all have begun.
        let all = Arc::new(Barrier::new(pool.worker_count()));
        let meet = |all: &Arc<Barrier>| {
            let all = all.clone();
            pool.run(move || {
                all.wait();
            })
        };
        let meeting: AsyncList<()> = (0..pool.worker_count()).map(|_| meet(&all)).collect();
        if meeting.settled().get(PATIENCE).is_err() {
            world.ledger.problem(format!("pool {index} has lost a worker"));
        }
    }
}

/// How often a node's callbacks have run.
fn runs(
    program: &Program,
    model: &Model,
    node: Node,
    ran: &dyn Fn(&'static str) -> u32,
    problem: &dyn Fn(String),
) {
    let disturbed = program.stops_pools() || model.hit[node];
    let expect = |what: &'static str, least: u32, most: u32| {
        let times = ran(what);
        if times < least || times > most {
            problem(format!("n{node}: {what} ran {times} times, the model says {least} to {most}"));
        }
    };
    let handler = |what: &'static str, input: &Outs, own: &dyn Fn(&Out) -> bool| {
        let always = input.outs.iter().all(own) && (!input.any_value || own(&Out::Ok(0)));
        let some = input.outs.iter().any(own) || (input.any_value && own(&Out::Ok(0)));
        let never = (!some && !model.hit[node]) || model.surely_cancelled[node];
        expect(what, u32::from(always && !disturbed), u32::from(!never));
    };
    let of = |source: &Node| &model.outs[*source];
    match program.op(node) {
        Op::Spawn(..) | Op::SpawnCancellable(..) | Op::WaitInJob(..) => {
            expect("job", u32::from(!disturbed), 1)
        }
        Op::CompletedInJob(..) | Op::ListGetInJob(..) => expect("job", u32::from(!disturbed), 1),
        Op::Map(n, _) | Op::BranchMap(n, _) => handler("map", of(n), &Out::is_ok),
        Op::Then(n, _) | Op::BranchThen(n, _) => handler("then", of(n), &Out::is_ok),
        Op::Chain(n, _) | Op::ChainOn(n, ..) | Op::BranchChain(n, _) | Op::BranchChainOn(n, ..) => {
            handler("chain", of(n), &Out::is_ok);
        }
        Op::Catch(n, _) => handler("catch", of(n), &|out| !out.is_ok()),
        Op::OrElse(n, _) => handler("or_else", of(n), &|out| matches!(out, Out::Fault(_))),
        Op::CatchIf(n, yes, _) => handler("catch_if", of(n), &|out| *yes && !out.is_ok()),
        Op::Handle(n, _) => handler("handle", of(n), &|_| true),
        Op::MapErr(n) => handler("map_err", of(n), &|out| matches!(out, Out::Fault(_))),
        Op::BranchHandle(n, _) => handler("handle", of(n), &|_| true),
        Op::BranchCatch(n, _) => handler("catch", of(n), &|out| !out.is_ok()),
        Op::Serial(n, _) => handler("serial", of(n), &Out::is_ok),
        Op::Finally(..) => expect("finally", 1, 1),
        Op::FinallyThen(..) => expect("finally_then", 1, 1),
        Op::Whole(_, whole) => calls(*whole, disturbed, &expect),
        Op::Inspect(..) => expect("inspect", 1, 1),
        Op::Deferred(_) => {
            let told = u32::from(model.surely_cancelled[node]);
            expect("on_cancel", told, u32::from(model.hit[node]));
        }
        Op::MapConcurrent(_, count, _, _, taking) => {
            let all = u32::try_from(*count).expect("few");
            let least = if disturbed || *taking == Taking::Join { 0 } else { all };
            expect("call", least, all);
        }
        Op::Retry(_, failures, pauses) => {
            let attempts = failures.min(pauses) + 1;
            expect("attempt", if disturbed { 1.min(ran("attempt")) } else { attempts }, attempts);
        }
        _ => {}
    }
}

/// How often calls are made that go together.
fn calls(whole: Whole, disturbed: bool, expect: &dyn Fn(&'static str, u32, u32)) {
    let few = |count: usize| u32::try_from(count).expect("few");
    let exactly = |what, times| expect(what, if disturbed { 0 } else { times }, times);
    match whole {
        Whole::Scope(count, bad, together) => {
            exactly("job", 1);
            match together && (0..count).any(|call| is_bad(bad, call)) {
                true => expect("call", 0, few(count)),
                false => exactly("call", few(count)),
            }
        }
        Whole::RepeatUntil(turns, pauses) => exactly("attempt", turns.min(pauses + 1)),
        Whole::Unfold(count, _) => exactly("turn", count + 1),
        Whole::Periodic(runs, _) => exactly("tick", runs),
        Whole::Limited(_, _, _, Steer::Clear) => expect("call", 0, 0),
        Whole::Limited(count, ..) => exactly("call", few(count)),
    }
}

/// What was made and not seen is reported once; what was seen is not reported.
fn reports(program: &Program, model: &Model, ledger: &Arc<crate::ledger::Ledger>) {
    let must: Vec<Code> = ledger
        .produced()
        .into_iter()
        .filter(|code| code % 64 == 0 && model.reports[node_of(*code)] && !ledger.was_seen(*code))
        .collect();
    let mut counts: BTreeMap<Code, u32> = BTreeMap::new();
    let mut collect = || {
        for text in take_reports() {
            match parse(&text) {
                Some((seed, Some(code))) if seed == program.seed => {
                    *counts.entry(code).or_default() += 1
                }
                Some(_) => {}
                None if text == "again" => {}
                None => ledger.problem(format!("a report of what nobody made: {text}")),
            }
        }
        must.iter().all(|code| counts.contains_key(code))
    };
    let deadline = Instant::now() + PATIENCE / 10;
    while !collect() && Instant::now() < deadline {
        thread::sleep(Duration::from_micros(100));
    }
    for code in must {
        if !counts.contains_key(&code) {
            ledger.problem(format!("the failure of n{} was lost in silence", node_of(code)));
        }
    }
    for (code, count) in counts {
        let node = node_of(code);
        if model.shared[node] {
            continue;
        }
        if count > 1 {
            ledger.problem(format!("the failure of n{node} was reported {count} times"));
        }
        if ledger.was_seen(code) {
            ledger.problem(format!("the failure of n{node} was reported although it was seen"));
        }
    }
}

fn node_of(code: Code) -> Node {
    usize::try_from(code / 64).expect("it was made of one")
}
