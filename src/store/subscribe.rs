//! Subscriptions: events as they become durable, from any place in the order of arrival on.
//!
//! A subscription reads from the store at its own pace, so that a slow one costs the writer nothing.
//! Where retention was faster than it, it is told how many events it missed.

use std::collections::VecDeque;
use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;
use std::time::{Duration, Instant};

use super::durable::Progress;
use super::{Store, StoredEvent};
use crate::error::StoreError;
use crate::query::Filter;

/// Events read ahead at once.
const READ_AHEAD_EVENTS: usize = 1024;

/// A place in the order of arrival of one store: behind the event with this sequence number.
///
/// ```
/// use sutra_grid_events::store::Cursor;
/// let cursor = Cursor { epoch: 0xab, sequence: 12 };
/// assert_eq!(cursor.to_string(), "00000000000000ab:12");
/// assert_eq!("00000000000000ab:12".parse(), Ok(cursor));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cursor {
    /// The random number of the store.
    pub epoch: u64,
    /// The last sequence number that was delivered; 0 before the first.
    pub sequence: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}:{}", self.epoch, self.sequence)
    }
}

/// Why a text is not a cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a cursor of the form EPOCH:SEQUENCE")]
pub struct CursorError(String);

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once(':').and_then(|(epoch, sequence)| {
            Some(Self { epoch: u64::from_str_radix(epoch, 16).ok()?, sequence: sequence.parse().ok()? })
        });
        parsed.ok_or_else(|| CursorError(text.chars().take(64).collect()))
    }
}

/// What a subscription yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// An event, durable.
    Event(StoredEvent),
    /// Events that were removed before they could be read, whether they would have passed the filter or not. Several
    /// runs of them are told at once where no event that passes lies between.
    Missed {
        /// How many.
        count: u64,
        /// Where the subscription goes on.
        resume: Cursor,
    },
}

/// A stream of the events of a store that pass a filter.
#[derive(Debug)]
pub struct Subscription {
    store: Store,
    filter: Filter,
    /// Everything up to here was looked at.
    read: u64,
    /// Everything up to here was delivered or did not pass.
    delivered: u64,
    ahead: VecDeque<Delivery>,
    progress: tokio::sync::watch::Receiver<Progress>,
}

impl Store {
    /// Subscribes to the events that pass a filter: those after the cursor, or without one those that
    /// become durable from now on.
    ///
    /// # Errors
    /// If the cursor is of another store.
    pub fn subscribe(&self, filter: Filter, from: Option<Cursor>) -> Result<Subscription, StoreError> {
        let epoch = self.epoch();
        if let Some(cursor) = from.filter(|cursor| cursor.epoch != epoch) {
            return Err(StoreError::ForeignCursor { found: cursor.epoch, expected: epoch });
        }
        let start = from.map_or_else(|| self.durable_sequence(), |cursor| cursor.sequence);
        let progress = self.shared().durable.progress();
        Ok(Subscription {
            store: self.clone(),
            filter,
            read: start,
            delivered: start,
            ahead: VecDeque::new(),
            progress,
        })
    }
}

impl Subscription {
    /// Where to resume after what was delivered so far.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.store.epoch(), sequence: self.delivered }
    }

    /// What is there already. Nothing if everything durable was delivered.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn try_next(&mut self) -> Result<Option<Delivery>, StoreError> {
        while self.ahead.is_empty() && self.store.durable_sequence() > self.read {
            self.read_ahead()?;
        }
        let next = self.ahead.pop_front();
        self.delivered = match &next {
            Some(Delivery::Event(event)) => event.sequence,
            Some(Delivery::Missed { resume, .. }) => resume.sequence,
            None => self.read,
        };
        Ok(next)
    }

    /// Waits for the next delivery, at most this long. Nothing if the time is over or the store was closed.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Delivery>, StoreError> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(delivery) = self.try_next()? {
                return Ok(Some(delivery));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.store.shared().durable.wait_above(self.read, left) {
                return Ok(None);
            }
        }
    }

    /// Waits for the next delivery. Nothing once the store was closed.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn next(&mut self) -> Result<Option<Delivery>, StoreError> {
        loop {
            if let Some(delivery) = self.try_next()? {
                return Ok(Some(delivery));
            }
            let read = self.read;
            // This cannot fail: the sender lives as long as the store, which this subscription holds.
            let _ = self.progress.wait_for(|progress| progress.durable > read || progress.stopped).await;
            if self.store.durable_sequence() <= read {
                return Ok(None);
            }
        }
    }

    fn read_ahead(&mut self) -> Result<(), StoreError> {
        let durable = self.store.durable_sequence();
        let snapshot = self.store.snapshot();
        let epoch = self.store.epoch();
        let (filter, ahead, read) = (&self.filter, &mut self.ahead, &mut self.read);
        let mut looked_at = 0;
        snapshot.scan_whole(*read, &mut |event| {
            if event.sequence > durable {
                return ControlFlow::Break(());
            }
            note_missed(ahead, epoch, *read, event.sequence - 1);
            *read = event.sequence;
            looked_at += 1;
            if filter.matches(&event) {
                ahead.push_back(Delivery::Event(event));
            }
            if looked_at >= READ_AHEAD_EVENTS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if looked_at == 0 {
            // What is missing up to here will not come.
            note_missed(ahead, epoch, *read, durable);
            *read = durable;
        }
        Ok(())
    }
}

/// Says that the events between two numbers are not there any more: removed, or damaged.
fn note_missed(ahead: &mut VecDeque<Delivery>, epoch: u64, read: u64, last: u64) {
    let missing = last.saturating_sub(read);
    if missing == 0 {
        return;
    }
    let here = Cursor { epoch, sequence: last };
    // What is missing in several places with nothing to deliver in between is told at once.
    if let Some(Delivery::Missed { count, resume }) = ahead.back_mut() {
        (*count, *resume) = (*count + missing, here);
    } else {
        ahead.push_back(Delivery::Missed { count: missing, resume: here });
    }
}
