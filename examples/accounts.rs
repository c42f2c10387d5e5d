//! Actors: state that one job at a time touches, without a thread of its own.

use asynckit::{AsyncList, Pool, Promise, Serial};
use std::error::Error;
use std::sync::{Arc, Mutex};

/// An account; clones are handles on the same one.
#[derive(Clone)]
struct Account {
    inbox: Serial,
    /// Never waited for: only the inbox's jobs lock it, and they run one at a time.
    cents: Arc<Mutex<i64>>,
}

impl Account {
    fn new(pool: &Pool, cents: i64) -> Account {
        Account { inbox: Serial::new(pool), cents: Arc::new(Mutex::new(cents)) }
    }

    /// What every message to it is: work on the state, when it is its turn.
    fn ask<T: Send + 'static>(&self, f: impl FnOnce(&mut i64) -> T + Send + 'static) -> Promise<T> {
        let cents = Arc::clone(&self.cents);
        self.inbox.run(move || f(&mut cents.lock().expect("no message panics")))
    }

    fn deposit(&self, amount: i64) -> Promise<i64> {
        self.ask(move |cents| {
            *cents += amount;
            *cents
        })
    }

    fn withdraw(&self, amount: i64) -> Promise<i64> {
        let taken = self.ask(move |cents| {
            let enough = *cents >= amount;
            *cents -= if enough { amount } else { 0 };
            if enough { Ok(amount) } else { Err(format!("only {cents} cents are there")) }
        });
        taken.then(|taken| Ok(taken?))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let pool = Pool::new(4);
    let (ann, bob) = (Account::new(&pool, 10_000), Account::new(&pool, 0));

    // A message to one, then one to the other: nobody waits in between, and no lock is held across both.
    let transfer = |amount| {
        let bob = bob.clone();
        ann.withdraw(amount).chain(move |taken| bob.deposit(taken))
    };
    let transfers: AsyncList<_> = (0..100).map(|_| transfer(100)).collect();
    transfers.join().get(None)?;
    println!("Bob has {} cents", bob.deposit(0).get(None)?);

    println!("one more: {}", transfer(100).get(None).unwrap_err());
    assert_eq!(ann.deposit(0).get(None)?, 0);
    Ok(())
}
