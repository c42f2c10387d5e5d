//! What the handles of a client share, whatever their face, and what the service sees of calls that are given up.

use super::{PATIENCE, service, watched};
use asynckit::face::CallError;
use asynckit::{AsyncList, Pool};
use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Client, Error};
use crate::server::{Server, TOKEN};

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_blocking_call_whose_time_is_over_is_cancelled_and_the_service_works_at_it_no_longer() {
    watched(|| {
        let (server, client) = service();
        let client = client.within(Duration::from_millis(20));
        while server.seen().is_empty() {
            // Where this machine is busy, its time may be over before it has come there.
            let late = client.raw("/collections/endless");
            assert!(matches!(late, Err(Error::Call(CallError::TimedOut))), "{late:?}");
        }
        eventually("the service drops the request", || server.under_way().0 == 0);
        assert_eq!(
            client.promised().usage().get(None).unwrap().records,
            0,
            "the client is as it was"
        );
    });
}

#[test]
fn the_faces_share_connections_and_cookies() {
    watched(|| {
        let (server, client) = service();
        let other = client.promised();
        client.usage().unwrap();
        other.usage().get(None).unwrap();
        let cookies = |visits: &[(_, Option<String>)]| -> Vec<_> {
            visits.iter().map(|visit| visit.1.clone()).collect()
        };
        let cookie = Some("visitor=1".to_owned());
        assert_eq!(cookies(&server.visits()), [None, cookie]);
        // One connection serves both, sooner or later: which one is free is the session's matter.
        let (mut served, mut shared) = (HashMap::<_, [bool; 2]>::new(), false);
        while !shared {
            client.usage().unwrap();
            other.usage().get(None).unwrap();
            let visits = server.visits();
            for (face, visit) in visits[visits.len() - 2..].iter().enumerate() {
                let faces = served.entry(visit.0).or_default();
                faces[face] = true;
                shared |= *faces == [true, true];
            }
        }
    });
}

#[test]
fn the_faces_share_the_limit() {
    watched(|| {
        let server = Server::start(Duration::from_millis(2)).expect("a server");
        let client = Client::new(&server.url, TOKEN, &Pool::new(2)).expect("a client");
        let promised = client.promised();
        let calls: AsyncList<_, _> = (0..60).map(|_| promised.usage()).collect();
        let callers: Vec<_> = (0..8)
            .map(|_| {
                let client = client.clone();
                thread::spawn(move || (0..5).all(|_| client.usage().is_ok()))
            })
            .collect();
        assert!(callers.into_iter().all(|caller| caller.join().unwrap()));
        assert_eq!(calls.join().get(None).unwrap().len(), 60);
        let (most, seen) = (server.under_way().1, server.seen().len());
        assert!(most <= 8 && seen == 100, "{most} at once; {seen} requests, none of them again");
    });
}
