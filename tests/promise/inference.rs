//! Programs as users write them, with few types spelled out: that the compiler infers the rest is part of the promise.

use crate::common::wakers::block_on;
use crate::common::watched;
use asynckit::{
    AnyError, AsyncList, AsyncValue, Failure, Outcome, Pool, Promise, join, map_concurrent, retry,
};
use std::time::Duration;

fn fetch(url: &str) -> std::io::Result<String> {
    match url {
        "missing" => Err(std::io::ErrorKind::NotFound.into()),
        "index" => Ok("first second\nthird".to_owned()),
        other => Ok(format!("body of {other}")),
    }
}

fn first_link(index: &str) -> Result<String, std::fmt::Error> {
    index.split_whitespace().next().map(str::to_owned).ok_or(std::fmt::Error)
}

// dynamic errors by default: `?` takes any error, as with `Box<dyn Error>`
fn download(pool: &Pool, url: &str) -> Promise<String> {
    let url = url.to_owned();
    pool.spawn(move || {
        let text = fetch(&url)?;
        Ok(text)
    })
}

// typed errors where they are wanted
fn typed(pool: &Pool, url: &str) -> Promise<String, std::io::Error> {
    let url = url.to_owned();
    pool.spawn(move || fetch(&url))
}

fn dependent_downloads(pool: &Pool) -> Result<usize, AnyError> {
    let again = pool.clone();
    let mut size = download(pool, "index")
        .then(|index| {
            let url = first_link(&index)?;
            Ok(url)
        }) // returns a Result …
        .then(move |url| download(&again, &url)) // … or a Promise, adopted (flattened)
        .map(|body| body.len());
    let n: usize = size.get(Some(Duration::from_secs(5)))?; // Option<Duration>, Duration, Instant or None
    Ok(n)
}

fn typed_failures(pool: &Pool, url: &str) -> Result<String, AnyError> {
    let said = match typed(pool, url).get(Some(Duration::from_secs(1))) {
        Ok(text) => text,
        Err(Failure::TimedOut) => "the promise is still there: get() again".to_owned(),
        Err(Failure::Error(io)) => io.kind().to_string(), // io: std::io::Error, never wrapped
        Err(other) => return Err(other.into()),           // Failure<E> is a std::error::Error
    };
    Ok(said)
}

fn lists(pool: &Pool, urls: &[&str]) -> Result<(Vec<String>, usize), AnyError> {
    let mut pages: AsyncList<_> = urls.iter().map(|u| download(pool, u)).collect();
    let pages2: AsyncList<_> = urls.iter().map(|u| download(pool, u)).collect();
    let texts: Vec<String> = pages.get(Some(Duration::from_secs(10)))?; // input order, ONE deadline
    let total = pages2.chain(|texts| Ok(texts.iter().map(String::len).sum::<usize>())).get(None)?;
    Ok((texts, total))
}

fn shared_values(pool: &Pool) -> Result<[usize; 3], AnyError> {
    let shared = download(pool, "index").share();
    let len = shared.get(Some(Duration::from_secs(1)))?.len(); // &String, as often as you like
    let mut a = shared.then(|text| Ok(text.len())); // any number of branches; shared: E: Clone
    let mut b = shared.then(|text| Ok(text.lines().count()));
    Ok([len, a.get(None)?, b.get(None)?])
}

async fn awaited(pool: &Pool) -> Result<String, AnyError> {
    let body = download(pool, "d").await?; // on tokio, smol, pollster, …
    Ok(body)
}

#[test]
fn a_chain_of_dependent_downloads() {
    watched(|| assert_eq!(dependent_downloads(&Pool::new(1)).unwrap(), "body of first".len()));
}

#[test]
fn typed_errors_come_unwrapped() {
    watched(|| {
        let pool = Pool::new(1);
        assert_eq!(typed_failures(&pool, "x").unwrap(), "body of x");
        assert_eq!(
            typed_failures(&pool, "missing").unwrap(),
            std::io::ErrorKind::NotFound.to_string()
        );
    });
}

