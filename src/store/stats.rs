//! Figures of a store.

use std::collections::{HashMap, HashSet};

use super::Store;
use super::directory::FORMAT_VERSION;
use crate::error::StoreError;
use crate::storage::files;

/// Figures of a store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Events stored.
    pub events: u64,
    /// Events of these that are in the tail.
    pub tail_events: u64,
    /// Sealed segments.
    pub segments: u64,
    /// Events by type, most frequent first.
    pub types: Vec<(String, u64)>,
    /// Distinct entities, counted by field and value.
    pub entities: u64,
    /// Size of all files in bytes.
    pub bytes_on_disk: u64,
    /// Size of the segments in bytes.
    pub segment_bytes: u64,
    /// The earliest time, in µs.
    pub first_us: Option<i64>,
    /// The latest time, in µs.
    pub last_us: Option<i64>,
    /// The highest sequence number written.
    pub sequence: u64,
    /// The highest sequence number that is durable.
    pub durable_sequence: u64,
    /// When what is written becomes durable, in words; as the last writer said, where this is a reader.
    pub durability: String,
    /// Version of the on-disk format.
    pub format_version: u32,
    /// The random number that tells this store from every other.
    pub epoch: u64,
}

impl Store {
    /// Figures of the store. Reads the names of all entities, so it takes a while on a large store.
    ///
    /// # Errors
    /// If a segment cannot be read.
    pub fn stats(&self) -> Result<StoreStats, StoreError> {
        let shared = self.shared();
        let (pieces, snapshot) = (shared.pieces(), self.snapshot());
        let mut types: HashMap<String, u64> = HashMap::new();
        let mut entities: HashSet<(String, String)> = HashSet::new();
        let (mut events, mut first_us, mut last_us) = (0, None::<i64>, None::<i64>);
        for source in snapshot.sources() {
            events += u64::from(source.len());
            for (name, count) in source.types() {
                *types.entry(name.to_string()).or_default() += count;
            }
            source.entities(&mut |field, value, _| {
                entities.insert((field.to_owned(), value.to_owned()));
            })?;
            for zone in source.zones() {
                first_us = Some(first_us.map_or(zone.min_us, |first| first.min(zone.min_us)));
                last_us = last_us.max(Some(zone.max_us));
            }
        }
        let mut types: Vec<(String, u64)> = types.into_iter().collect();
        types.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(StoreStats {
            events,
            tail_events: pieces
                .tails
                .iter()
                .chain(&pieces.stand_ins)
                .map(|tail| u64::from(tail.memory.read().len()))
                .sum(),
            segments: pieces.segments.len() as u64,
            types,
            entities: entities.len() as u64,
            bytes_on_disk: files::bytes_below(&shared.directory.root),
            segment_bytes: pieces.segments.iter().map(|segment| segment.file_bytes()).sum(),
            first_us,
            last_us,
            sequence: shared.durable.written(),
            durable_sequence: shared.durable.durable(),
            durability: if shared.read_only {
                shared.directory.last_durability()
            } else {
                shared.config.durability.to_string()
            },
            format_version: shared.format.version.min(FORMAT_VERSION),
            epoch: shared.format.epoch,
        })
    }
}
