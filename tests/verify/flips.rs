//! Any single bit that flips in a file of a store gives a finding.
//!
//! Two places are left out: `LOCK`, whose text is for people and says nothing about events, and `kv/`, which is in a
//! format of its own, and whose content `kv.jsonl` has with a checksum.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proptest::prelude::*;
use tempfile::TempDir;

use crate::stores::{files, healthy, try_check};

fn checked_files(directory: &Path) -> Vec<PathBuf> {
    let is_checked = |path: &PathBuf| !path.ends_with("LOCK") && !path.starts_with(directory.join("kv"));
    files(directory).into_iter().filter(is_checked).collect()
}

fn is_noticed(directory: &Path) -> bool {
    try_check(directory).map_or(true, |found| !found.is_ok())
}

fn flip(path: &Path, bit: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[bit / 8] ^= 1 << (bit % 8);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_flipped_bit_of_any_byte_of_a_segment_is_noticed() {
    let store = healthy();
    let path = checked_files(store.path()).into_iter().find(|path| path.ends_with("00000000000000000002.seg")).unwrap();
    for byte in 0..fs::metadata(&path).unwrap().len() as usize {
        let bit = 8 * byte + byte % 8;
        flip(&path, bit);
        assert!(is_noticed(store.path()), "bit {bit} of {}", path.display());
        flip(&path, bit);
    }
    assert!(!is_noticed(store.path()));
}

/// The store whose bits are flipped, one at a time.
static STORE: OnceLock<TempDir> = OnceLock::new();

proptest! {
    #[test]
    fn a_flipped_bit_of_any_file_is_noticed(file: prop::sample::Index, bit: prop::sample::Index) {
        let store = STORE.get_or_init(healthy);
        let files = checked_files(store.path());
        let path = file.get(&files);
        let bit = bit.index(8 * fs::metadata(path).unwrap().len() as usize);
        flip(path, bit);
        let noticed = is_noticed(store.path());
        flip(path, bit);
        prop_assert!(noticed, "bit {} of {}", bit, path.display());
    }
}
