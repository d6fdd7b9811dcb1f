//! A reader of segments, written from docs/format.md.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use roaring::RoaringBitmap;
use xxhash_rust::xxh3::xxh3_64;

use crate::bytes::{Bytes, checked, decompress, unordered};
use crate::log::Anchor;
use crate::value::{Shape, StoredLine, float, id, text, time};

/// Positions as distances.
const FORM_DISTANCES: u8 = 0;
/// Positions as a roaring bitmap.
pub(crate) const FORM_ROARING: u8 = 1;
/// A kind for each row.
const MIXED_KINDS: u8 = 255;
const END_BYTES: usize = 28;
/// The salts of the filter, one a lane.
const SALTS: [u32; 8] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

#[derive(Debug, PartialEq)]
pub(crate) struct TypeRecord {
    name: String,
    first: u32,
    count: u32,
    max_us: i64,
    ordinal_at_max: u32,
    root: [u8; 32],
}

/// A block, without what depends on the compression.
#[derive(Debug, PartialEq)]
pub(crate) struct Block {
    event_type: String,
    first: u32,
    count: u32,
    sequences: (u64, u64),
    zone: (i64, i64),
    shapes: Vec<u64>,
    shape_places: Vec<u64>,
    times: Vec<i64>,
    row_sequences: Vec<u64>,
    ordinals: Vec<u64>,
    columns: Vec<Column>,
    texts: Vec<String>,
}

#[derive(Debug, PartialEq)]
struct Column {
    field: u64,
    kinds: Vec<u8>,
    numbers: Vec<u64>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Posting {
    word: u64,
    field: u64,
    pub(crate) form: u8,
    positions: Vec<u32>,
}

#[derive(Debug, PartialEq)]
struct CountList {
    type_index: u64,
    field: u64,
    /// Words and their counts.
    values: Vec<(u64, u64)>,
}

/// A segment, without what depends on the compression.
#[derive(Debug, PartialEq)]
pub(crate) struct Segment {
    epoch: u64,
    id: u64,
    sequences: (u64, u64),
    count: u32,
    pub(crate) sealed_at_us: i64,
    before: Anchor,
    pub(crate) after: Anchor,
    fields: Vec<String>,
    shapes: Vec<Shape>,
    types: Vec<TypeRecord>,
    pub(crate) blocks: Vec<Block>,
    words: Vec<String>,
    pub(crate) postings: Vec<Posting>,
    counts: Vec<CountList>,
    filter: Vec<u8>,
    pub(crate) removed: Vec<Removed>,
}

/// What a segment had when it was sealed and has no more.
#[derive(Debug, PartialEq)]
pub(crate) struct Removed {
    pub(crate) event_type: String,
    root: [u8; 32],
    pub(crate) events: u32,
    times: (i64, i64),
    pub(crate) cause: u32,
}

struct Section {
    offset: u64,
    bytes: u32,
    checksum: u64,
}

impl Section {
    fn take(input: &mut Bytes<'_>) -> Self {
        Self { offset: input.u64(), bytes: input.u32(), checksum: input.u64() }
    }
}

/// Reads parts of the body, which must follow each other without a gap.
struct Body<'a> {
    bytes: &'a [u8],
    at: u64,
}

impl<'a> Body<'a> {
    fn part(&mut self, offset: u64, bytes: u32) -> &'a [u8] {
        assert_eq!(offset, self.at, "a gap in the body");
        self.at += u64::from(bytes);
        &self.bytes[offset as usize..self.at as usize]
    }

    fn section(&mut self, section: &Section) -> &'a [u8] {
        checked(self.part(section.offset, section.bytes), section.checksum)
    }
}

pub(crate) fn read(path: &Path) -> Segment {
    let file = fs::read(path).expect("a segment");
    let mut input = Bytes(&file);
    input.magic(b"SGESEG\r\n");
    let version = input.u32();
    assert!(matches!(version, 1 | 2), "version {version}");
    let frame = input.0;
    let (stored_bytes, raw_bytes, checksum) = (input.u32() as usize, input.u32() as usize, input.u64());
    let stored = checked(input.take(stored_bytes), checksum);
    let body_start = file.len() - input.0.len();
    let (rest, end) = input.0.split_at(input.0.len() - END_BYTES);
    let (body, again) = rest.split_at(rest.len() - stored_bytes);
    assert_eq!(again, stored, "the contents again");
    let mut end = Bytes(end);
    assert_eq!(end.take(16), &frame[..16], "the frame of the contents again");
    assert_eq!(end.u32() as usize, body_start, "the offset of the body");
    end.magic(b"SGESEGND");
    contents(&decompress(stored, raw_bytes), version, Body { bytes: body, at: 0 })
}

