//! Reads events in the order of their arrival, and single events by their id.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::error::StoreError;
use crate::event::ConceptId;
use crate::storage::{Rows, Source, StoredEvent};

use super::positions::block_of;

/// What becomes of a scan that meets a damaged block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnDamage {
    /// It goes on behind it, and the source knows of it then.
    PassOver,
    /// It ends.
    Fail,
}

/// Visits the events behind a sequence number in the order of arrival.
///
/// Sources follow each other in that order, but within one the events lie as it suits it. The decoded
/// blocks of one source are held at a time.
pub(super) fn scan(
    sources: &[Arc<dyn Source>],
    after_sequence: u64,
    damage: OnDamage,
    visitor: &mut dyn FnMut(StoredEvent) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let mut sources: Vec<&Arc<dyn Source>> =
        sources.iter().filter(|source| source.len() > 0 && *source.sequences().end() > after_sequence).collect();
    sources.sort_by_key(|source| *source.sequences().start());
    for source in sources {
        let flow = if source.is_in_order_of_arrival() {
            scan_in_order(&**source, after_sequence, damage, visitor)?
        } else {
            scan_sorted(&**source, after_sequence, damage, visitor)?
        };
        if flow.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// Visits a source whose positions are in the order of arrival.
fn scan_in_order(
    source: &dyn Source,
    after_sequence: u64,
    damage: OnDamage,
    visitor: &mut dyn FnMut(StoredEvent) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, StoreError> {
    for (block, zone) in source.zones().iter().enumerate() {
        let Some(rows) = readable_rows(source, block, damage)? else { continue };
        if rows.sequence(zone.count - 1) <= after_sequence {
            continue;
        }
        for row in (0..zone.count).filter(|&row| rows.sequence(row) > after_sequence) {
            if visitor(rows.stored_event(row)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Visits a source whose events lie otherwise; holds its decoded blocks meanwhile.
fn scan_sorted(
    source: &dyn Source,
    after_sequence: u64,
    damage: OnDamage,
    visitor: &mut dyn FnMut(StoredEvent) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, StoreError> {
    let mut blocks: Vec<Option<Arc<dyn Rows>>> = Vec::with_capacity(source.zones().len());
    let mut arrivals: Vec<(u64, usize, u32)> = Vec::new();
    for (block, zone) in source.zones().iter().enumerate() {
        let rows = readable_rows(source, block, damage)?;
        if let Some(rows) = &rows {
            let sequences = (0..zone.count).map(|row| (rows.sequence(row), block, row));
            arrivals.extend(sequences.filter(|&(sequence, ..)| sequence > after_sequence));
        }
        blocks.push(rows);
    }
    arrivals.sort_unstable();
    for (_, block, row) in arrivals {
        // Every block of the source was pushed above, in order.
        if let Some(rows) = &blocks[block]
            && visitor(rows.stored_event(row)).is_break()
        {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The rows of a block; nothing if it is damaged and is to be passed over.
fn readable_rows(source: &dyn Source, block: usize, damage: OnDamage) -> Result<Option<Arc<dyn Rows>>, StoreError> {
    match source.rows(block) {
        Ok(rows) => Ok(Some(rows)),
        Err(error) if damage == OnDamage::PassOver && error.is_unreadable() => {
            source.note_unreadable(Some(block), &error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The event with an id. Sources that hold no event of its time are passed over, the newest is asked first. Where it is
/// found nowhere and a block that may hold it is damaged, that is an error.
pub(super) fn get(sources: &[Arc<dyn Source>], id: &ConceptId) -> Result<Option<StoredEvent>, StoreError> {
    let time_us = id.timestamp_us();
    let holds_time = |source: &&Arc<dyn Source>| {
        source.time_bounds().is_some_and(|(min_us, max_us)| (min_us..=max_us).contains(&time_us))
    };
    let mut unreadable = None;
    for source in sources.iter().rev().filter(holds_time) {
        match get_of(&**source, id) {
            Ok(None) => {}
            Err(error) if error.is_unreadable() => unreadable = Some(error),
            other => return other,
        }
    }
    unreadable.map_or(Ok(None), Err)
}

fn get_of(source: &dyn Source, id: &ConceptId) -> Result<Option<StoredEvent>, StoreError> {
    let Some(position) = source.position_of(id)? else { return Ok(None) };
    let Some(block) = block_of(source.zones(), position) else { return Ok(None) };
    let first = source.zones()[block].first; // `block_of` gives an index into these zones.
    Ok(Some(source.rows(block)?.stored_event(position - first)))
}
