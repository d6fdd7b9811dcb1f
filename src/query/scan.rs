//! Reads events in the order of their arrival, and single events by their id.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::error::StoreError;
use crate::event::ConceptId;
use crate::storage::{Rows, Source, StoredEvent};

use super::positions::block_of;

/// Visits the events behind a sequence number in the order of arrival.
///
/// Sources follow each other in that order, but within one the events lie as it suits it. The decoded
/// blocks of one source are held at a time.
pub(super) fn scan(
    sources: &[Arc<dyn Source>],
    after_sequence: u64,
    visitor: &mut dyn FnMut(StoredEvent) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let mut sources: Vec<&Arc<dyn Source>> =
        sources.iter().filter(|source| source.len() > 0 && *source.sequences().end() > after_sequence).collect();
    sources.sort_by_key(|source| *source.sequences().start());
    for source in sources {
        let flow = if source.is_in_order_of_arrival() {
            scan_in_order(&**source, after_sequence, visitor)?
        } else {
            scan_sorted(&**source, after_sequence, visitor)?
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
    visitor: &mut dyn FnMut(StoredEvent) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, StoreError> {
    for (block, zone) in source.zones().iter().enumerate() {
        let rows = source.rows(block)?;
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
    visitor: &mut dyn FnMut(StoredEvent) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, StoreError> {
    let mut blocks: Vec<Arc<dyn Rows>> = Vec::with_capacity(source.zones().len());
    let mut arrivals: Vec<(u64, usize, u32)> = Vec::new();
    for (block, zone) in source.zones().iter().enumerate() {
        let rows = source.rows(block)?;
        let sequences = (0..zone.count).map(|row| (rows.sequence(row), block, row));
        arrivals.extend(sequences.filter(|&(sequence, ..)| sequence > after_sequence));
        blocks.push(rows);
    }
    arrivals.sort_unstable();
    for (_, block, row) in arrivals {
        // Every block of the source was pushed above, in order.
        if visitor(blocks[block].stored_event(row)).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The event with an id. Sources that hold no event of its time are passed over, the newest is asked first.
pub(super) fn get(sources: &[Arc<dyn Source>], id: &ConceptId) -> Result<Option<StoredEvent>, StoreError> {
    let time_us = id.timestamp_us();
    for source in sources.iter().rev() {
        if source.time_bounds().is_some_and(|(min_us, max_us)| (min_us..=max_us).contains(&time_us))
            && let Some(position) = source.position_of(id)?
            && let Some(block) = block_of(source.zones(), position)
        {
            let first = source.zones()[block].first; // `block_of` gives an index into these zones.
            return Ok(Some(source.rows(block)?.stored_event(position - first)));
        }
    }
    Ok(None)
}