#[test]
fn a_list_of_downloads() {
    watched(|| {
        let (texts, total) = lists(&Pool::new(2), &["a", "b", "c"]).unwrap();
        assert_eq!(texts, ["body of a", "body of b", "body of c"]);
        assert_eq!(total, 27);
    });
}

#[test]
fn a_failed_download_ends_the_list_and_keeps_its_type() {
    watched(|| {
        let failure = lists(&Pool::new(2), &["a", "missing"]).unwrap_err();
        let io =
            failure.downcast_ref::<std::io::Error>().expect("`?` passes the error on as it was");
        assert_eq!(io.kind(), std::io::ErrorKind::NotFound);
    });
}

#[test]
fn a_shared_download_with_branches() {
    watched(|| assert_eq!(shared_values(&Pool::new(1)).unwrap(), [18, 18, 2]));
}

#[test]
fn an_awaited_download() {
    watched(|| assert_eq!(block_on(awaited(&Pool::new(1))).unwrap(), "body of d"));
}

// What is written in the first five minutes: no type is spelled out, and `main` is of either kind.

fn first_value() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::new(1);
    let mut answer = pool.run(|| 42);
    assert_eq!(answer.get(None)?, 42);
    let mut answer = pool.attempt(|| Ok(42));
    assert_eq!(answer.get(None)?, 42);
    let mut answer = pool.attempt(|| {
        let n: i32 = "41".parse()?;
        Ok(n + 1)
    });
    assert_eq!(answer.get(None)?, 42);
    Ok(())
}

fn first_chain() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::new(1);
    let mut answer = pool.spawn(|| "41".parse::<i32>()).map(|n| n + 1);
    assert_eq!(answer.get(None)?, 42);
    let mut two_types = pool.spawn(|| fetch("index")).any_error().then(|text| {
        let link = first_link(&text)?;
        Ok(link)
    });
    assert_eq!(two_types.get(None)?, "first");
    let mut both = join((pool.run(|| 1), pool.spawn(|| fetch("index")).any_error()));
    assert_eq!(both.get(None)?.0, 1);
    Ok(())
}

fn first_list() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::new(2);
    let typed: AsyncList<_, _> =
        ["a", "b"].map(|url| pool.spawn(move || fetch(url))).into_iter().collect();
    assert_eq!(typed.join().timeout(Duration::from_secs(60)).get(None)?.len(), 2);
    let untyped = AsyncList::from_iter(["a", "b"].map(|url| pool.spawn(move || fetch(url))));
    assert_eq!(untyped.join().get(None)?.len(), 2);
    let several = vec![pool.run(|| 1), pool.run(|| 2)];
    assert_eq!(join(several).get(None)?, [1, 2]);
    let again = pool.clone();
    let mut mapped = map_concurrent(0..3, 2, move |n| again.attempt(move || Ok(n)));
    assert_eq!(mapped.get(None)?, [0, 1, 2]);
    let mut tried = retry([Duration::ZERO], move |n| pool.attempt(move || Ok(n)));
    assert_eq!(tried.get(None)?, 1);
    Ok(())
}

fn first_promise_by_hand() -> Result<(), Box<dyn std::error::Error>> {
    assert_eq!(Promise::<_>::ready(42).get(None)?, 42);
    let (deferred, mut promise) = Promise::<_>::deferred();
    deferred.resolve(42);
    assert_eq!(promise.get(None)?, 42);
    let event = AsyncValue::<_>::new();
    assert!(event.set(42).is_ok());
    assert_eq!(event.get(None)?, &42);
    Ok(())
}

/// Here also `spawn(|| Ok(…))` has a type of error: that of the outcome.
fn main_of_an_outcome() -> Outcome<()> {
    assert_eq!(Pool::new(1).spawn(|| Ok(42)).get(None)?, 42);
    Ok(())
}

#[test]
fn first_programs_need_no_types() {
    watched(|| {
        first_value().unwrap();
        first_chain().unwrap();
        first_list().unwrap();
        first_promise_by_hand().unwrap();
        main_of_an_outcome().unwrap();
    });
}
