//! A rate at which events come.

use std::thread;
use std::time::{Duration, Instant};

/// Makes its caller wait, so that events come no faster than a rate; or as fast as can be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    events_per_second: Option<u32>,
    due: Instant,
}

impl Pace {
    /// As fast as can be.
    pub(crate) fn none() -> Self {
        Self { events_per_second: None, due: Instant::now() }
    }

    /// At most this many events a second.
    pub(crate) fn of(events_per_second: u32) -> Self {
        Self { events_per_second: Some(events_per_second), due: Instant::now() }
    }

    /// Waits until the next events are due. What came late is caught up with.
    pub(crate) fn wait(&mut self, events: usize) {
        if let Some(rate) = self.events_per_second {
            self.due += Duration::from_secs(1) * events as u32 / rate;
            thread::sleep(self.due.saturating_duration_since(Instant::now()));
        }
    }
}
