//! Which error the promises of a session have.

use std::error::Error as _;
use std::time::Duration;

use asynckit::face::{Blocking, CallError, Face, Promised, Reply, own_error};
use asynckit::http::{self, ErrorKind, Response, Session, StatusCode};
use asynckit::{AnyError, Failure, Promise};

use super::support::{nobody, settings, watched};

fn refused(session: &Session<http::Error>) -> Failure<http::Error> {
    session.get(nobody()).get(None).expect_err("nobody listens")
}

fn kind(failure: Failure<http::Error>) -> ErrorKind {
    match failure {
        Failure::Error(error) => error.kind(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_typed_session_gives_its_error_without_a_downcast_from_every_verb() {
    watched(|| {
        let session = settings().build().expect("valid settings").typed();
        let url = nobody();
        let promises: [Promise<Response, http::Error>; 9] = [
            session.get(&url),
            session.head(&url),
            session.options(&url),
            session.delete(&url),
            session.post(&url, "").send(),
            session.put(&url, "").send(),
            session.patch(&url, "").send(),
            session.request("GET", &url).send(),
            session.execute(session.request("GET", &url).build().expect("a request")),
        ];
        for mut promise in promises {
            assert_eq!(kind(promise.get(None).expect_err("nobody listens")), ErrorKind::Refused);
        }
        assert_eq!(kind(session.get("no url").get(None).expect_err("none")), ErrorKind::BadUrl);
        let chained = session.get("no url").then(|page| page.error_for_status()?.json::<u32>());
        let mut chained: Promise<u32, http::Error> = chained;
        assert_eq!(kind(chained.get(None).expect_err("none")), ErrorKind::BadUrl);
    });
}

#[test]
fn question_mark_takes_a_typed_failure_everywhere_and_its_error_stays_known() {
    fn any(session: &Session<http::Error>) -> Result<(), AnyError> {
        Err(refused(session))?;
        Ok(())
    }
    fn failure(session: &Session<http::Error>) -> Result<(), Failure> {
        session.get(nobody()).get(None).map_err(Failure::into_any)?;
        Ok(())
    }
    fn boxed(session: &Session<http::Error>) -> Result<(), Box<dyn std::error::Error>> {
        session.get("no url").get(None)?;
        Ok(())
    }
    watched(|| {
        let session = settings().build().expect("valid settings").typed();
        let found = any(&session).expect_err("refused");
        assert_eq!(
            found.downcast_ref::<http::Error>().map(http::Error::kind),
            Some(ErrorKind::Refused)
        );
        let found = failure(&session).expect_err("refused");
        assert_eq!(
            found.downcast_ref::<http::Error>().map(http::Error::kind),
            Some(ErrorKind::Refused)
        );
        assert!(boxed(&session).is_err());
    });
}

#[test]
fn in_a_script_what_comes_behind_may_fail_with_any_error() {
    watched(|| {
        let session = Session::builder()
            .transport(|request| Ok(Response::answer(&request, StatusCode::OK, "many")))
            .build()
            .expect("valid settings");
        let mut number = session.get("http://x.test/").then(|page| {
            let number: u32 = page.error_for_status()?.text().parse()?;
            Ok(number)
        });
        let failure = number.get(None).expect_err("no number");
        assert!(failure.downcast_ref::<std::num::ParseIntError>().is_some());
    });
}

#[test]
fn the_error_of_a_hook_is_a_kind_of_its_own_and_that_of_this_module_itself() {
    watched(|| {
        let hooked = |hook: fn(Response) -> Result<Response, AnyError>| {
            let settings = Session::builder().on_response(hook);
            let settings = settings
                .transport(|request| Ok(Response::answer(&request, StatusCode::NOT_FOUND, "")));
            settings.build().expect("valid settings").typed().get("http://x.test/")
        };
        let error = |mut page: Promise<Response, http::Error>| match page.get(None) {
            Err(Failure::Error(error)) => error,
            other => panic!("{other:?}"),
        };
        let of_hook = error(hooked(|_| Err("not today".into())));
        assert_eq!(of_hook.kind(), ErrorKind::Hook);
        assert!(of_hook.to_string().ends_with(": not today"), "{of_hook}");
        let status = error(hooked(|page| Ok(page.error_for_status()?)));
        assert_eq!(
            (status.kind(), status.status()),
            (ErrorKind::Status, Some(StatusCode::NOT_FOUND))
        );
        let mut panicking = hooked(|_| panic!("a hook"));
        assert!(panicking.get(None).expect_err("a panic").is_panicked());
    });
}

#[test]
fn both_faces_are_one_session() {
    watched(|| {
        let session = settings().build().expect("valid settings");
        let typed = session.typed();
        typed.any_error().close(asynckit::Shutdown::Drain, None);
        assert_eq!(kind(typed.get(nobody()).get(None).expect_err("closed")), ErrorKind::Closed);
    });
}

/// A client of an API with no error of its own.
struct Client<F: Face> {
    session: Session<http::Error>,
    face: F,
}

impl<F: Face> Client<F> {
    fn title(&self, path: &str) -> Reply<F, String, http::Error> {
        let page = self.session.get(format!("http://x.test/{path}"));
        self.face.reply(page.then(|page| Ok(page.error_for_status()?.text())))
    }
}

#[test]
fn it_is_the_error_of_a_client_without_more_ado_and_says_how_a_call_has_ended() {
    watched(|| {
        let kept = std::sync::Mutex::new(Vec::new());
        let answering = move |request: http::Request| match request.url().path() {
            "/never" => {
                let (deferred, never) = Promise::deferred();
                kept.lock().expect("no panic").push(deferred);
                never
            }
            "/panics" => panic!("a transport"),
            path => {
                let status = if path == "/1" { StatusCode::OK } else { StatusCode::NOT_FOUND };
                Promise::ready(Response::answer(&request, status, "Emma"))
            }
        };
        let session = Session::builder().transport(answering).build().expect("valid settings");
        let session = session.typed();
        let plain = Client { session: session.clone(), face: Blocking::new() };
        assert_eq!(plain.title("1").expect("a title"), "Emma");
        assert_eq!(plain.title("2").expect_err("none").status(), Some(StatusCode::NOT_FOUND));
        let panicked = plain.title("panics").expect_err("a panic");
        assert_eq!((panicked.kind(), panicked.is_timeout()), (ErrorKind::Call, false));
        assert!(panicked.to_string().starts_with("the call ended without an answer: "));
        assert!(panicked.to_string().contains("a transport"), "{panicked}");
        let short =
            Client { session: session.clone(), face: Blocking::within(Duration::from_millis(1)) };
        let late = short.title("never").expect_err("it never comes");
        assert_eq!((late.kind(), late.is_timeout()), (ErrorKind::Call, true));
        let source = late.source().and_then(|source| source.downcast_ref::<CallError>());
        assert!(matches!(source, Some(CallError::TimedOut)), "{source:?}");
        let promised = Client { session, face: Promised };
        let mut never = promised.title("never");
        never.cancel();
        let cancelled = own_error(never.get(None).expect_err("it was cancelled"));
        assert_eq!((cancelled.kind(), cancelled.is_timeout()), (ErrorKind::Call, false));
    });
}
