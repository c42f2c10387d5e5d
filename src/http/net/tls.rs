//! What is trusted, and the TLS settings that follow from it.

use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error as TlsError, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::super::protocols::Protocols;
use super::super::{Error, ErrorKind};
// rustls takes the standard library's.
use crate::sync::{OnceLock, StdArc as Arc};

/// What a session trusts, and how it says who it is.
#[derive(Clone, Default)]
pub(in crate::http) struct Trust {
    /// Certificates of authorities, as PEM, besides those of the machine.
    pub(in crate::http) roots: Vec<Vec<u8>>,
    /// A chain of certificates and its private key, as PEM.
    pub(in crate::http) identity: Option<Vec<u8>>,
    pub(in crate::http) anybody: bool,
}

/// Makes the TLS settings, or says why there are none.
pub(in crate::http) fn tls_config(
    trust: &Trust,
    protocols: Protocols,
) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(bad)?
        .dangerous()
        .with_custom_certificate_verifier(verifier(trust, provider)?);
    let mut config = match &trust.identity {
        None => config.with_no_client_auth(),
        Some(pem) => {
            let chain = certificates(pem)?;
            let key = PrivateKeyDer::from_pem_slice(pem).map_err(bad)?;
            config.with_client_auth_cert(chain, key).map_err(bad)?
        }
    };
    config.alpn_protocols = protocols.alpn();
    Ok(Arc::new(config))
}

fn verifier(
    trust: &Trust,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    if trust.anybody {
        return Ok(Arc::new(Anybody(provider)));
    }
    if trust.roots.is_empty() {
        return of_the_machine(provider);
    }
    let mut roots = Vec::new();
    for pem in &trust.roots {
        roots.extend(certificates(pem)?);
    }
    Ok(Arc::new(Verifier::new_with_extra_roots(roots, provider).map_err(bad)?))
}

/// The root certificates of the machine, hundreds of files on some, are read once a process. Where there are
/// none, the next session looks again.
fn of_the_machine(provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    static READ: OnceLock<Arc<Verifier>> = OnceLock::new();
    if let Some(read) = READ.get() {
        return Ok(Arc::<Verifier>::clone(read));
    }
    let verifier = Arc::new(Verifier::new(provider).map_err(bad)?);
    Ok(Arc::<Verifier>::clone(READ.get_or_init(|| verifier)))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(bad)?;
    if all.is_empty() {
        return Err(Error::new(ErrorKind::Setup).saying("there is no certificate in the PEM"));
    }
    Ok(all)
}

fn bad(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Setup).because(error)
}

/// Believes every certificate; still checks that its owner has signed the handshake.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
