//! What the README says of the crate is what `Cargo.toml` and the sources say.

use crate::{read, root, sources_in};
use std::collections::BTreeSet;
use std::fs;

/// The lines of a file from behind `start` up to the first one that begins with `end`.
fn section<'a>(text: &'a str, start: &str, end: &str) -> impl Iterator<Item = &'a str> {
    let (_, behind) = text.split_once(start).unwrap_or_else(|| panic!("there is no {start:?}"));
    behind.lines().skip(1).take_while(move |line| !line.starts_with(end))
}

/// What stands between quotes of this kind.
fn between(text: &str, quote: char) -> impl Iterator<Item = &str> {
    text.split(quote).skip(1).step_by(2)
}

/// Adds what this package needs, and what that needs, as the lock file has it.
fn with_all_below(package: &str, lock: &str, all: &mut BTreeSet<String>) {
    if !all.insert(package.to_owned()) {
        return;
    }
    let entry = lock.split("\n\n").find(|entry| entry.contains(&format!("name = \"{package}\"\n")));
    let entry = entry.unwrap_or_else(|| panic!("{package} is not in the lock file"));
    let below = entry.split_once("dependencies = [").map_or("", |(_, list)| list);
    for name in between(below, '"') {
        let name = name.split(' ').next().unwrap_or(name); // behind it may stand a version
        with_all_below(name, lock, all);
    }
}

/// All packages that come along where no feature is on.
fn dependencies() -> BTreeSet<String> {
    let (manifest, lock) = (read("Cargo.toml"), read("Cargo.lock"));
    let mut all = BTreeSet::new();
    for line in section(&manifest, "\n[dependencies]", "[") {
        let Some((name, what)) = line.split_once(" = ") else { continue };
        if !line.starts_with('#') && !what.contains("optional = true") {
            with_all_below(name, &lock, &mut all);
        }
    }
    all
}

#[test]
fn the_dependencies_are_those_of_the_manifest_and_as_many_as_it_says() {
    let numbers = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let readme = read("README.md");
    let (_, sentence) = readme.split_once("Nothing is on by default").expect("the sentence");
    let (sentence, _) = sentence.split_once("\n\n").expect("its end");
    let named: BTreeSet<_> = between(sentence, '`').map(str::to_owned).collect();
    let needed = dependencies();
    assert!(!needed.is_empty());
    assert_eq!(named, needed);
    let number = format!("{} small crates", numbers[needed.len()]);
    assert!(sentence.contains(&number), "{number}");
}

/// The variants of the enum, in their order: each has its row.
#[test]
fn the_table_of_failures_has_them_all() {
    const ENUM: &str = "pub enum Failure<";
    let files = sources_in(&root().join("src")).into_iter();
    let mut sources = files.map(|path| fs::read_to_string(path).expect("a source"));
    let source = sources.find(|source| source.contains(ENUM)).expect("the enum");
    let variants: Vec<_> = section(&source, ENUM, "}")
        .filter_map(|line| line.strip_prefix("    ")?.split(['(', ',']).next())
        .filter(|name| name.starts_with(|first: char| first.is_ascii_uppercase()))
        .collect();
    assert!(variants.len() > 5, "only {variants:?} were found");
    let readme = read("README.md");
    let rows: Vec<_> = section(&readme, "| failure | what happened |", "\n")
        .take_while(|line| line.starts_with('|'))
        .filter_map(|row| row.strip_prefix("| `")?.split(['(', '`']).next())
        .collect();
    assert_eq!(rows, variants);
}
