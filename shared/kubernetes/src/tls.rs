//! TLS to one cluster: only the cluster's own CA is trusted.

use std::io;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};

use super::error::{Cause, TlsError};

/// Trusts the certificates of `DescribeCluster`'s `certificateAuthority.data` (base64 of PEM, one
/// or several).
pub(super) fn config(certificate_authority: &str) -> Result<Arc<ClientConfig>, TlsError> {
    let unreadable = |why: String| TlsError::Authority(why);
    // Base64 that people copied by hand often has line breaks.
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
    // Explicit, because a process with two providers has no default one.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The cause of a failed handshake. Only a certificate that was checked and rejected is a false
/// identity; a server that hangs up, sends an alert or speaks something else is a broken
/// connection.
pub(super) fn failed_handshake(error: &io::Error) -> Cause {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(why)) => Cause::Tls(why.into()),
        Some(rustls::Error::NoCertificatesPresented) => {
            Cause::Tls(TlsError::Certificate("the server presented none".to_owned()))
        }
        _ => Cause::Handshake(error.to_string()),
    }
}

impl From<&CertificateError> for TlsError {
    fn from(why: &CertificateError) -> Self {
        match why {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::NotNow,
            other => Self::Certificate(format!("{other:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, Error, InvalidMessage};

    use super::*;

    fn failed(error: Error) -> Cause {
        failed_handshake(&io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Issue 13, point 17.
    #[test]
    fn only_a_certificate_that_fails_is_a_false_identity() {
        use CertificateError as C;
        for (why, is) in [
            (C::UnknownIssuer, TlsError::UnknownIssuer),
            (C::BadSignature, TlsError::UnknownIssuer),
            (C::NotValidForName, TlsError::WrongName),
            (C::Expired, TlsError::NotNow),
            (C::NotValidYet, TlsError::NotNow),
            (C::Revoked, TlsError::Certificate("Revoked".to_owned())),
        ] {
            assert!(is.is_false_identity());
            assert_eq!(failed(Error::InvalidCertificate(why)), Cause::Tls(is));
        }
        assert!(matches!(failed(Error::NoCertificatesPresented), Cause::Tls(why) if why.is_false_identity()));
        for other in [
            Error::AlertReceived(AlertDescription::InternalError),
            Error::InvalidMessage(InvalidMessage::InvalidContentType),
            Error::DecryptError,
            Error::HandshakeNotComplete,
            Error::General("x".to_owned()),
        ] {
            assert!(matches!(failed(other), Cause::Handshake(_)));
        }
        for kind in [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe]
        {
            assert!(matches!(failed_handshake(&kind.into()), Cause::Handshake(_)), "{kind}");
        }
        assert!(!TlsError::Authority("x".to_owned()).is_false_identity());
    }
}
