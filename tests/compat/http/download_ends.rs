//! Downloads to disk that do not come to a good end, that are given up, or that meet.

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use asynckit::http::{DownloadProgress, Downloaded, ErrorKind, Response};
use asynckit::{AsyncList, Failure, Pool, Shutdown};

use super::files::{Folder, Scripted, Step, broken, content, status, whole};
use super::support::{PATIENCE, http_error, read_head, session, settings, watched};

const ETAG: &str = "\r\netag: \"1\"";

#[track_caller]
fn kind(done: Result<Downloaded, Failure>) -> ErrorKind {
    http_error(&done.expect_err("no file")).kind()
}

/// Sends 400 of 1000 bytes; says when the client has gone.
fn stuck() -> (Step, Receiver<()>) {
    let (tell, gone) = mpsc::channel();
    let tell = Mutex::new(tell);
    let step = move |connection: &mut TcpStream, _: &str| {
        let head = "HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: 1000\r\n\r\n";
        let sent = connection.write_all(&[head.as_bytes(), &content(400)].concat());
        let _ = sent.map(|()| read_head(connection)); // until it is closed
        let _ = tell.lock().expect("no panic").send(());
        false
    };
    (Box::new(step), gone)
}

/// Tells the test how far it is, until the test is over.
fn telling() -> (impl FnMut(&DownloadProgress) + Send + 'static, Receiver<DownloadProgress>) {
    let (tell, told): (Sender<DownloadProgress>, _) = mpsc::channel();
    (move |now: &DownloadProgress| tell.send(*now).unwrap_or(()), told)
}

/// Waits until the first bytes are on disk.
fn await_bytes(told: &Receiver<DownloadProgress>) {
    while told.recv_timeout(PATIENCE).expect("bytes").bytes < 400 {}
}

