//! Downloads to disk: what is there afterwards, and what is asked for the next time.

use std::fs;

use asynckit::Failure;
use asynckit::http::{Downloaded, ErrorKind, Retry, Session};

use super::files::{Folder, Scripted, broken, content, rest, status, whole};
use super::support::{answer, http_error, session, settings, watched};

const ETAG: &str = "\r\netag: \"1\"";
const OTHER: &str = "\r\netag: \"2\"";

fn fetch(session: &Session, server: &Scripted, folder: &Folder) -> Result<Downloaded, Failure> {
    session.download(&server.url, folder.path("file")).get(None)
}

#[track_caller]
fn fetched(session: &Session, server: &Scripted, folder: &Folder) -> Downloaded {
    fetch(session, server, folder).expect("a file")
}

#[track_caller]
fn kind(done: Result<Downloaded, Failure>) -> ErrorKind {
    http_error(&done.expect_err("no file")).kind()
}

#[test]
fn a_file_is_there_with_all_that_came() {
    watched(|| {
        let (folder, server) =
            (Folder::new(), Scripted::new(vec![whole(ETAG, content(3_000_000))]));
        let done = fetched(&session(), &server, &folder);
        assert_eq!((done.path.as_path(), done.bytes), (folder.path("file").as_path(), 3_000_000));
        assert!(done.resumed_from == 0 && !done.unchanged);
        assert_eq!(folder.read("file"), content(3_000_000));
        assert_eq!(folder.names(), [".file.download", "file"]);
        assert_eq!(server.header(0, "accept-encoding").as_deref(), Some("identity"));
    });
}

#[test]
fn without_a_companion_nothing_but_the_file_is_left() {
    watched(|| {
        let (folder, server) = (Folder::new(), Scripted::new(vec![whole(ETAG, content(100))]));
        for _ in 0..2 {
            let file = session().request("GET", &server.url).download(folder.path("file"));
            assert!(!file.no_companion().send().get(None).expect("a file").unchanged);
            assert_eq!(folder.names(), ["file"]);
        }
    });
}

