//! The tables of what is guaranteed: each test that they name exists, and names its row.

use crate::{read, root, sources_in};
use std::fs;
use std::path::PathBuf;

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The tests that a row of a table names, as `file::function`.
fn tests_of(row: &str) -> Vec<(&str, &str)> {
    quoted(row).filter_map(|name| name.rsplit_once("::")).collect()
}

fn rows(table: &str) -> impl Iterator<Item = &str> {
    table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
}

/// The files that a table calls by this name: one, or all that are in a folder.
fn files_of(name: &str) -> Vec<PathBuf> {
    let elsewhere = ["src/", "models/", "examples/"].iter().any(|folder| name.starts_with(folder));
    let place = if elsewhere { root().join(name) } else { root().join("tests").join(name) };
    let file = place.with_extension("rs");
    if file.is_file() { vec![file] } else { sources_in(&place) }
}

/// The test with its comment, up to the first line of its body.
fn head<'a>(source: &'a str, test: &str) -> Option<&'a str> {
    let start = source.find(&format!("fn {test}()"))?;
    let before = source[..start].rfind("\n\n").unwrap_or(0);
    let lines = source[start..].match_indices('\n').map(|(index, _)| start + index);
    Some(&source[before..lines.take(2).last()?])
}

/// The head of this test, from whichever of its files has it.
#[track_caller]
fn head_of(file: &str, test: &str) -> String {
    let sources = files_of(file).into_iter().map(|path| fs::read_to_string(path).expect("a file"));
    let head = sources.filter_map(|source| head(&source, test).map(str::to_owned)).next();
    head.unwrap_or_else(|| panic!("no {file}::{test}"))
}

#[test]
fn the_tests_of_the_lists_table_exist_and_name_their_rows() {
    let table = read("docs/conformance-lists.md");
    let mut found = 0;
    for (id, row) in rows(&table).filter_map(|row| row.strip_prefix("| ")?.split_once(" | ")) {
        for (file, test) in tests_of(row) {
            let head = head_of(file, test);
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
    let table = read("docs/conformance.md");
    let tests: Vec<_> = rows(&table).flat_map(tests_of).collect();
    assert!(tests.len() > 90, "only {} were found", tests.len());
    for (file, test) in tests {
        head_of(file, test);
    }
}

/// Each feature of the ancestors has its row, and tests in the last column.
#[test]
fn the_tests_of_the_ancestors_table_exist() {
    let table = read("docs/ancestors.md");
    let ids = (1..=10).map(|n| format!("D{n}")).chain((1..=24).map(|n| format!("T{n}")));
    for id in ids {
        let start = format!("| {id} |");
        let row = rows(&table).find(|row| row.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("no row {id}"));
        let tests = tests_of(row.rsplit(" | ").next().unwrap_or_default());
        assert!(!tests.is_empty(), "{id} names no test");
        for (file, test) in tests {
            head_of(file, test);
        }
    }
}

/// `docs/reliability.md` names whole files, in the second column.
#[test]
fn the_files_of_the_promises_exist() {
    let table = read("docs/reliability.md");
    let promises = rows(&table).filter_map(|row| row.split(" | ").nth(1));
    let files: Vec<_> = promises.flat_map(quoted).filter(|name| *name != "terminal").collect();
    assert!(files.len() > 50, "only {} were found", files.len());
    for file in files {
        assert!(!files_of(file).is_empty(), "there is no {file}");
    }
}
