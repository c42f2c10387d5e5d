//! `models/mutations/list.txt`: each mistake in it can be made, and has its row in the table of those that were.

use crate::{read, root};
use std::fs;

/// A mistake of `models/mutations/list.txt`, for `models/mutations/run`.
#[derive(Default)]
struct Mutation<'a> {
    name: &'a str,
    /// The file, and what stands there before the text.
    place: Option<(&'a str, &'a str)>,
    old: Vec<&'a str>,
    new: Vec<&'a str>,
    /// It is not for the models: a command of its own must fail.
    command: bool,
}

fn mutations(list: &str) -> Vec<Mutation<'_>> {
    let mut all: Vec<Mutation<'_>> = Vec::new();
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (mark, rest) = (&line[..1], line.get(2..).unwrap_or_default());
        if mark == "=" {
            let (name, _) = rest.split_once(": ").unwrap_or_else(|| panic!("no `: ` in {line}"));
            all.push(Mutation { name, ..Mutation::default() });
            continue;
        }
        let last = all.last_mut().unwrap_or_else(|| panic!("before the first name: {line}"));
        match mark {
            "@" => last.place = rest.split_once(": "),
            "-" => last.old.push(rest),
            "+" => last.new.push(rest),
            "$" => last.command = true,
            _ => panic!("{}: {line}", last.name),
        }
    }
    all
}

/// Whether `text` begins with these lines, whatever white space is between them.
fn begins_with(text: &str, lines: &[&str]) -> bool {
    let [first, rest @ ..] = lines else { return true };
    let Some(behind) = text.strip_prefix(first.trim()) else { return false };
    let next = behind.trim_start();
    rest.is_empty() || (next.len() < behind.len() && begins_with(next, rest))
}

/// What `models/mutations/run` looks for is there, and in the function that it looks for, not in a later one.
#[test]
fn every_mutation_of_the_models_applies() {
    let list = read("models/mutations/list.txt");
    let all = mutations(&list);
    assert!(all.len() > 80, "only {} were found", all.len());
    for Mutation { name, place, old, new, command } in &all {
        let (file, after) = place.unwrap_or_else(|| panic!("{name}: no place"));
        let source = fs::read_to_string(root().join(file));
        let source = source.unwrap_or_else(|error| panic!("{name}: {file}: {error}"));
        let start = source.find(after).unwrap_or_else(|| panic!("{name}: no `{after}` in {file}"));
        let tail = &source[start..];
        assert!(!old.is_empty() && old != new, "{name}: it changes nothing");
        let models = ["src/cell/", "src/pool/", "models/src/"];
        assert!(*command || models.iter().any(|it| file.starts_with(it)), "{name}: by what?");
        let mut places = tail.char_indices().map(|(index, _)| index);
        let found = places.find(|index| begins_with(&tail[*index..], old));
        let found = found.unwrap_or_else(|| panic!("{name}: its text is not in {file}"));
        let between = &tail[after.len()..found.max(after.len())];
        assert!(!between.contains("fn "), "{name}: its text is not in `{after}`");
    }
}

/// It was run, and found what it says: the table has a row for each.
#[test]
fn every_mutation_has_its_row_in_the_table() {
    let (list, table) = (read("models/mutations/list.txt"), read("models/README.md"));
    let names: Vec<_> = mutations(&list).iter().map(|mutation| mutation.name).collect();
    let names: Vec<_> = names.iter().map(|name| name.trim_end_matches(" (missed)")).collect();
    let (_, table) = table.split_once("| mistake |").expect("the table");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    assert_eq!(rows.map(|(name, _)| name).collect::<Vec<_>>(), names);
}
