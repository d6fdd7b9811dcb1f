//! The names behind the hashes in answers.
//!
//! The existing server keeps 16 bytes of each id and answers with their hex digits, so a client that must give names
//! remembers those that it wrote or asked about. A server that answers with names passes through unchanged.

use std::fmt::Write;
use std::sync::Arc;

use md5::{Digest, Md5};
use quick_cache::sync::Cache;

/// What the existing server keeps of an id.
type Key = [u8; 16];

/// Remembers a bounded number of names; the ones that were not used for longest are forgotten first.
pub(super) struct Names {
    known: Cache<Key, Arc<str>>,
}

impl Names {
    pub(super) fn new(names_max: usize) -> Self {
        Self { known: Cache::new(names_max) }
    }

    /// Remembers a name that is written or asked about.
    pub(super) fn remember(&self, id: &str) {
        let key = key_of(id);
        // Looking first spares the copy of the name in nearly all calls.
        if self.known.get(&key).is_none_or(|known| *known != *id) {
            self.known.insert(key, id.into());
        }
    }

    /// The name of an id in an answer; the id itself where it is a name already, or the hash of an unknown one.
    pub(super) fn name_of(&self, answered: String) -> String {
        match hex_key(&answered) {
            Some(key) => self.known.get(&key).map_or(answered, |name| name.to_string()),
            None => answered,
        }
    }
}

/// The 16 bytes that the existing server keeps of an id: those of hex digits as they are, else the MD5.
fn key_of(id: &str) -> Key {
    hex_key(id).unwrap_or_else(|| Md5::digest(id.as_bytes()).into())
}

/// The bytes of 32 hex digits.
fn hex_key(text: &str) -> Option<Key> {
    let digits: &[u8; 32] = text.as_bytes().try_into().ok()?;
    let mut key = Key::default();
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |place: usize| pair.get(place).and_then(|digit| char::from(*digit).to_digit(16));
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(key)
}

/// The id that the existing server gives in the place of a name.
#[must_use]
pub fn hashed_id(id: &str) -> String {
    key_of(id).iter().fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_become_names_again_and_names_stay() {
        let names = Names::new(10);
        // The MD5 of RFC 1321's example.
        assert_eq!(hashed_id("abc"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(names.name_of(hashed_id("abc")), hashed_id("abc"), "unknown so far");
        names.remember("abc");
        assert_eq!(names.name_of(hashed_id("abc")), "abc");
        assert_eq!(names.name_of(hashed_id("abc").to_uppercase()), "abc");
        for name in ["agent-001", "", "event-node_crashed-1", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "äääääääääääääääää"]
        {
            assert_eq!(names.name_of(name.to_owned()), name);
        }
    }

    #[test]
    fn hex_digits_are_their_own_hash() {
        let hex = "00112233445566778899AABBCCDDEEFF";
        let names = Names::new(10);
        names.remember(hex);
        assert_eq!(hashed_id(hex), hex.to_lowercase());
        assert_eq!(names.name_of(hashed_id(hex)), hex);
    }

    #[test]
    fn the_number_of_names_is_bounded() {
        let names = Names::new(100);
        (0..10_000).for_each(|number| names.remember(&number.to_string()));
        let kept = (0..10_000).filter(|number| names.name_of(hashed_id(&number.to_string())).len() < 32).count();
        assert!((1..=110).contains(&kept), "{kept}");
    }
}
