//! Thinning: which events of a type say nothing new, since they came when they were due and were like the one before.
//!
//! ```text
//! beats of one agent   x x x x x x x       x x x x * * * x x x      * another count of nodes
//! what is kept         x           x       x     x *   * x   x
//!                            a gap of more than 3 intervals
//! ```
//!
//! What is kept says when something began, ended and changed. Whether nothing came between two events that are kept, or
//! only nothing new, cannot be told from them: whoever looks for silences must leave out the times of the tombstone
//! (`Snapshot::incomplete_stretches`), and so must whoever asks how often something came.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use crate::error::StoreError;
use crate::event::{Event, ValueRef, is_entity_field, kind_index_of};
use crate::storage::Source;
use crate::storage::segment::SegmentReader;

/// A run ends where the interval to the next event is more than this many times the usual one of its entity.
const GAP_INTERVALS: i64 = 3;

/// The events of one entity in the order of time.
#[derive(Default)]
struct Series {
    /// For each its position, its time in µs, and whether it differs from the one before.
    events: Vec<(u32, i64, bool)>,
    /// What the last one said, but for its time.
    said: String,
}

impl Series {
    fn add(&mut self, position: u32, time_us: i64, said: String) {
        let differs = !self.events.is_empty() && self.said != said;
        self.events.push((position, time_us, differs));
        self.said = said;
    }

    /// Adds the positions of those that say nothing new.
    fn redundant(&self, redundant: &mut RoaringBitmap) {
        let mut intervals: Vec<i64> = self.events.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
        intervals.sort_unstable();
        let Some(&usual) = intervals.get(intervals.len() / 2) else { return };
        let long = |before: i64, after: i64| after - before > usual.saturating_mul(GAP_INTERVALS);
        for three in self.events.windows(3) {
            let [(_, before, _), (position, time, differs), (_, after, next_differs)] = [three[0], three[1], three[2]];
            if !(differs || next_differs || long(before, time) || long(time, after)) {
                redundant.insert(position);
            }
        }
    }
}

/// The positions in a segment of the events of a type that say nothing new. Of each entity the first and the last stay,
/// both sides of each gap, and each event that differs from the one before in more than its time, with that one.
pub(super) fn redundant(segment: &SegmentReader, event_type: &str) -> Result<RoaringBitmap, StoreError> {
    let mut series: HashMap<String, Series> = HashMap::new();
    let of_type = segment.of_type(event_type);
    for (block, zone) in Source::zones(segment).iter().enumerate() {
        // Each type has blocks of its own.
        if !of_type.contains(zone.first) {
            continue;
        }
        let rows = Source::rows(segment, block)?;
        for row in 0..zone.count {
            let (entity, said) = entity_and_rest(&rows.event(row));
            series.entry(entity).or_default().add(zone.first + row, rows.timestamp_us(row), said);
        }
    }
    let mut redundant = RoaringBitmap::new();
    series.values().for_each(|series| series.redundant(&mut redundant));
    Ok(redundant)
}

/// The first entity that an event names, and all that it says but for its time.
fn entity_and_rest(event: &Event) -> (String, String) {
    let kind_index = kind_index_of(event.event_type());
    let (mut entity, mut rest) = (None, String::new());
    event.visit(|name, value| {
        if name == "timestamp" {
            return;
        }
        if let (None, ValueRef::Text(text)) = (&entity, value)
            && is_entity_field(kind_index, name)
        {
            entity = Some(text.to_owned());
        }
        crate::event::write_json_text(name, &mut rest);
        value.write_json(&mut rest);
    });
    (entity.unwrap_or_default(), rest)
}
