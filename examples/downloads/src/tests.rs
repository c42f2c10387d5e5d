//! The crawl against small sites on the loopback interface, and the whole program with its arguments.

use std::collections::BTreeMap;
use std::future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asynckit::Pool;
use asynckit::http::{Session, Url};
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::get;
use clap::Parser;
use indicatif::ProgressBar;

use crate::crawl::{Crawl, Notes};
use crate::folder::{Answer, Folder};
use crate::loopback::serve;
use crate::options::Options;
use crate::report::reason;
use crate::run;

/// A crawl that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A page with these links.
fn page(links: &[&str]) -> Html<String> {
    Html(links.iter().map(|link| format!("<a href='{link}'>x</a>")).collect())
}

fn crawl_with(session: Session, root: &Url, depth: u32, limit: usize) -> Notes {
    let crawl = Crawl::new(session, depth, limit, ProgressBar::hidden());
    let mut pages = crawl.start(std::slice::from_ref(root));
    pages.get(Some(PATIENCE)).expect("an end, whatever happens to the pages");
    crawl.finish()
}

fn crawl(root: &Url, depth: u32, limit: usize) -> Notes {
    let pool = Pool::new(2);
    let session = Session::builder().no_proxy().pool(&pool).build();
    crawl_with(session.expect("valid settings"), root, depth, limit)
}

fn paths(notes: &Notes) -> Vec<&str> {
    let mut paths: Vec<_> = notes.pages.iter().map(|page| page.url.path()).collect();
    paths.sort_unstable();
    paths
}

/// Pages 0, 1, 2 and so on, each of which links to the next one.
fn tower() -> Url {
    let next = |Path(n): Path<u32>| async move { page(&[&format!("{}", n + 1)]) };
    let root = serve(Router::new().route("/{n}", get(next))).expect("a server");
    root.join("0").expect("a URL")
}

#[test]
fn links_are_followed_as_many_levels_down_as_asked_for() {
    let root = tower();
    assert_eq!(paths(&crawl(&root, 0, 100)), ["/0"]);
    assert_eq!(paths(&crawl(&root, 2, 100)), ["/0", "/1", "/2"]);
    assert_eq!(crawl(&root, 300, 1000).pages.len(), 301);
}

#[test]
fn the_limit_counts_pages_and_what_is_over_it_is_told() {
    let many: Vec<String> = (0..100).map(|n| format!("/{n}")).collect();
    let index = move || future::ready(page(&many.iter().map(String::as_str).collect::<Vec<_>>()));
    let site = Router::new().route("/", get(index)).route("/{n}", get(|| async { "leaf" }));
    let notes = crawl(&serve(site).expect("a server"), 2, 10);
    assert_eq!((notes.pages.len(), notes.left_out, notes.missing()), (10, 91, 0));
}

#[test]
fn no_page_is_fetched_twice() {
    let visits = Arc::new(Mutex::new(BTreeMap::<String, u32>::new()));
    let counted = Arc::clone(&visits);
    let maze = move |Path(name): Path<String>| {
        *counted.lock().expect("no panic").entry(name).or_default() += 1;
        future::ready(page(&["/a", "/b#part", "b", "/c#", "/a?", "#top", ""]))
    };
    let root = serve(Router::new().route("/{name}", get(maze))).expect("a server");
    crawl(&root.join("a").expect("a URL"), 9, 1000);
    let visits = visits.lock().expect("no panic");
    // `/a?` is another address than `/a`.
    assert_eq!(
        *visits,
        BTreeMap::from([("a", 2), ("b", 1), ("c", 1)].map(|(n, v)| (n.to_owned(), v)))
    );
}

#[test]
fn whatever_happens_to_a_page_is_a_row_and_stops_no_other() {
    let links = ["/gone", "/broken", "/never", "http://127.0.0.1:1/", "/loop", "/fine"];
    let site = Router::new()
        .route("/", get(move || future::ready(page(&links))))
        .route("/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/never", get(future::pending::<&str>))
        .route("/loop", get(|| async { Redirect::temporary("/loop") }))
        .route("/fine", get(|| async { page(&["/below"]) }))
        .route("/below", get(|| async { "text" }));
    let root = serve(site).expect("a server");
    let session = Session::builder().no_proxy().timeout(Duration::from_secs(2)).build();
    let notes = crawl_with(session.expect("valid settings"), &root, 2, 100);
    assert_eq!(paths(&notes), ["/", "/below", "/fine"]);
    let mut rows: Vec<_> = notes
        .failures
        .iter()
        .map(|failed| (failed.link.url.path(), reason(&failed.failure)))
        .collect();
    rows.sort_unstable();
    let refused = rows.remove(0);
    assert!(refused.0 == "/" && refused.1.contains("refused"), "{refused:?}");
    let expected = [
        ("/broken", "500 Internal Server Error"),
        ("/gone", "404 Not Found"),
        ("/loop", "too many redirects"),
        ("/never", "timed out"),
    ];
    assert_eq!(rows, expected.map(|(path, why)| (path, why.to_owned())));
    assert!(notes.failures.iter().all(|failed| failed.link.from == Some(root.clone())));
}

