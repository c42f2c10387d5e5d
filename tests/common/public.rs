//! The public functions of the library, found by a plain search of its source: for the tests that hold a table of
//! something against them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders and files of features that are built only with a feature.
const FEATURES: &[&str] = &[
    "http",
    "memo.rs",
    "bridges/tokio.rs",
    "bridges/rayon.rs",
    "bridges/futures.rs",
    "telemetry",
    "time/test_clock.rs",
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What `lib.rs` hands on with `pub use`.
fn exported(lib: &str) -> BTreeSet<String> {
    let uses = lib.split(';').filter_map(|item| item.split("pub use ").nth(1));
    let names = uses.flat_map(|names| names.split(['{', '}', ',']).map(str::trim));
    let last = names.filter_map(|name| name.rsplit("::").next());
    last.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// `impl<…> Path::Type<…> where …` → `Type`; nothing for an impl of a trait.
fn implemented(header: &str) -> Option<String> {
    let mut depth = 0;
    let mut plain = String::new();
    let mut before = ' ';
    for c in header.chars() {
        match c {
            '<' => depth += 1,
            '>' if before != '-' => depth -= 1,
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
        before = c;
    }
    let plain = plain.trim_start_matches("impl").split(" where").next()?.replace('\n', " ");
    let is_of_trait = plain.contains(" for ");
    let name = plain.split(" where ").next()?.trim().rsplit("::").next()?.trim();
    (!is_of_trait).then(|| name.to_owned())
}

/// The name behind `fn `.
fn function(line: &str) -> Option<String> {
    let starts = ["pub fn ", "pub const fn ", "pub async fn ", "pub unsafe fn "];
    let rest = starts.iter().find_map(|start| line.trim_start().strip_prefix(start))?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    Some(rest[..end].to_owned())
}

/// The public functions of a file, as `Type::function`, or `function`.
fn of_file(text: &str, exported: &BTreeSet<String>) -> Vec<String> {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let (mut found, mut header, mut within) = (Vec::new(), None::<String>, None);
    for line in code {
        if line.starts_with("impl") {
            header = Some(String::new());
        }
        if let Some(so_far) = &mut header {
            so_far.push_str(line);
            so_far.push(' ');
            if line.contains('{') {
                within = implemented(so_far.split('{').next().unwrap_or_default());
                header = None;
            }
        }
        if line == "}" {
            within = None;
        }
        let Some(name) = function(line) else { continue };
        if line.starts_with("pub") {
            if exported.contains(&name) {
                found.push(name);
            }
        } else if let Some(owner) = within.as_ref().filter(|owner| exported.contains(*owner)) {
            found.push(format!("{owner}::{name}"));
        }
    }
    found
}

/// What is behind a `pub mod` of `lib.rs`, unless that needs a feature: what its first file hands on, or has itself.
fn in_modules(source: &Path, lib: &str) -> BTreeSet<String> {
    let modules = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let modules = modules.filter(|module| !FEATURES.contains(module));
    let texts =
        modules.filter_map(|name| fs::read_to_string(source.join(name).join("mod.rs")).ok());
    let names = texts.flat_map(|text| {
        let structs = text.lines().filter_map(|line| line.strip_prefix("pub struct "));
        let name =
            |rest: &str| rest.split(|c: char| !c.is_alphanumeric()).next().map(str::to_owned);
        let own: Vec<_> = structs.filter_map(name).collect();
        exported(&text).into_iter().chain(own)
    });
    names.collect()
}

/// All of them, without those that need a feature that is not `built`; `source` is the library's `src`.
pub(crate) fn public(source: &Path, built: &[&str]) -> BTreeSet<String> {
    let lib = fs::read_to_string(source.join("lib.rs")).expect("lib.rs");
    let (mut exported, mut paths) = (exported(&lib), Vec::new());
    exported.extend(in_modules(source, &lib));
    files(source, &mut paths);
    let is_in = |path: &PathBuf| {
        let inner = path.strip_prefix(source).expect("it is in there");
        let mut features = FEATURES.iter().filter(|feature| !built.contains(feature));
        !features.any(|feature| inner.starts_with(feature))
    };
    let texts = paths.iter().filter(|path| is_in(path)).map(fs::read_to_string);
    texts.flat_map(|text| of_file(&text.expect("a file"), &exported)).collect()
}

#[test]
fn the_search_tells_public_functions_from_others() {
    let exported: BTreeSet<String> = ["Promise", "join"].map(str::to_owned).into();
    let text = "\
impl<T, F: Fn() -> T> Promise<T, F>
where
    T: Send,
{
    pub fn map(self) {}
    pub(crate) fn inner(self) {}
}
impl<T> Clone for Promise<T> {
    pub fn clone(&self) {}
}
impl Hidden {
    pub fn hidden() {}
}
pub fn join<J>(promises: J) {}
pub fn other() {}
";
    assert_eq!(of_file(text, &exported), ["Promise::map", "join"]);
}
