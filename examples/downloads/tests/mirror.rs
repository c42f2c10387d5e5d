//! The program `mirror` as its users run it: to the end, killed in the middle, and run again.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A run that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder of the test's own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mirror-test-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// What is in it: names from its root on, and contents.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.0, "", &mut files);
        files
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().expect("a type").is_dir() {
            collect(&entry.path(), &format!("{name}/"), files);
        } else if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            files.insert(name, fs::read(entry.path()).expect("a file"));
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A run of the program, which does not outlive its test.
struct Run(Child);

impl Run {
    fn start(root: &str, folder: &Folder) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mirror"));
        command.args([root, folder.0.to_str().expect("text")]).stdout(Stdio::piped());
        command.env("NO_PROXY", "127.0.0.1");
        Self(command.spawn().expect("the program"))
    }

    /// Its report, when it has come to its end.
    fn finish(mut self) -> String {
        let mut out = self.0.stdout.take().expect("a pipe");
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let mut report = String::new();
            let _ = out.read_to_string(&mut report);
            let _ = tell.send(report);
        });
        let report = told.recv_timeout(PATIENCE).expect("it hangs");
        let status = self.0.wait().expect("an end");
        assert!(status.success(), "{report}");
        report
    }

    fn kill(mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("an end");
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn large() -> Vec<u8> {
    (0..200_000_u32).map(|place| (place % 251) as u8).collect()
}

fn site() -> BTreeMap<&'static str, Vec<u8>> {
    let index =
        b"<!doctype html><a href=a/>a</a> <a href=large.bin>b</a> <a href=//other.invalid/>";
    let below = b"<!doctype html><a href=../?x=1>c</a> <a href=%2e%2e/%2e%2e/up.txt#x>d</a>";
    BTreeMap::from([
        ("/", index.to_vec()),
        ("/a/", below.to_vec()),
        ("/?x=1", b"with a query".to_vec()),
        ("/up.txt", b"text".to_vec()),
        ("/large.bin", large()),
    ])
}

fn copied() -> BTreeMap<String, Vec<u8>> {
    let site = site();
    let names = [
        ("index.html", "/"),
        ("a/index.html", "/a/"),
        ("index.html@x=1", "/?x=1"),
        ("up.txt", "/up.txt"),
        ("large.bin", "/large.bin"),
    ];
    names.into_iter().map(|(name, path)| (name.to_owned(), site[path].clone())).collect()
}

/// Serves the site with names for its contents. The first time, only the half of the large file comes.
struct Server {
    root: String,
    heads: Arc<Mutex<Vec<String>>>,
    /// The half is on its way.
    half: Receiver<()>,
}

fn serve(stalls: bool) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let root = format!("http://{}/", listener.local_addr().expect("its address"));
    let (tell, half) = mpsc::channel();
    let stalls = Arc::new(Mutex::new(stalls));
    let heads = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&heads);
    thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { continue };
            let (stalls, tell, noted) = (Arc::clone(&stalls), tell.clone(), Arc::clone(&noted));
            thread::spawn(move || {
                while let Some(head) = read_head(&mut connection) {
                    noted.lock().expect("no panic").push(head.clone());
                    let stall = head.starts_with("get /large.bin ")
                        && std::mem::take(&mut *stalls.lock().expect("no panic"));
                    let (answer, body) = answer(&head);
                    let end = if stall { body.len() / 2 } else { body.len() };
                    let sent = connection.write_all(&[answer.as_bytes(), &body[..end]].concat());
                    if stall {
                        let _ = tell.send(());
                        read_head(&mut connection); // until it is killed
                    }
                    if sent.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Server { root, heads, half }
}

fn read_head(connection: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(String::from_utf8(head).ok()?.to_ascii_lowercase())
}

fn answer(head: &str) -> (String, Vec<u8>) {
    let path = head.split(' ').nth(1).expect("a path");
    let Some(body) = site().remove(path) else {
        return ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(), Vec::new());
    };
    let etag = format!("etag: \"{}\"", body.len());
    if head.contains(&format!("if-none-match: \"{}\"", body.len())) {
        return (format!("HTTP/1.1 304 Not Modified\r\n{etag}\r\n\r\n"), Vec::new());
    }
    let range = head.split_once("range: bytes=").and_then(|(_, range)| range.split_once("-\r\n"));
    match range.and_then(|(from, _)| from.parse::<usize>().ok()) {
        None => {
            let length = body.len();
            (format!("HTTP/1.1 200 OK\r\n{etag}\r\ncontent-length: {length}\r\n\r\n"), body)
        }
        Some(from) => {
            let (length, all) = (body.len() - from, body.len());
            let range = format!("content-range: bytes {from}-{}/{all}", all - 1);
            let head = format!("HTTP/1.1 206 Partial Content\r\n{etag}\r\n{range}");
            (format!("{head}\r\ncontent-length: {length}\r\n\r\n"), body[from..].to_vec())
        }
    }
}

#[test]
fn a_site_is_copied_and_what_is_there_is_not_fetched_again() {
    let (server, folder) = (serve(false), Folder::new("whole"));
    let report = Run::start(&server.root, &folder).finish();
    assert!(report.contains("5 files fetched, 0 of which went on"), "{report}");
    assert_eq!(folder.files(), copied());
    let report = Run::start(&server.root, &folder).finish();
    assert!(report.contains("0 files fetched"), "{report}");
    assert!(report.contains("5 files were there"), "{report}");
    assert_eq!(folder.files(), copied());
}

#[test]
fn killed_in_the_middle_it_goes_on_where_it_was() {
    let (server, folder) = (serve(true), Folder::new("killed"));
    let run = Run::start(&server.root, &folder);
    server.half.recv_timeout(PATIENCE).expect("the large file is asked for");
    let part = folder.0.join("large.bin.part");
    let start = std::time::Instant::now();
    while fs::metadata(&part).map_or(0, |part| part.len()) < 100_000 {
        assert!(start.elapsed() < PATIENCE, "the half is not written");
        thread::sleep(Duration::from_millis(1));
    }
    run.kill();
    assert!(!folder.0.join("large.bin").exists());
    let report = Run::start(&server.root, &folder).finish();
    // A small file may have been killed between its last byte and its name, and has gone on, too.
    assert!(!report.contains(" 0 of which went on"), "{report}");
    assert_eq!(folder.files(), copied());
    let heads = server.heads.lock().expect("no panic");
    assert!(heads.iter().any(|head| head.contains("range: bytes=100000-")), "{heads:?}");
}
