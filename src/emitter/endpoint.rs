//! Where an emitter writes to: the texts that callers and configuration files give.

use std::path::{Path, PathBuf};
use std::str::FromStr;

#[cfg(feature = "remote")]
use crate::remote::{RemoteEndpoint, RemoteEndpointError};

/// The environment variable that names the endpoint.
pub const ENDPOINT_VARIABLE: &str = "EVENT_STORAGE";
/// Before a path, where the path could be taken for something else.
const EMBEDDED_PREFIX: &str = "embedded:";

/// How servers are written.
const SERVERS: &str =
    if cfg!(feature = "remote") { "HOST:PORT" } else { "HOST:PORT where a build has the feature `remote`" };

/// Where events go.
///
/// ```
/// use std::path::Path;
/// use sutra_grid_events::emitter::Endpoint;
///
/// for text in ["./events", "embedded:./events"] {
///     assert_eq!(text.parse::<Endpoint>()?.path(), Some(Path::new("./events")));
/// }
/// let error = "redis://events.example".parse::<Endpoint>().unwrap_err();
/// assert!(error.to_string().contains("a path or embedded:PATH"));
/// # Ok::<(), sutra_grid_events::emitter::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// A store in this process, in a data directory.
    Embedded(PathBuf),
    /// A store elsewhere, which speaks the Sutra protocol. Written `host:port`, `tcp://host:port`, `http://host:port`
    /// (the same) or `tls://host:port`.
    #[cfg(feature = "remote")]
    Remote(RemoteEndpoint),
}

/// Why a text is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// There is no text.
    #[error("the endpoint is empty; give a path or embedded:PATH, or {SERVERS}")]
    Empty,
    /// The environment variable is not set, is empty, or is not Unicode.
    #[error("the environment variable {ENDPOINT_VARIABLE} is not set; set it to a path or embedded:PATH, or {SERVERS}")]
    Unset,
    /// The endpoint is a server, and this build cannot speak to one.
    #[error(
        "`{endpoint}` is a remote server, for which this build lacks the feature `remote`; it supports a path or embedded:PATH"
    )]
    Remote {
        /// The text given.
        endpoint: String,
    },
    /// The endpoint is a server, but not as its address is written.
    #[cfg(feature = "remote")]
    #[error(transparent)]
    Address(#[from] RemoteEndpointError),
    /// There is no place for the spool of a remote endpoint.
    #[error("there is no place for the events that wait for a remote store; set EVENT_SPOOL to a directory")]
    NoSpool,
    /// The endpoint has a scheme that nothing here speaks.
    #[error(
        "`{endpoint}` has the scheme `{scheme}`; give a path or embedded:PATH, or {servers} (for a file name with a colon, write embedded:{endpoint})",
        servers = SERVERS
    )]
    Scheme {
        /// The text given.
        endpoint: String,
        /// What stands before the colon.
        scheme: String,
    },
}

impl Endpoint {
    /// Reads the endpoint from the environment variable [`ENDPOINT_VARIABLE`].
    ///
    /// # Errors
    /// If it is not set or empty, or names what this build does not support.
    pub fn from_env() -> Result<Self, EndpointError> {
        match std::env::var(ENDPOINT_VARIABLE) {
            Ok(text) if !text.trim().is_empty() => text.parse(),
            _ => Err(EndpointError::Unset),
        }
    }

    /// The data directory, of a store in this process.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Endpoint::Embedded(path) => Some(path),
            #[cfg(feature = "remote")]
            Endpoint::Remote(_) => None,
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if let Some(path) = text.strip_prefix(EMBEDDED_PREFIX) {
            return if path.is_empty() { Err(EndpointError::Empty) } else { Ok(Endpoint::Embedded(path.into())) };
        }
        if text.trim().is_empty() {
            return Err(EndpointError::Empty);
        }
        // Only the part before the first separator can hold a scheme or a port: `./a:1` is a path.
        let head = text.split(['/', '\\']).next().unwrap_or(text);
        let Some((before, after)) = head.rsplit_once(':') else { return Ok(Endpoint::Embedded(text.into())) };
        let is_port = !after.is_empty() && after.bytes().all(|byte| byte.is_ascii_digit());
        if is_port || matches!(before, "http" | "https" | "tcp" | "tls") {
            return remote(text);
        }
        // One letter is a drive, not a scheme.
        let is_drive = before.len() == 1 && before.bytes().all(|byte| byte.is_ascii_alphabetic());
        if is_drive {
            return Ok(Endpoint::Embedded(text.into()));
        }
        let scheme = head.split(':').next().unwrap_or(head).to_owned();
        Err(EndpointError::Scheme { endpoint: text.to_owned(), scheme })
    }
}

#[cfg(feature = "remote")]
fn remote(text: &str) -> Result<Endpoint, EndpointError> {
    Ok(Endpoint::Remote(text.parse()?))
}

#[cfg(not(feature = "remote"))]
fn remote(text: &str) -> Result<Endpoint, EndpointError> {
    Err(EndpointError::Remote { endpoint: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_paths() {
        for text in
            ["events", "./events", "/var/lib/events", "../a:1", "./host:50052", "C:\\events", "C:/events", "a b"]
        {
            assert_eq!(text.parse(), Ok(Endpoint::Embedded(text.into())), "{text}");
        }
    }

    #[test]
    fn the_prefix_makes_anything_a_path() {
        for path in ["/x", "host:50052", "http://x", "a"] {
            assert_eq!(format!("embedded:{path}").parse(), Ok(Endpoint::Embedded(path.into())));
        }
    }

    #[test]
    #[cfg(feature = "remote")]
    fn servers_are_recognised() {
        for text in ["localhost:50052", "10.0.0.1:1", "[::1]:50052", "http://h:1", "https://h", "tcp://h:1", "tls://h"]
        {
            let endpoint: Endpoint = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(endpoint.path(), None, "{text}");
        }
        for text in ["h:1/x", "http://", "h:99999", "tcp:x"] {
            let error = text.parse::<Endpoint>().unwrap_err();
            assert!(matches!(error, EndpointError::Address(_)), "{text}: {error}");
            assert!(error.to_string().contains("HOST:PORT"));
        }
    }

    #[test]
    #[cfg(not(feature = "remote"))]
    fn servers_are_recognised() {
        for text in ["localhost:50052", "[::1]:50052", "http://h:1", "https://h", "tcp://h:1", "h:1/x"] {
            let error = text.parse::<Endpoint>().unwrap_err();
            assert!(matches!(&error, EndpointError::Remote { endpoint } if endpoint == text), "{text}: {error}");
            assert!(error.to_string().contains("feature `remote`"));
        }
    }

    #[test]
    fn other_schemes_are_named() {
        for text in ["redis://h:1", "sqlite:events.db", "file:///x"] {
            let Err(EndpointError::Scheme { scheme, .. }) = text.parse::<Endpoint>() else { panic!("{text}") };
            assert!(text.starts_with(&scheme));
        }
    }

    #[test]
    fn nothing_is_no_endpoint() {
        for text in ["", "  ", "embedded:"] {
            assert_eq!(text.parse::<Endpoint>(), Err(EndpointError::Empty), "{text:?}");
        }
    }
}
