//! Where things run, and what a slow callback holds up.

use std::sync::mpsc;
use std::thread;

use asynckit::Pool;
use asynckit::http::Session;
use axum::Router;
use axum::routing::get;

use super::support::{nobody, serve, serve_raw, session, settings, watched};

fn hello() -> String {
    serve(Router::new().route("/", get(|| async { "hello" })))
}

fn thread_name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

fn named_pool(name: &str) -> Pool {
    Pool::builder().workers(2).name(name).build().expect("a pool")
}

#[test]
fn callbacks_run_on_the_sessions_pool() {
    watched(|| {
        let pool = named_pool("crawler");
        let session = settings().pool(&pool).build().expect("valid settings");
        let after = session.get(hello()).map(|_| thread_name()).get(None);
        assert!(after.expect("a name").starts_with("crawler"));
        let failed = session.get(nobody()).map(|_| String::new());
        let failed = failed.catch(|_| Ok(thread_name())).get(None);
        assert!(failed.expect("a name").starts_with("crawler"));
    });
}

#[test]
fn callbacks_run_on_the_global_pool_by_default() {
    watched(|| {
        let worker = Pool::global().run(thread_name).get(None).expect("a name");
        let callback = session().get(hello()).map(|_| thread_name()).get(None);
        let callback = callback.expect("a name");
        let without_number = |name: &str| name.trim_end_matches(char::is_numeric).to_owned();
        assert_eq!(without_number(&callback), without_number(&worker));
        assert!(!callback.starts_with("asynckit-http"), "{callback}");
    });
}

#[test]
fn a_callback_that_blocks_holds_up_no_other_download() {
    watched(|| {
        let (site, (release, released)) = (hello(), mpsc::channel::<()>());
        let pool = named_pool("blocked");
        let blocking = settings().pool(&pool).build().expect("valid settings");
        let (started, starts) = mpsc::channel();
        let mut blocked = blocking.get(&site).map(move |_| {
            started.send(()).expect("the test waits");
            released.recv().is_err() // until the test drops its end
        });
        starts.recv().expect("the callback");
        assert_eq!(session().get(&site).get(None).expect("an answer").text(), "hello");
        drop(release);
        assert!(blocked.get(None).expect("its end"));
    });
}

#[test]
fn get_inside_a_callback_of_a_one_worker_pool_returns() {
    watched(|| {
        let site = hello();
        let pool = Pool::new(1);
        let session = settings().pool(&pool).build().expect("valid settings");
        let again = session.clone();
        let inner = session.get(&site).then(move |_| {
            let page = again.get(&site).get(None).map(|page| page.text());
            Ok(page.expect("an answer"))
        });
        let mut inner = inner;
        assert_eq!(inner.get(None).expect("an answer"), "hello");
    });
}

/// The last handle of a pool waits for the pool's work. Where a callback that never ran held it, it is
/// dropped on the I/O thread, which must not wait.
#[test]
fn the_last_handle_of_a_session_dropped_by_the_io_thread_does_not_stop_it() {
    watched(|| {
        let (end, ended) = mpsc::channel::<()>();
        let site = serve_raw(move |connection| {
            let _ = ended.recv();
            drop(connection);
        });
        let (release, released) = mpsc::channel::<()>();
        let pool = Pool::new(1);
        let session = settings().pool(&pool).build().expect("valid settings");
        let _busy = pool.run(move || released.recv().is_err());
        let held = session.clone();
        let mut page = session.get(site).map(move |_| drop(held));
        drop((session, pool)); // now `held` is the last handle of both
        drop(end); // the connection breaks, the callback is dropped unrun
        assert!(page.get(None).unwrap_err().is_error());
        let other = Session::builder().no_proxy().build().expect("valid settings");
        assert_eq!(other.get(hello()).get(None).expect("an answer").text(), "hello");
        drop(release);
    });
}

#[test]
fn sessions_go_everywhere() {
    fn anywhere<T: Send + Sync + Clone + 'static>() {}
    anywhere::<Session>();
    anywhere::<asynckit::http::Response>();
    anywhere::<asynckit::http::Error>();
}
