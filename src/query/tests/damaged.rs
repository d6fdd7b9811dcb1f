//! Indices of a segment that are damaged: queries read the events instead, and find the same.

use std::ops::Range;
use std::path::Path;

use crate::event::Event;
use crate::query::{Filter, GroupKey, Query};
use crate::storage::files;
use crate::storage::segment::{Contents, SegmentCache, SegmentReader};
use crate::store::{Store, StoreConfig};

/// A store of one segment without a log, and the path of the segment.
fn store_of_a_segment(directory: &Path) -> std::path::PathBuf {
    let store = Store::open_with(directory, StoreConfig::default()).expect("new");
    let event = |number: u32| {
        let time = format!("2026-11-24T08:{:02}:{:02}Z", number / 60, number % 60);
        let agent = number % 7;
        Event::from_json(&format!(r#"{{"event_type":"tick","agent_id":"agent-{agent}","timestamp":"{time}"}}"#))
            .expect("an event")
    };
    store.append(&(0..600).map(event).collect::<Vec<_>>()).expect("written");
    store.seal().and_then(|()| store.remove_sealed_logs()).and_then(|()| store.close()).expect("sealed");
    let segments = directory.join(files::SEGMENT_DIRECTORY);
    let id = files::list_numbered(&segments, files::SEGMENT_ENDING).expect("readable")[0];
    files::numbered(&segments, id, files::SEGMENT_ENDING)
}

/// Inverts bytes of the body of a segment.
fn damage(path: &Path, place: Range<u64>) {
    let mut bytes = std::fs::read(path).expect("readable");
    let contents = u32::from_le_bytes(bytes[12..16].try_into().expect("four bytes")) as usize;
    let body = &mut bytes[28 + contents..];
    body[place.start as usize..place.end as usize].iter_mut().for_each(|byte| *byte = !*byte);
    std::fs::write(path, bytes).expect("writable");
}

#[test]
fn a_damaged_index_is_made_up_for_by_the_events() {
    type Place = fn(&Contents) -> Range<u64>;
    let places: [(&str, Place); 3] = [
        ("postings", |contents| at(contents.postings[0].section.offset)),
        ("filter", |contents| at(contents.filter.offset)),
        ("counts", |contents| at(contents.counts.offset)),
    ];
    let answers = |store: &Store| {
        let agent = Filter::entity_of("agent_id", "agent-3");
        let ids = store.snapshot().ids(&Query::new(agent.clone()).newest_first()).expect("readable");
        let by = store.group_by(&Filter::All, &GroupKey::Field("agent_id".to_owned())).expect("readable");
        let within = store.count(&agent.and(Filter::between(None, Some(1_795_507_260_000_000)))).expect("readable");
        (ids, by.groups, within, store.count(&Filter::entity("agent-3")).expect("readable"))
    };
    for (name, place) in places {
        let directory = tempfile::tempdir().expect("a directory");
        let segment = store_of_a_segment(directory.path());
        let whole = answers(&Store::open_read_only(directory.path()).expect("opens"));
        assert_eq!(whole.3, 86);
        let place = place(SegmentReader::open(&segment, &SegmentCache::new(1 << 20)).expect("whole").contents());
        damage(&segment, place);
        let store = Store::open_read_only(directory.path()).expect("opens");
        assert_eq!(answers(&store), whole, "{name}");
        assert!(store.snapshot().damage_met().is_empty(), "{name}");
    }
}

#[test]
fn without_its_words_a_segment_is_a_gap() {
    let directory = tempfile::tempdir().expect("a directory");
    let segment = store_of_a_segment(directory.path());
    let reader = SegmentReader::open(&segment, &SegmentCache::new(1 << 20)).expect("whole");
    let [first, second] = reader.contents().dictionary_offsets;
    drop(reader);
    damage(&segment, at(first));
    damage(&segment, at(second));
    let store = Store::open_read_only(directory.path()).expect("opens");
    let snapshot = store.snapshot();
    assert_eq!(snapshot.count(&Filter::entity("agent-3")).expect("no error"), 0);
    assert_eq!(snapshot.damage_met().iter().filter_map(|gap| gap.events).sum::<u64>(), 600);
    assert!(store.gaps_in(&snapshot, &Filter::event_type("other")).expect("readable").is_empty());
    assert!(!store.gaps_in(&snapshot, &Filter::event_type("tick")).expect("readable").is_empty());
}

fn at(offset: u64) -> Range<u64> {
    offset..offset + 4
}
