//! Taking over events and foreign records, batch by batch.

use std::collections::{BTreeSet, HashMap};

use super::MergedSource;
use crate::error::StoreError;
use crate::event::ConceptId;
use crate::forensics::events::{EventsByTime, Unreadable};
use crate::forensics::foreign::{self, ForeignKey, ForeignVersion};
use crate::storage::{ForeignRecord, StoredEvent};
use crate::store::{Appended, Origin, Snapshot, Store};

/// The most events of one store in a row.
const BATCH_EVENTS: usize = 8_192;
/// About the most memory that they take, in bytes.
const BATCH_BYTES: usize = 8 << 20;
/// Foreign records written at once.
const FOREIGN_RECORDS: usize = 256;

/// A store that is merged into another.
struct Source<'a> {
    events: EventsByTime<'a>,
    merged: &'a mut MergedSource,
    /// Ids that events of it had, and what they are in the output, where that is another.
    renamed: HashMap<ConceptId, ConceptId>,
}

/// Takes over all that can be read of some stores. Gives for each what cannot.
pub(super) fn take_over(
    stores: &[Store],
    output: &Store,
    merged: &mut [MergedSource],
    progress: &dyn Fn(u64, u64),
) -> Result<Vec<Vec<Unreadable>>, StoreError> {
    let snapshots: Vec<Snapshot> = stores.iter().map(Store::snapshot).collect();
    let total = snapshots.iter().flat_map(|snapshot| snapshot.sources()).map(|source| u64::from(source.len())).sum();
    let mut sources: Vec<Source<'_>> = snapshots
        .iter()
        .zip(merged)
        .map(|(snapshot, merged)| Source {
            events: EventsByTime::new(snapshot.sources().iter()),
            merged,
            renamed: HashMap::new(),
        })
        .collect();
    let mut unclaimed = unclaimed(output)?;
    let mut done = 0;
    // Whole batches of one store, so that the origin of many events is one entry.
    let next = |sources: &[Source<'_>]| {
        let times = sources.iter().enumerate().filter_map(|(index, source)| Some((source.events.next_us()?, index)));
        times.min().map(|(_, index)| index)
    };
    while let Some(source) = next(&sources).and_then(|index| sources.get_mut(index)) {
        let batch = source.next_batch();
        source.append(&batch, output, &mut unclaimed)?;
        done += batch.len() as u64;
        progress(done, total);
    }
    let mut known = foreign::versions(output)?;
    let mut unreadable = Vec::new();
    for (store, source) in stores.iter().zip(&mut sources) {
        source.merged.foreign = take_over_foreign(store, &source.renamed, output, &mut known)?;
        source.merged.unreadable = source.events.unreadable.iter().map(|unreadable| unreadable.events).sum();
        unreadable.push(std::mem::take(&mut source.events.unreadable));
    }
    Ok(unreadable)
}

/// The numbers of events that were stored last by a merge that was interrupted before it noted where they came from.
fn unclaimed(output: &Store) -> Result<BTreeSet<u64>, StoreError> {
    let claimed = output.origins()?.iter().map(|origin| origin.last_sequence).max().unwrap_or(0);
    Ok((claimed + 1..=output.sequence()).collect())
}

impl Source<'_> {
    fn next_batch(&mut self) -> Vec<StoredEvent> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH_EVENTS && bytes < BATCH_BYTES {
            let Some(event) = self.events.next() else { break };
            bytes += event.event.memory_bytes();
            batch.push(event);
        }
        batch
    }

    fn append(
        &mut self,
        batch: &[StoredEvent],
        output: &Store,
        unclaimed: &mut BTreeSet<u64>,
    ) -> Result<(), StoreError> {
        let before = output.sequence();
        let outcomes = output.append_kept(batch)?;
        // For each event of the batch that came from here: its number in the output and its number here.
        let mut came: Vec<(u64, u64)> = Vec::new();
        let snapshot = (!unclaimed.is_empty()).then(|| output.snapshot());
        let mut next = before + 1;
        self.merged.read += batch.len() as u64;
        for (event, outcome) in batch.iter().zip(outcomes) {
            let id = match outcome {
                Appended::Stored(id) => {
                    came.push((next, event.sequence));
                    next += 1;
                    self.merged.stored += 1;
                    self.merged.renamed += u64::from(id != event.id);
                    id
                }
                Appended::Duplicate(id) => {
                    self.merged.duplicates += 1;
                    if let Some(snapshot) = &snapshot
                        && let Some(there) = snapshot.get(&id)?.filter(|there| unclaimed.remove(&there.sequence))
                    {
                        came.push((there.sequence, event.sequence));
                    }
                    id
                }
                Appended::Rejected(_) => {
                    self.merged.rejected += 1;
                    continue;
                }
            };
            if id != event.id {
                self.renamed.insert(event.id.clone(), id);
            }
        }
        if came.is_empty() {
            return Ok(());
        }
        // Where they came from must not be known of events that a power cut takes.
        output.flush()?;
        came.sort_unstable();
        came.chunk_by(|a, b| a.0 + 1 == b.0).try_for_each(|run| output.note_origin(&self.origin_of(run)))
    }

    /// Where events came from that stand in a row in the output; there is one at least.
    fn origin_of(&self, run: &[(u64, u64)]) -> Origin {
        let bounds = |numbers: &dyn Fn(&(u64, u64)) -> u64| {
            let numbers = || run.iter().map(numbers);
            (numbers().min().unwrap_or(0), numbers().max().unwrap_or(0))
        };
        let ((first_sequence, last_sequence), there) = (bounds(&|pair| pair.0), bounds(&|pair| pair.1));
        Origin {
            epoch: self.merged.epoch,
            label: self.merged.label.clone(),
            first_sequence,
            last_sequence,
            origin_first_sequence: there.0,
            origin_last_sequence: there.1,
            events: run.len() as u64,
        }
    }
}

/// Takes over foreign records that are newer than those that are there. Gives how many.
fn take_over_foreign(
    store: &Store,
    renamed: &HashMap<ConceptId, ConceptId>,
    output: &Store,
    known: &mut HashMap<ForeignKey, ForeignVersion>,
) -> Result<u64, StoreError> {
    let (mut taken, mut batch, mut result) = (0, Vec::new(), Ok(()));
    foreign::for_each(store, &mut |mut record| {
        rename_ends(&mut record, renamed);
        let (key, version) = (foreign::key_of(&record), foreign::version_of(&record));
        if result.is_err() || known.get(&key).is_some_and(|known| *known >= version) {
            return;
        }
        known.insert(key, version);
        batch.push(record);
        taken += 1;
        if batch.len() >= FOREIGN_RECORDS {
            result = output.learn_foreign(&batch);
            batch.clear();
        }
    })?;
    result?;
    output.learn_foreign(&batch)?;
    Ok(taken)
}

/// What was said about an event goes with it to the id that it has in the output.
fn rename_ends(record: &mut ForeignRecord, renamed: &HashMap<ConceptId, ConceptId>) {
    let rename = |id: &mut String| {
        if !renamed.is_empty()
            && let Ok(parsed) = id.parse::<ConceptId>()
            && let Some(now) = renamed.get(&parsed)
        {
            *id = now.to_string();
        }
    };
    match record {
        ForeignRecord::Concept(concept) => rename(&mut concept.id),
        ForeignRecord::Association(association) => {
            rename(&mut association.source);
            rename(&mut association.target);
        }
    }
}
