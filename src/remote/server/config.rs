//! How a server is set up, and its limits. All that a client can make the server hold is bounded by these.

use std::path::PathBuf;
use std::time::Duration;

use super::auth::TokenSecret;

/// The port of a storage of events.
pub const PORT: u16 = 50052;
/// Connections at one time, unless told otherwise.
pub const CONNECTIONS_MAX: usize = 1024;
/// How long a connection may be silent between two requests, unless told otherwise.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(3600);
/// How long a client may take to show its token and, with TLS, to shake hands.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a frame that has begun may take, beside the time that its bytes take at [`BYTES_PER_SECOND_MIN`].
pub const FRAME_TIMEOUT: Duration = Duration::from_secs(30);
/// The slowest that a client may send a frame or read an answer.
pub const BYTES_PER_SECOND_MIN: u64 = 64 << 10;
/// Memory for requests and answers of all connections together, beside [`CONNECTION_BYTES`] of each; unless told
/// otherwise. It has room for several of the largest frames.
pub const MEMORY_BYTES_MAX: usize = 512 << 20;
/// Memory that a connection has without asking for it.
pub const CONNECTION_BYTES: usize = 64 << 10;
/// How long a connection waits for memory that others hold, unless told otherwise.
pub const MEMORY_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests that are learned in one write.
pub const GROUP_MAX: usize = 4096;
/// Bytes of requests that are learned in one write, if there is more than one.
pub const GROUP_BYTES_MAX: usize = 1 << 20;
/// Questions that are answered at one time; more wait for their turn.
pub const QUESTIONS_MAX: usize = 16;
/// Neighbours in one answer: the newest.
pub const NEIGHBORS_MAX: usize = 100_000;
/// How long connections may take to finish what they have begun when the server is told to end.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How a server is set up.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The host or address that it listens on.
    pub host: String,
    /// The port; with 0 the system chooses one.
    pub port: u16,
    /// The secret that tokens are signed with. With one, every client must show a token.
    pub token_secret: Option<TokenSecret>,
    /// The certificate chain and its key, as PEM files. With them, every connection is TLS.
    pub tls: Option<TlsFiles>,
    /// Whether to listen beyond this machine without a secret, so that anybody may read and write.
    pub insecure: bool,
    /// Connections at one time.
    pub connections_max: usize,
    /// How long a connection may be silent between two requests.
    pub idle_timeout: Duration,
    /// How long a client may take for its token and for TLS.
    pub handshake_timeout: Duration,
    /// How long a frame that has begun may take, beside the time for its bytes.
    pub frame_timeout: Duration,
    /// Memory for requests and answers of all connections together.
    pub memory_bytes_max: usize,
    /// How long a connection waits for memory that others hold.
    pub memory_timeout: Duration,
    /// How long connections may take to finish when the server ends.
    pub drain_timeout: Duration,
}

/// PEM files for TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate of the server, then those that it was signed by.
    pub certificates: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Default for ServerConfig {
    /// On this machine only, on port [`PORT`], without tokens and without TLS.
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: PORT,
            token_secret: None,
            tls: None,
            insecure: false,
            connections_max: CONNECTIONS_MAX,
            idle_timeout: IDLE_TIMEOUT,
            handshake_timeout: HANDSHAKE_TIMEOUT,
            frame_timeout: FRAME_TIMEOUT,
            memory_bytes_max: MEMORY_BYTES_MAX,
            memory_timeout: MEMORY_TIMEOUT,
            drain_timeout: DRAIN_TIMEOUT,
        }
    }
}
