//! Directories that were made to do harm: links out of them, pipes, lengths that are lies.

use std::fs;
use std::os::unix::fs::symlink;

use sutra_grid_events::Store;

use crate::harness::{EVENTS, Example, SEGMENT_EVENTS, private, scan};

#[test]
fn links_are_not_followed() {
    let example = Example::new(false);
    let outside = example.root.path().join("outside");
    fs::create_dir(&outside).expect("ours");
    for name in ["foreign.log", "kv.jsonl"] {
        fs::rename(example.store().join(name), outside.join(name)).expect("ours");
        symlink(outside.join(name), example.store().join(name)).expect("ours");
    }
    fs::rename(example.segment(2), outside.join("2.seg")).expect("ours");
    symlink(outside.join("2.seg"), example.segment(2)).expect("ours");
    symlink(&outside, example.store().join("more")).expect("ours");
    let opened = Store::open_read_only(example.store()).expect("opens");
    assert!(opened.problems()[0].contains("symbolic link"), "{:?}", opened.problems());
    assert_eq!(scan(&opened).len() as u64, EVENTS - u64::from(SEGMENT_EVENTS));
    opened.cursor("console").expect_err("a link");
    opened.foreign_end().expect_err("a link");
    let (report, store) = example.salvage();
    assert_eq!(report.events_lost(), u64::from(SEGMENT_EVENTS));
    assert_eq!(report.foreign_records, 0);
    assert_eq!(store.cursor("console").expect("readable"), None);
}

#[test]
fn linked_directories_and_formats_are_refused() {
    for name in ["segments", "tail", "FORMAT"] {
        let example = Example::new(false);
        let outside = example.root.path().join("outside");
        fs::rename(example.store().join(name), &outside).expect("ours");
        symlink(&outside, example.store().join(name)).expect("ours");
        Store::open_read_only(example.store()).expect_err(name);
    }
}

#[test]
fn a_lock_that_is_a_link_is_not_written_through() {
    let example = Example::new(false);
    let outside = example.root.path().join("outside");
    fs::write(&outside, "precious").expect("ours");
    fs::remove_file(example.store().join("LOCK")).expect("ours");
    symlink(&outside, example.store().join("LOCK")).expect("ours");
    Store::open(example.store()).expect_err("a link");
    assert_eq!(fs::read(&outside).expect("there"), b"precious");
}

#[test]
fn a_log_full_of_frames_that_are_none_is_read_in_time() {
    let example = Example::new(false);
    let mut bytes = fs::read(example.log(4)).expect("there");
    let mut frame = b"SGEF\x01\0\0\0".to_vec();
    frame.extend_from_slice(&(1u32 << 20).to_le_bytes());
    frame.extend_from_slice(&(1u32 << 20).to_le_bytes());
    // If each were read to its end, this would be tens of gigabytes.
    while bytes.len() < 4 << 20 {
        bytes.extend_from_slice(&frame);
    }
    fs::write(example.log(4), bytes).expect("ours");
    let opened = Store::open_read_only(example.store()).expect("opens");
    assert_eq!(scan(&opened), example.events);
}

#[test]
fn everything_that_is_made_is_private() {
    private(&Example::new(true).store());
}
