//! Why a server cannot start, or could not end well.

use std::io;
use std::path::PathBuf;

use crate::graph::ConceptError;

/// Why a server cannot start, or could not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address is no loopback address, and nothing would protect the store.
    #[error(
        "{address} can be reached from other machines, and without a secret for tokens anybody there may read and write; \
         give a secret, listen on a loopback address, or say that it may be insecure (`--insecure`)"
    )]
    Unprotected {
        /// The address.
        address: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        error: io::Error,
    },
    /// A file for TLS cannot be used.
    #[error("{}: {reason}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// What was learned could not be made durable at the end.
    #[error("what was learned last may not be durable: {0}")]
    Flush(#[from] ConceptError),
}
