//! TLS 1.2 and 1.3 for the server, from PEM files.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig as TlsConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::config::TlsFiles;
use super::error::ServerError;

/// What accepts TLS connections with this certificate.
pub(super) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, ServerError> {
    let of_certificates = |reason: String| error(&files.certificates, reason);
    let certificates = CertificateDer::pem_file_iter(&files.certificates)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(|error| of_certificates(error.to_string()))?;
    if certificates.is_empty() {
        return Err(of_certificates("there is no certificate in it".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|reason| error(&files.key, reason.to_string()))?;
    let config = TlsConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| of_certificates(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| of_certificates(error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn error(path: &Path, reason: String) -> ServerError {
    ServerError::Tls { path: path.to_owned(), reason }
}
