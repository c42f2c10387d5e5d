//! The program under a pseudo-terminal: keys in, screen out.

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use std::io::{Read, Write};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use std::{env, thread};

/// Longer than anything here takes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Not a test: the program that the tests start, as a process of its own.
#[test]
#[ignore = "the tests start it under a pseudo-terminal"]
fn program() {
    super::main().unwrap();
}

/// The other end of the program's terminal.
struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    screen: Arc<(Mutex<vt100::Parser>, Condvar)>,
}

impl Terminal {
    fn start() -> Terminal {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(24, 100)).unwrap();
        let program = Command::new(env::current_exe().unwrap()).env("TERM", "xterm");
        let arguments = ["--exact", "tests::program", "--ignored", "--nocapture"];
        let child = program.args(arguments).spawn(pts).unwrap();
        let screen = Arc::new((Mutex::new(vt100::Parser::new(24, 100, 0)), Condvar::new()));
        let (pty, seen) = (Arc::new(pty), screen.clone());
        let reader = Arc::clone(&pty);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // An error is the end of the program.
            while let Ok(count @ 1..) = Read::read(&mut &*reader, &mut bytes) {
                seen.0.lock().unwrap().process(&bytes[..count]);
                seen.1.notify_all();
            }
        });
        let terminal = Terminal { pty, child, screen };
        terminal.shows("0 keys pressed"); // it has the terminal to itself now
        terminal
    }

    fn press(&mut self, keys: &str) {
        Write::write_all(&mut &*self.pty, keys.as_bytes()).unwrap();
    }

    fn contents(parser: &MutexGuard<'_, vt100::Parser>) -> String {
        parser.screen().contents()
    }

    /// Waits until the screen shows this.
    #[track_caller]
    fn shows(&self, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        let mut parser = self.screen.0.lock().unwrap();
        while !Self::contents(&parser).contains(what) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what:?} on the screen:\n{}", Self::contents(&parser));
            parser = self.screen.1.wait_timeout(parser, left).unwrap().0;
        }
    }

    #[track_caller]
    fn ends(mut self) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            thread::sleep(Duration::from_millis(5));
        };
        assert!(status.success(), "{status}");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keys are answered while jobs run, which do not end by themselves.
#[test]
fn it_answers_while_jobs_work() {
    let mut terminal = Terminal::start();
    terminal.press("ss");
    terminal.shows("2 keys pressed");
    terminal.press("abc");
    terminal.shows("5 keys pressed");
    terminal.shows("slow: working");
    terminal.press("x");
    terminal.shows("slow: the promise was cancelled");
    terminal.press("q");
    terminal.ends();
}

/// Callbacks show what came of the jobs.
#[test]
fn it_shows_what_came_of_its_jobs() {
    let mut terminal = Terminal::start();
    terminal.press("fp");
    terminal.shows("fast: 1229 primes");
    terminal.shows("bad: failed, something is wrong");
    terminal.press("f");
    terminal.shows("3 keys pressed");
    terminal.press("q");
    terminal.ends();
}

/// It ends while jobs are running, too.
#[test]
fn it_quits_while_jobs_work() {
    let mut terminal = Terminal::start();
    terminal.press("sss");
    terminal.shows("slow: working");
    terminal.press("q");
    terminal.ends();
}
