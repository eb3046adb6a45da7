//! TLS towards one cluster: its own CA is trusted, and no other.

use std::io;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};

/// Why the server is not believed to be the cluster's, or why that could not be found out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// `certificateAuthority.data` of the cluster cannot be read.
    #[error("the cluster's CA cannot be read: {0}")]
    Authority(String),
    /// The chain does not end in the cluster's CA.
    #[error(
        "certificate not signed by the cluster's CA; is a proxy in between, or the endpoint of another cluster?"
    )]
    UnknownIssuer,
    /// The certificate is for other names.
    #[error("the certificate is not for the endpoint's host name")]
    WrongName,
    /// The certificate's time is over or has not begun.
    #[error("the certificate has expired or is not valid yet; is the clock right?")]
    NotNow,
    /// The server ended the handshake or speaks something else.
    #[error("the handshake failed: {0}")]
    Handshake(String),
}

/// Trusts the certificates of `DescribeCluster`'s `certificateAuthority.data` (base64 of PEM, one or several).
pub(super) fn config(certificate_authority: &str) -> Result<Arc<ClientConfig>, TlsError> {
    let unreadable = |why: String| TlsError::Authority(why);
    // Wrapped base64 is common where people copy it by hand.
    let compact: String = certificate_authority.split_whitespace().collect();
    let pem = BASE64_STANDARD.decode(compact).map_err(|error| unreadable(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unreadable("it has no certificate".to_owned()));
    }
    // Named, because a process with two providers in it has no default one.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Handshake(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

impl From<io::Error> for TlsError {
    fn from(error: io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(why)) => match why {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    Self::WrongName
                }
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => Self::NotNow,
                other => Self::Handshake(format!("{other:?}")),
            },
            _ => Self::Handshake(error.to_string()),
        }
    }
}
