//! Turns per host and in total.

use std::io::Write;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use asynckit::AsyncList;

use super::support::{answer, serve_each, settings, watched};

/// A server that answers nobody, and tells of each that asks.
fn hung() -> (String, mpsc::Receiver<()>) {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let site = serve_each(move |connection, _| {
        let _ = tell.lock().expect("no panic").send(());
        super::support::read_head(connection).is_some() // until the client closes
    });
    (site, told)
}

#[test]
fn a_host_that_hangs_does_not_stop_the_session() {
    watched(|| {
        let (hung, asked) = hung();
        let site = serve_each(|connection, _| answer(connection, "200 OK", b"hello"));
        let session = settings().max_concurrent(4).max_per_host(3).build().expect("valid settings");
        let stuck: AsyncList<_> = (0..100).map(|_| session.get(&hung)).collect();
        (0..3).for_each(|_| asked.recv().expect("a request"));
        for _ in 0..10 {
            assert_eq!(session.get(&site).get(None).expect("an answer").text(), "hello");
        }
        assert!(asked.try_recv().is_err(), "only three have their turn");
        drop(stuck);
    });
}

#[test]
fn a_redirect_to_another_host_takes_a_turn_there_and_gives_its_own_up() {
    watched(|| {
        let (hung, asked) = hung();
        let to_hung = format!("302 Found\r\nlocation: {hung}/");
        let site = serve_each(move |connection, head| match head.starts_with("GET /to") {
            true => answer(connection, &to_hung, b""),
            false => answer(connection, "200 OK", b"hello"),
        });
        let session = settings().max_per_host(1).build().expect("valid settings");
        let stuck = session.get(format!("{site}/to"));
        asked.recv().expect("the redirect is followed");
        let more = session.get(format!("{site}/to"));
        assert_eq!(session.get(&site).get(None).expect("an answer").text(), "hello");
        assert!(asked.try_recv().is_err(), "one turn to each host");
        drop((stuck, more));
    });
}

/// Two hosts that redirect to each other, each with one turn, and as many turns in total: nobody waits for a
/// turn while having one.
#[test]
fn redirects_across_full_hosts_do_not_wait_for_each_other() {
    watched(|| {
        let places = Arc::new(Mutex::new(Vec::<String>::new()));
        let sites: Vec<_> = (0..2)
            .map(|me| {
                let places = Arc::clone(&places);
                serve_each(move |connection, head| {
                    let other = places.lock().expect("no panic")[1 - me].clone();
                    match head.starts_with("GET /end") {
                        true => answer(connection, "200 OK", b"end"),
                        false => {
                            answer(connection, &format!("302 Found\r\nlocation: {other}/end"), b"")
                        }
                    }
                })
            })
            .collect();
        places.lock().expect("no panic").extend(sites.iter().cloned());
        let session = settings().max_concurrent(2).max_per_host(1).build().expect("valid settings");
        let mut pages: AsyncList<_> = (0..40).map(|i| session.get(&sites[i % 2])).collect();
        let pages = pages.get(None).expect("all answers");
        assert!(pages.iter().all(|page| page.text() == "end" && page.history().len() == 1));
    });
}

#[test]
fn a_hook_that_is_slow_keeps_no_turn() {
    watched(|| {
        let (site, (release, released)) = (
            serve_each(|connection, _| {
                connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_ok()
            }),
            mpsc::channel::<()>(),
        );
        let released = Mutex::new(released);
        let slow = settings().max_concurrent(1).on_request(move |request| {
            if request.url().path() == "/slow" {
                let _ = released.lock().expect("no panic").recv();
            }
            Ok(())
        });
        let session = slow.build().expect("valid settings");
        let mut waits = session.get(format!("{site}/slow"));
        assert_eq!(session.get(&site).get(None).expect("an answer").status(), 204);
        drop(release);
        assert_eq!(waits.get(None).expect("an answer").status(), 204);
    });
}
