//! TLS for a client: which servers are trusted.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::options::TlsOptions;

/// Encrypts a connection. The error says what failed.
pub(super) async fn wrap(stream: TcpStream, host: &str, options: &TlsOptions) -> Result<TlsStream<TcpStream>, String> {
    let name = options.server_name.as_deref().unwrap_or(host);
    let name = ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
    let options = options.clone();
    // Certificates are read from files at each connection, so that they can be replaced.
    let config = tokio::task::spawn_blocking(move || config(&options)).await.map_err(|error| error.to_string())??;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| error.to_string())
}

fn config(options: &TlsOptions) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    match &options.ca_file {
        Some(file) => {
            let describe = |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", file.display());
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| describe(&error))? {
                roots.add(certificate.map_err(|error| describe(&error))?).map_err(|error| describe(&error))?;
            }
            if roots.is_empty() {
                return Err(describe(&"it holds no certificate"));
            }
        }
        None => {
            // A certificate of the system that cannot be read is passed over: another may do.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err("the system trusts no certificate; name a file of certificates".to_owned());
            }
        }
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
