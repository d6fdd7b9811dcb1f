//! What plans spare: blocks that are not read, and rows that are not evaluated.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::event::{ConceptId, Event, timestamp};
use crate::query::model_source::{Layout, ModelSource};
use crate::query::*;
use crate::storage::{Source, StoredEvent};
use crate::store::Snapshot;

const SECOND: i64 = 1_000_000;
const SOURCES: u64 = 8;
const EVENTS: u64 = 1_000;
const BLOCK: usize = 50;

/// Eight segments of a thousand events, one each second: nine heartbeats and a crash in turn.
struct Grid {
    sources: Vec<Arc<ModelSource>>,
    snapshot: Snapshot,
}

fn grid() -> Grid {
    let mut sources = Vec::new();
    for source in 0..SOURCES {
        let events = (source * EVENTS..(source + 1) * EVENTS).map(|number| {
            let us = i64::try_from(number).expect("small") * SECOND;
            let time = timestamp::format(us);
            let agent = number / 10 % 4;
            let text = if number % 10 == 9 {
                format!(r#"{{"event_type":"node_crashed","node_id":"node-{number}","agent_id":"agent-{agent}","exit_code":1,"timestamp":"{time}"}}"#)
            } else {
                format!(r#"{{"event_type":"agent_heartbeat","agent_id":"agent-{agent}","storage_node_count":1,"timestamp":"{time}"}}"#)
            };
            let event = Event::from_json(&text).expect("well-formed");
            let id = ConceptId::new(event.event_type(), us, 0).expect("a legal type");
            StoredEvent { id, sequence: number + 1, event }
        });
        sources.push(Arc::new(ModelSource::new(Layout::Segment, events.collect(), BLOCK)));
    }
    let snapshot = Snapshot::new(sources.iter().map(|source| Arc::clone(source) as Arc<dyn Source>).collect());
    Grid { sources, snapshot }
}

impl Grid {
    /// How many blocks were read since this was asked last.
    fn blocks_read(&self) -> u64 {
        self.sources.iter().map(|source| source.blocks_read.swap(0, Relaxed)).sum()
    }
}

#[test]
fn the_newest_events_are_in_the_newest_blocks() {
    let grid = grid();
    let result = grid.snapshot.query(&Query::new(Filter::All).newest_first().limit(40)).expect("readable");
    let sequences: Vec<u64> = result.events.iter().map(|stored| stored.sequence).collect();
    assert_eq!(sequences, (EVENTS * SOURCES - 39..=EVENTS * SOURCES).rev().collect::<Vec<_>>());
    assert!(grid.blocks_read() <= 2, "one block of each type");
    assert_eq!(result.explanation.sources_skipped, SOURCES - 1);
    assert_eq!(result.explanation.rows_evaluated, 0);
}

#[test]
fn the_next_page_reads_on_where_the_last_one_ended() {
    let grid = grid();
    let query = Query::new(Filter::event_type("node_crashed")).limit(10);
    let after = PageCursor { timestamp_us: 6_519 * SECOND, sequence: 6_520 };
    let result = grid.snapshot.query(&query.after(after)).expect("readable");
    assert_eq!(result.events[0].sequence, 6_530);
    assert_eq!(grid.blocks_read(), 1);
    assert_eq!(result.explanation.sources_skipped, SOURCES - 1);
}

#[test]
fn a_range_of_time_reads_its_blocks_and_evaluates_their_edges() {
    let grid = grid();
    let filter = Filter::event_type("agent_heartbeat").and(Filter::between(2_100 * SECOND, 2_300 * SECOND));
    let result = grid.snapshot.query(&Query::new(filter.clone())).expect("readable");
    assert_eq!(result.events.len(), 180);
    assert_eq!(grid.blocks_read(), 5, "three whole blocks of fifty, and one at each edge");
    assert_eq!(result.explanation.sources_pruned, SOURCES - 1);
    assert!(result.explanation.rows_evaluated <= 100, "only the first and the last block are evaluated");
    assert_eq!(grid.snapshot.count(&filter).expect("readable"), 180);
    assert!(grid.blocks_read() <= 2);
}

#[test]
fn what_postings_and_stored_counts_know_is_not_read() {
    let grid = grid();
    let crashes = Filter::event_type("node_crashed");
    let by_agent = GroupKey::Field("agent_id".to_owned());
    assert_eq!(grid.snapshot.count(&Filter::All).expect("readable"), 8_000);
    assert_eq!(grid.snapshot.count(&crashes.clone().and(Filter::entity("agent-1"))).expect("readable"), 200);
    assert_eq!(grid.snapshot.count(&crashes.clone().not()).expect("readable"), 7_200);
    assert_eq!(grid.snapshot.count(&Filter::field("agent_id").equals("agent-1")).expect("readable"), 2_000);
    assert_eq!(grid.snapshot.group_by(&crashes, &by_agent).expect("readable").groups.len(), 4);
    assert_eq!(grid.snapshot.group_by(&Filter::All, &by_agent).expect("readable").groups.len(), 4);
    assert_eq!(grid.snapshot.group_by(&Filter::entity("agent-1"), &GroupKey::Type).expect("readable").groups.len(), 2);
    let missing = GroupKey::Field("missing".to_owned());
    assert_eq!(grid.snapshot.group_by(&crashes, &missing).expect("readable").ungrouped, 800);
    let day = GroupKey::Time { bucket: Bucket::Day, offset_seconds: 0 };
    assert_eq!(grid.snapshot.group_by(&crashes, &day).expect("readable").groups.len(), 1);
    assert_eq!(grid.blocks_read(), 0);
}

#[test]
fn a_rare_entity_is_read_from_its_block() {
    let grid = grid();
    let result = grid.snapshot.query(&Query::new(Filter::entity("node-4219"))).expect("readable");
    assert_eq!(result.events.len(), 1);
    assert_eq!(grid.blocks_read(), 1);
    assert_eq!(result.explanation.sources_pruned, SOURCES - 1);
    assert_eq!((result.explanation.rows_certain, result.explanation.rows_possible), (1, 1));
    let id = result.events[0].id.clone();
    assert_eq!(grid.snapshot.get(&id).expect("readable").as_ref(), result.events.first());
    assert_eq!(grid.blocks_read(), 1);
}

#[test]
fn bins_and_buckets_read_only_the_blocks_that_they_cut() {
    let grid = grid();
    let bins = grid.snapshot.histogram(&Filter::All, 500 * SECOND).expect("readable");
    assert_eq!(bins.iter().map(|bin| bin.count).collect::<Vec<_>>(), [500; 16]);
    assert!(grid.blocks_read() <= 2 * SOURCES, "of each source at most the middle blocks of both types");
}
