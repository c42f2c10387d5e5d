//! `Session::close`.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use asynckit::http::ErrorKind;
use asynckit::{AsyncList, Shutdown};

use super::support::{answer, http_error, read_head, serve_each, session, settings, watched};

/// A server that tells of each request, and answers when told to; with the sender dropped at once.
fn waiting() -> (String, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let ((tell, told), (release, released)) = (mpsc::channel(), mpsc::channel::<()>());
    let (tell, released) = (Mutex::new(tell), Mutex::new(released));
    let site = serve_each(move |connection, _| {
        let _ = tell.lock().expect("no panic").send(());
        let _ = released.lock().expect("no panic").recv();
        answer(connection, "200 OK", b"here")
    });
    (site, told, release)
}

#[test]
fn drain_waits_for_all_and_refuses_new_ones() {
    watched(|| {
        let (site, told, release) = waiting();
        let session = settings().max_concurrent(1).build().expect("valid settings");
        let mut pages: AsyncList<_> = (0..3).map(|_| session.get(&site)).collect();
        told.recv().expect("a request");
        let closing = session.clone();
        let closed = std::thread::spawn(move || closing.close(Shutdown::Drain, None));
        while session
            .get(&site)
            .get(Duration::from_millis(1))
            .is_err_and(|failure| failure.is_timed_out())
        {}
        drop(release);
        let report = closed.join().expect("a report");
        assert!(report.finished >= 3 && report.cancelled == 0 && report.aborted == 0, "{report:?}");
        assert_eq!(pages.get(Duration::ZERO).expect("all are there").len(), 3);
        let failure = session.get(&site).get(None).expect_err("closed");
        assert_eq!(http_error(&failure).kind(), ErrorKind::Closed);
    });
}

#[test]
fn cancel_queued_cancels_what_waits_for_its_turn() {
    watched(|| {
        let (site, told, release) = waiting();
        let session = settings().max_concurrent(1).build().expect("valid settings");
        let mut first = session.get(&site);
        told.recv().expect("a request");
        let mut queued: Vec<_> = (0..5).map(|_| session.get(&site)).collect();
        let closing = session.clone();
        let closed = std::thread::spawn(move || closing.close(Shutdown::CancelQueued, None));
        for page in &mut queued {
            let failure = page.get(None).expect_err("cancelled");
            assert_eq!(http_error(&failure).kind(), ErrorKind::Closed);
        }
        drop(release);
        assert_eq!(first.get(None).expect("it was under way").text(), "here");
        let report = closed.join().expect("a report");
        assert_eq!((report.finished, report.cancelled, report.aborted), (1, 5, 0));
    });
}

#[test]
fn what_has_not_ended_at_the_deadline_is_aborted() {
    watched(|| {
        let (gone, is_gone) = mpsc::channel();
        let gone = Mutex::new(gone);
        let site = serve_each(move |connection, _| {
            let stays = read_head(connection).is_some();
            let _ = gone.lock().expect("no panic").send(());
            stays
        });
        let session = settings().max_concurrent(2).build().expect("valid settings");
        let mut pages: Vec<_> = (0..3).map(|_| session.get(&site)).collect();
        let report = session.close(Shutdown::Drain, Duration::from_millis(200));
        assert_eq!(report.finished + report.cancelled + report.aborted, 3, "{report:?}");
        assert_eq!(report.finished, 0);
        for page in &mut pages {
            assert!(page.is_set(), "closed, so it is settled");
            let failure = page.get(None).expect_err("aborted");
            assert_eq!(http_error(&failure).kind(), ErrorKind::Closed);
        }
        for _ in 0..report.aborted {
            is_gone.recv().expect("the connection is closed");
        }
    });
}

#[test]
fn closing_an_idle_session_returns_at_once_and_twice() {
    watched(|| {
        let session = session();
        for _ in 0..2 {
            let report = session.close(Shutdown::Drain, None);
            assert_eq!((report.finished, report.cancelled, report.aborted), (0, 0, 0));
        }
    });
}
