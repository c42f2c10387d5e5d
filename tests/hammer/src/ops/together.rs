//! Tuples, arrays, and work that has inputs.

use asynckit::{AsyncList, IntoPromise, join};

use super::{Operation, operation};
use crate::callback::callback;
use crate::held::{Held, List};
use crate::pools::Handle;
use crate::random::Random;
use crate::value::{Fault, Value, without};

pub(super) const OPERATIONS: &[Operation] = &[
    operation("join tuples", &["join"], tuples).often(),
    operation("join arrays", &["join"], arrays),
    operation("spawn_with", &["Pool::spawn_with"], spawn_with),
    operation("into_promise", &["IntoPromise::into_promise"], into_promise),
];

fn tuples(r: &mut Random) {
    let (a, b, c) = (Held::any(r), Held::any(r), Held::any(r));
    let (x, y) = (a.after.max(b.after), a.after.max(b.after).max(c.after));
    let held = match r.below(4) {
        0 => Held::new(join((a.it, b.it, c.it)).map(|(a, b, c)| without(b, (a, c))), y),
        1 => Held::new(
            join((a.it.map(|a| without(1_u8, a)), b.it.map(|b| [Some(b), None]))).map(second),
            x,
        ),
        2 => Held::new(join((a.it.share(), b.it, Ok(3))).map(|(a, b, _)| without(a, b)), x),
        _ => Held::new(join((a.it, b.it)).map(|(a, b)| without(a, b)), x),
    };
    held.keep(r);
}

fn second((_, [b, _]): (u8, [Option<Value>; 2])) -> Value {
    b.expect("it is there")
}

fn arrays(r: &mut Random) {
    let (a, b) = (Held::any(r), Held::any(r));
    let after = a.after.max(b.after);
    let value = Value::new(r);
    let promise = match r.below(3) {
        0 => join([a.it]).map(|[a]| a),
        1 => join([a.it, b.it]).map(|[a, b]| without(b, a)),
        _ => join(<[asynckit::Promise<Value, Fault>; 0]>::default()).map(|_| value),
    };
    Held::new(promise, after).keep(r);
}

fn spawn_with(r: &mut Random) {
    let (pool, a, b) = (Handle::any(r), Held::any(r), Held::any(r));
    let after = a.after.max(b.after);
    let callback = callback(r, after);
    let promise = match r.below(3) {
        0 => pool.spawn_with(a.it, move |a| callback.result("spawn_with", Some(a))),
        1 => pool.spawn_with((a.it, b.it), move |a, b: Value| {
            b.check();
            callback.result("spawn_with", Some(without(a, b)))
        }),
        _ => {
            let list: AsyncList<_, _> = [a.it, b.it].into_iter().collect();
            pool.spawn_with(list, move |mut all: Vec<Value>| {
                let last = all.pop();
                callback.result("spawn_with", without(last, all))
            })
        }
    };
    Held::new(promise, after).keep(r);
}

fn into_promise(r: &mut Random) {
    let (list, held) = (List::any(r), Held::any(r));
    let fault = Fault::new(r);
    let promise = list.it.into_promise().then(move |mut all: Vec<Value>| {
        let last = all.pop();
        drop(all);
        match last {
            Some(last) => Ok(without(last, fault)),
            None => Err(fault),
        }
    });
    Held::new(promise, list.after).keep(r);
    held.go(IntoPromise::into_promise).keep(r);
    let settled = if r.one_in(2) { Ok(Value::new(r)) } else { Err(Fault::new(r)) };
    Held::new(settled.into_promise(), 0).keep(r);
}
