//! When silence means something, and when an instant is.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

/// Without a heartbeat for this long an agent is degraded, unless said.
pub const DEGRADED_AFTER: Duration = Duration::from_secs(15);
/// Without a heartbeat for this long an agent is offline, unless said.
pub const OFFLINE_AFTER: Duration = Duration::from_secs(30);

/// How long an agent may be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthConfig {
    /// Silent for this long, an agent is degraded.
    pub degraded_after: Duration,
    /// Silent for this long, an agent is offline. If this is no longer than `degraded_after`, no agent is ever
    /// degraded.
    pub offline_after: Duration,
}

impl Default for HealthConfig {
    fn default() -> Self {
        Self { degraded_after: DEGRADED_AFTER, offline_after: OFFLINE_AFTER }
    }
}

/// An instant on two clocks: a steady one, by which silence is measured, and that of the wall, which events are
/// stamped with. So a wall clock that is set does not make agents look silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// By the steady clock.
    pub steady: Instant,
    /// By the wall clock.
    pub utc: DateTime<Utc>,
}

impl Moment {
    /// This very instant.
    #[must_use]
    pub fn now() -> Self {
        Self { steady: Instant::now(), utc: Utc::now() }
    }

    /// How long this is after an earlier instant; nothing if it is not.
    pub(super) fn since(self, earlier: Self) -> Duration {
        self.steady.saturating_duration_since(earlier.steady)
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;

    /// The instant that is so much later on both clocks. A clock that cannot go there stays where it is.
    fn add(self, later: Duration) -> Self {
        let steady = self.steady.checked_add(later).unwrap_or(self.steady);
        let delta = chrono::TimeDelta::from_std(later).unwrap_or_default();
        Self { steady, utc: self.utc.checked_add_signed(delta).unwrap_or(self.utc) }
    }
}
