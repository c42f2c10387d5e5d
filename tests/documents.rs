//! What the documents say of the tests is true: each test that they name exists, and names the row.

use std::fs;
use std::path::Path;

/// The tests that a row of a table names, as `file::function`.
fn tests_of(row: &str) -> Vec<(&str, &str)> {
    let quoted = row.split('`').skip(1).step_by(2);
    quoted.filter_map(|quoted| quoted.split_once("::")).collect()
}

/// The test with its comment, up to the first line of its body.
fn head<'a>(source: &'a str, test: &str) -> Option<&'a str> {
    let start = source.find(&format!("fn {test}()"))?;
    let before = source[..start].rfind("\n\n").unwrap_or(0);
    let lines = source[start..].match_indices('\n').map(|(index, _)| start + index);
    Some(&source[before..lines.take(2).last()?])
}

#[test]
fn the_tests_of_the_table_exist_and_name_their_rows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("docs/conformance-lists.md")).expect("the table");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let mut found = 0;
    for (id, row) in rows.filter(|(id, _)| *id != "id" && !id.starts_with('-')) {
        for (file, test) in tests_of(row) {
            let folder = if file.contains('/') { "" } else { "tests/" };
            let source = fs::read_to_string(root.join(format!("{folder}{file}.rs")));
            let source = source.unwrap_or_else(|error| panic!("{id}: {file}: {error}"));
            let head = head(&source, test).unwrap_or_else(|| panic!("{id}: no {file}::{test}"));
            let mut words = head.split(|c: char| !c.is_ascii_alphanumeric());
            assert!(words.any(|word| word == id), "{id} is not named beside {file}::{test}");
            found += 1;
        }
    }
    assert!(found > 90, "only {found} were found");
}

/// The other table has rows for several ids, whose tests the file names: here they have to be there.
#[test]
fn the_tests_of_the_other_table_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("docs/conformance.md")).expect("the table");
    let mut found = 0;
    for (file, test) in table.lines().filter(|line| line.starts_with("| ")).flat_map(tests_of) {
        let places = [format!("tests/{file}.rs"), format!("tests/{file}/main.rs")];
        let sources: Vec<_> =
            places.iter().filter_map(|place| fs::read_to_string(root.join(place)).ok()).collect();
        let folder = fs::read_dir(root.join("tests").join(file)).into_iter().flatten();
        let beside = folder.filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok());
        let mut sources = sources.into_iter().chain(beside);
        assert!(
            sources.any(|source| source.contains(&format!("fn {test}()"))),
            "no {file}::{test}"
        );
        found += 1;
    }
    assert!(found > 90, "only {found} were found");
}

/// A mistake of `models/mutations/list.txt`, for `models/mutations/run`.
#[derive(Default)]
struct Mutation<'a> {
    name: &'a str,
    /// The file, and what stands there before the text.
    place: Option<(&'a str, &'a str)>,
    old: Vec<&'a str>,
    new: Vec<&'a str>,
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
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = fs::read_to_string(root.join("models/mutations/list.txt")).expect("the list");
    let all = mutations(&list);
    assert!(all.len() > 80, "only {} were found", all.len());
    for Mutation { name, place, old, new } in &all {
        let (file, after) = place.unwrap_or_else(|| panic!("{name}: no place"));
        let source = fs::read_to_string(root.join(file));
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
}

/// It was run, and found what it says: the table has a row for each.
#[test]
fn every_mutation_has_its_row_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| fs::read_to_string(root.join(file)).expect("the file");
    let (list, table) = (read("models/mutations/list.txt"), read("models/README.md"));
    let names: Vec<_> = mutations(&list).iter().map(|mutation| mutation.name).collect();
    let names: Vec<_> = names.iter().map(|name| name.trim_end_matches(" (missed)")).collect();
    let (_, table) = table.split_once("| mistake |").expect("the table");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    assert_eq!(rows.map(|(name, _)| name).collect::<Vec<_>>(), names);
}
