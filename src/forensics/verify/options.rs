//! What verify is told: a head that was noted elsewhere, and how many threads may work.

use crate::storage::chain::hex;
use std::fmt;
use std::str::FromStr;

/// Where the chain of a store stands: the hash over everything up to a sequence number. It reads and prints as
/// `HASH@SEQUENCE`.
///
/// ```
/// use sutra_grid_events::forensics::Head;
/// let text = format!("{}@7", "ab".repeat(32));
/// let head: Head = text.parse()?;
/// assert_eq!((head.sequence, head.chain, head.to_string()), (7, [0xab; 32], text));
/// # Ok::<(), sutra_grid_events::forensics::HeadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The hash.
    pub chain: [u8; 32],
    /// The last sequence number that it covers.
    pub sequence: u64,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", hex(&self.chain), self.sequence)
    }
}

/// A text that is no head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a head: 64 hexadecimal digits and @NUMBER are needed, as in the line `head:` that verify printed")]
pub struct HeadError;

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (hash, sequence) = text.trim().split_once('@').ok_or(HeadError)?;
        if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(HeadError);
        }
        let mut chain = [0; 32];
        for (byte, digits) in chain.iter_mut().zip(hash.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| HeadError)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| HeadError)?;
        }
        Ok(Self { chain, sequence: sequence.parse().map_err(|_| HeadError)? })
    }
}

/// What verify is told. The default checks all that the store itself can prove, with a thread for each core.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// A head that was noted elsewhere: the only proof that nobody changed the record on purpose.
    pub head: Option<Head>,
    /// How many threads check segments at once; as many as there are cores if nothing is said.
    pub threads: Option<usize>,
}

impl VerifyOptions {
    /// With a head that was noted elsewhere.
    #[must_use]
    pub fn with_head(self, head: Head) -> Self {
        Self { head: Some(head), ..self }
    }

    /// With this many threads.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_head_is_refused() {
        let hash = "0".repeat(64);
        for text in ["", "@", "1@2", &hash, &format!("{hash}@"), &format!("{hash}@-1"), &format!("+{}@1", &hash[1..])] {
            assert_eq!(text.parse::<Head>(), Err(HeadError), "{text}");
        }
    }
}
