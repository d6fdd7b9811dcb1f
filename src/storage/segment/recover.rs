//! Recovery of a damaged segment: every event that can still be read, whatever else of the file is lost.
//!
//! Contents and dictionary stand twice in a file, and blocks are read one by one. Postings, counts and the filter are
//! made from the events, so that nothing is lost with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::body::{dictionary_pages, section, slice};
use super::builder::{rebuild, shapes_of};
use super::contents::{self, Contents, END_BYTES, PageRecord, RemovalCause, RemovedRecord, START_BYTES, Start};
use super::dictionary::Dictionary;
use super::reader::{has_legal_sequences, zones_of};
use super::rows::SegmentRows;
use super::{block, filter};
use crate::event::{FieldName, intern_name};
use crate::storage::shape::Shape;
use crate::storage::source::{Rows, StoredEvent, Zone};
use crate::storage::tail::TailMemory;

/// What the bytes of a segment file are.
pub(crate) enum Recovery {
    /// Every checksum fits, and everything can be read.
    Whole(Box<Contents>),
    /// Something is damaged.
    Damaged(Box<Recovered>),
    /// It was written by a newer version.
    Newer(u32),
    /// Both copies of its contents are lost, so that nothing tells what its blocks mean.
    NoContents,
}

/// What was read of a damaged segment.
pub(crate) struct Recovered {
    pub(crate) contents: Contents,
    /// By their sequence numbers.
    pub(crate) events: BTreeMap<u64, StoredEvent>,
    /// Blocks of which events are lost.
    pub(crate) blocks: Vec<DamagedBlock>,
    /// What is damaged, in words.
    pub(crate) damage: Vec<String>,
}

/// A block of which events are lost.
#[derive(Debug, Clone)]
pub(crate) struct DamagedBlock {
    pub(crate) index: usize,
    pub(crate) event_type: String,
    pub(crate) min_us: i64,
    pub(crate) max_us: i64,
}

/// A segment that was made anew.
pub(crate) struct Rebuilt {
    pub(crate) contents: Contents,
    pub(crate) file: Vec<u8>,
    /// Types whose events are all there and are not those with which they were sealed.
    pub(crate) differing: Vec<String>,
}

/// Reads what can be read of the bytes of a segment file.
pub(crate) fn recover(bytes: &[u8]) -> Recovery {
    let (first, second) = (first_copy(bytes), second_copy(bytes));
    if let Start::Newer(version) = contents::parse_start(bytes)
        && second.is_none()
    {
        return Recovery::Newer(version);
    }
    let mut damage = Vec::new();
    for (copy, name) in [(&first, "first"), (&second, "second")] {
        if copy.is_none() {
            damage.push(format!("the {name} copy of its contents"));
        }
    }
    let copies = first.into_iter().chain(second);
    let legal = |(contents, offset): (Contents, u64)| File::new(bytes, contents, offset);
    let Some(file) = copies.into_iter().find_map(legal) else { return Recovery::NoContents };
    let dictionary = file.dictionary(&mut damage);
    let damaged_blocks = (0..file.zones.len()).filter(|&index| file.rows(index, &dictionary).is_none_or(lacks_values));
    let damaged_blocks: Vec<usize> = damaged_blocks.collect();
    damage.extend(damaged_blocks.iter().map(|index| format!("block {index}")));
    file.check_sections(&mut damage);
    if damage.is_empty() {
        return Recovery::Whole(Box::new(file.contents));
    }
    let mut events = BTreeMap::new();
    for index in 0..file.zones.len() {
        let Some(rows) = file.rows(index, &dictionary) else { continue };
        for row in (0..file.zones[index].count).filter(|&row| rows.is_whole(row)) {
            let stored = rows.stored_event(row);
            if (file.contents.first_sequence..=file.contents.last_sequence).contains(&stored.sequence) {
                events.insert(stored.sequence, stored);
            }
        }
    }
    let blocks = damaged_blocks.into_iter().map(|index| file.damaged_block(index)).collect();
    Recovery::Damaged(Box::new(Recovered { contents: file.contents, events, blocks, damage }))
}

