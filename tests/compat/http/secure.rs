//! An authority of our own, and servers with its certificates.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use asynckit::http::SessionBuilder;
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use super::support::settings;

/// Signs certificates that nothing else believes.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
pub(crate) struct Identity(pub(crate) String);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a certificate") }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Settings that believe it.
    pub(crate) fn settings(&self) -> SessionBuilder {
        settings().root_certificates(self.pem())
    }

    pub(crate) fn identity(&self, name: &str) -> Identity {
        self.signed(CertificateParams::new([name.to_owned()]).expect("parameters"))
    }

    pub(crate) fn expired(&self, name: &str) -> Identity {
        let mut params = CertificateParams::new([name.to_owned()]).expect("parameters");
        (params.not_before, params.not_after) =
            (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1));
        self.signed(params)
    }

    fn signed(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity(certificate.pem() + &key.serialize_pem())
    }

    /// What a server has: it asks clients for a certificate of `clients`, if that is given.
    pub(crate) fn config(
        identity: &Identity,
        alpn: &[&str],
        clients: Option<&Self>,
    ) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("versions");
        let config = match clients {
            None => config.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.issuer.der().clone()).expect("a root");
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                config.with_client_cert_verifier(verifier.expect("a verifier"))
            }
        };
        let pem = identity.0.as_bytes();
        let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().expect("a chain");
        let key = PrivateKeyDer::from_pem_slice(pem).expect("a key");
        let mut config = config.with_single_cert(chain, key).expect("a pair");
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

/// Serves `routes` until the process ends, over TLS if there is a `config`; gives the root's URL, and counts the
/// connections that have been made.
pub(crate) fn serve_over(
    config: Option<Arc<ServerConfig>>,
    routes: Router,
) -> (String, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let made = Arc::clone(&count);
    let scheme = if config.is_some() { "https" } else { "http" };
    let address = accept(config, move |stream, _| {
        made.fetch_add(1, Ordering::SeqCst);
        let routes = TowerToHyperService::new(routes.clone());
        async move {
            let serving = auto::Builder::new(TokioExecutor::new());
            let _ = serving.serve_connection(TokioIo::new(stream), routes).await;
        }
    });
    (format!("{scheme}://{address}"), count)
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Accepts connections until the process ends, over TLS if there is a `config`; gives the address.
pub(crate) fn accept<F, A>(config: Option<Arc<ServerConfig>>, talk: F) -> std::net::SocketAddr
where
    F: Fn(Box<dyn Stream>, usize) -> A + Send + Sync + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    listener.set_nonblocking(true).expect("a setting");
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            let talk = Arc::new(talk);
            for number in 0.. {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let (config, talk) = (config.clone(), Arc::clone(&talk));
                tokio::spawn(async move {
                    let stream: Box<dyn Stream> = match config {
                        None => Box::new(stream),
                        Some(config) => match TlsAcceptor::from(config).accept(stream).await {
                            Ok(stream) => Box::new(stream),
                            Err(_) => return, // the client does not like us
                        },
                    };
                    talk(stream, number).await;
                });
            }
        });
    });
    address
}
