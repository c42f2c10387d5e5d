//! What the compiler says to the author of a client who has forgotten something: one error, short, with what to write.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where what the author is to know stands: behind it the compiler lists what else there is, as its version has it.
const FIRST: usize = 12;
/// All that it says, for a sample with one mistake.
const LINES: usize = 40;

/// What each sample begins with.
const CLIENT: &str = "
#![allow(dead_code, unused_imports)]
use asynckit::face::{Blocking, CallError, Face, FromCall, Promised, Reply};
use asynckit::{Flow, Memo, Pool, Promise, pages};

#[derive(Clone, Debug)]
pub struct Error;
impl FromCall for Error {
    fn from_call(_: CallError) -> Self {
        Error
    }
}
/// The author has forgotten what it is for.
#[derive(Clone, Debug)]
pub struct Bare;

pub struct Client<F: Face = Blocking> {
    face: F,
}
";

/// The library as it was built for this program. Where there are several, as with other features: the newest with which
/// a client without a mistake compiles.
fn library(folder: &Path) -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let entries = fs::read_dir(folder).expect("the folder of this program");
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let is_it = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with("libasynckit-") && name.ends_with(".rlib")
        };
        let mut all: Vec<_> = paths.filter(is_it).collect();
        all.sort_by_key(|path| path.metadata().and_then(|data| data.modified()).ok());
        let said: Vec<_> = all.iter().rev().map(|path| said_with(path, "client", "")).collect();
        let place = said.iter().position(Option::is_none);
        let place = place.unwrap_or_else(|| panic!("none of {all:?} will do: {said:?}"));
        all.swap_remove(all.len() - 1 - place)
    })
}

/// What the compiler says, or `None` if it has nothing to say.
fn said(name: &str, code: &str) -> Option<String> {
    said_with(library(&folder()), name, code)
}

/// Where this program is, and what it was built with.
fn folder() -> PathBuf {
    env::current_exe().expect("a path").parent().expect("a folder").to_owned()
}

fn said_with(library: &Path, name: &str, code: &str) -> Option<String> {
    let work = env!("CARGO_TARGET_TMPDIR");
    let file = Path::new(work).join(format!("{name}.rs"));
    fs::write(&file, format!("{CLIENT}\n{code}\n")).expect("a file");
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--color=never"])
        .args(["--out-dir", work])
        .arg("-L")
        .arg(format!("dependency={}", folder().display()))
        .arg("--extern")
        .arg(format!("asynckit={}", library.display()))
        .arg(&file)
        .output()
        .expect("the compiler runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (!output.status.success()).then_some(text)
}

/// One error, as short as that, in which these words stand, and nothing of the library's inside.
#[track_caller]
fn expect(name: &str, code: &str, words: &[&str]) {
    let text = said(name, code).unwrap_or_else(|| panic!("{name} compiles"));
    let first: Vec<_> = text.lines().take(FIRST).collect();
    for word in words {
        assert!(first.join("\n").contains(word), "no {word:?} for {name}:\n{text}");
    }
    assert_eq!(
        text.matches("\nerror").count() + usize::from(text.starts_with("error")),
        2,
        "{text}"
    );
    let lines = text.split("\nerror: aborting").next().unwrap_or_default().trim().lines().count();
    assert!(lines <= LINES, "{lines} lines for {name}:\n{text}");
    for inside in ["Ahead", "Source", "Sealed", "GoOn", "Entry"] {
        assert!(!text.contains(inside), "{inside} for {name}:\n{text}");
    }
}

#[test]
fn a_client_without_a_mistake_compiles() {
    let code = "
impl<F: Face> Client<F> {
    pub fn title(&self) -> Reply<F, String, Error> {
        self.face.reply(Promise::failed(Error))
    }
    pub fn titles(&self) -> F::Items<u32, Error> {
        self.face.items(pages(1, |n: u32| Ok((n, Some(n + 1)))).stage(|n| Ok(n + 1)))
    }
}
pub fn remembers() -> Memo<u32, String, Error> {
    Memo::new()
}";
    assert_eq!(said("right", code), None);
}

#[test]
fn an_error_that_does_not_say_what_a_call_without_an_answer_is() {
    let code = "
impl<F: Face> Client<F> {
    pub fn title(&self) -> Reply<F, String, Bare> {
        loop {}
    }
}";
    let words = [
        "`Bare` does not say what a call without an answer is",
        "the errors of a client implement `FromCall`",
        "`impl FromCall for Bare` has one function",
    ];
    expect("no_from_call", code, &words);
}

#[test]
fn what_is_no_face() {
    let words = ["`u8` is no face of a client", "the faces are `Blocking` and `Promised`"];
    expect("no_face", "pub fn wrong(_: Client<u8>) {}", &words);
}

#[test]
fn an_answer_that_cannot_go_to_another_thread() {
    let code = "
impl<F: Face> Client<F> {
    pub fn title(&self) -> Reply<F, std::rc::Rc<str>, Error> {
        loop {}
    }
}";
    expect("not_send", code, &["`Rc<str>` cannot be sent between threads safely"]);
}

#[test]
fn pages_of_plain_values() {
    let code = "
pub fn numbers() -> Flow<u32, Error> {
    pages(1, |n: u32| (n, Some(n + 1)))
}";
    let words =
        ["`(u32, Option<u32>)` is neither a `Result` nor a promise", "or `Ok(…)` around it"];
    expect("plain_pages", code, &words);
}

#[test]
fn a_stage_that_gives_a_plain_value() {
    let code = "
pub fn numbers(flow: Flow<u32, Error>) -> Flow<u32, Error> {
    flow.stage(|n| n + 1)
}";
    expect("plain_stage", code, &["`u32` is neither a `Result` nor a promise"]);
}

#[test]
fn a_memo_of_what_cannot_be_cloned() {
    let code = "
pub struct Once;
pub fn remembers(memo: &Memo<u32, Once, Error>) -> Promise<Once, Error> {
    memo.run(1, || Ok(Once))
}";
    expect("no_clone", code, &["Once", "Clone"]);
}

#[test]
fn a_key_that_cannot_be_compared() {
    let code = "
pub struct Key;
pub fn remembers(memo: &Memo<Key, u32, Error>) -> Promise<u32, Error> {
    memo.run(Key, || Ok(1))
}";
    expect("no_key", code, &["Key", "Hash"]);
}
