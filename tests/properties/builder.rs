//! A tree as promises.

use crate::common::DropCounter;
use crate::outcome::{Act, Out, acted, fold, mix, number, out};
use crate::tree::{Same, Tree};
use asynckit::{AsyncList, Failure, IntoPromise, Pool, Promise, join};
use std::time::Duration;

pub(crate) type Typed = Promise<u64, String>;

/// What the tree is built with.
pub(crate) struct Builder<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) late: std::vec::IntoIter<Typed>,
    pub(crate) drops: DropCounter,
    pub(crate) tokens: usize,
}

fn act_on(act: Act, input: u64) -> Result<u64, String> {
    match acted(act, input) {
        Out::Value(n) => Ok(n),
        Out::Error(text) => Err(text),
        Out::Panicked(text) => std::panic::resume_unwind(Box::new(text)),
        Out::Abandoned => unreachable!("no act abandons"),
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

    pub(crate) fn build(&mut self, tree: &Tree) -> Typed {
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
