//! What is believed over TLS, and what is not.

use asynckit::http::{Error, ErrorKind, SessionBuilder};
use axum::Router;
use axum::routing::get;

use super::super::secure::{Authority, Identity, serve_over};
use super::super::support::{http_error, settings, watched};

const HERE: &str = "127.0.0.1";

fn site(identity: &Identity, clients: Option<&Authority>) -> String {
    let routes = Router::new().route("/", get(|| async { "secret" }));
    serve_over(Some(Authority::config(identity, &["http/1.1"], clients)), routes).0
}

fn fetch(settings: SessionBuilder, site: &str) -> Result<String, Error> {
    let page = settings.build().expect("valid settings").get(site).get(None);
    page.map(|page| page.text()).map_err(|failure| http_error(&failure).clone())
}

#[test]
fn an_authority_of_ones_own_is_believed_where_it_is_given() {
    watched(|| {
        let authority = Authority::new();
        let site = site(&authority.identity(HERE), None);
        assert_eq!(fetch(authority.settings(), &site).expect("believed"), "secret");
        let other = Authority::new();
        for doubting in [settings(), other.settings()] {
            let error = fetch(doubting, &site).expect_err("an unknown authority");
            assert!(matches!(error.kind(), ErrorKind::Certificate | ErrorKind::Setup), "{error}");
        }
        let both = authority.settings().root_certificates(other.pem());
        assert_eq!(fetch(both, &site).expect("believed"), "secret");
    });
}

#[test]
fn a_certificate_that_has_expired_or_is_for_another_host_is_refused_with_its_reason() {
    watched(|| {
        let authority = Authority::new();
        for (identity, reason) in [
            (authority.expired(HERE), "expired"),
            (authority.identity("other.test"), "not valid for name"),
        ] {
            let error = fetch(authority.settings(), &site(&identity, None)).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::Certificate);
            assert!(error.is_connect() && error.to_string().contains(reason), "{error}");
        }
    });
}

#[test]
fn with_danger_every_certificate_is_believed() {
    watched(|| {
        let authority = Authority::new();
        for identity in
            [authority.expired(HERE), authority.identity("other.test"), authority.identity(HERE)]
        {
            let believing = settings().danger_accept_invalid_certs();
            assert_eq!(fetch(believing, &site(&identity, None)).expect("believed"), "secret");
        }
    });
}

#[test]
fn a_server_that_asks_for_a_certificate_gets_ours_and_answers_nothing_without() {
    watched(|| {
        let (authority, clients) = (Authority::new(), Authority::new());
        let site = site(&authority.identity(HERE), Some(&clients));
        let known = authority.settings().client_certificate(clients.identity("me").0);
        assert_eq!(fetch(known, &site).expect("known"), "secret");
        let unknown = authority.settings().client_certificate(authority.identity("me").0);
        for settings in [authority.settings(), unknown] {
            let error = fetch(settings, &site).expect_err("unknown");
            // The server says so only after the handshake of TLS 1.3.
            assert!(
                matches!(error.kind(), ErrorKind::NoAnswer | ErrorKind::Certificate),
                "{error}"
            );
        }
    });
}

#[test]
fn what_is_no_certificate_is_an_error_of_build() {
    for settings in [
        settings().root_certificates("no PEM"),
        settings().client_certificate("no PEM"),
        settings().client_certificate(Authority::new().pem()),
    ] {
        assert_eq!(settings.build().expect_err("no certificate").kind(), ErrorKind::Setup);
    }
}
