//! Finding events that are there already, so that an interrupted import is simply run again.
//!
//! Nothing is stored for this. The contents at a (type, µs) are read when an event there is first asked
//! about, and kept as hashes while an import goes on, since many events can share one microsecond.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Appended;
use super::append::Writer;
use super::pieces::Pieces;
use super::shared::Shared;
use crate::error::StoreError;
use crate::event::{ConceptId, Event};
use crate::storage::tail::TailSource;
use crate::storage::{Source, StoredEvent};

/// Contents remembered at once; beyond this everything is forgotten and read again when needed.
const KNOWN_CONTENTS_MAX: usize = 1 << 18;

type ContentHash = [u8; 16];
type Moment = (Arc<str>, i64);

/// The contents of the moments that were asked about.
#[derive(Debug, Default)]
pub(super) struct KnownContents {
    moments: HashMap<Moment, KnownMoment>,
    count: usize,
}

/// The events of a type in one microsecond.
#[derive(Debug, Default)]
struct KnownMoment {
    contents: HashMap<ContentHash, ConceptId>,
    /// The ordinals that are taken. More than there are contents, where some are there twice.
    ordinals: HashSet<u32>,
    /// Above all of them.
    next: u32,
}

impl KnownMoment {
    fn add(&mut self, hash: ContentHash, id: ConceptId) {
        self.take(id.ordinal());
        self.contents.insert(hash, id);
    }

    fn take(&mut self, ordinal: u32) -> u32 {
        self.ordinals.insert(ordinal);
        self.next = self.next.max(ordinal.saturating_add(1));
        ordinal
    }

    /// An ordinal for an event that had this one elsewhere.
    fn keep_or_give(&mut self, ordinal: u32) -> u32 {
        let is_free = !self.ordinals.contains(&ordinal);
        self.take(if is_free { ordinal } else { self.next })
    }
}

impl KnownContents {
    /// Forgets everything, since events were appended past this.
    pub(super) fn forget(&mut self) {
        if self.count > 0 || !self.moments.is_empty() {
            *self = Self::default();
        }
    }
}

fn content_hash(event: &Event, scratch: &mut String) -> ContentHash {
    scratch.clear();
    event.write_json(scratch);
    let mut hash = ContentHash::default();
    hash.copy_from_slice(&blake3::hash(scratch.as_bytes()).as_bytes()[..16]);
    hash
}

/// Where an event of a batch ends up.
enum Place {
    There(ConceptId),
    /// The same as an earlier event of the batch, by its place among the new ones.
    SameAsNew(usize),
    New(usize),
}

impl Writer {
    pub(super) fn append_new(&mut self, shared: &Shared, events: &[Event]) -> Result<Vec<Appended>, StoreError> {
        self.append_unknown(shared, events.iter().map(|event| (event, None)))
    }

    pub(super) fn append_kept(&mut self, shared: &Shared, events: &[StoredEvent]) -> Result<Vec<Appended>, StoreError> {
        self.append_unknown(shared, events.iter().map(|stored| (&stored.event, Some(stored.id.ordinal()))))
    }

    /// Appends events that are not there yet, each with the ordinal that it had elsewhere, or all without one.
    fn append_unknown<'a>(
        &mut self,
        shared: &Shared,
        events: impl Iterator<Item = (&'a Event, Option<u32>)>,
    ) -> Result<Vec<Appended>, StoreError> {
        if self.known.count > KNOWN_CONTENTS_MAX {
            self.known.forget();
        }
        let pieces = shared.pieces();
        let mut scratch = String::new();
        let (mut places, mut new, mut keys, mut ordinals) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut in_batch: HashMap<(Moment, ContentHash), usize> = HashMap::new();
        for (event, had) in events {
            let moment: Moment = (crate::event::intern_name(event.event_type()), event.timestamp_us());
            let hash = content_hash(event, &mut scratch);
            if let Some(&place) = in_batch.get(&(moment.clone(), hash)) {
                places.push(Place::SameAsNew(place));
                continue;
            }
            if !self.known.moments.contains_key(&moment) {
                let there = contents_at(&pieces, &moment, &mut scratch)?;
                self.known.count += there.contents.len() + 1;
                self.known.moments.insert(moment.clone(), there);
            }
            let known = self.known.moments.entry(moment.clone()).or_default();
            if let Some(id) = known.contents.get(&hash) {
                places.push(Place::There(id.clone()));
                continue;
            }
            ordinals.extend(had.map(|had| known.keep_or_give(had)));
            in_batch.insert((moment.clone(), hash), new.len());
            places.push(Place::New(new.len()));
            new.push(event.clone());
            keys.push((moment, hash));
        }
        let given = (ordinals.len() == new.len()).then_some(ordinals.as_slice());
        let appended = match self.append(shared, &new, given) {
            Ok(appended) => appended,
            Err(error) => {
                // A part of the events may have been stored before the disk refused.
                self.known.forget();
                return Err(error);
            }
        };
        for ((moment, hash), outcome) in keys.into_iter().zip(&appended) {
            if let (Appended::Stored(id), Some(known)) = (outcome, self.known.moments.get_mut(&moment)) {
                known.add(hash, id.clone());
                self.known.count += 1;
            }
        }
        let outcome = |place: Place| match place {
            Place::There(id) => Appended::Duplicate(id),
            Place::New(place) => appended[place].clone(),
            Place::SameAsNew(place) => match &appended[place] {
                Appended::Stored(id) => Appended::Duplicate(id.clone()),
                other => other.clone(),
            },
        };
        Ok(places.into_iter().map(outcome).collect())
    }
}

/// The contents of all events of a type in one microsecond.
fn contents_at(
    pieces: &Pieces,
    (event_type, timestamp_us): &Moment,
    scratch: &mut String,
) -> Result<KnownMoment, StoreError> {
    let mut known = KnownMoment::default();
    let mut add = |event: &Event, id: ConceptId| known.add(content_hash(event, scratch), id);
    for segment in &pieces.segments {
        segment.each_at(event_type, *timestamp_us, |rows, row| {
            use crate::storage::Rows;
            add(&rows.event(row), rows.id(row));
        })?;
    }
    for tail in pieces.tails.iter().chain(&pieces.stand_ins) {
        if tail.memory.read().next_ordinal(event_type, *timestamp_us).is_none() {
            continue;
        }
        let source = TailSource::new(&tail.memory);
        let of_type = source.of_type(event_type);
        for (block, zone) in source.zones().iter().enumerate() {
            if !(zone.min_us..=zone.max_us).contains(timestamp_us) {
                continue;
            }
            let rows = source.rows(block)?;
            for row in (0..zone.count).filter(|row| of_type.contains(zone.first + row)) {
                if rows.timestamp_us(row) == *timestamp_us {
                    add(&rows.event(row), rows.id(row));
                }
            }
        }
    }
    Ok(known)
}
