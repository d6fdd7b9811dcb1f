//! The record of one committed batch, as the log holds it.
//!
//! A batch lists every word and shape that its rows use, so that it can be read without the batches
//! before it: a damaged batch costs its own events and no others.

use crate::storage::shape::ShapeRecord;

/// The format version that opens every record.
pub(crate) const BATCH_VERSION: u8 = 1;
/// The largest record that is read, in bytes after decompression.
pub(crate) const BATCH_BYTES_MAX: usize = 64 << 20;

/// The events of one batch.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct BatchRecord {
    /// The sequence number of the first event.
    pub(crate) first_sequence: u64,
    /// How many events there are.
    pub(crate) count: u32,
    /// The words that the rows use, by their numbers.
    pub(crate) words: Vec<(u32, String)>,
    /// The shapes that the rows use, by their numbers.
    pub(crate) shapes: Vec<(u32, ShapeRecord)>,
    /// The times in µs: zigzag varints of the difference to the event before.
    pub(crate) times: Vec<u8>,
    /// The ordinals: varints.
    pub(crate) ordinals: Vec<u8>,
    /// The rows, one behind the other.
    pub(crate) rows: Vec<u8>,
}

impl BatchRecord {
    /// The sequence number of the last event.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.first_sequence.saturating_add(u64::from(self.count)).saturating_sub(1)
    }

    /// The version byte and the record in bincode.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, bincode::Error> {
        let mut bytes =
            Vec::with_capacity(64 + self.rows.len() + self.times.len() + self.ordinals.len() + 24 * self.words.len());
        bytes.push(BATCH_VERSION);
        bincode::serialize_into(&mut bytes, self)?;
        Ok(bytes)
    }

    /// The inverse of [`encode`](Self::encode). Allocates no more than a small multiple of the input.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, String> {
        use bincode::Options;
        match bytes.split_first() {
            Some((&BATCH_VERSION, record)) => bincode::DefaultOptions::new()
                .with_fixint_encoding()
                .with_limit(BATCH_BYTES_MAX as u64)
                .deserialize(record)
                .map_err(|error| error.to_string()),
            Some((version, _)) => Err(format!("a batch has format version {version}")),
            None => Err("a batch is empty".to_owned()),
        }
    }
}
