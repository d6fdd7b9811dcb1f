//! Who may do what: signed tokens and the roles that they name.
//!
//! A client sends `u32` length and token first, and gets one byte `01`; anything else is a close. A token is
//! `base64url(claims as JSON).base64url(HMAC-SHA256(secret, first part))`.

use std::fmt;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::remote::message::Request;

/// The longest token, in bytes.
pub const TOKEN_BYTES_MAX: usize = 4096;
/// The shortest secret, in bytes. A shorter one could be guessed from one token.
pub const SECRET_BYTES_MIN: usize = 16;
/// What the server answers to a token that it accepts.
pub(super) const ACCEPTED: u8 = 0x01;

/// Base64url as clients write it: some pad it, some do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Everything.
    Admin,
    /// Learning and asking.
    Writer,
    /// Asking.
    Reader,
    /// Learning and asking, by a program.
    Service,
    /// A role of which this server knows nothing. It allows nothing.
    #[serde(other, skip_serializing)]
    Other,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who it is for.
    pub sub: String,
    /// When it was made, in seconds since 1970.
    #[serde(default)]
    pub iat: i64,
    /// From when on it is worthless, in seconds since 1970.
    pub exp: i64,
    /// What it may be used for.
    pub roles: Vec<Role>,
    /// Of other services; nothing here.
    #[serde(default)]
    pub permissions: Vec<String>,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is not of the form of a token.
    #[error("not a token")]
    Malformed,
    /// It was not signed with this secret.
    #[error("signed with another secret")]
    Signature,
    /// Its time is over.
    #[error("expired")]
    Expired,
}

/// The secret that tokens are signed with. It is not shown when printed.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSecret(Vec<u8>);

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret(…)")
    }
}

impl TokenSecret {
    /// A secret of these bytes; nothing if there are fewer than [`SECRET_BYTES_MIN`].
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = bytes.into();
        (bytes.len() >= SECRET_BYTES_MIN).then_some(Self(bytes))
    }

    /// A token with these claims.
    ///
    /// ```
    /// use sutra_grid_events::remote::server::{Claims, Role, TokenError, TokenSecret};
    /// let secret = TokenSecret::new(*b"0123456789abcdef").unwrap();
    /// let claims =
    ///     Claims { sub: "agent-001".into(), iat: 0, exp: 1000, roles: vec![Role::Writer], permissions: vec![] };
    /// let token = secret.sign(&claims).unwrap();
    /// assert_eq!(secret.verify(token.as_bytes(), 999), Ok(claims));
    /// assert_eq!(secret.verify(token.as_bytes(), 1000), Err(TokenError::Expired));
    /// ```
    ///
    /// # Errors
    /// If a role is [`Role::Other`], which cannot be written.
    pub fn sign(&self, claims: &Claims) -> Result<String, TokenError> {
        let json = serde_json::to_vec(claims).map_err(|_| TokenError::Malformed)?;
        let payload = BASE64.encode(json);
        let signature = BASE64.encode(self.mac(payload.as_bytes())?.finalize().into_bytes());
        Ok(format!("{payload}.{signature}"))
    }

    /// What a token says, if it was signed with this secret and its time is not over. `now` is in seconds since 1970.
    /// How long it takes tells nothing of the signature.
    ///
    /// # Errors
    /// If the token is not valid.
    pub fn verify(&self, token: &[u8], now: i64) -> Result<Claims, TokenError> {
        let point = token.iter().position(|&byte| byte == b'.').ok_or(TokenError::Malformed)?;
        let (payload, rest) = token.split_at_checked(point).ok_or(TokenError::Malformed)?;
        let signature = rest.get(1..).and_then(|text| BASE64.decode(text).ok()).ok_or(TokenError::Malformed)?;
        self.mac(payload)?.verify_slice(&signature).map_err(|_| TokenError::Signature)?;
        // What follows was signed, so it is only wrong if whoever signs is.
        let json = BASE64.decode(payload).map_err(|_| TokenError::Malformed)?;
        let claims: Claims = serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)?;
        if claims.exp <= now { Err(TokenError::Expired) } else { Ok(claims) }
    }

    fn mac(&self, payload: &[u8]) -> Result<Hmac<Sha256>, TokenError> {
        // A key of any length will do for an HMAC, so that this does not fail.
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(|_| TokenError::Malformed)?;
        Ok(mac.chain_update(payload))
    }
}

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    read: bool,
    write: bool,
    administrate: bool,
}

