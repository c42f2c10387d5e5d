//! The server, in a process of its own: its sockets and its memory are not the client's.

use std::convert::Infallible;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use axum::serve::Listener;
use futures::StreamExt;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// In the environment of a process of this program that is to serve: with TLS or without.
const SERVES: &str = "ASYNCKIT_BENCH_SERVES";
/// The length of `/large`.
pub(crate) const LARGE: usize = 1024 * 1024;

pub(crate) struct Server {
    process: Child,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(tls: bool) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.env(SERVES, if tls { "tls" } else { "plain" });
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("a process");
        let mut url = String::new();
        let out = process.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut url).expect("its address");
        Self { process, url: url.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Serves until its input ends, if this process is to do so.
pub(crate) fn serve_if_asked() {
    let Ok(kind) = std::env::var(SERVES) else { return };
    thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    serve(kind == "tls");
}

/// Tells its address, and serves for ever.
pub(crate) fn serve(tls: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let scheme = if tls { "https" } else { "http" };
        println!("{scheme}://{}/", listener.local_addr().expect("it is bound"));
        io::stdout().flush().expect("it is read");
        match tls {
            false => axum::serve(listener, routes()).await.expect("it serves"),
            true => axum::serve(secured(listener), routes()).await.expect("it serves"),
        }
    });
}

/// `/` answers at once, `/later` after 10 ms, `/large` with a MiB, `/endless` without end.
fn routes() -> Router {
    let later = || async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        "here"
    };
    let large = Bytes::from(vec![b'x'; LARGE]);
    let piece = Bytes::from(vec![b'x'; 64 * 1024]);
    let endless = move || async move {
        let pieces = futures::stream::repeat(piece).map(Ok::<_, Infallible>);
        Body::from_stream(pieces)
    };
    Router::new()
        .route("/", get(|| async { "here" }))
        .route("/later", get(later))
        .route("/large", get(move || async move { large }))
        .route("/endless", get(endless))
}

struct Secured {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

fn secured(listener: TcpListener) -> Secured {
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()]);
    let certificate = certificate.and_then(|of| of.self_signed(&key)).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("they are known")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .expect("they match");
    Secured { listener, acceptor: TlsAcceptor::from(Arc::new(config)) }
}

impl Listener for Secured {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, peer) = Listener::accept(&mut self.listener).await;
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