fn contents(raw: &[u8], version: u32, mut body: Body<'_>) -> Segment {
    let mut input = Bytes(raw);
    let mut segment = Segment {
        epoch: input.u64(),
        id: input.u64(),
        sequences: (input.u64(), input.u64()),
        count: input.u32(),
        sealed_at_us: input.i64(),
        before: Anchor::take(&mut input),
        after: Anchor::take(&mut input),
        fields: input.list(|input| input.string()),
        shapes: input.list(Shape::take),
        types: input.list(|input| TypeRecord {
            name: input.string(),
            first: input.u32(),
            count: input.u32(),
            max_us: input.i64(),
            ordinal_at_max: input.u32(),
            root: input.hash(),
        }),
        blocks: Vec::new(),
        words: Vec::new(),
        postings: Vec::new(),
        counts: Vec::new(),
        filter: Vec::new(),
        removed: Vec::new(),
    };
    let blocks = input.list(|input| (input.u64(), input.u32(), input.u32(), (input.i64(), input.i64())));
    let pages = input.list(|input| (input.string(), (input.u32(), input.u32(), input.u32(), input.u64())));
    let dictionary_offsets = [input.u64(), input.u64()];
    let postings = input.list(|input| (input.u32(), Section::take(input)));
    let (counts, filter) = (Section::take(&mut input), Section::take(&mut input));
    if version == 2 {
        segment.removed = input.list(|input| Removed {
            event_type: input.string(),
            root: input.hash(),
            events: input.u32(),
            times: (input.i64(), input.i64()),
            cause: input.u32(),
        });
        assert!(!segment.removed.is_empty());
    }
    input.end("the contents");

    for (offset, bytes, count, zone) in blocks {
        let block = block(body.part(offset, bytes), zone);
        assert_eq!(block.count, count);
        segment.blocks.push(block);
    }
    for (copy, offset) in dictionary_offsets.into_iter().enumerate() {
        if copy == 1 {
            for (first_word, section) in &postings {
                segment.postings.extend(postings_page(u64::from(*first_word), body.section(section)));
            }
            segment.counts = count_lists(body.section(&counts));
            segment.filter = body.section(&filter).to_vec();
        }
        let mut words = Vec::new();
        assert_eq!(offset, body.at);
        for (first, (stored_bytes, raw_bytes, count, checksum)) in &pages {
            let page = checked(body.part(body.at, *stored_bytes), *checksum);
            let page = dictionary_page(&decompress(page, *raw_bytes as usize), *count);
            assert_eq!(page.first(), Some(first), "the first word of a page");
            words.extend(page);
        }
        assert!(copy == 0 || words == segment.words, "the dictionary again");
        segment.words = words;
    }
    assert_eq!(body.at as usize, body.bytes.len(), "the end of the body");
    segment
}

fn block(bytes: &[u8], zone: (i64, i64)) -> Block {
    let mut input = Bytes(bytes);
    input.magic(b"SGEB");
    let head_bytes = usize::from(input.u16());
    let mut head = Bytes(input.take(head_bytes));
    let stored_bytes = input.u32() as usize;
    let checksum = input.u64();
    let stored = input.take(stored_bytes);
    input.end("a block");
    let covered = [&bytes[..6 + head_bytes + 4], stored].concat();
    assert_eq!(xxh3_64(&covered), checksum, "the checksum of a block");
    let (event_type, first, count) = (head.string(), head.u32(), head.u32());
    let sequences = (head.u64(), head.u64());
    let payload = decompress(stored, head.u32() as usize);
    head.end("the head of a block");
    let (mut input, rows) = (Bytes(&payload), count as usize);
    let shapes: Vec<u64> = (0..input.varint()).map(|_| input.varint()).collect();
    let shape_places = if shapes.len() > 1 { input.column(rows) } else { vec![0; rows] };
    let times = input.column(rows).into_iter().map(unordered).collect();
    let (row_sequences, ordinals) = (input.column(rows), input.column(rows));
    let columns = (0..input.varint())
        .map(|_| Column {
            field: input.varint(),
            kinds: match input.u8() {
                MIXED_KINDS => input.take(rows).to_vec(),
                kind => vec![kind; rows],
            },
            numbers: input.column(rows),
        })
        .collect();
    let count_of_texts = input.varint() as usize;
    let lengths = input.column(count_of_texts);
    let texts = lengths.iter().map(|&length| String::from_utf8(input.take(length as usize).to_vec()).expect("UTF-8"));
    let texts = texts.collect();
    input.end("the payload of a block");
    Block {
        event_type,
        first,
        count,
        sequences,
        zone,
        shapes,
        shape_places,
        times,
        row_sequences,
        ordinals,
        columns,
        texts,
    }
}

