//! A progress bar for each of many downloads, and of many calls.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};

use asynckit::http::Bars;
use asynckit::{AsyncList, Failure, Inline, Promise, Reporter};
use indicatif::{ProgressDrawTarget, TermLike};

use super::files::{Folder, Scripted, broken, content, whole};
use super::support::{PATIENCE, session, watched};

#[test]
fn each_download_has_a_bar_that_is_full_only_at_a_good_end() {
    watched(|| {
        let (folder, session, bars) = (Folder::new(), session(), Bars::hidden());
        let sites: Vec<_> = (0..8)
            .map(|n| {
                let body = content(100_000 + n);
                let step = if n % 2 == 0 { whole("", body) } else { broken("", body, 50_000) };
                Scripted::new(vec![step])
            })
            .collect();
        let shown: Vec<_> = (0..8).map(|n| bars.add(format!("file {n}"))).collect();
        let files = sites.iter().zip(&shown).enumerate().map(|(n, (site, bar))| {
            let file = session.request("GET", &site.url).download(folder.path(&n.to_string()));
            file.progress_bar(bar).send()
        });
        let files: AsyncList<_> = files.collect();
        let mut done = 0;
        for file in files.as_completed() {
            let (bar, good) = (&shown[file.index], file.outcome.is_ok());
            assert_eq!(good, file.index % 2 == 0);
            assert!(bar.is_finished());
            assert_eq!(bar.length(), Some(100_000 + file.index as u64));
            assert_eq!(bar.position() == 100_000 + file.index as u64, good, "{}", bar.position());
            done += 1;
        }
        assert_eq!(done, 8);
    });
}

#[test]
fn the_bar_of_a_download_that_never_begins_ends_empty() {
    watched(|| {
        let (bars, server) = (Bars::hidden(), Scripted::new(vec![whole("", content(1))]));
        let bar = bars.add("a file");
        let file = session().request("GET", &server.url).download("no/such/folder/file");
        let failure = { file.progress_bar(&bar).send() }.get(None);
        failure.expect_err("there is no such folder");
        assert!(bar.is_finished() && bar.position() == 0);
    });
}

// ── The bars of other calls ──────────────────────────────────────────────────────────────────────

/// A terminal of one line.
#[derive(Clone, Debug, Default)]
struct Line(Arc<Mutex<Drawn>>);

#[derive(Debug, Default)]
struct Drawn {
    now: String,
    all: String,
    breaks: bool,
}

impl Line {
    /// One bar on a terminal of its own, moved by the thread that reports. The channel ends when the bar is dropped.
    fn with_bar(breaks: bool) -> (Line, Reporter, Receiver<()>) {
        let (line, bars, (alive, ends)) = (Line::default(), Bars::new(), channel());
        line.0.lock().unwrap().breaks = breaks;
        bars.multi().set_draw_target(ProgressDrawTarget::term_like(Box::new(line.clone())));
        let mut owned = (bars.bar("a call"), alive); // dropped in this order
        let listener = move |report| {
            let (bar, _alive) = &mut owned;
            bar(report);
        };
        (line, Reporter::on(Inline, listener), ends)
    }

    fn now(&self) -> String {
        self.0.lock().unwrap().now.trim_end().to_owned()
    }

    fn has_shown(&self, what: &str) -> bool {
        self.0.lock().unwrap().all.contains(what)
    }
}

impl TermLike for Line {
    fn width(&self) -> u16 {
        80
    }
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut drawn = self.0.lock().unwrap();
        let breaks = drawn.breaks;
        drawn.now.push_str(text);
        drawn.all.push_str(text);
        drop(drawn);
        assert!(!breaks, "on purpose");
        Ok(())
    }
    fn clear_line(&self) -> io::Result<()> {
        self.0.lock().unwrap().now.clear();
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_bar_of_a_call_is_full_only_when_it_has_succeeded() {
    watched(|| {
        let (line, reporter, _) = Line::with_bar(false);
        let (deferred, promise) = Promise::<u8>::deferred();
        let mut call = reporter.finish_with(promise);
        reporter.items(1, 4);
        assert!(line.now().starts_with("a call"), "{}", line.now());
        assert!(line.now().ends_with(" 1/4  25 %"), "{}", line.now());
        reporter.items(399_999_999, 400_000_000);
        assert!(line.now().ends_with(" 399999999/400000000  99 %"), "{}", line.now());
        assert!(line.now().contains('░'), "{}", line.now());
        reporter.items(400_000_000, 400_000_000); // all of them, and still it may fail
        assert!(!line.has_shown("100 %"));
        deferred.resolve(7);
        assert_eq!(call.get(PATIENCE).unwrap(), 7);
        assert!(line.now().ends_with(" 400000000/400000000 100 %"), "{}", line.now());
        assert!(!line.now().contains('░'), "{}", line.now());
    });
}

#[test]
fn the_bar_of_a_call_shows_what_is_known() {
    watched(|| {
        let (line, reporter, _) = Line::with_bar(false);
        reporter.advance(3);
        assert_eq!(line.now().split('░').next_back().map(str::trim), Some("3   0 %"));
        let (line, reporter, _) = Line::with_bar(false);
        reporter.fraction(0.5);
        assert_eq!(line.now().split('░').next_back().map(str::trim), Some("50 %"));
    });
}

#[test]
fn the_bar_of_a_call_that_fails_or_is_given_up_stays_where_it_was() {
    watched(|| {
        for end in ["error", "cancelled", "dropped"] {
            let (line, reporter, ends) = Line::with_bar(false);
            let (deferred, promise) = Promise::<u8, String>::deferred();
            let mut call = reporter.finish_with(promise);
            reporter.items(1, 4);
            match end {
                "error" => deferred.reject("no".to_owned()),
                "cancelled" => {
                    call.cancel();
                    drop(deferred);
                }
                _ => drop(deferred),
            }
            assert!(call.get(PATIENCE).is_err(), "{end}");
            reporter.items(3, 4);
            assert_eq!(ends.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected), "{end}");
            assert!(line.now().ends_with(" 1/4  25 %"), "{end}: {:?}", line.now());
        }
    });
}

/// Also a second panic, in a drop, does no more harm.
#[test]
fn a_terminal_that_panics_disturbs_no_call() {
    watched(|| {
        for succeeds in [true, false] {
            let (line, reporter, ends) = Line::with_bar(true);
            let (deferred, promise) = Promise::<u8, String>::deferred();
            let mut call = reporter.finish_with(promise);
            reporter.items(1, 4);
            assert!(line.has_shown("25 %"));
            if succeeds {
                deferred.resolve(7);
            } else {
                deferred.settle(Err(Failure::Error("no".to_owned())));
            }
            assert_eq!(call.get(PATIENCE).is_ok(), succeeds);
            assert_eq!(ends.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
        }
    });
}
