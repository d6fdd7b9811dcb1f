//! Finding events that are there already, so that an interrupted import is simply run again.
//!
//! Nothing is stored for this. The contents at a (type, µs) are read when an event there is first asked
//! about, and kept as hashes while an import goes on, since many events can share one microsecond.

use std::collections::HashMap;
use std::sync::Arc;

use super::Appended;
use super::append::Writer;
use super::pieces::Pieces;
use super::shared::Shared;
use crate::error::StoreError;
use crate::event::{ConceptId, Event};
use crate::storage::Source;
use crate::storage::tail::TailSource;

/// Contents remembered at once; beyond this everything is forgotten and read again when needed.
const KNOWN_CONTENTS_MAX: usize = 1 << 18;

type ContentHash = [u8; 16];
type Moment = (Arc<str>, i64);

/// The contents of the moments that were asked about.
#[derive(Debug, Default)]
pub(super) struct KnownContents {
    moments: HashMap<Moment, HashMap<ContentHash, ConceptId>>,
    count: usize,
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
        if self.known.count > KNOWN_CONTENTS_MAX {
            self.known.forget();
        }
        let pieces = shared.pieces();
        let mut scratch = String::new();
        let (mut places, mut new, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        let mut in_batch: HashMap<(Moment, ContentHash), usize> = HashMap::new();
        for event in events {
            let moment: Moment = (crate::event::intern_name(event.event_type()), event.timestamp_us());
            if !self.known.moments.contains_key(&moment) {
                let there = contents_at(&pieces, &moment, &mut scratch)?;
                self.known.count += there.len() + 1;
                self.known.moments.insert(moment.clone(), there);
            }
            let hash = content_hash(event, &mut scratch);
            let known = self.known.moments.get(&moment).and_then(|contents| contents.get(&hash));
            places.push(match (known, in_batch.get(&(moment.clone(), hash))) {
                (Some(id), _) => Place::There(id.clone()),
                (None, Some(&place)) => Place::SameAsNew(place),
                (None, None) => {
                    in_batch.insert((moment.clone(), hash), new.len());
                    new.push(event.clone());
                    keys.push((moment, hash));
                    Place::New(new.len() - 1)
                }
            });
        }
        let appended = match self.append(shared, &new) {
            Ok(appended) => appended,
            Err(error) => {
                // A part of the events may have been stored before the disk refused.
                self.known.forget();
                return Err(error);
            }
        };
        for ((moment, hash), outcome) in keys.into_iter().zip(&appended) {
            if let (Appended::Stored(id), Some(contents)) = (outcome, self.known.moments.get_mut(&moment)) {
                contents.insert(hash, id.clone());
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
) -> Result<HashMap<ContentHash, ConceptId>, StoreError> {
    let mut contents = HashMap::new();
    let mut add = |event: &Event, id: ConceptId| {
        contents.insert(content_hash(event, scratch), id);
    };
    for segment in &pieces.segments {
        segment.each_at(event_type, *timestamp_us, |rows, row| {
            use crate::storage::Rows;
            add(&rows.event(row), rows.id(row));
        })?;
    }
    for tail in &pieces.tails {
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
    Ok(contents)
}
