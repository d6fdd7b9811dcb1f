//! How long what is kept: the settings of retention, and what they mean for one segment at one moment.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::storage::RemovalCause;
use crate::storage::segment::Contents;

/// A limit is overdue once it is passed by this part of itself.
const OVERDUE_DIVISOR: i64 = 4;

/// How much is kept. Without limits nothing is ever removed.
///
/// Age counts from the sealing of the segment in which an event is, so that one absurd timestamp keeps nothing alive
/// and throws nothing away.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::time::Duration;
/// use sutra_grid_events::store::{Retention, TypeRetention};
///
/// const DAY: Duration = Duration::from_secs(86_400);
/// // Heartbeats are thinned after a day and go after a week, everything else goes after a year.
/// let beats = TypeRetention { age_max: Some(7 * DAY), thin_after: Some(DAY) };
/// let retention = Retention {
///     age_max: Some(365 * DAY),
///     types: BTreeMap::from([("agent_heartbeat".to_owned(), beats)]),
///     ..Retention::default()
/// };
/// # assert!(retention.bytes_max.is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retention {
    /// Remove whole segments, the oldest first, as long as segments and logs together have more bytes than this.
    pub bytes_max: Option<u64>,
    /// Remove events whose segment was sealed longer ago than this, unless their type says otherwise.
    pub age_max: Option<Duration>,
    /// What holds for single types.
    pub types: BTreeMap<String, TypeRetention>,
}

/// How long the events of one type are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TypeRetention {
    /// Instead of the general age, shorter or longer. Without it the general age holds.
    pub age_max: Option<Duration>,
    /// Thin events whose segment was sealed longer ago than this: of each entity the first and the last stay, both
    /// sides of each gap, and what differs from the one before.
    pub thin_after: Option<Duration>,
}

impl Retention {
    /// Whether nothing is ever removed.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        let without = |limits: &TypeRetention| limits.age_max.is_none() && limits.thin_after.is_none();
        self.bytes_max.is_none() && self.age_max.is_none() && self.types.values().all(without)
    }

    fn age_max(&self, event_type: &str) -> Option<Duration> {
        self.types.get(event_type).and_then(|limits| limits.age_max).or(self.age_max)
    }

    /// What happens to the events of a type in a segment at a time in µs.
    pub(super) fn fate(&self, event_type: &str, contents: &Contents, now_us: i64) -> Fate {
        let passed = |limit: Duration| {
            let limit_us = i64::try_from(limit.as_micros()).unwrap_or(i64::MAX);
            let beyond_us = now_us.saturating_sub(contents.sealed_at_us).saturating_sub(limit_us);
            (beyond_us > 0).then_some(beyond_us > limit_us / OVERDUE_DIVISOR)
        };
        if let Some(overdue) = self.age_max(event_type).and_then(passed) {
            return Fate::Expires { overdue };
        }
        let is_thinned =
            contents.removed.iter().any(|gone| gone.event_type == event_type && gone.cause == RemovalCause::Thinned);
        let thin_after = self.types.get(event_type).and_then(|limits| limits.thin_after);
        match thin_after.filter(|_| !is_thinned).and_then(passed) {
            Some(overdue) => Fate::IsThinned { overdue },
            None => Fate::Stays,
        }
    }
}

/// What happens to the events of a type in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    Stays,
    /// They go.
    Expires {
        /// Whether the limit was passed so long ago that they go however little is gained.
        overdue: bool,
    },
    /// Those that say nothing new go.
    IsThinned {
        /// As above.
        overdue: bool,
    },
}
