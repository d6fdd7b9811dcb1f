//! The root of a type from events that come in the order of time: they are hashed in the order of arrival.

use crate::storage::chain::Hash;

/// Hashes events in the order of their sequence numbers, in large pieces.
#[derive(Default)]
pub(super) struct Arrival {
    /// The events, as the root wants them, one behind the other.
    pub(super) bytes: Vec<u8>,
    /// The sequence number of each, and where it starts and ends.
    rows: Vec<(u64, usize, usize)>,
    sorted: Vec<u8>,
    hasher: blake3::Hasher,
}

impl Arrival {
    /// Notes that an event was appended to `bytes` from `start` on.
    #[inline]
    pub(super) fn note(&mut self, sequence: u64, start: usize) {
        self.rows.push((sequence, start, self.bytes.len()));
    }

    /// Hashes all events with lower sequence numbers than any that still come.
    pub(super) fn hash_below(&mut self, lowest_to_come: u64) {
        if !self.rows.is_sorted_by_key(|row| row.0) {
            self.rows.sort_by_key(|row| row.0);
            self.sorted.clear();
            for row in &mut self.rows {
                let start = self.sorted.len();
                self.sorted.extend_from_slice(&self.bytes[row.1..row.2]);
                *row = (row.0, start, self.sorted.len());
            }
            std::mem::swap(&mut self.bytes, &mut self.sorted);
        }
        let kept = self.rows.partition_point(|row| row.0 < lowest_to_come);
        let end = kept.checked_sub(1).map_or(0, |last| self.rows[last].2);
        self.hasher.update(&self.bytes[..end]);
        self.bytes.copy_within(end.., 0);
        self.bytes.truncate(self.bytes.len() - end);
        self.rows.drain(..kept);
        for row in &mut self.rows {
            (row.1, row.2) = (row.1 - end, row.2 - end);
        }
    }

    /// The root, after which everything starts anew.
    pub(super) fn finish(&mut self) -> Hash {
        self.hash_below(u64::MAX);
        let root = *self.hasher.finalize().as_bytes();
        self.hasher.reset();
        self.bytes.clear();
        self.rows.clear();
        root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_sequence_numbers() {
        let mut arrival = Arrival::default();
        for (sequence, to_come) in [(3u64, 1), (1, 2), (2, 4), (5, 4), (4, u64::MAX)] {
            let start = arrival.bytes.len();
            arrival.bytes.extend_from_slice(&sequence.to_le_bytes());
            arrival.note(sequence, start);
            arrival.hash_below(to_come);
        }
        let expected: Vec<u8> = (1..=5u64).flat_map(u64::to_le_bytes).collect();
        assert_eq!(arrival.finish(), *blake3::hash(&expected).as_bytes());
    }
}