#[test]
fn an_empty_file_is_a_file() {
    watched(|| {
        let (folder, server) = (Folder::new(), Scripted::new(vec![whole(ETAG, Vec::new())]));
        assert_eq!(fetched(&session(), &server, &folder).bytes, 0);
        assert_eq!(folder.read("file"), b"");
    });
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_was() {
    watched(|| {
        let body = content(100_000);
        let steps = vec![broken(ETAG, body.clone(), 40_000), rest(body.clone(), 40_000)];
        let (folder, server) = (Folder::new(), Scripted::new(steps));
        assert_eq!(kind(fetch(&session(), &server, &folder)), ErrorKind::Body);
        assert_eq!(folder.names(), [".file.download", "file.part"]);
        assert_eq!(folder.read("file.part"), body[..40_000]);
        let done = fetched(&session(), &server, &folder);
        assert_eq!((done.bytes, done.resumed_from), (100_000, 40_000));
        assert_eq!(folder.read("file"), body);
        assert_eq!(folder.names(), [".file.download", "file"]);
        assert_eq!(server.header(1, "range").as_deref(), Some("bytes=40000-"));
        assert_eq!(server.header(1, "if-range").as_deref(), Some("\"1\""));
    });
}

#[test]
fn the_sessions_retries_are_for_the_rest() {
    watched(|| {
        let body = content(90_000);
        let steps = vec![
            broken(ETAG, body.clone(), 30_000),
            status("503 Service Unavailable"),
            rest(body.clone(), 30_000),
        ];
        let (folder, server) = (Folder::new(), Scripted::new(steps));
        let patient = settings().retries(Retry::default()).build().expect("valid settings");
        assert_eq!(fetched(&patient, &server, &folder).resumed_from, 0);
        assert_eq!(folder.read("file"), body);
        assert_eq!(server.header(1, "range").as_deref(), Some("bytes=30000-"));
    });
}

/// Breaks off, and answers the question for the rest with `answers`.
fn after_a_break(answers: Vec<super::files::Step>) -> (Folder, Scripted) {
    let mut steps = vec![broken(ETAG, content(1000), 400)];
    steps.extend(answers);
    let (folder, server) = (Folder::new(), Scripted::new(steps));
    assert_eq!(kind(fetch(&session(), &server, &folder)), ErrorKind::Body);
    (folder, server)
}

#[test]
fn a_file_that_has_changed_comes_from_its_beginning() {
    watched(|| {
        let other = vec![b'o'; 700];
        let (folder, server) = after_a_break(vec![whole(OTHER, other.clone())]);
        let done = fetched(&session(), &server, &folder);
        assert_eq!((done.bytes, done.resumed_from), (700, 0));
        assert_eq!(folder.read("file"), other);
        assert_eq!(server.heads().len(), 2);
    });
}

#[test]
fn a_rest_that_is_another_one_than_was_asked_for_is_not_taken() {
    watched(|| {
        for range in ["bytes 0-599/1000", "bytes 400-998/999", "bytes 401-999/1000", "", "bytes"] {
            let wrong = move |connection: &mut std::net::TcpStream, _: &str| {
                let head = format!("206 Partial Content\r\ncontent-range: {range}");
                answer(connection, &head, &[b'w'; 600])
            };
            let (folder, server) = after_a_break(vec![Box::new(wrong), whole(ETAG, content(1000))]);
            assert_eq!(fetched(&session(), &server, &folder).resumed_from, 0, "{range}");
            assert_eq!(folder.read("file"), content(1000), "{range}");
            assert_eq!(server.header(2, "range"), None);
        }
    });
}

#[test]
fn a_range_that_cannot_be_had_is_no_failure() {
    watched(|| {
        let steps = vec![status("416 Range Not Satisfiable"), whole(ETAG, content(300))];
        let (folder, server) = after_a_break(steps);
        assert_eq!(fetched(&session(), &server, &folder).bytes, 300);
        assert_eq!(folder.read("file"), content(300));
        assert_eq!(server.heads().len(), 3);
    });
}

#[test]
fn a_rest_that_is_less_than_announced_is_no_whole() {
    watched(|| {
        let less = |connection: &mut std::net::TcpStream, _: &str| {
            let head = "206 Partial Content\r\netag: \"1\"\r\ncontent-range: bytes 400-499/1000";
            answer(connection, head, &content(1000)[400..500])
        };
        let (folder, server) = after_a_break(vec![Box::new(less), rest(content(1000), 500)]);
        assert_eq!(kind(fetch(&session(), &server, &folder)), ErrorKind::Body);
        assert_eq!(fetched(&session(), &server, &folder).resumed_from, 500);
        assert_eq!(folder.read("file"), content(1000));
    });
}

#[test]
fn what_was_not_asked_for_in_parts_does_not_come_in_parts() {
    watched(|| {
        let (folder, server) = (Folder::new(), Scripted::new(vec![rest(content(10), 5)]));
        assert_eq!(kind(fetch(&session(), &server, &folder)), ErrorKind::Status);
        assert!(folder.names().is_empty());
    });
}

#[test]
fn without_a_name_for_what_it_is_a_part_is_not_continued() {
    watched(|| {
        let now = "\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT";
        for headers in ["", "\r\netag: W/\"1\"", now] {
            let steps = vec![broken(headers, content(1000), 400), whole("", content(1000))];
            let (folder, server) = (Folder::new(), Scripted::new(steps));
            assert_eq!(kind(fetch(&session(), &server, &folder)), ErrorKind::Body);
            assert_eq!(fetched(&session(), &server, &folder).bytes, 1000);
            assert_eq!(server.header(1, "range"), None, "{headers}");
            assert_eq!(folder.read("file"), content(1000));
        }
    });
}

#[test]
fn a_part_of_another_url_is_not_continued() {
    watched(|| {
        let (folder, server) = after_a_break(vec![whole(ETAG, vec![b'o'; 9])]);
        let other = format!("{}?other", server.url);
        session().download(other, folder.path("file")).get(None).expect("a file");
        assert_eq!(server.header(1, "range"), None);
        assert_eq!(folder.read("file"), [b'o'; 9]);
    });
}

#[test]
fn what_is_there_and_unchanged_is_not_fetched_again() {
    watched(|| {
        let old = "\r\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT";
        for (headers, name) in [(ETAG, "if-none-match"), (old, "if-modified-since")] {
            let steps = vec![
                whole(headers, content(500)),
                status("304 Not Modified"),
                whole(OTHER, content(200)),
            ];
            let (folder, server) = (Folder::new(), Scripted::new(steps));
            assert!(!fetched(&session(), &server, &folder).unchanged);
            let done = fetched(&session(), &server, &folder);
            assert_eq!((done.unchanged, done.bytes), (true, 500));
            assert!(server.header(1, name).is_some(), "{name}");
            assert_eq!(folder.names(), [".file.download", "file"]);
            let done = fetched(&session(), &server, &folder);
            assert_eq!((done.unchanged, done.bytes), (false, 200));
            assert_eq!(folder.read("file"), content(200));
        }
    });
}

#[test]
fn what_is_there_and_is_not_what_came_is_fetched_again() {
    watched(|| {
        let (folder, server) = (Folder::new(), Scripted::new(vec![whole(ETAG, content(500))]));
        fetched(&session(), &server, &folder);
        fs::write(folder.path("file"), "edited").expect("a file");
        fetched(&session(), &server, &folder);
        fs::remove_file(folder.path("file")).expect("a file");
        fetched(&session(), &server, &folder);
        let again = session().request("GET", &server.url).download(folder.path("file")).afresh();
        again.send().get(None).expect("a file");
        assert_eq!(folder.read("file"), content(500));
        assert!((1..4).all(|number| server.header(number, "if-none-match").is_none()));
    });
}

/// As where the process was killed between the last byte and the name.
#[test]
fn all_bytes_without_their_name_are_asked_for_once_more_and_not_sent() {
    watched(|| {
        let folder = std::sync::Arc::new(Folder::new());
        let in_the_way = folder.path("file");
        let blocks = move |connection: &mut std::net::TcpStream, _: &str| {
            fs::create_dir(&in_the_way).expect("a folder in its place");
            answer(connection, "200 OK\r\netag: \"1\"", &content(500))
        };
        let server = Scripted::new(vec![Box::new(blocks), status("304 Not Modified")]);
        assert_eq!(kind(fetch(&session(), &server, &folder)), ErrorKind::File);
        fs::remove_dir(folder.path("file")).expect("the folder");
        let done = fetched(&session(), &server, &folder);
        assert_eq!((done.bytes, done.resumed_from, done.unchanged), (500, 500, false));
        assert_eq!(server.header(1, "if-none-match").as_deref(), Some("\"1\""));
        assert_eq!(folder.read("file"), content(500));
        assert_eq!(folder.names(), [".file.download", "file"]);
    });
}

const SUM_OF_ABC: &str = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";

#[test]
fn a_wrong_checksum_leaves_nothing_and_a_right_one_asks_no_more() {
    watched(|| {
        let steps = vec![whole(ETAG, b"abd".to_vec()), whole(OTHER, b"abc".to_vec())];
        let (folder, server) = (Folder::new(), Scripted::new(steps));
        let session = session();
        let fetch = || {
            let file = session.request("GET", &server.url).download(folder.path("file"));
            file.sha256(SUM_OF_ABC).send().get(None)
        };
        assert_eq!(kind(fetch()), ErrorKind::Checksum);
        assert!(folder.names().is_empty(), "{:?}", folder.names());
        assert!(!fetch().expect("a file").unchanged);
        assert!(fetch().expect("a file").unchanged);
        assert_eq!(server.heads().len(), 2);
        let nonsense = session.request("GET", &server.url).download("x").sha256("abc").send();
        assert_eq!(kind({ nonsense }.get(None)), ErrorKind::BadRequest);
    });
}

#[test]
fn a_continued_file_is_checked_from_its_beginning() {
    watched(|| {
        let steps = vec![broken(ETAG, b"abc".to_vec(), 1), rest(b"abc".to_vec(), 1)];
        let (folder, server) = (Folder::new(), Scripted::new(steps));
        assert_eq!(kind(fetch(&session(), &server, &folder)), ErrorKind::Body);
        let file = session().request("GET", &server.url).download(folder.path("file"));
        let done = file.sha256(SUM_OF_ABC).send().get(None).expect("a file");
        assert_eq!(done.resumed_from, 1);
    });
}
