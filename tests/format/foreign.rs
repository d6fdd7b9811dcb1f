//! The log of foreign concepts and associations, as docs/format.md describes it: a second reader and golden bytes.

use std::fs;
use std::path::Path;

use sutra_grid_events::Store;
use sutra_grid_events::store::{ForeignAssociation, ForeignConcept, ForeignPlace, ForeignRecord};
use xxhash_rust::xxh3::xxh3_64;

use crate::bytes::Bytes;
use crate::{EPOCH, golden};

fn records() -> Vec<ForeignRecord> {
    let note = ForeignConcept {
        id: "note".to_owned(),
        learned_us: 1_795_507_200_000_000,
        of_event: false,
        content: "Größe".to_owned(),
        embedding: vec![1.0, -0.5],
        strength: 1.0,
        confidence: 0.25,
        metadata_json: Some(r#"{"tags":["a"]}"#.to_owned()),
    };
    let of_event = ForeignConcept {
        id: "event-beat-5".to_owned(),
        of_event: true,
        content: String::new(),
        embedding: Vec::new(),
        metadata_json: None,
        learned_us: -1,
        ..note
    };
    let association = ForeignAssociation {
        source: "note".to_owned(),
        target: "event-beat-5".to_owned(),
        code: 1000,
        confidence: 0.5,
        learned_us: 1_795_507_200_000_001,
    };
    vec![ForeignRecord::Concept(note), ForeignRecord::Concept(of_event), ForeignRecord::Association(association)]
}

/// Reads a record; the variant is a `u32`.
fn record(payload: &[u8]) -> ForeignRecord {
    let mut bytes = Bytes(payload);
    let float = |bytes: &mut Bytes<'_>| f32::from_bits(bytes.u32());
    let record = match bytes.u32() {
        0 => ForeignRecord::Concept(ForeignConcept {
            id: bytes.string(),
            learned_us: bytes.i64(),
            of_event: bytes.u8() == 1,
            content: bytes.string(),
            embedding: bytes.list(float),
            strength: float(&mut bytes),
            confidence: float(&mut bytes),
            metadata_json: (bytes.u8() == 1).then(|| bytes.string()),
        }),
        1 => ForeignRecord::Association(ForeignAssociation {
            source: bytes.string(),
            target: bytes.string(),
            code: bytes.u32(),
            confidence: float(&mut bytes),
            learned_us: bytes.i64(),
        }),
        other => panic!("a record of kind {other}"),
    };
    bytes.end("a record");
    record
}

/// Reads a whole log: its generation and its records.
fn read(log: &[u8]) -> (u64, Vec<ForeignRecord>) {
    let mut bytes = Bytes(log);
    bytes.magic(b"SGEFOR\r\n");
    assert_eq!((bytes.u32(), bytes.u32(), bytes.u64()), (1, 0, EPOCH));
    let generation = bytes.u64();
    assert_eq!(bytes.u64(), xxh3_64(&log[..32]));
    let mut records = Vec::new();
    while !bytes.0.is_empty() {
        let offset = log.len() - bytes.0.len();
        bytes.magic(b"SGFR");
        let length = bytes.u32() as usize;
        let numbers = [EPOCH.to_le_bytes(), (offset as u64).to_le_bytes()].concat();
        assert_eq!(bytes.u64(), xxh3_64(&[&numbers, &log[offset..offset + 8]].concat()));
        let checksum = bytes.u64();
        let payload = bytes.take(length);
        assert_eq!(xxh3_64(payload), checksum);
        records.push(record(payload));
    }
    (generation, records)
}

fn write_log(path: &Path) -> Vec<u8> {
    fs::write(path.join("FORMAT"), format!("sutra-grid-events 1\nepoch {EPOCH:016x}\n")).expect("writable");
    let store = Store::open(path).expect("opens");
    store.learn_foreign(&records()).expect("written");
    store.close().expect("closed");
    fs::read(path.join("foreign.log")).expect("readable")
}

#[test]
fn the_foreign_log_is_as_the_document_says() {
    let log = fs::read(golden("foreign.log")).expect("the golden log");
    assert_eq!(read(&log), (1, records()));
    let directory = tempfile::tempdir().expect("a directory");
    assert_eq!(write_log(directory.path()), log, "what is written now is what was written then");
}

#[test]
fn the_golden_foreign_log_reads_back() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("FORMAT"), format!("sutra-grid-events 1\nepoch {EPOCH:016x}\n")).expect("writable");
    fs::copy(golden("foreign.log"), directory.path().join("foreign.log")).expect("copied");
    for store in
        [Store::open_read_only(directory.path()).expect("readable"), Store::open(directory.path()).expect("opens")]
    {
        let (mut found, mut places) = (Vec::new(), Vec::new());
        let start = ForeignPlace { offset: 0, ..store.foreign_end().expect("readable") };
        let end = store.foreign_since(start, &mut |place, record| {
            places.push(place);
            found.push(record);
        });
        assert_eq!(end.expect("readable"), store.foreign_end().expect("readable"));
        assert_eq!(found, records());
        assert_eq!(store.foreign_at(places[1]).expect("readable"), Some(records().swap_remove(1)));
    }
}

#[test]
#[ignore = "writes a golden log, which is done once for each version of the format"]
fn write_the_golden_foreign_log() {
    assert!(!golden("foreign.log").exists(), "a changed format has a new version, with a golden log of its own");
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(golden("foreign.log"), write_log(directory.path())).expect("writable");
}
