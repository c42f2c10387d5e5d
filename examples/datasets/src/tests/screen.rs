//! The program under a pseudo-terminal: its progress bars.

use std::env;
use std::io::Read;
use std::process::Child;

use pty_process::Size;
use pty_process::blocking::{Command, open};

use super::watched;

/// Enough for all that the program says.
const ROWS: u16 = 60;
const COLUMNS: u16 = 100;

/// Not a test: the program that the test starts, as a process of its own.
#[test]
#[ignore = "a test starts it under a pseudo-terminal"]
fn program() {
    crate::main().expect("no error");
}

/// The program, which does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// All that the program writes to its terminal.
fn written() -> Vec<u8> {
    let (mut pty, pts) = open().expect("a pseudo-terminal");
    pty.resize(Size::new(ROWS, COLUMNS)).expect("a setting");
    let program = Command::new(env::current_exe().expect("a path")).env("TERM", "xterm");
    let arguments = ["--exact", "tests::screen::program", "--ignored", "--nocapture"];
    let mut running = Running(program.args(arguments).spawn(pts).expect("a process"));
    let (mut all, mut bytes) = (Vec::new(), [0; 4096]);
    // An error is the end of the program.
    while let Ok(count @ 1..) = pty.read(&mut bytes) {
        all.extend_from_slice(&bytes[..count]);
    }
    let status = running.0.wait().expect("an end");
    assert!(status.success(), "{status}\n{}", String::from_utf8_lossy(&all));
    all
}

/// What a bar has shown, in per cent, each time that it was drawn.
fn shown(written: &str, bar: &str) -> Vec<u32> {
    let drawn = written.split(bar).skip(1).filter_map(|rest| rest.split_once(" %"));
    drawn.map(|(line, _)| line.split(' ').next_back().unwrap().parse().expect(line)).collect()
}

#[test]
fn each_way_has_its_bars_which_come_to_a_hundred_per_cent() {
    watched(|| {
        let bytes = written();
        let mut screen = vt100::Parser::new(ROWS, COLUMNS, 0);
        screen.process(&bytes);
        let rows: Vec<String> = screen.screen().rows(0, COLUMNS).collect();
        let (screen, written) = (rows.join("\n"), String::from_utf8_lossy(&bytes));
        let days = (1..=7).map(|day| format!("promised: day {day} "));
        let bars = ["called: upload ".to_owned(), "awaited: all ".to_owned()];
        let mut below = 0;
        for bar in bars.into_iter().chain(days) {
            let line = rows.iter().find(|line| line.starts_with(&bar));
            let line = line.unwrap_or_else(|| panic!("no {bar:?} on the screen:\n{screen}"));
            assert!(line.trim_end().ends_with(" 100 %"), "{line:?} on the screen:\n{screen}");
            let shown = shown(&written, &bar);
            assert!(shown.is_sorted(), "{bar} {shown:?}");
            below += shown.iter().filter(|per_cent| **per_cent < 100).count();
        }
        assert!(below > 0, "no bar has grown:\n{screen}");
        // What the program says stands on lines of its own.
        assert!(rows.iter().any(|line| line.trim_end() == "awaited: 300 records"), "{screen}");
    });
}