fn dictionary_page(raw: &[u8], count: u32) -> Vec<String> {
    let mut input = Bytes(raw);
    let mut words: Vec<String> = Vec::new();
    for _ in 0..count {
        let (shared, rest) = (input.varint() as usize, input.varint() as usize);
        let before = words.last().map_or(&[][..], |word| &word.as_bytes()[..shared]);
        words.push(String::from_utf8([before, input.take(rest)].concat()).expect("UTF-8"));
    }
    input.end("a page of the dictionary");
    words
}

fn postings_page(first_word: u64, page: &[u8]) -> Vec<Posting> {
    let (mut input, mut word) = (Bytes(page), first_word);
    let mut postings = Vec::new();
    while !input.0.is_empty() {
        word += input.varint();
        let (field, count, form, length) = (input.varint(), input.varint(), input.u8(), input.varint());
        let mut bytes = Bytes(input.take(length as usize));
        let positions: Vec<u32> = match form {
            FORM_DISTANCES => {
                let mut position = 0;
                let mut next = || {
                    position += bytes.varint();
                    position as u32
                };
                let positions = (0..count).map(|_| next()).collect();
                bytes.end("the positions of an entity");
                positions
            }
            FORM_ROARING => RoaringBitmap::deserialize_from(bytes.0).expect("a roaring bitmap").iter().collect(),
            _ => panic!("positions of form {form}"),
        };
        assert_eq!(positions.len() as u64, count);
        postings.push(Posting { word, field, form, positions });
    }
    postings
}

fn count_lists(table: &[u8]) -> Vec<CountList> {
    let mut input = Bytes(table);
    let mut lists = Vec::new();
    for _ in 0..input.varint() {
        let (type_index, field, length) = (input.varint(), input.varint(), input.varint());
        let mut list = Bytes(input.take(length as usize));
        let mut word = 0;
        let mut values = Vec::new();
        for _ in 0..list.varint() {
            word += list.varint();
            values.push((word, list.varint()));
        }
        list.end("a list of counts");
        lists.push(CountList { type_index, field, values });
    }
    input.end("the table of counts");
    lists
}

impl Block {
    pub(crate) fn kinds(&self) -> Vec<u8> {
        self.columns.iter().flat_map(|column| column.kinds.iter().copied()).collect()
    }

    fn line(&self, segment: &Segment, row: usize) -> StoredLine {
        let shape = &segment.shapes[self.shapes[self.shape_places[row] as usize] as usize];
        let at = self.times[row];
        let json = shape.json(|name| {
            let column =
                self.columns.iter().find(|column| segment.fields[column.field as usize] == name).expect("a column");
            let number = column.numbers[row];
            match column.kinds[row] {
                0 => "null".to_owned(),
                1 => "false".to_owned(),
                2 => "true".to_owned(),
                3 => unordered(number).to_string(),
                4 => number.to_string(),
                5 => float(number),
                6 | 9 => self.texts[number as usize].clone(),
                7 => text(&self.texts[number as usize]),
                8 => time(at + unordered(number)),
                10 => time(at),
                11 => text(&segment.words[number as usize]),
                kind => panic!("a value of kind {kind}"),
            }
        });
        assert_eq!(shape.fields().count() + 1, shape.names.len(), "`event_type` stands once in a shape");
        StoredLine { sequence: self.row_sequences[row], id: id(&self.event_type, at, self.ordinals[row]), json }
    }
}

impl Segment {
    /// The events in order of arrival.
    pub(crate) fn events(&self) -> Vec<StoredLine> {
        let mut events = self.in_order_of_positions();
        events.sort_by_key(|event| event.sequence);
        events
    }

    fn in_order_of_positions(&self) -> Vec<StoredLine> {
        self.blocks.iter().flat_map(|block| (0..block.count as usize).map(|row| block.line(self, row))).collect()
    }

    /// Checks everything that the document says of a whole segment against its events.
    pub(crate) fn check(&self) {
        let events = self.in_order_of_positions();
        assert_eq!(events.len() as u32, self.count);
        assert!(self.words.is_sorted() && self.types.is_sorted_by_key(|found| &found.name));
        self.check_blocks();
        self.check_postings(&events);
        self.check_filter();
        self.check_chain(&events);
    }

