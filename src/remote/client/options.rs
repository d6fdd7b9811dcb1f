//! The settings of a client. Every limit is a named constant.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How long connecting may take, TLS and token included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take, counted from the answer before it.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause after the first failure to connect; it doubles with each further one, and varies at random.
pub const RECONNECT_PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause between two attempts to connect.
pub const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(30);
/// Requests that are sent without their answers having come.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 4096;
/// Names that are remembered for the hashes in answers.
pub const NAMES_MAX: usize = 100_000;
/// The longest token, in bytes, as the protocol has it.
pub const TOKEN_BYTES_MAX: usize = 4096;

/// The settings of a client of a remote store.
///
/// ```
/// use std::time::Duration;
/// use sutra_grid_events::remote::ClientOptions;
/// let options = ClientOptions { answer_timeout: Duration::from_secs(5), ..ClientOptions::default() }.with_token("t");
/// assert!(!format!("{options:?}").contains("\"t\"")); // A token is not shown.
/// ```
#[derive(Clone)]
pub struct ClientOptions {
    /// What is shown to the server when a connection begins; without it nothing is, as a server without
    /// authentication wants it.
    pub token: Option<String>,
    /// How the server is known when the endpoint says `tls://`.
    pub tls: TlsOptions,
    /// How long connecting may take, TLS and token included.
    pub connect_timeout: Duration,
    /// How long an answer may take. After it the connection is given up, since answers come in order.
    pub answer_timeout: Duration,
    /// The pause after the first failure to connect; it doubles with each further one.
    pub pause_min: Duration,
    /// The longest pause between two attempts to connect.
    pub pause_max: Duration,
}

/// How a server with TLS is known.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// Certificates (PEM) that the server's must be signed by; without them those that the system trusts, where the
    /// variable `SSL_CERT_FILE` can name others.
    pub ca_file: Option<PathBuf>,
    /// The name in the server's certificate, where it is not the host of the endpoint.
    pub server_name: Option<String>,
}

/// The environment variable that holds the token.
pub const TOKEN_VARIABLE: &str = "EVENT_TOKEN";
/// The environment variable that names the file of certificates.
pub const CA_FILE_VARIABLE: &str = "EVENT_CA_FILE";

impl ClientOptions {
    /// The default settings with the token of [`TOKEN_VARIABLE`] and the certificates of [`CA_FILE_VARIABLE`], where
    /// these are set.
    #[must_use]
    pub fn from_env() -> Self {
        let token = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty());
        let ca_file = std::env::var_os(CA_FILE_VARIABLE).filter(|file| !file.is_empty()).map(PathBuf::from);
        Self { token, tls: TlsOptions { ca_file, ..TlsOptions::default() }, ..Self::default() }
    }

    /// The same with a token.
    #[must_use]
    pub fn with_token(self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// The pause after so many failures in a row: it doubles, up to the longest, and is cut by up to a half at
    /// random, so that clients of one server do not all come back at the same instant.
    #[must_use]
    pub(crate) fn pause_after(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(20));
        let pause = self.pause_min.saturating_mul(doubled).min(self.pause_max);
        pause.mul_f64(1.0 - random_fraction() / 2.0)
    }
}

/// A number from 0 to below 1. Good enough to spread pauses.
fn random_fraction() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    let bits = u32::try_from(RandomState::new().hash_one(std::time::Instant::now()) >> 32).unwrap_or_default();
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            token: None,
            tls: TlsOptions::default(),
            connect_timeout: CONNECT_TIMEOUT,
            answer_timeout: ANSWER_TIMEOUT,
            pause_min: RECONNECT_PAUSE_MIN,
            pause_max: RECONNECT_PAUSE_MAX,
        }
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("token", &self.token.as_ref().map(|_| "given"))
            .field("tls", &self.tls)
            .field("connect_timeout", &self.connect_timeout)
            .field("answer_timeout", &self.answer_timeout)
            .field("pause_min", &self.pause_min)
            .field("pause_max", &self.pause_max)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_vary() {
        let options = ClientOptions::default();
        for failures in 0..80 {
            let whole = RECONNECT_PAUSE_MIN.saturating_mul(2_u32.saturating_pow(failures.max(1) - 1));
            let whole = whole.min(RECONNECT_PAUSE_MAX);
            let pause = options.pause_after(failures);
            assert!(pause <= whole && pause >= whole / 2, "{failures}: {pause:?} of {whole:?}");
        }
        let pauses: std::collections::HashSet<Duration> = (0..20).map(|_| options.pause_after(5)).collect();
        assert!(pauses.len() > 1, "twenty pauses were all the same");
    }
}