/// Makes a segment anew from those of its events that are there; the others are lost, and noted in it.
pub(crate) fn rebuild_lossy(
    original: &Contents,
    events: &BTreeMap<u64, StoredEvent>,
    blocks: &[DamagedBlock],
) -> std::io::Result<Rebuilt> {
    let mut memory = TailMemory::new(original.first_sequence);
    for stored in events.values() {
        // What cannot be stored was no event of the segment; it counts as lost.
        let _ = memory.push_stored(stored);
    }
    let mut removed = original.removed.clone();
    for found in &original.types {
        let there = memory.type_named(&found.name).map_or(0, |found| found.positions.len());
        let lost = u64::from(found.count).saturating_sub(there) as u32;
        if lost > 0 {
            note_lost(&mut removed, original, found.root, &found.name, lost, blocks);
        }
    }
    let (mut contents, mut file) = rebuild(&memory, original, removed.clone())?;
    let is_whole = |name: &str| !removed.iter().any(|gone| gone.event_type == name);
    let differs = |found: &&contents::TypeRecord| {
        let original = original.types.iter().find(|original| original.name == found.name);
        is_whole(&found.name) && original.is_none_or(|original| original.root != found.root)
    };
    let differing: Vec<String> = contents.types.iter().filter(differs).map(|found| found.name.clone()).collect();
    if !differing.is_empty() {
        for name in &differing {
            if let Some(original_type) = original.types.iter().find(|original| original.name == *name) {
                note_lost(&mut removed, original, original_type.root, name, 0, blocks);
            }
        }
        (contents, file) = rebuild(&memory, original, removed)?;
    }
    Ok(Rebuilt { contents, file, differing })
}

fn note_lost(
    removed: &mut Vec<RemovedRecord>,
    original: &Contents,
    root: crate::storage::chain::Hash,
    name: &str,
    events: u32,
    blocks: &[DamagedBlock],
) {
    let of_type = || blocks.iter().filter(|block| block.event_type == name);
    let all = || original.blocks.iter();
    let first_us = of_type().map(|block| block.min_us).min().or_else(|| all().map(|block| block.min_us).min());
    let last_us = of_type().map(|block| block.max_us).max().or_else(|| all().map(|block| block.max_us).max());
    let (first_us, last_us) = (first_us.unwrap_or(0), last_us.unwrap_or(0));
    if let Some(known) = removed.iter_mut().find(|gone| gone.event_type == name) {
        known.events = known.events.saturating_add(events);
        (known.first_us, known.last_us) = (known.first_us.min(first_us), known.last_us.max(last_us));
        known.cause = RemovalCause::Lost;
        return;
    }
    let event_type = name.to_owned();
    removed.push(RemovedRecord { event_type, root, events, first_us, last_us, cause: RemovalCause::Lost });
}

fn lacks_values(rows: SegmentRows) -> bool {
    (0..rows.len() as u32).any(|row| !rows.is_whole(row))
}

/// The contents at the start of the file, and where the body starts.
fn first_copy(bytes: &[u8]) -> Option<(Contents, u64)> {
    let Start::Frame(frame) = contents::parse_start(bytes) else { return None };
    let end = START_BYTES.checked_add(frame.stored_bytes as usize)?;
    Some((contents::decode(frame, bytes.get(START_BYTES..end)?)?, end as u64))
}

/// The contents at the end of the file, and where the body starts.
fn second_copy(bytes: &[u8]) -> Option<(Contents, u64)> {
    let end = bytes.len().checked_sub(END_BYTES)?;
    let (frame, body_offset) = contents::parse_end(&bytes[end..])?;
    let start = end.checked_sub(frame.stored_bytes as usize)?;
    Some((contents::decode(frame, &bytes[start..end])?, body_offset))
}

/// The bytes of a file, with contents that make sense.
struct File<'a> {
    body: &'a [u8],
    contents: Contents,
    zones: Vec<Zone>,
    shapes: Vec<Arc<Shape>>,
    fields: Vec<FieldName>,
}

