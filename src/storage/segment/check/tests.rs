//! Indices that say something else than the events, with all checksums right.

use xxhash_rust::xxh3::xxh3_64;

use super::super::contents::{Contents, SectionRecord, assemble};
use super::super::{Sealing, build};
use super::*;
use crate::event::{ConceptId, Event};
use crate::storage::chain::Anchor;
use crate::storage::source::StoredEvent;
use crate::storage::tail::TailMemory;

/// A segment with an entity of 5,000 events, whose positions are a bitmap, and many of a few.
fn segment() -> Vec<u8> {
    let mut memory = TailMemory::new(1);
    for number in 0..5_000u64 {
        let time = crate::event::timestamp::format(number as i64 * 10);
        let node = number % 40;
        let event = Event::from_json(&format!(
            r#"{{"event_type":"node_note","node_id":"node-{node}","host":"one","big":{number}e30,"timestamp":"{time}"}}"#
        ));
        let event = event.expect("an event");
        let id = ConceptId::from_parts("node_note".into(), event.timestamp_us(), 0);
        memory.push_stored(&StoredEvent { id, sequence: number + 1, event }).expect("stored");
    }
    let sealing = Sealing { epoch: 1, id: 1, sealed_at_us: 0, before: Anchor::default() };
    build(&memory, sealing).expect("built").1
}

/// The segment with a section changed and its checksums right again.
fn changed(file: &[u8], record: impl Fn(&mut Contents) -> &mut SectionRecord, change: impl Fn(&mut [u8])) -> Vec<u8> {
    let (mut contents, body) = frame::check(file, &mut Vec::new()).expect("whole");
    let mut body = body.to_vec();
    let record = record(&mut contents);
    let section = &mut body[record.offset as usize..][..record.bytes as usize];
    change(section);
    record.checksum = xxh3_64(section);
    assemble(&contents, &body).expect("assembled")
}

fn faults(file: &[u8]) -> Vec<(Harm, String)> {
    check(file).faults.into_iter().map(|fault| (fault.harm, fault.place)).collect()
}

#[test]
fn a_whole_segment_has_no_fault() {
    let facts = check(&segment());
    assert!(facts.faults.is_empty(), "{:?}", facts.faults);
    assert_eq!((facts.events, facts.runs), (5_000, vec![(1, 5_000)]));
}

#[test]
fn wrong_postings_are_found() {
    let file = segment();
    let last = |section: &mut [u8]| {
        let at = section.len() - 1;
        section[at] ^= 1;
    };
    for page in [0, 1] {
        let wrong = changed(&file, |contents| &mut contents.postings[page].section, last);
        // Positions beyond the segment damage their page, others are those of other events.
        let found = faults(&wrong);
        assert!(found.len() == 1 && found[0].0 == Harm::Index && found[0].1.ends_with("postings"), "{found:?}");
    }
}

#[test]
fn wrong_counts_and_a_filter_that_denies_are_found() {
    let file = segment();
    let wrong = changed(
        &file,
        |contents| &mut contents.counts,
        |section| {
            let at = section.len() - 1;
            section[at] ^= 1;
        },
    );
    assert_eq!(faults(&wrong), [(Harm::Index, "counts".to_owned())]);
    let wrong = changed(&file, |contents| &mut contents.filter, |section| section.fill(0));
    assert_eq!(faults(&wrong), [(Harm::Index, "filter".to_owned())]);
}

#[test]
fn what_the_contents_say_of_types_is_compared() {
    let (contents, body) = {
        let file = segment();
        let (contents, body) = frame::check(&file, &mut Vec::new()).expect("whole");
        (contents, body.to_vec())
    };
    let mut wrong = contents.clone();
    wrong.types[0].ordinal_at_max = 3;
    wrong.types[0].root[0] ^= 1;
    wrong.blocks[1].min_us -= 1;
    let faults = faults(&assemble(&wrong, &body).expect("assembled"));
    for place in ["block 1", "type node_note", "contents"] {
        assert!(faults.iter().any(|(_, found)| found == place), "{place} in {faults:?}");
    }
}
