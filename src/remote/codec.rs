//! Messages to bytes and back, in the dialect of a connection.
//!
//! ```text
//! Request, Response ─► dialect_a (bincode)     ─► payload of a frame
//!                   ─► dialect_b (MessagePack) ─►
//! ```
//!
//! What is decoded was sent by somebody else: no bytes make a decoder panic, recurse without bound, or allocate much
//! more than they take themselves.

use super::message::{Request, Response};
use super::{dialect_a, dialect_b};

/// How messages are written on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// bincode: emitters, masters, agents and command lines.
    A,
    /// MessagePack: storage servers, the Python client, loaders, and the client of this crate.
    B,
}

impl Dialect {
    /// The dialect that a connection speaks, told from the first byte of its first payload. Nothing if no request of
    /// either dialect starts like that.
    ///
    /// A request of dialect A starts with the lowest byte of its number. One of dialect B is a map of one entry, or,
    /// where it has no fields, a string or a number.
    ///
    /// ```
    /// use sutra_grid_events::remote::Dialect;
    /// assert_eq!(Dialect::of_first_byte(0x07), Some(Dialect::A));
    /// assert_eq!(Dialect::of_first_byte(0x81), Some(Dialect::B));
    /// assert_eq!(Dialect::of_first_byte(b'G'), None);
    /// ```
    #[must_use]
    pub fn of_first_byte(byte: u8) -> Option<Self> {
        match byte {
            0..=9 => Some(Self::A),
            // The numbers of GetStats, Flush and HealthCheck; the names, long form included; a map, long form included.
            13..=15 | 0xa5 | 0xa8 | 0xab | 0xd9..=0xdb | 0x81 | 0xde | 0xdf => Some(Self::B),
            _ => None,
        }
    }

    /// The longest payload of a frame.
    #[must_use]
    pub fn frame_bytes_max(self) -> usize {
        match self {
            Self::A => 16 << 20,
            Self::B => 100 << 20,
        }
    }
}

/// Why a message could not be encoded or decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The dialect does not have this message.
    #[error("dialect {dialect:?} has no {message}")]
    NotInDialect {
        /// The name of the message.
        message: &'static str,
        /// The dialect.
        dialect: Dialect,
    },
    /// The message is longer than a frame may be.
    #[error("a message of more than {bytes_max} bytes")]
    TooLarge {
        /// How long it may be.
        bytes_max: usize,
    },
    /// The bytes are no message of the dialect.
    #[error("not a message of dialect {dialect:?}: {reason}")]
    Malformed {
        /// The dialect.
        dialect: Dialect,
        /// What is wrong with them.
        reason: String,
    },
    /// A request that is well-formed and has a list of more items than any store answers. The text is that of the
    /// protocol; the connection can go on.
    #[error("{0}")]
    BeyondLimit(String),
}

/// The payload of a request.
///
/// # Errors
/// If the dialect does not have it, or it is longer than a frame may be.
pub fn encode_request(dialect: Dialect, request: &Request) -> Result<Vec<u8>, CodecError> {
    let payload = match dialect {
        Dialect::A => dialect_a::encode_request(request)?,
        Dialect::B => dialect_b::encode_request(request),
    };
    checked(dialect, payload)
}

/// The request of a payload.
///
/// # Errors
/// If it is none of the dialect, or anything follows it.
pub fn decode_request(dialect: Dialect, payload: &[u8]) -> Result<Request, CodecError> {
    let payload = checked(dialect, payload)?;
    match dialect {
        Dialect::A => dialect_a::decode_request(payload),
        Dialect::B => dialect_b::decode_request(payload),
    }
}

/// The payload of a response.
///
/// # Errors
/// If the dialect does not have it, or it is longer than a frame may be.
pub fn encode_response(dialect: Dialect, response: &Response) -> Result<Vec<u8>, CodecError> {
    let payload = match dialect {
        Dialect::A => dialect_a::encode_response(response)?,
        Dialect::B => dialect_b::encode_response(response),
    };
    checked(dialect, payload)
}

/// The response of a payload.
///
/// # Errors
/// If it is none of the dialect, or anything follows it.
pub fn decode_response(dialect: Dialect, payload: &[u8]) -> Result<Response, CodecError> {
    let payload = checked(dialect, payload)?;
    match dialect {
        Dialect::A => dialect_a::decode_response(payload),
        Dialect::B => dialect_b::decode_response(payload),
    }
}

fn checked<P: AsRef<[u8]>>(dialect: Dialect, payload: P) -> Result<P, CodecError> {
    let bytes_max = dialect.frame_bytes_max();
    if payload.as_ref().len() > bytes_max { Err(CodecError::TooLarge { bytes_max }) } else { Ok(payload) }
}