impl<'a> File<'a> {
    fn new(bytes: &'a [u8], contents: Contents, body_offset: u64) -> Option<Self> {
        if !has_legal_sequences(&contents) {
            return None;
        }
        Some(Self {
            body: usize::try_from(body_offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default(),
            zones: zones_of(&contents)?,
            shapes: shapes_of(&contents)?,
            fields: contents.fields.iter().map(|name| intern_name(name)).collect(),
            contents,
        })
    }

    /// The words, of each page from the copy that is whole. A page that is lost has none.
    fn dictionary(&self, damage: &mut Vec<String>) -> Arc<Dictionary> {
        let (mut records, mut stored) = (Vec::new(), Vec::new());
        for (number, (record, copies)) in dictionary_pages(&self.contents, self.body).enumerate() {
            match copies {
                [Some(_), Some(_)] => {}
                [None, None] => damage.push(format!("both copies of page {number} of its dictionary")),
                _ => damage.push(format!("a copy of page {number} of its dictionary")),
            }
            match copies.into_iter().flatten().next() {
                Some(bytes) => {
                    records.push(record.clone());
                    stored.extend_from_slice(bytes);
                }
                // A page of no bytes gives no word.
                None => records.push(PageRecord { stored_bytes: 0, raw_bytes: 0, ..record.clone() }),
            }
        }
        Arc::new(Dictionary::new(&records, stored))
    }

    fn type_of(&self, block: usize) -> Option<&str> {
        let first = self.zones.get(block)?.first;
        let place = self.contents.types.partition_point(|found| found.first <= first).checked_sub(1)?;
        Some(&self.contents.types[place].name)
    }

    fn rows(&self, index: usize, dictionary: &Arc<Dictionary>) -> Option<SegmentRows> {
        let record = self.contents.blocks.get(index)?;
        let (head, columns) = block::decode(slice(self.body, record.offset, record.bytes)?)?;
        let event_type = self.type_of(index)?;
        let fits = head.event_type == event_type && head.count == record.count;
        let dictionary = Arc::clone(dictionary);
        let rows = SegmentRows::new(intern_name(event_type), columns, &self.shapes, &self.fields, dictionary);
        rows.filter(|_| fits)
    }

    fn damaged_block(&self, index: usize) -> DamagedBlock {
        let zone = self.zones[index];
        let event_type = self.type_of(index).unwrap_or_default().to_owned();
        DamagedBlock { index, event_type, min_us: zone.min_us, max_us: zone.max_us }
    }

    /// Notes which of the sections that are made from the events are damaged.
    fn check_sections(&self, damage: &mut Vec<String>) {
        if self.contents.postings.iter().any(|page| section(self.body, &page.section).is_none()) {
            damage.push("its postings".to_owned());
        }
        if section(self.body, &self.contents.counts).is_none() {
            damage.push("its table of counts".to_owned());
        }
        if section(self.body, &self.contents.filter).and_then(filter::Filter::from_bytes).is_none() {
            damage.push("its filter".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ConceptId, Event};
    use crate::storage::chain::Anchor;
    use crate::storage::segment::{Sealing, build};

    const EVENTS: u64 = 1500;

    fn event(number: u64) -> StoredEvent {
        let event_type = if number.is_multiple_of(3) { "node_started" } else { "step_done" };
        let json = format!(
            r#"{{"event_type":"{event_type}","node_id":"n{}","agent_id":"a{number}","place":{number},"timestamp":"2026-11-24T08:00:00.{:06}Z"}}"#,
            number % 7,
            number
        );
        let event = Event::from_json(&json).expect("legal");
        let id = ConceptId::from_parts(intern_name(event_type), event.timestamp_us(), 0);
        StoredEvent { id, sequence: number, event }
    }

    fn segment() -> (Contents, Vec<u8>) {
        let mut memory = TailMemory::new(1);
        (1..=EVENTS).for_each(|number| memory.push_stored(&event(number)).expect("in order"));
        build(&memory, Sealing { epoch: 7, id: 3, sealed_at_us: 5, before: Anchor::default() }).expect("built")
    }

    fn body_offset(bytes: &[u8]) -> usize {
        first_copy(bytes).expect("whole").1 as usize
    }

    fn damaged(bytes: &[u8]) -> Recovered {
        match recover(bytes) {
            Recovery::Damaged(found) => *found,
            Recovery::Whole(_) => panic!("taken for whole"),
            Recovery::Newer(_) | Recovery::NoContents => panic!("not recovered"),
        }
    }

    /// Recovers, makes anew, and checks that what is left is exactly what there was of it. Gives how many are lost.
    fn check(original: &Contents, bytes: &[u8]) -> u64 {
        let found = damaged(bytes);
        for (&sequence, stored) in &found.events {
            assert_eq!(*stored, event(sequence));
        }
        let rebuilt = rebuild_lossy(&found.contents, &found.events, &found.blocks).expect("built");
        assert!(rebuilt.differing.is_empty());
        assert_eq!(rebuilt.contents.chain_root(), original.chain_root());
        assert_eq!(rebuilt.contents.after, original.after);
        let Recovery::Whole(again) = recover(&rebuilt.file) else { panic!("not whole") };
        assert_eq!(u64::from(again.count), found.events.len() as u64);
        let lost: u64 = again.removed.iter().map(|gone| u64::from(gone.events)).sum();
        assert_eq!(lost + found.events.len() as u64, EVENTS);
        lost
    }

    #[test]
    fn what_stands_twice_or_is_made_from_the_events_costs_nothing() {
        let (original, bytes) = segment();
        assert!(matches!(recover(&bytes), Recovery::Whole(contents) if *contents == original));
        let body = body_offset(&bytes);
        let [first, second] = original.dictionary_offsets.map(|offset| body + offset as usize);
        let postings = body + original.postings[0].section.offset as usize;
        let counts = body + original.counts.offset as usize;
        let filter = body + original.filter.offset as usize;
        for at in [20, bytes.len() - 40, bytes.len() - 1, first + 3, second + 3, postings, counts, filter] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x10;
            assert_eq!(check(&original, &bytes), 0, "byte {at}");
        }
        // What follows the end of the file hides the second copy of the contents only.
        assert_eq!(check(&original, &[bytes.as_slice(), b"more"].concat()), 0);
    }

    #[test]
    fn a_lost_block_costs_its_events() {
        let (original, bytes) = segment();
        let body = body_offset(&bytes);
        for block in &original.blocks {
            let mut bytes = bytes.clone();
            bytes[body + block.offset as usize..][..block.bytes as usize].fill(0);
            assert_eq!(check(&original, &bytes), u64::from(block.count));
        }
    }

    #[test]
    fn a_page_of_the_dictionary_lost_twice_costs_the_events_that_need_it() {
        let (original, mut bytes) = segment();
        assert!(original.dictionary.len() > 1);
        let body = body_offset(&bytes);
        for offset in original.dictionary_offsets {
            bytes[body + offset as usize + 9] ^= 1;
        }
        // The names of agents are on the first page up to the page's last word; `n0` and so on are on the last.
        let lost = check(&original, &bytes);
        let on_page = u64::from(original.dictionary[0].count);
        assert_eq!(lost, on_page);
    }

    #[test]
    fn without_contents_nothing_is_known() {
        let (_, mut bytes) = segment();
        bytes[20] ^= 1;
        let length = bytes.len();
        bytes[length - 40] ^= 1;
        assert!(matches!(recover(&bytes), Recovery::NoContents));
        assert!(matches!(recover(&[]), Recovery::NoContents));
    }

    #[test]
    fn every_prefix_is_read_without_panic() {
        let (_, bytes) = segment();
        for length in (0..bytes.len()).step_by(97) {
            let mut cut = bytes[..length].to_vec();
            let _ = recover(&cut);
            cut.resize(bytes.len(), 0);
            let _ = recover(&cut);
        }
    }
}
