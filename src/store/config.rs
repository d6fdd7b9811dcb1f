//! The settings of a store. Every limit is a named constant.

use std::time::Duration;

use super::retention::Retention;

/// Events in a segment.
pub const SEGMENT_EVENTS: u32 = 65_536;
/// Between writing and fsync at the default durability.
pub const FLUSH_INTERVAL: Duration = Duration::from_millis(50);
/// Memory for decoded blocks, dictionaries and postings, in bytes.
pub const CACHE_BYTES: u64 = 16 << 20;
/// How long a log stays after its segment is durable, so that a directory that is copied file by file
/// meanwhile holds one or the other.
pub const SEALED_LOG_GRACE: Duration = Duration::from_secs(60);
/// Tails that wait to be sealed before the active one grows beyond [`SEGMENT_EVENTS`].
pub const WAITING_TAILS_MAX: usize = 2;
/// How many times larger than a segment the active tail can become while the sealer is behind. Beyond
/// this, appending waits.
pub const TAIL_GROWTH_MAX: usize = 2;
/// A tail is sealed early when its rows and words take this many bytes.
pub const TAIL_BYTES_MAX: usize = 32 << 20;
/// Events that take more bytes than this are appended as several batches.
pub const BATCH_BYTES_MAX: usize = 16 << 20;
/// Closing seals a tail of more events than this, so that the next open is quick.
pub const SEAL_ON_CLOSE_EVENTS: u32 = 4_096;

/// When what is written becomes durable, that is, survives a power cut.
///
/// What is *written* survives the death of the process. Whatever the level, [`flush`](super::Store::flush)
/// waits for durable, and subscriptions are given durable events only.
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
    /// [`Interval`](Self::Interval) of [`FLUSH_INTERVAL`].
    fn default() -> Self {
        Durability::Interval(FLUSH_INTERVAL)
    }
}

impl std::fmt::Display for Durability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Durability::Always => f.write_str("always"),
            Durability::Interval(interval) => write!(f, "interval {} ms", interval.as_millis()),
            Durability::OsBuffered => f.write_str("os_buffered"),
        }
    }
}

/// The settings of a store.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreConfig {
    /// When what is written becomes durable.
    pub durability: Durability,
    /// Events in a segment; the tail is sealed when it holds this many. At least 1.
    pub segment_events: u32,
    /// How much is kept.
    pub retention: Retention,
    /// Memory for decoded parts of segments, in bytes.
    pub cache_bytes: u64,
    /// How long a log stays after its segment is durable.
    pub sealed_log_grace: Duration,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            segment_events: SEGMENT_EVENTS,
            retention: Retention::default(),
            cache_bytes: CACHE_BYTES,
            sealed_log_grace: SEALED_LOG_GRACE,
        }
    }
}
