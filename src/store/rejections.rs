//! Events that a running program offers and that are rejected: counted, and noted as a loss now and then. A program
//! that goes wrong may offer thousands a second, and a note costs an fsync.

use std::time::{Duration, Instant};

use super::{Loss, LossCause, Store};
use crate::error::StoreError;

/// Losses are noted at most this often.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// What was rejected and is not noted yet.
#[derive(Debug, Default)]
pub(crate) struct Rejections {
    waiting: Option<Loss>,
    noted_at: Option<Instant>,
}

impl Rejections {
    /// Counts a rejected event.
    pub(crate) fn add(&mut self, timestamp_us: i64, reason: &dyn std::fmt::Display) {
        let loss = self.waiting.get_or_insert_with(|| Loss {
            events: Some(0),
            first_us: Some(timestamp_us),
            last_us: Some(timestamp_us),
            ..Loss::new(LossCause::Rejected, format!("emitted; the first: {reason}"))
        });
        loss.events = loss.events.map(|events| events + 1);
        loss.first_us = loss.first_us.min(Some(timestamp_us));
        loss.last_us = loss.last_us.max(Some(timestamp_us));
    }

    /// Gives what is to be noted, if there is any and the last note was long enough ago.
    pub(crate) fn take_due(&mut self) -> Option<Loss> {
        if self.waiting.is_none() || self.noted_at.is_some_and(|noted| noted.elapsed() < NOTE_EVERY) {
            return None;
        }
        self.noted_at = Some(Instant::now());
        self.take()
    }

    /// Gives what is to be noted, at the end.
    pub(crate) fn take(&mut self) -> Option<Loss> {
        self.waiting.take()
    }

    /// Notes in a store what is due.
    pub(crate) fn note_due(&mut self, store: &Store) -> Result<(), StoreError> {
        self.take_due().map_or(Ok(()), |loss| store.note_loss(&loss))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejections_are_noted_at_once_and_then_together() {
        let mut rejections = Rejections::default();
        assert!(rejections.take_due().is_none());
        rejections.add(5, &"a");
        assert_eq!(rejections.take_due().map(|loss| (loss.events, loss.first_us)), Some((Some(1), Some(5))));
        rejections.add(9, &"b");
        rejections.add(7, &"c");
        assert!(rejections.take_due().is_none());
        let loss = rejections.take().expect("two");
        assert_eq!((loss.events, loss.first_us, loss.last_us), (Some(2), Some(7), Some(9)));
        assert_eq!(loss.detail, "emitted; the first: b");
    }
}