    fn check_blocks(&self) {
        let mut first = 0;
        for block in &self.blocks {
            assert_eq!(block.first, first);
            first += block.count;
            assert!(block.count <= 512);
            assert_eq!((block.times.first(), block.times.last()), (Some(&block.zone.0), Some(&block.zone.1)));
            let keys: Vec<_> = block.times.iter().zip(&block.row_sequences).collect();
            assert!(keys.is_sorted(), "rows are in the order of (time, sequence)");
            let (min, max) = (block.row_sequences.iter().min(), block.row_sequences.iter().max());
            assert_eq!((min, max), (Some(&block.sequences.0), Some(&block.sequences.1)));
        }
        for found in &self.types {
            let of_type = self.blocks.iter().filter(|block| block.event_type == found.name);
            assert_eq!(of_type.clone().map(|block| block.first).min(), Some(found.first));
            assert_eq!(of_type.clone().map(|block| block.count).sum::<u32>(), found.count);
            let keys = of_type.flat_map(|block| block.times.iter().zip(&block.ordinals));
            let max_us = keys.clone().map(|(time, _)| *time).max();
            assert_eq!(max_us, Some(found.max_us));
            let ordinal = keys.filter(|(time, _)| Some(**time) == max_us).map(|(_, ordinal)| *ordinal).max();
            assert_eq!(ordinal, Some(u64::from(found.ordinal_at_max)));
        }
    }

    /// Postings and counts against the entities of the events, as the crate sees them.
    fn check_postings(&self, events: &[StoredLine]) {
        let mut expected: BTreeMap<(String, String), Vec<u32>> = BTreeMap::new();
        for (position, event) in (0..).zip(events) {
            for entity in sutra_grid_events::Event::from_json(&event.json).expect("an event").entities() {
                expected.entry((entity.value, entity.field)).or_default().push(position);
            }
        }
        let name = |posting: &Posting| {
            (self.words[posting.word as usize].clone(), self.fields[posting.field as usize].clone())
        };
        let found: BTreeMap<_, _> =
            self.postings.iter().map(|posting| (name(posting), posting.positions.clone())).collect();
        assert_eq!(found, expected);
        assert!(self.postings.is_sorted_by_key(|posting| (posting.word, posting.field)));
        for CountList { type_index, field, values } in &self.counts {
            let of_type = &self.types[*type_index as usize];
            let range = of_type.first..of_type.first + of_type.count;
            for (word, count) in values {
                let posting = self.postings.iter().find(|posting| (posting.word, posting.field) == (*word, *field));
                let positions = &posting.expect("counted, so named").positions;
                assert_eq!(positions.iter().filter(|position| range.contains(position)).count() as u64, *count);
            }
        }
    }

    fn check_filter(&self) {
        let blocks = self.filter.len() / 32;
        let mut expected = vec![0u8; self.filter.len()];
        let mut words: Vec<u64> = self.postings.iter().map(|posting| posting.word).collect();
        words.dedup();
        assert_eq!(blocks, (words.len() * 12).div_ceil(256).max(1));
        for word in words {
            let hash = xxh3_64(self.words[word as usize].as_bytes());
            let block = ((hash >> 32) * blocks as u64) >> 32;
            for (lane, salt) in SALTS.iter().enumerate() {
                let bit = (hash as u32).wrapping_mul(*salt) >> 27;
                expected[block as usize * 32 + lane * 4 + bit as usize / 8] |= 1 << (bit % 8);
            }
        }
        assert_eq!(self.filter, expected);
    }

    fn check_chain(&self, events: &[StoredLine]) {
        let mut roots: BTreeMap<&str, [u8; 32]> = BTreeMap::new();
        for found in &self.types {
            let range = found.first as usize..(found.first + found.count) as usize;
            let mut of_type: Vec<&StoredLine> = events[range].iter().collect();
            of_type.sort_by_key(|event| event.sequence);
            let mut root = blake3::Hasher::new();
            for event in of_type {
                root.update(&event.sequence.to_le_bytes());
                for text in [&event.id, &event.json] {
                    root.update(&(text.len() as u32).to_le_bytes());
                    root.update(text.as_bytes());
                }
            }
            assert_eq!(*root.finalize().as_bytes(), found.root, "the root of {}", found.name);
            roots.insert(&found.name, found.root);
        }
        assert!(self.removed.is_sorted_by_key(|gone| &gone.event_type));
        roots.extend(self.removed.iter().map(|gone| (gone.event_type.as_str(), gone.root)));
        let mut segment_root = blake3::Hasher::new();
        for (name, root) in roots {
            segment_root.update(&(name.len() as u32).to_le_bytes());
            segment_root.update(name.as_bytes());
            segment_root.update(&root);
        }
        let mut link = blake3::Hasher::new();
        link.update(&self.before.chain);
        link.update(&self.sequences.0.to_le_bytes());
        link.update(&self.sequences.1.to_le_bytes());
        link.update(segment_root.finalize().as_bytes());
        assert_eq!(*link.finalize().as_bytes(), self.after.chain, "the chain");
        assert_eq!(self.after.sequence, self.sequences.1);
    }
}
