//! A reader of logs, written from docs/format.md.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use crate::bytes::{Bytes, checked, decompress};
use crate::value::{Shape, StoredLine, float, id, text, time};

/// A link of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) sequence: u64,
    pub(crate) chain: [u8; 32],
}

impl Anchor {
    pub(crate) fn take(input: &mut Bytes<'_>) -> Self {
        Self { sequence: input.u64(), chain: input.hash() }
    }
}

#[derive(Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) epoch: u64,
    pub(crate) id: u64,
    pub(crate) first_sequence: u64,
    pub(crate) anchor: Anchor,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Batch {
    first_sequence: u64,
    count: u32,
    words: Vec<(u32, String)>,
    shapes: Vec<(u32, Shape)>,
    times: Vec<u8>,
    ordinals: Vec<u8>,
    rows: Vec<u8>,
}

/// A log, without what depends on the compression.
#[derive(Debug, PartialEq)]
pub(crate) struct Log {
    pub(crate) header: Header,
    pub(crate) batches: Vec<Batch>,
    pub(crate) anchors: Vec<Anchor>,
    /// Whether a frame was compressed.
    compressed: Vec<bool>,
}

pub(crate) fn read(path: &Path) -> Log {
    let file = fs::read(path).expect("a log");
    let mut input = Bytes(&file);
    input.magic(b"SGELOG\r\n");
    assert_eq!(input.u32(), 1, "the version");
    let length = input.u32() as usize;
    let mut record = Bytes(input.take(length));
    let header = Header {
        epoch: record.u64(),
        id: record.u64(),
        first_sequence: record.u64(),
        anchor: Anchor::take(&mut record),
    };
    record.end("the header");
    checked(&file[..16 + length], input.u64());
    let mut log = Log { header, batches: Vec::new(), anchors: Vec::new(), compressed: Vec::new() };
    while !input.0.is_empty() {
        let frame = input.0;
        input.magic(b"SGEF");
        let kind = input.u8();
        assert_eq!(input.take(3), [0; 3], "the filling");
        let (stored_bytes, raw_bytes) = (input.u32() as usize, input.u32() as usize);
        let checksum = input.u64();
        let stored = input.take(stored_bytes);
        assert_eq!(xxh3_64(&[&frame[..16], stored].concat()), checksum, "the checksum of a frame");
        match kind {
            1 => {
                assert_eq!(stored_bytes, raw_bytes);
                log.compressed.push(false);
                log.batches.push(batch(stored));
            }
            2 => {
                log.compressed.push(true);
                log.batches.push(batch(&decompress(stored, raw_bytes)));
            }
            3 => {
                let mut record = Bytes(stored);
                log.anchors.push(Anchor::take(&mut record));
                record.end("an anchor");
            }
            _ => panic!("a frame of kind {kind}"),
        }
    }
    log
}

fn batch(record: &[u8]) -> Batch {
    let mut input = Bytes(record);
    assert_eq!(input.u8(), 1, "the version of a batch");
    let batch = Batch {
        first_sequence: input.u64(),
        count: input.u32(),
        words: input.list(|input| (input.u32(), input.string())),
        shapes: input.list(|input| (input.u32(), Shape::take(input))),
        times: input.bytes(),
        ordinals: input.bytes(),
        rows: input.bytes(),
    };
    input.end("a batch");
    batch
}

impl Log {
    pub(crate) fn events(&self) -> Vec<StoredLine> {
        self.batches.iter().flat_map(Batch::events).collect()
    }
}

impl Batch {
    fn events(&self) -> Vec<StoredLine> {
        let words: HashMap<u64, &str> =
            self.words.iter().map(|(number, word)| (u64::from(*number), word.as_str())).collect();
        let shapes: HashMap<u64, &Shape> =
            self.shapes.iter().map(|(number, shape)| (u64::from(*number), shape)).collect();
        let (mut times, mut ordinals, mut rows) = (Bytes(&self.times), Bytes(&self.ordinals), Bytes(&self.rows));
        let mut timestamp_us = 0;
        let mut events = Vec::new();
        for sequence in (self.first_sequence..).take(self.count as usize) {
            timestamp_us += times.zigzag();
            let shape = shapes[&rows.varint()];
            let json = shape.json(|_| match rows.u8() {
                0 => "null".to_owned(),
                1 => "false".to_owned(),
                2 => "true".to_owned(),
                3 => rows.zigzag().to_string(),
                4 => rows.varint().to_string(),
                5 => float(rows.u64()),
                6 | 9 => words[&rows.varint()].to_owned(),
                7 => text(words[&rows.varint()]),
                8 => time(timestamp_us + rows.zigzag()),
                10 => time(timestamp_us),
                kind => panic!("a value of kind {kind}"),
            });
            events.push(StoredLine { sequence, id: id(&shape.event_type, timestamp_us, ordinals.varint()), json });
        }
        times.end("the times");
        ordinals.end("the ordinals");
        rows.end("the rows");
        events
    }
}
