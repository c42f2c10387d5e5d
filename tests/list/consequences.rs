//! A cancellation that a failure has caused: it never wins over the failure in what is made of both.

use crate::common::{PATIENCE, is_error, watched};
use asynckit::{
    AsyncList, Deferred, Failure, Outcome, Promise, for_each_concurrent, join, map_concurrent,
    retry,
};
use std::time::Duration;

type Typed<T> = Promise<T, String>;

fn cancelled() -> Typed<u8> {
    Typed::settled(Err(Failure::Cancelled))
}

/// Settled by its own `cancel`: there is no outcome in it.
fn cancelled_by_hand() -> Typed<u8> {
    let (deferred, promise) = Typed::deferred();
    promise.cancel();
    drop(deferred);
    promise
}

fn failed() -> Typed<u8> {
    Typed::failed("the cause".to_owned())
}

fn typed_pending(n: usize) -> (Vec<Deferred<u8, String>>, AsyncList<u8, String>) {
    (0..n).map(|_| Typed::deferred()).unzip()
}

/// What is made of a list, and gives its failure.
type Make = (&'static str, fn(AsyncList<u8, String>) -> Outcome<(), String>);

const MAKES: [Make; 9] = [
    ("get", |mut list| list.get(PATIENCE).map(drop)),
    ("get, after a look", |mut list| {
        assert!(list.is_error() && list.wait(Duration::ZERO));
        list.get(PATIENCE).map(drop)
    }),
    ("join", |list| list.join().get(PATIENCE).map(drop)),
    ("then", |list| list.then(|_| Ok(())).get(PATIENCE)),
    ("race", |list| list.race().get(PATIENCE).map(drop)),
    ("reduce", |list| list.reduce(0, |a, b| Ok(a + b)).get(PATIENCE).map(drop)),
    ("reduce_unordered", |list| list.reduce_unordered(0, |a, b| Ok(a + b)).get(PATIENCE).map(drop)),
    ("retry", |list| {
        let mut list = Some(list.join());
        retry([Duration::ZERO], move |_| {
            list.take().unwrap_or_else(|| Promise::failed("again".into()))
        })
        .map_err(|error| if error == "again" { "the cause".to_owned() } else { error })
        .get(PATIENCE)
        .map(drop)
    }),
    ("keyed", |list| {
        let items = list.settled().get(PATIENCE).unwrap().into_iter().map(Typed::settled);
        AsyncList::keyed((0..).zip(items)).join().get(PATIENCE).map(drop)
    }),
];

/// Made when both have settled, the consequence first: the cause is the failure.
#[test]
fn a_failure_wins_over_the_cancellation_that_it_caused() {
    watched(|| {
        for (name, make) in MAKES {
            for consequence in [cancelled, cancelled_by_hand] {
                let list = [consequence(), failed()].into_iter().collect();
                assert!(is_error(make(list), "the cause"), "{name}");
                let list = [consequence(), consequence(), Typed::ready(1), failed()];
                let outcome = make(list.into_iter().collect());
                assert!(is_error(outcome, "the cause") || name == "race", "{name}");
            }
        }
    });
}

/// Looked at, and looked at again when the cause has come, too.
#[test]
fn a_failure_wins_over_a_cancellation_that_was_seen_before() {
    watched(|| {
        for (name, make) in MAKES {
            let (mut deferreds, mut list) = typed_pending(2);
            deferreds.remove(0).settle(Err(Failure::Cancelled));
            assert!(list.is_error());
            assert!(list.get(Duration::ZERO).unwrap_err().is_cancelled());
            deferreds.remove(0).reject("the cause".to_owned());
            assert!(is_error(make(list), "the cause"), "{name}");
        }
    });
}

/// With a reason, which a join of such alone keeps.
fn cancelled_for() -> Typed<u8> {
    Typed::settled(Err(Failure::CancelledFor("the user has left".into())))
}

#[test]
fn a_join_of_what_was_cancelled_keeps_the_reason() {
    watched(|| {
        let reasons = [
            join((cancelled_for(), Typed::ready(1))).get(PATIENCE).map(drop),
            AsyncList::from_iter([cancelled_for(), Typed::ready(1)]).join().get(PATIENCE).map(drop),
        ];
        for reason in reasons {
            let text = reason.unwrap_err().to_string();
            assert!(text.ends_with("the user has left"), "{text}");
        }
    });
}

/// The same in tuples and arrays.
#[test]
fn in_a_tuple_a_failure_wins_over_a_cancellation() {
    watched(|| {
        for consequence in [cancelled, cancelled_by_hand, cancelled_for] {
            assert!(is_error(join((consequence(), failed())).get(PATIENCE), "the cause"));
            assert!(is_error(join((failed(), consequence())).get(PATIENCE), "the cause"));
            let all = join([consequence(), Typed::ready(1), consequence(), failed()]);
            assert!(is_error({ all }.get(PATIENCE), "the cause"));
            let mut alone = join((consequence(), Typed::ready(1)));
            assert!(alone.get(PATIENCE).unwrap_err().is_cancelled());
        }
    });
}

/// A list that grows, and what needs no results.
#[test]
fn in_a_list_that_grows_a_failure_wins_over_a_cancellation() {
    fn item(n: usize) -> Typed<u8> {
        [cancelled, cancelled_by_hand, failed][n]()
    }
    watched(|| {
        for (name, make) in MAKES {
            assert!(is_error(make(map_concurrent(0..3, 3, item)), "the cause"), "{name}");
        }
        assert!(is_error(for_each_concurrent(0..3, 3, item).get(PATIENCE), "the cause"));
    });
}

/// Without a failure a cancelled item decides, at once.
#[test]
fn a_cancelled_item_alone_decides_at_once() {
    watched(|| {
        let (mut deferreds, list) = typed_pending(3);
        let mut joined = list.join();
        deferreds.remove(1).settle(Err(Failure::Cancelled));
        assert!(joined.is_set());
        assert!(joined.get(Duration::ZERO).unwrap_err().is_cancelled());
        assert!(deferreds.iter().all(Deferred::is_cancelled));
        let (deferred, other) = Typed::<u8>::deferred();
        let mut both = join((other, cancelled()));
        assert!(both.is_set() && both.get(Duration::ZERO).unwrap_err().is_cancelled());
        assert!(deferred.is_cancelled());
    });
}