#[test]
fn the_crawl_stays_on_the_hosts_of_its_roots_also_where_these_redirect() {
    let site = Router::new()
        .route("/", get(|| async { page(&["/near", "http://localhost:1/far", "mailto:x@y"]) }))
        .route("/near", get(|| async { "near" }))
        .route("/far", get(|| async { "far" }))
        .route(
            "/away/{port}",
            get(|Path(port): Path<u16>| async move {
                Redirect::temporary(&format!("http://localhost:{port}/")).into_response()
            }),
        );
    let root = serve(site).expect("a server");
    let notes = crawl(&root, 2, 100);
    assert_eq!(paths(&notes), ["/", "/near"]);
    assert!(notes.failures.is_empty());
    let away = root.join(&format!("/away/{}", root.port().expect("a port")));
    let notes = crawl(&away.expect("a URL"), 2, 100);
    assert_eq!(paths(&notes), ["/", "/near"]);
    assert_eq!(notes.failures.len(), 1, "now /far is near, and nobody listens there");
}

#[test]
fn a_folder_gives_nothing_that_is_outside_or_hidden() {
    let folder = Folder::new(env!("CARGO_MANIFEST_DIR").into());
    assert!(matches!(folder.answer("Cargo.toml"), Answer::Page { .. }));
    assert_eq!(folder.answer("src"), Answer::Folder);
    assert!(matches!(folder.answer("src/"), Answer::Page { .. }));
    for path in [
        "../Cargo.toml",
        "src/../../x",
        "/etc/passwd",
        ".gitignore",
        ".git/config",
        "no",
        "Cargo.toml/",
    ] {
        assert_eq!(folder.answer(path), Answer::Missing, "{path}");
    }
}

#[test]
fn a_page_that_fails_in_passing_is_asked_for_again_and_not_too_many_at_once() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, peak) = (Arc::clone(&now), Arc::clone(&most));
    let visits = Arc::new(Mutex::new(BTreeMap::<u32, u32>::new()));
    let links: Vec<String> = (0..20).map(|n| format!("/{n}")).collect();
    let index = move || future::ready(page(&links.iter().map(String::as_str).collect::<Vec<_>>()));
    let busy = move |Path(n): Path<u32>| async move {
        peak.fetch_max(count.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        count.fetch_sub(1, Ordering::SeqCst);
        let mut visits = visits.lock().expect("no panic");
        let visit = visits.entry(n).or_default();
        *visit += 1;
        let fails = n == 7 && *visit == 1;
        if fails { StatusCode::SERVICE_UNAVAILABLE.into_response() } else { "here".into_response() }
    };
    let site = Router::new().route("/", get(index)).route("/{n}", get(busy));
    let root = serve(site).expect("a server");
    let (good, report) = run_with(&["--per-host", "3", root.as_str()]);
    assert!(good && report.contains("asked again") && !report.contains("503"), "{report}");
    assert!(most.load(Ordering::SeqCst) <= 3);
}

#[test]
fn a_page_that_is_too_large_is_a_row() {
    let site = Router::new()
        .route("/", get(|| async { page(&["/large", "/small"]) }))
        .route("/large", get(|| async { vec![b'.'; (1 << 20) + 1] }))
        .route("/small", get(|| async { vec![b'.'; 1 << 20] }));
    let root = serve(site).expect("a server");
    let (good, report) = run_with(&["--largest", "1", root.as_str()]);
    assert!(good && report.contains("more than 1048576 bytes"), "{report}");
    assert!(report.contains("1.00 MiB"), "{report}");
}

fn run_with(arguments: &[&str]) -> (bool, String) {
    let deadline = format!("--deadline={}", PATIENCE.as_secs());
    let options = ["downloads", &deadline].into_iter().chain(arguments.iter().copied());
    let options = Options::try_parse_from(options).expect("good arguments");
    let mut out = Vec::new();
    let good = run(&options, &mut out).expect("a report");
    (good, String::from_utf8(out).expect("text"))
}

#[test]
fn without_arguments_this_repository_is_crawled() {
    let (good, report) = run_with(&["--delay", "0"]);
    assert!(good, "{report}");
    for row in
        ["pages", "bytes", "failures", "time taken", "one by one", "404 Not Found", "500 Internal"]
    {
        assert!(report.contains(row), "no {row} in {report}");
    }
    assert!(!report.contains("left out"), "{report}");
}

#[test]
fn a_root_that_cannot_be_fetched_is_no_success() {
    let (good, report) = run_with(&["http://127.0.0.1:1/"]);
    assert!(!good, "{report}");
    assert!(report.contains("refused"), "{report}");
    let root = serve(Router::new()).expect("a server");
    assert!(!run_with(&[root.as_str()]).0, "its 404 is one");
}

#[test]
fn the_deadline_ends_a_crawl_that_would_go_on() {
    let never = Router::new()
        .route("/", get(|| async { page(&["/never"]) }))
        .route("/never", get(future::pending::<&str>));
    let root = serve(never).expect("a server");
    let (good, report) = run_with(&["--deadline", "0.2", root.as_str()]);
    assert!(!good, "{report}");
    assert!(report.contains("not finished"), "{report}");
}

#[test]
fn a_bad_argument_is_exit_status_2() {
    let bad: [&[&str]; 8] = [
        &["--serve", "/no/such/folder"],
        &["--serve", ".", "http://localhost/"],
        &["not a url"],
        &["ftp://localhost/"],
        &["--limit", "0"],
        &["--workers", "0"],
        &["--timeout", "-1"],
        &["--timeout", "inf"],
    ];
    for arguments in bad {
        let options = ["downloads"].iter().chain(arguments);
        let error = Options::try_parse_from(options).expect_err("a bad argument");
        assert_eq!(error.exit_code(), 2, "{arguments:?}");
    }
}
