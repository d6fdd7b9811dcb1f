//! The settings of a store. Every limit is a named constant.

use std::time::Duration;

/// Events in a segment.
pub const SEGMENT_EVENTS: u32 = 65_536;
/// Between writing and fsync at the default durability.
pub const FLUSH_INTERVAL: Duration = Duration::from_millis(50);
/// Memory for decoded blocks, dictionaries and postings, in bytes.
pub const CACHE_BYTES: u64 = 16 << 20;

/// When what is written becomes durable, that is, survives a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Before it is acknowledged.
    Always,
    /// Within this time after it was acknowledged as written.
    Interval(Duration),
    /// When the operating system sees fit, and at each flush.
    OsBuffered,
}

impl Default for Durability {
    fn default() -> Self {
        Durability::Interval(FLUSH_INTERVAL)
    }
}

/// How much is kept. Whole segments are removed, the oldest sealed first; without limits nothing ever is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Remove segments as long as all files together have more bytes than this.
    pub bytes_max: Option<u64>,
    /// Remove segments that were sealed longer ago than this.
    pub age_max: Option<Duration>,
}

/// The settings of a store.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreConfig {
    /// When what is written becomes durable.
    pub durability: Durability,
    /// Events in a segment; the tail is sealed when it holds this many.
    pub segment_events: u32,
    /// How much is kept.
    pub retention: Retention,
    /// Memory for decoded parts of segments, in bytes.
    pub cache_bytes: u64,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            segment_events: SEGMENT_EVENTS,
            retention: Retention::default(),
            cache_bytes: CACHE_BYTES,
        }
    }
}
