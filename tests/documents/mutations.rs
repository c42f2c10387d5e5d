//! `models/mutations/list.txt`: each mistake in it can be made, and has its row in the table of those that were. And the mistakes
//! of the HTTP client.

use crate::{read, root, sources_in};
use std::fs;

/// A mistake of such a list, for `models/mutations/run`.
#[derive(Default)]
struct Mutation<'a> {
    name: &'a str,
    /// The file, and what stands there before the text.
    place: Option<(&'a str, &'a str)>,
    old: Vec<&'a str>,
    new: Vec<&'a str>,
    /// It is not for the models: this command must fail.
    command: Option<&'a str>,
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
            "$" => last.command = Some(rest),
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
    for mutation in &all {
        let (file, _) = mutation.place.unwrap_or(("nowhere", ""));
        let models = ["src/cell/", "src/pool/", "models/src/"];
        let is_known = mutation.command.is_some() || models.iter().any(|it| file.starts_with(it));
        assert!(is_known, "{}: by what?", mutation.name);
        applies(mutation);
    }
}

#[track_caller]
fn applies(Mutation { name, place, old, new, .. }: &Mutation<'_>) {
    let (file, after) = place.unwrap_or_else(|| panic!("{name}: no place"));
    let source = fs::read_to_string(root().join(file));
    let source = source.unwrap_or_else(|error| panic!("{name}: {file}: {error}"));
    let start = source.find(after).unwrap_or_else(|| panic!("{name}: no `{after}` in {file}"));
    let tail = &source[start..];
    assert!(!old.is_empty() && old != new, "{name}: it changes nothing");
    let mut places = tail.char_indices().map(|(index, _)| index);
    let found = places.find(|index| begins_with(&tail[*index..], old));
    let found = found.unwrap_or_else(|| panic!("{name}: its text is not in {file}"));
    let between = &tail[after.len()..found.max(after.len())];
    assert!(!between.contains("fn "), "{name}: its text is not in `{after}`");
}

/// Each test of the HTTP client with a server that has a fault notices a mistake, which can be made. What one of them is about is
/// decided by hyper alone.
#[test]
fn every_test_of_a_fault_has_its_mistake() {
    const OF_HYPER: &str = "what_is_behind_the_length_is_no_answer_to_the_next_request";
    let list = read("tests/compat/http/faults/mistakes.txt");
    let all = mutations(&list);
    all.iter().for_each(applies);
    let tests_of = |command: &str| command.rsplit("::").next().map(str::to_owned);
    let noticing: Vec<_> =
        all.iter().filter_map(|mistake| mistake.command.and_then(tests_of)).collect();
    assert_eq!(noticing.len(), all.len(), "each has a command");
    for file in sources_in(&root().join("tests/compat/http/faults")) {
        let source = fs::read_to_string(&file).expect("a source file");
        for test in source.split("#[test]\nfn ").skip(1) {
            let name = test.split('(').next().unwrap_or_default();
            let is_noticing = name == OF_HYPER || noticing.iter().any(|noticing| noticing == name);
            assert!(is_noticing, "{name} of {} notices nothing", file.display());
        }
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
