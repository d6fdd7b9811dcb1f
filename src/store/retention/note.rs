//! The record of what goes: an event in the store itself, and an entry in the keyed part. Both are durable before a
//! file is changed; a note of something that is still there does no harm, and is not made twice.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::reduce::Gone;
use crate::error::StoreError;
use crate::event::{DynamicEvent, Event, timestamp};
use crate::storage::chain::{Hash, hex};
use crate::storage::keyed::Tree;
use crate::storage::segment::SegmentReader;
use crate::storage::{EVENTS_REMOVED, RemovalCause};
use crate::store::Removal;
use crate::store::config::WAITING_TAILS_MAX;
use crate::store::shared::Shared;

/// Removals that are remembered one by one; older ones are forgotten.
pub(crate) const REMOVALS_MAX: usize = 10_000;
/// How long the sealer waits for whoever appends.
const WRITER_WAIT: Duration = Duration::from_millis(100);

/// Something that goes.
pub(super) struct Note {
    removal: Removal,
    root_before: Hash,
    root_after: Option<Hash>,
    /// Whether the store says it in an event. What goes of its own such events is not worth another one: there would
    /// be no end to it.
    in_event: bool,
}

impl Note {
    /// That all of a segment goes.
    pub(super) fn of_whole(segment: &SegmentReader, removed_at_us: i64) -> Self {
        let contents = segment.contents();
        let removal = Removal {
            first_sequence: contents.first_sequence,
            last_sequence: contents.last_sequence,
            first_us: contents.blocks.iter().map(|block| block.min_us).min().unwrap_or(0),
            last_us: contents.blocks.iter().map(|block| block.max_us).max().unwrap_or(0),
            events: u64::from(contents.count),
            removed_at_us,
            event_type: None,
            cause: RemovalCause::Expired,
        };
        let in_event = contents.types.iter().any(|found| found.name != EVENTS_REMOVED);
        Self { removal, root_before: contents.chain_root(), root_after: None, in_event }
    }

    /// That events of a type of a segment go.
    pub(super) fn of_type(segment: &SegmentReader, gone: &Gone, removed_at_us: i64) -> Self {
        let contents = segment.contents();
        let removal = Removal {
            first_sequence: contents.first_sequence,
            last_sequence: contents.last_sequence,
            first_us: gone.first_us,
            last_us: gone.last_us,
            events: u64::from(gone.events),
            removed_at_us,
            event_type: Some(gone.event_type.clone()),
            cause: gone.cause,
        };
        let in_event = gone.event_type != EVENTS_REMOVED;
        Self { removal, root_before: gone.root_before, root_after: gone.root_after, in_event }
    }

    /// The key in the keyed part, in the order of the sequence numbers.
    fn key(&self) -> String {
        let first = self.removal.first_sequence;
        match &self.removal.event_type {
            None => format!("{first:020}"),
            Some(event_type) => format!("{first:020}-{event_type}-{}", cause_name(self.removal.cause)),
        }
    }

    fn event(&self) -> Result<Event, StoreError> {
        let removal = &self.removal;
        let now = DateTime::<Utc>::from_timestamp_micros(removal.removed_at_us).unwrap_or_default();
        let invalid = |error: crate::event::EventError| StoreError::damaged(EVENTS_REMOVED.as_ref(), error.to_string());
        let mut event = DynamicEvent::new(EVENTS_REMOVED, now).map_err(invalid)?;
        if let Some(removed_type) = &removal.event_type {
            event = event.with("removed_type", removed_type.as_str());
        }
        event = event
            .with("cause", cause_name(removal.cause))
            .with("first_sequence", removal.first_sequence)
            .with("last_sequence", removal.last_sequence)
            .with("first_time", timestamp::format(removal.first_us))
            .with("last_time", timestamp::format(removal.last_us))
            .with("events", removal.events)
            .with("root_before", hex(&self.root_before));
        if let Some(root_after) = &self.root_after {
            event = event.with("root_after", hex(root_after));
        }
        Ok(Event::Dynamic(event))
    }
}

fn cause_name(cause: RemovalCause) -> &'static str {
    match cause {
        RemovalCause::Expired => "expired",
        RemovalCause::Thinned => "thinned",
        RemovalCause::Lost => "lost",
    }
}

/// Notes durably what goes. The sealer does not wait long for whoever appends, since they may wait for it: then nothing
/// is noted, and the answer is false.
pub(super) fn put(shared: &Shared, notes: &[Note], is_sealer: bool) -> Result<bool, StoreError> {
    // What was begun and not finished before was noted then.
    let is_new = |note: &&Note| {
        let known = shared.with_keyed(false, |keyed| keyed.get::<Removal>(Tree::Retention, &note.key()));
        known.map(|known| known.is_none_or(|known| known.last_sequence != note.removal.last_sequence))
    };
    let mut new = Vec::new();
    for note in notes {
        if is_new(&note)? {
            new.push(note);
        }
    }
    // Events of a spool go to another store, which has nothing to do with what the spool drops.
    let told = new.iter().filter(|note| note.in_event && !shared.is_spool);
    let events = told.map(|note| note.event()).collect::<Result<Vec<Event>, StoreError>>()?;
    if !events.is_empty() && !append(shared, &events, is_sealer)? {
        return Ok(false);
    }
    shared.with_keyed(true, |keyed| {
        for note in &new {
            keyed.put(Tree::Retention, &note.key(), &note.removal)?;
        }
        keyed.keep_newest(Tree::Retention, REMOVALS_MAX)
    })?;
    // Published as well before anything goes: sled alone may forget, where its process is killed, what it had synced.
    shared.publish_keyed()?;
    Ok(true)
}

/// Appends events durably; false if the sealer would have had to wait.
fn append(shared: &Shared, events: &[Event], is_sealer: bool) -> Result<bool, StoreError> {
    {
        let mut writer = if is_sealer {
            let Some(writer) = shared.writer.try_lock_for(WRITER_WAIT) else { return Ok(false) };
            // One batch starts one new tail at most, so that there is room without sealing another first.
            if shared.pieces().waiting() >= WAITING_TAILS_MAX {
                return Ok(false);
            }
            writer
        } else {
            shared.writer.lock()
        };
        let writer = writer.as_mut().ok_or(StoreError::Closed)?;
        writer.known.forget();
        writer.append(shared, events, None)?;
    }
    shared.sealing.lock().awaits_durable = is_sealer;
    let flushed = shared.durable.flush();
    shared.sealing.lock().awaits_durable = false;
    flushed.map(|()| true)
}