/// Waits until the folder has these files: what is given up ends in its own time.
#[track_caller]
fn await_names(folder: &Folder, names: &[&str]) {
    let start = Instant::now();
    while folder.names() != names {
        assert!(start.elapsed() < PATIENCE, "{:?}", folder.names());
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn given_up_it_leaves_its_part_or_nothing() {
    watched(|| {
        let session = session();
        for keeps in [true, false] {
            for cancels in [true, false] {
                let (step, gone) = stuck();
                let (folder, server) = (Folder::new(), Scripted::new(vec![step]));
                let (tell, told) = telling();
                let file = session.request("GET", &server.url).download(folder.path("file"));
                let file = file.keep_part(keeps).on_progress(tell).send();
                await_bytes(&told);
                if cancels {
                    file.cancel()
                } else {
                    drop(file)
                }
                gone.recv_timeout(PATIENCE).expect("the connection is closed");
                let left: &[_] = if keeps { &[".file.download", "file.part"] } else { &[] };
                await_names(&folder, left);
                if keeps {
                    assert_eq!(folder.read("file.part"), content(400));
                }
            }
        }
    });
}

#[test]
fn given_up_before_anything_came_it_leaves_nothing() {
    watched(|| {
        let (arrived, heads) = mpsc::channel();
        let arrived = Mutex::new(arrived);
        let silent = move |connection: &mut TcpStream, _: &str| {
            let _ = arrived.lock().expect("no panic").send(());
            read_head(connection).is_some()
        };
        let (folder, server) = (Folder::new(), Scripted::new(vec![Box::new(silent)]));
        let file = session().download(&server.url, folder.path("file"));
        heads.recv_timeout(PATIENCE).expect("a request");
        drop(file);
        await_names(&folder, &[]);
    });
}

#[test]
fn broken_off_it_leaves_nothing_where_no_part_is_to_be_kept() {
    watched(|| {
        let steps = vec![broken(ETAG, content(1000), 400)];
        let (folder, server) = (Folder::new(), Scripted::new(steps));
        let file = session().request("GET", &server.url).download(folder.path("file"));
        assert_eq!(kind(file.keep_part(false).send().get(None)), ErrorKind::Body);
        assert!(folder.names().is_empty(), "{:?}", folder.names());
    });
}

#[test]
fn a_status_is_an_error_with_its_body_and_leaves_nothing() {
    watched(|| {
        let not_here: Step = Box::new(|connection, _| {
            super::support::answer(connection, "404 Not Found", b"not here")
        });
        let (folder, server) = (Folder::new(), Scripted::new(vec![not_here]));
        let file = session().request("GET", &server.url).tag("mine").download(folder.path("file"));
        let failure = file.send().get(None).expect_err("a 404");
        let error = http_error(&failure);
        assert_eq!((error.kind(), error.body()), (ErrorKind::Status, &b"not here"[..]));
        assert_eq!((error.tag(), error.attempts()), (Some("mine"), 1));
        assert_eq!(error.url(), Some(server.url.as_str()));
        assert!(folder.names().is_empty());
    });
}

#[test]
fn what_cannot_be_written_is_not_asked_for() {
    watched(|| {
        let (folder, server) = (Folder::new(), Scripted::new(vec![whole(ETAG, content(10))]));
        std::fs::create_dir(folder.path("folder")).expect("a folder");
        std::fs::write(folder.path("text"), "").expect("a file");
        for name in ["no/such/folder", "folder", "text/file", ".."] {
            let failure = session().download(&server.url, folder.path(name)).get(None);
            let failure = failure.expect_err(name);
            assert_eq!(http_error(&failure).kind(), ErrorKind::File, "{name}: {failure}");
        }
        let posted = session().post(&server.url, "x").download(folder.path("file")).send();
        assert_eq!(kind({ posted }.get(None)), ErrorKind::BadRequest);
        assert!(server.heads().is_empty());
        assert_eq!(folder.names(), ["folder", "text"]);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_says_so() {
    watched(|| {
        let (folder, server) = (Folder::new(), Scripted::new(vec![whole(ETAG, content(9000))]));
        std::os::unix::fs::symlink("/dev/full", folder.path("file.part")).expect("a link");
        let failure = session().download(&server.url, folder.path("file")).get(None);
        let failure = failure.expect_err("the disk is full");
        assert_eq!(http_error(&failure).kind(), ErrorKind::File);
        assert!(failure.to_string().contains("file.part: No space left on device"), "{failure}");
        assert!(folder.names().is_empty(), "{:?}", folder.names());
    });
}

#[test]
fn two_of_one_file_come_one_behind_the_other() {
    watched(|| {
        let steps = vec![whole(ETAG, content(700_000)), status("304 Not Modified")];
        let (folder, server) = (Folder::new(), Scripted::new(steps));
        let session = session();
        let path = folder.path("file");
        let detour = folder.path(".").join("file");
        let mut both: AsyncList<_> =
            [path, detour].into_iter().map(|path| session.download(&server.url, path)).collect();
        let mut unchanged: Vec<_> =
            both.get(None).expect("both").iter().map(|done| done.unchanged).collect();
        unchanged.sort_unstable();
        assert_eq!(unchanged, [false, true]);
        assert_eq!(folder.read("file"), content(700_000));
    });
}

#[test]
fn one_that_is_given_up_makes_room_for_the_next_which_goes_on() {
    watched(|| {
        let (step, _gone) = stuck();
        let steps = vec![step, super::files::rest(content(1000), 400)];
        let (folder, server) = (Folder::new(), Scripted::new(steps));
        let session = session();
        let (tell, told) = telling();
        let first = session.request("GET", &server.url).download(folder.path("file"));
        let first = first.on_progress(tell).send();
        await_bytes(&told);
        let mut second = session.download(&server.url, folder.path("file"));
        let given_up = session.download(&server.url, folder.path("file"));
        assert!(!second.wait(Duration::from_millis(50)));
        drop((given_up, first));
        assert_eq!(second.get(None).expect("a file").resumed_from, 400);
        assert_eq!(folder.read("file"), content(1000));
    });
}

fn told_of(steps: Vec<Step>) -> (Result<Downloaded, Failure>, Vec<DownloadProgress>) {
    let (folder, server) = (Folder::new(), Scripted::new(steps));
    let (tell, told) = telling();
    let file = session().request("GET", &server.url).download(folder.path("file"));
    let path = folder.path("file");
    let mut tell = tell;
    let file = file.on_progress(move |now| {
        assert_eq!(now.is_done, path.exists(), "done is there, and only then");
        tell(now);
    });
    let done = file.send().get(None);
    (done, told.into_iter().collect())
}

#[test]
fn progress_never_goes_back_and_is_whole_only_at_a_good_end() {
    watched(|| {
        let (done, all) = told_of(vec![whole(ETAG, content(5_000_000))]);
        assert_eq!(done.expect("a file").bytes, 5_000_000);
        assert!(all.is_sorted_by(|a, b| a.bytes <= b.bytes && a.fraction <= b.fraction));
        let (last, others) = all.split_last().expect("an end");
        assert!(last.is_done && last.fraction == 1.0 && last.bytes == 5_000_000, "{last:?}");
        assert!(last.bytes_per_second > 0.0);
        assert!(others.iter().all(|now| !now.is_done && now.fraction < 1.0));
        assert!(others.iter().all(|now| now.total == Some(5_000_000)));
        let (done, all) = told_of(vec![broken(ETAG, content(1000), 999)]);
        assert_eq!(kind(done), ErrorKind::Body);
        assert!(!all.is_empty() && all.iter().all(|now| !now.is_done && now.fraction < 1.0));
    });
}

#[test]
fn a_panic_in_what_is_told_fails_the_download() {
    watched(|| {
        let (folder, server) = (Folder::new(), Scripted::new(vec![whole(ETAG, content(1000))]));
        let session = session();
        let file = session.request("GET", &server.url).download(folder.path("file"));
        let failure = file.on_progress(|_| panic!("on purpose")).send().get(None);
        assert!(matches!(failure.expect_err("a panic"), Failure::Panicked(_)));
        assert!(!folder.path("file").exists());
        session.download(&server.url, folder.path("file")).get(None).expect("the next one");
    });
}

/// What is told blocks the worker that writes: the I/O thread goes on.
#[test]
fn a_disk_that_is_slow_holds_up_no_other_request() {
    watched(|| {
        let (folder, server) = (Folder::new(), Scripted::new(vec![whole(ETAG, content(100_000))]));
        let session = session();
        let (go_on, wait) = mpsc::channel::<()>();
        let file = session.request("GET", &server.url).download(folder.path("file"));
        let mut file = file.on_progress(move |_| wait.recv().unwrap_or(())).send();
        let other = Scripted::new(vec![whole("", content(10))]);
        for _ in 0..3 {
            session.get(&other.url).get(None).expect("an answer");
        }
        assert!(!file.is_set());
        drop(go_on);
        file.get(None).expect("a file");
    });
}

#[test]
fn without_a_pool_it_fails() {
    watched(|| {
        let (folder, server) = (Folder::new(), Scripted::new(vec![whole(ETAG, content(1000))]));
        let pool = Pool::new(1);
        let session = settings().pool(&pool).build().expect("valid settings");
        pool.shutdown(Shutdown::CancelQueued, Duration::from_secs(10));
        session.download(&server.url, folder.path("file")).get(None).expect_err("no pool");
        assert!(folder.names().is_empty());
    });
}

#[test]
fn a_session_that_is_closed_ends_it_and_its_limits_do_so_too() {
    watched(|| {
        let (step, gone) = stuck();
        let (folder, server) = (Folder::new(), Scripted::new(vec![step]));
        let closing = session();
        let (tell, told) = telling();
        let file = closing.request("GET", &server.url).download(folder.path("file"));
        let mut file = file.on_progress(tell).send();
        await_bytes(&told);
        let report = closing.close(Shutdown::Drain, Duration::from_millis(20));
        assert_eq!(report.aborted, 1);
        assert_eq!(kind(file.get(None)), ErrorKind::Closed);
        gone.recv_timeout(PATIENCE).expect("the connection is closed");
        assert_eq!(folder.names(), [".file.download", "file.part"]);

        let (step, _gone) = stuck();
        let (folder, server) = (Folder::new(), Scripted::new(vec![step]));
        let own = session().request("GET", &server.url).timeout(Duration::from_secs(1));
        let failed = own.download(folder.path("file")).send().get(None);
        assert_eq!(kind(failed), ErrorKind::Timeout);
        let server = Scripted::new(vec![whole(ETAG, content(1000))]);
        let small = session().request("GET", &server.url).max_body(999);
        let failed = small.download(folder.path("small")).send().get(None);
        assert_eq!(kind(failed), ErrorKind::BodyTooLarge);
        assert!(!folder.path("small").exists());
    });
}

#[test]
fn hooks_see_each_request_and_the_head_of_its_answer() {
    watched(|| {
        let steps = vec![whole(ETAG, content(9)), status("304 Not Modified")];
        let (folder, server) = (Folder::new(), Scripted::new(steps));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let session = settings()
            .on_request(|request| {
                request.headers_mut().insert("x-signed", "yes".parse()?);
                Ok(())
            })
            .on_response(move |response: Response| {
                noted.lock().expect("no panic").push(response.status().as_u16());
                Ok(response.error_for_status()?)
            })
            .build()
            .expect("valid settings");
        for _ in 0..2 {
            session.download(&server.url, folder.path("file")).get(None).expect("a file");
        }
        assert!((0..2).all(|number| server.header(number, "x-signed").is_some()));
        assert_eq!(*seen.lock().expect("no panic"), [200]);
    });
}
