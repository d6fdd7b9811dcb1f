//! The chain of hashes over the content of the store.
//!
//! `chain_n = BLAKE3(chain_{n-1} ‖ first sequence ‖ last sequence ‖ root_n)`. A segment's root is the BLAKE3
//! hash over the names and roots of its types, in the order of their names; a type's root is the BLAKE3
//! hash (itself a Merkle tree) over its events in the order of arrival, each as
//! `sequence u64 ‖ length of the id u32 ‖ id ‖ length of the JSON u32 ‖ JSON`. Numbers are little-endian.
//!
//! The chain is over content, not over file bytes: a segment can be rewritten and the chain still holds.

/// No store gives a higher sequence number: what says so was made to do harm.
pub(crate) const SEQUENCE_MAX: u64 = 1 << 62;

/// A hash.
pub(crate) type Hash = [u8; 32];

/// A hash in hexadecimal digits.
pub(crate) fn hex(hash: &Hash) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}

/// A link of the chain: everything up to a sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Anchor {
    /// The last sequence number that the chain covers; 0 before the first segment.
    pub(crate) sequence: u64,
    /// The chain up to there.
    pub(crate) chain: Hash,
}

/// The root of a type, fed with its events in the order of arrival.
#[derive(Default)]
pub(crate) struct TypeRoot {
    hasher: blake3::Hasher,
    pending: Vec<u8>,
}

/// Events are hashed in pieces of this size, since BLAKE3 is fastest on long inputs.
const PENDING_BYTES: usize = 64 << 10;

impl TypeRoot {
    /// Adds an event, whose id and JSON are appended by the caller.
    pub(crate) fn add(&mut self, sequence: u64, id: impl FnOnce(&mut Vec<u8>), json: impl FnOnce(&mut Vec<u8>)) {
        self.pending.extend_from_slice(&sequence.to_le_bytes());
        put_with_length(&mut self.pending, id);
        put_with_length(&mut self.pending, json);
        if self.pending.len() >= PENDING_BYTES {
            self.hasher.update(&self.pending);
            self.pending.clear();
        }
    }

    pub(crate) fn finish(mut self) -> Hash {
        self.hasher.update(&self.pending);
        *self.hasher.finalize().as_bytes()
    }
}

fn put_with_length(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    content(out);
    let length = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
}

/// The root of a segment, from its types in the order of their names.
pub(crate) fn segment_root<'a>(types: impl Iterator<Item = (&'a str, Hash)>) -> Hash {
    let mut hasher = blake3::Hasher::new();
    for (name, root) in types {
        hasher.update(&(name.len() as u32).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(&root);
    }
    *hasher.finalize().as_bytes()
}

/// The next link of the chain.
pub(crate) fn next_link(before: &Anchor, first_sequence: u64, last_sequence: u64, root: &Hash) -> Anchor {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&before.chain);
    hasher.update(&first_sequence.to_le_bytes());
    hasher.update(&last_sequence.to_le_bytes());
    hasher.update(root);
    Anchor { sequence: last_sequence, chain: *hasher.finalize().as_bytes() }
}