impl Access {
    /// Where no tokens are asked for.
    pub(super) const ALL: Self = Self { read: true, write: true, administrate: true };

    pub(super) fn of_roles(roles: &[Role]) -> Self {
        let any = |wanted: &[Role]| roles.iter().any(|role| wanted.contains(role));
        Self {
            read: any(&[Role::Admin, Role::Writer, Role::Service, Role::Reader]),
            write: any(&[Role::Admin, Role::Writer, Role::Service]),
            administrate: any(&[Role::Admin]),
        }
    }

    /// Says why a request is not allowed.
    pub(super) fn check(self, request: &Request) -> Result<(), String> {
        let (allowed, needs) = match request {
            Request::LearnContent { .. }
            | Request::LearnBatch { .. }
            | Request::LearnConcept { .. }
            | Request::LearnAssociation { .. } => (self.write, "Writer, Service or Admin"),
            Request::Flush => (self.administrate, "Admin"),
            _ => (self.read, "Reader, Writer, Service or Admin"),
        };
        if allowed { Ok(()) } else { Err(format!("Permission denied: this needs a token with the role {needs}")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> TokenSecret {
        TokenSecret::new(*b"a secret of the tests").expect("long enough")
    }

    fn claims(roles: &[Role]) -> Claims {
        Claims { sub: "a".into(), iat: 1, exp: 100, roles: roles.to_vec(), permissions: Vec::new() }
    }

    #[test]
    fn a_token_is_worth_what_was_signed() {
        let token = secret().sign(&claims(&[Role::Reader])).expect("it can be written");
        assert_eq!(secret().verify(token.as_bytes(), 99), Ok(claims(&[Role::Reader])));
        assert_eq!(secret().verify(token.as_bytes(), 100), Err(TokenError::Expired));
        let other = TokenSecret::new(*b"another secret of the tests").expect("long enough");
        assert_eq!(other.verify(token.as_bytes(), 0), Err(TokenError::Signature));
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] ^= 1;
            assert!(secret().verify(&changed, 0).is_err(), "byte {at} was changed");
            assert!(secret().verify(&token.as_bytes()[..at], 0).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn tokens_of_other_writers_are_read() {
        // Made with Python: hmac.new(secret, payload, sha256), urlsafe_b64encode with its padding.
        let token = b"eyJzdWIiOiAiYWdlbnQiLCAiaWF0IjogMSwgImV4cCI6IDQxMDI0NDQ4MDAsICJyb2xlcyI6IFsiV3JpdGVyIiwgIk5ldyJdLCAicGVybWlzc2lvbnMiOiBbXSwgIngiOiAxfQ==.tWznMaCFPXOXomda3dSEsqFychDEMdNz2AwIF5AKEXo=";
        let claims = secret().verify(token, 0).expect("signed with this secret");
        assert_eq!(claims.roles, [Role::Writer, Role::Other]);
        assert_eq!((claims.sub.as_str(), claims.exp), ("agent", 4_102_444_800));
    }

    #[test]
    fn roles_allow_what_they_say() {
        let learn = Request::LearnAssociation {
            source_id: String::new(),
            target_id: String::new(),
            assoc_type: 0,
            confidence: 1.0,
        };
        for (roles, read, write, flush) in [
            (&[][..], false, false, false),
            (&[Role::Other], false, false, false),
            (&[Role::Reader], true, false, false),
            (&[Role::Writer], true, true, false),
            (&[Role::Service], true, true, false),
            (&[Role::Admin], true, true, true),
            (&[Role::Reader, Role::Admin], true, true, true),
        ] {
            let access = Access::of_roles(roles);
            assert_eq!(access.check(&Request::GetStats).is_ok(), read, "{roles:?}");
            assert_eq!(access.check(&learn).is_ok(), write, "{roles:?}");
            assert_eq!(access.check(&Request::Flush).is_ok(), flush, "{roles:?}");
        }
    }

    #[test]
    fn secrets_are_long_and_not_shown() {
        assert_eq!(TokenSecret::new(*b"short"), None);
        assert_eq!(format!("{:?}", secret()), "TokenSecret(…)");
    }
}
