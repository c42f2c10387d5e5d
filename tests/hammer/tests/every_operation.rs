//! Every public function of the library is among the hammer's operations, and every operation's call is one.

#[path = "../../common/public.rs"]
mod public;

use public::public;
use std::collections::BTreeSet;
use std::path::Path;

/// Public functions that no operation needs to call, and why.
const LEFT_OUT: &[(&str, &str)] = &[];

/// Calls of the operations that are no `pub fn`, and why.
const OTHERS: &[(&str, &str)] = &[("IntoPromise::into_promise", "a method of a trait")];

fn all() -> BTreeSet<String> {
    public(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src"), &["memo.rs"])
}

#[test]
fn every_public_function_is_hammered() {
    let public = all();
    assert!(public.len() > 150, "the search finds no more than {public:?}");
    let called: BTreeSet<String> = asynckit_hammer::calls().map(str::to_owned).collect();
    let left_out: Vec<&str> = LEFT_OUT.iter().map(|(name, _)| *name).collect();
    let missing: Vec<_> = public
        .iter()
        .filter(|name| !called.contains(*name) && !left_out.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "no operation calls {missing:#?}");
}

#[test]
fn every_call_of_an_operation_exists() {
    let public = all();
    let unknown: Vec<_> = asynckit_hammer::calls()
        .filter(|name| !public.contains(*name) && !OTHERS.iter().any(|(other, _)| other == name))
        .collect();
    assert!(unknown.is_empty(), "there is no {unknown:#?}");
}
