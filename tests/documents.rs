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
