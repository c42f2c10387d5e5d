//! Requests that are sent again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asynckit::http::{ErrorKind, Method, Retry, Session};
use asynckit::{AsyncList, Backoff};

use super::support::{answer, http_error, nobody, serve_each, settings, watched};

/// Retries without pauses, so that tests need not wait.
pub(super) fn at_once(times: usize) -> Retry {
    Retry::default().pauses(Backoff::constant(Duration::ZERO).times(times))
}

pub(super) fn retrying(retry: Retry) -> Session {
    settings().retries(retry).build().expect("valid settings")
}

/// Answers with these heads in turn, the last one again and again; counts its requests.
pub(super) fn with_heads(heads: Vec<String>) -> (String, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let site = serve_each(move |connection, _| {
        let turn = counted.fetch_add(1, Ordering::SeqCst).min(heads.len() - 1);
        answer(connection, &heads[turn], b"body")
    });
    (site, count)
}

#[test]
fn without_the_setting_nothing_is_sent_again() {
    watched(|| {
        let (site, count) = with_heads(vec!["503 Busy".to_owned()]);
        let session = settings().build().expect("valid settings");
        assert_eq!(session.get(&site).get(None).expect("an answer").status().as_u16(), 503);
        assert_eq!(count.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn what_might_do_harm_twice_is_asked_again_only_where_that_is_wished() {
    watched(|| {
        let heads: Vec<_> = ["503 Busy", "200 OK"].map(str::to_owned).into();
        let (site, _) = with_heads(heads.clone());
        let page = retrying(at_once(3)).post(&site, ()).send().get(None).expect("an answer");
        assert_eq!(page.status().as_u16(), 503);
        let (site, _) = with_heads(heads);
        let posting = retrying(at_once(3).method(Method::POST));
        let page = posting.post(&site, ()).send().get(None).expect("an answer");
        assert_eq!((page.status().as_u16(), page.attempts()), (200, 2));
    });
}

#[test]
fn only_the_usual_statuses_are_asked_again() {
    watched(|| {
        for (status, attempts) in
            [(404, 1), (501, 1), (408, 2), (429, 2), (500, 2), (502, 2), (504, 2)]
        {
            let (site, _) = with_heads(vec![format!("{status} X"), "200 OK".to_owned()]);
            let page = retrying(at_once(3)).get(&site).get(None).expect("an answer");
            assert_eq!(page.attempts(), attempts, "{status}");
        }
        let (site, _) = with_heads(["404 X", "200 OK"].map(str::to_owned).into());
        let page = retrying(at_once(3).statuses([404])).get(&site).get(None).expect("an answer");
        assert_eq!(page.attempts(), 2);
    });
}

#[test]
fn a_refused_connection_and_a_broken_body_are_asked_again() {
    watched(|| {
        let failure = retrying(at_once(2)).get(nobody()).get(None).expect_err("refused");
        let error = http_error(&failure);
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Refused, 3));
        let first = Mutex::new(true);
        let site = serve_each(move |connection, _| {
            if std::mem::take(&mut *first.lock().expect("no panic")) {
                super::support::send_a_tenth(connection);
                return false;
            }
            answer(connection, "200 OK", b"whole")
        });
        let page = retrying(at_once(2)).get(&site).get(None).expect("an answer");
        assert_eq!((page.text().as_str(), page.attempts()), ("whole", 2));
    });
}

#[test]
fn a_server_that_is_down_is_not_stormed() {
    watched(|| {
        let (site, count) = with_heads(vec!["503 Busy".to_owned()]);
        let session = retrying(at_once(3));
        let mut pages: AsyncList<_> = (0..100).map(|_| session.get(&site)).collect();
        pages.get(None).expect("all answers");
        // Ten in reserve, and one for five requests; 400 without a budget.
        assert!(count.load(Ordering::SeqCst) <= 130, "{} requests", count.load(Ordering::SeqCst));
        let session = retrying(at_once(3).no_budget());
        let (site, count) = with_heads(vec!["503 Busy".to_owned()]);
        let mut pages: AsyncList<_> = (0..50).map(|_| session.get(&site)).collect();
        pages.get(None).expect("all answers");
        assert_eq!(count.load(Ordering::SeqCst), 200);
    });
}

/// With one turn in all, the other request is answered during the pause.
#[test]
fn who_pauses_has_no_turn() {
    watched(|| {
        let site = serve_each(|connection, head| match head.starts_with("GET /busy") {
            true => answer(connection, "503 Busy", b""),
            false => answer(connection, "200 OK", b"here"),
        });
        let long = Retry::default().pauses(Backoff::constant(Duration::from_secs(600)).times(1));
        let session = settings().max_concurrent(1).retries(long).timeout(Duration::MAX);
        let session = session.build().expect("valid settings");
        let busy = session.get(format!("{site}/busy"));
        for _ in 0..3 {
            assert_eq!(session.get(&site).get(None).expect("an answer").text(), "here");
        }
        assert!(!busy.is_set());
    });
}
