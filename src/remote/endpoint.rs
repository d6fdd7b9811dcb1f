//! Where a remote store is: `host:port`, with or without a scheme.

use std::fmt;
use std::str::FromStr;

/// The port of a store of events where none is given.
pub const PORT_DEFAULT: u16 = 50052;

/// Schemes that mean a plain connection. The first is HTTP in name only.
const PLAIN: [&str; 2] = ["http", "tcp"];
/// Schemes that mean TLS.
const SECURE: [&str; 2] = ["tls", "https"];

/// The address of a remote store.
///
/// ```
/// use sutra_grid_events::remote::RemoteEndpoint;
/// for text in ["events.example:50052", "http://events.example:50052", "tcp://events.example"] {
///     assert_eq!(text.parse::<RemoteEndpoint>()?.to_string(), "events.example:50052");
/// }
/// assert!("tls://events.example:50052".parse::<RemoteEndpoint>()?.tls);
/// # Ok::<(), sutra_grid_events::remote::RemoteEndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RemoteEndpoint {
    /// The name or address of the host; an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

/// Why a text is not the address of a remote store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the address of a remote store: {reason}; write HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT")]
pub struct RemoteEndpointError {
    text: String,
    reason: &'static str,
}

impl FromStr for RemoteEndpoint {
    type Err = RemoteEndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text.trim()).map_err(|reason| RemoteEndpointError { text: text.to_owned(), reason })
    }
}

fn parse(text: &str) -> Result<RemoteEndpoint, &'static str> {
    let (tls, scheme, address) = match text.split_once("://") {
        Some((scheme, rest)) if PLAIN.contains(&scheme) => (false, true, rest),
        Some((scheme, rest)) if SECURE.contains(&scheme) => (true, true, rest),
        Some(_) => return Err("its scheme is not known"),
        None => (false, false, text),
    };
    let address = address.strip_suffix('/').unwrap_or(address);
    let (host, port) = if let Some(bracketed) = address.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']').ok_or("a bracket is not closed")?;
        host.parse::<std::net::Ipv6Addr>().map_err(|_| "what is in brackets is no IPv6 address")?;
        match rest {
            "" => (host, None),
            _ => (host, Some(rest.strip_prefix(':').ok_or("something follows the bracket that is no port")?)),
        }
    } else {
        match address.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        }
    };
    let legal = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_');
    if host.is_empty() {
        return Err("it names no host");
    }
    if !address.starts_with('[') && !host.chars().all(legal) {
        return Err("the host has a character that hosts do not have");
    }
    let port = match port {
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or("the port is not a number from 1 to 65535")?,
        None if scheme => PORT_DEFAULT,
        None => return Err("it has no port"),
    };
    Ok(RemoteEndpoint { host: host.to_owned(), port, tls })
}

impl RemoteEndpoint {
    /// Host and port, whether encrypted or not.
    #[must_use]
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The address as the name of a file or directory. Colons would be legal, but a nuisance to whoever types them.
    pub(crate) fn file_name(&self) -> String {
        format!("{}_{}", self.host.replace(':', "_"), self.port)
    }
}

impl fmt::Display for RemoteEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.tls { "tls://" } else { "" }, self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_print_as_they_read() {
        for (text, printed) in [
            ("localhost:50052", "localhost:50052"),
            ("http://localhost", "localhost:50052"),
            ("http://10.0.0.1:7/", "10.0.0.1:7"),
            ("tcp://a_b.c-d:1", "a_b.c-d:1"),
            ("tls://h:1", "tls://h:1"),
            ("https://h", "tls://h:50052"),
            ("[::1]:50052", "[::1]:50052"),
            ("tls://[::1]", "tls://[::1]:50052"),
        ] {
            let endpoint: RemoteEndpoint = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(endpoint.to_string(), printed);
            assert_eq!(printed.parse(), Ok(endpoint), "{printed}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        for (text, reason) in [
            ("", "no host"),
            (":5", "no host"),
            ("host", "no port"),
            ("h:0", "65535"),
            ("h:65536", "65535"),
            ("h:x", "65535"),
            ("h:1/x", "65535"),
            ("a b:1", "character"),
            ("u@h:1", "character"),
            ("::1:5", "character"),
            ("[::1", "not closed"),
            ("[x]:1", "IPv6"),
            ("[::1]x", "follows"),
            ("redis://h:1", "scheme"),
        ] {
            let error = text.parse::<RemoteEndpoint>().expect_err(text).to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
