//! Ways through proxies: HTTP, HTTPS, SOCKS.

use std::sync::mpsc;

use asynckit::http::{ErrorKind, Session, SessionBuilder};
use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

use super::secure::{Authority, Stream, accept, serve_over};
use super::support::{header, http_error, watched};

/// What a proxy was asked for: the first line and the authorisation, or the SOCKS target and its user.
type Told = mpsc::Receiver<(String, Option<String>)>;

fn site(authority: &Authority) -> String {
    let routes = Router::new().route("/", get(|| async { "behind" }));
    let config = Authority::config(&authority.identity("127.0.0.1"), &["h2", "http/1.1"], None);
    serve_over(Some(config), routes).0
}

async fn head(stream: &mut Box<dyn Stream>) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a request"));
    }
    String::from_utf8(head).expect("text")
}

/// A proxy that opens tunnels, over TLS if the authority is given; gives its address.
fn tunnelling(authority: Option<&Authority>) -> (String, Told) {
    let (tell, told) = mpsc::channel();
    let config = authority
        .map(|one| Authority::config(&one.identity("127.0.0.1"), &["h2", "http/1.1"], None));
    let address = accept(config, move |mut stream, _| {
        let tell = tell.clone();
        async move {
            let head = head(&mut stream).await;
            let line = head.lines().next().expect("a line").to_owned();
            let target = line.split(' ').nth(1).expect("a target").to_owned();
            let authorization = header(&head, "proxy-authorization").map(str::to_owned);
            let _ = tell.send((line, authorization));
            let Ok(mut there) = TcpStream::connect(target).await else { return };
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("a client");
            let _ = copy_bidirectional(&mut stream, &mut there).await;
        }
    });
    (address.to_string(), told)
}

/// A SOCKS proxy, version 5; it wants a password where it is offered one.
fn socks() -> (String, Told) {
    let (tell, told) = mpsc::channel();
    let address = accept(None, move |mut stream, _| {
        let tell = tell.clone();
        async move {
            let _ = socks_talk(&mut stream, tell).await;
        }
    });
    (address.to_string(), told)
}

async fn text(stream: &mut Box<dyn Stream>) -> std::io::Result<String> {
    let mut text = vec![0; stream.read_u8().await?.into()];
    stream.read_exact(&mut text).await?;
    Ok(String::from_utf8(text).expect("text"))
}

async fn socks_talk(
    stream: &mut Box<dyn Stream>,
    tell: mpsc::Sender<(String, Option<String>)>,
) -> std::io::Result<()> {
    assert_eq!(stream.read_u8().await?, 5);
    let methods = text(stream).await?;
    let mut user = None;
    if methods.contains('\u{2}') {
        stream.write_all(&[5, 2]).await?;
        assert_eq!(stream.read_u8().await?, 1);
        user = Some(format!("{}:{}", text(stream).await?, text(stream).await?));
        stream.write_all(&[1, 0]).await?;
    } else {
        stream.write_all(&[5, 0]).await?;
    }
    let mut asked = [0; 4];
    stream.read_exact(&mut asked).await?;
    let host = match asked[3] {
        1 => std::net::Ipv4Addr::from(stream.read_u32().await?).to_string(),
        _ => text(stream).await?,
    };
    let port = stream.read_u16().await?;
    let _ = tell.send((format!("{host}:{port}"), user));
    let host = host.replace("site.test", "127.0.0.1"); // the proxy resolves names
    let mut there = TcpStream::connect((host.as_str(), port)).await?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(stream, &mut there).await.map(drop)
}

fn through(authority: &Authority, proxy: &str) -> Session {
    let settings: SessionBuilder = Session::builder().root_certificates(authority.pem());
    settings.proxy(proxy, "").build().expect("valid settings")
}

#[test]
fn https_goes_through_a_tunnel_of_an_http_or_https_proxy() {
    watched(|| {
        let authority = Authority::new();
        let site = site(&authority);
        let port = site.rsplit(':').next().expect("a port");
        for (scheme, over) in [("http", None), ("https", Some(&authority))] {
            let (proxy, told) = tunnelling(over);
            let session = through(&authority, &format!("{scheme}://me:secret@{proxy}"));
            assert_eq!(session.get(&site).get(None).expect("an answer").text(), "behind");
            let (line, authorization) = told.recv().expect("told");
            assert_eq!(line, format!("CONNECT 127.0.0.1:{port} HTTP/1.1"));
            assert_eq!(authorization.as_deref(), Some("Basic bWU6c2VjcmV0"));
        }
    });
}

#[test]
fn plain_http_is_asked_of_an_https_proxy_with_the_whole_url() {
    watched(|| {
        let authority = Authority::new();
        let echo = |request: Request| async move { request.uri().to_string() };
        let config = Authority::config(&authority.identity("127.0.0.1"), &["h2", "http/1.1"], None);
        let (proxy, _) = serve_over(Some(config), Router::new().fallback(echo));
        let page = through(&authority, &proxy).get("http://site.test/x?y").get(None);
        assert_eq!(page.expect("an answer").text(), "http://site.test/x?y");
    });
}

#[test]
fn a_socks_proxy_resolves_names_and_gets_its_password() {
    watched(|| {
        let authority = Authority::new();
        let plain = Router::new().route("/", get(|| async { "behind" }));
        let (plain, _) = serve_over(None, plain);
        let named = plain.replace("127.0.0.1", "site.test");
        for (target, auth, user) in [
            (&named, "", None),
            (&named, "me:secret@", Some("me:secret")),
            (&site(&authority), "", None),
        ] {
            let (proxy, told) = socks();
            let session = through(&authority, &format!("socks5://{auth}{proxy}"));
            assert_eq!(session.get(target).get(None).expect("an answer").text(), "behind");
            let (asked, found) = told.recv().expect("told");
            assert!(target.ends_with(&asked), "{asked}");
            assert_eq!(found.as_deref(), user);
        }
    });
}

#[test]
fn a_proxy_that_refuses_the_tunnel_or_is_none_is_named() {
    watched(|| {
        let authority = Authority::new();
        let site = site(&authority);
        for reply in ["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "nonsense\r\n\r\n", ""]
        {
            let address = accept(None, move |mut stream, _| async move {
                head(&mut stream).await;
                let _ = stream.write_all(reply.as_bytes()).await;
            });
            let failure = through(&authority, &format!("http://{address}")).get(&site).get(None);
            let failure = failure.expect_err("no tunnel");
            let error = http_error(&failure);
            assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
            assert_eq!(error.proxy(), Some(format!("http://{address}/").as_str()));
        }
    });
}
