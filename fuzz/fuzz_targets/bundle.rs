//! Any bytes are read as the manifest of a backup or refused; and of a backup that was changed in any way, nothing is
//! restored, unless its manifest was made anew for the changed files: then what can be read of it is a store.
//!
//! An input is a byte that says whether the manifest is made anew, and changes of four bytes each: file, kind, place
//! and value.

#![no_main]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use sutra_grid_events::forensics;
use sutra_grid_events::store::{
    BackupManifest, BackupOptions, Cursor, Durability, ForeignAssociation, ForeignRecord, Store, StoreConfig,
};
use sutra_grid_events::{DynamicEvent, Event};

/// Changes to one backup.
const CHANGES_MAX: usize = 8;

/// A small backup: its files, by their names.
struct Backup {
    manifest: BackupManifest,
    files: Vec<(String, Vec<u8>)>,
}

/// A directory in memory, where there is one: backups are synced, which takes its time on a disk.
fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a directory")
}

fn backup() -> &'static Backup {
    static BACKUP: OnceLock<Backup> = OnceLock::new();
    BACKUP.get_or_init(|| {
        let place = directory();
        let config = StoreConfig { segment_events: 16, durability: Durability::OsBuffered, ..StoreConfig::default() };
        let store = Store::open_with(place.path().join("store"), config).expect("opens");
        for number in 0..24i64 {
            let time = chrono::DateTime::from_timestamp_micros(number).expect("legal");
            let event = DynamicEvent::new("job_done", time).expect("legal").with("node_id", format!("n{}", number % 3));
            store.append(&[Event::from(event)]).expect("written");
            if number == 15 {
                store.seal().expect("sealed");
            }
        }
        store.remove_sealed_logs().expect("removed");
        store.save_cursor("console", Cursor { epoch: store.epoch(), sequence: 3 }).expect("saved");
        let (source, target) = ("a".to_owned(), "b".to_owned());
        let association = ForeignAssociation { source, target, code: 3, confidence: 1.0, learned_us: 4 };
        store.learn_foreign(&[ForeignRecord::Association(association)]).expect("learned");
        let to = place.path().join("backup");
        let manifest = store.backup(&to, &BackupOptions::default()).expect("made").manifest;
        let read = |name: &String| (name.clone(), std::fs::read(to.join(name)).expect("there"));
        let files = manifest.files.iter().map(|file| read(&file.name)).collect();
        Backup { files, manifest }
    })
}

/// Changes a file in one of some ways.
fn change(bytes: &mut Vec<u8>, kind: u8, place: u8, value: u8) {
    let at = (bytes.len() * usize::from(place) / 256).min(bytes.len().saturating_sub(1));
    match kind % 6 {
        0 => bytes.truncate(at),
        1 if !bytes.is_empty() => bytes[at] ^= value,
        2 => bytes.iter_mut().skip(at).take(usize::from(value)).for_each(|byte| *byte = 0),
        3 => bytes.insert(at, value),
        4 => bytes.extend(std::iter::repeat_n(value, usize::from(place))),
        5 => {
            let again: Vec<u8> = bytes.iter().skip(at).take(usize::from(value)).copied().collect();
            bytes.extend(again);
        }
        _ => {}
    }
}

fn write(root: &Path, files: &[(String, Vec<u8>)]) {
    for name in ["tail", "segments"] {
        std::fs::create_dir_all(root.join(name)).expect("made");
    }
    for (name, bytes) in files {
        std::fs::write(root.join(name), bytes).expect("written");
    }
}

fuzz_target!(|input: &[u8]| {
    if let Ok(manifest) = std::str::from_utf8(input).map_err(|_| String::new()).and_then(BackupManifest::parse) {
        let text = manifest.to_text().expect("it was read");
        assert_eq!(BackupManifest::parse(&text), Ok(manifest));
    }
    let Some((&flags, changes)) = input.split_first() else { return };
    let Backup { manifest, files } = backup();
    let (mut manifest, mut files) = (manifest.clone(), files.clone());
    for change_of in changes.chunks_exact(4).take(CHANGES_MAX) {
        let count = files.len();
        change(&mut files[usize::from(change_of[0]) % count].1, change_of[1], change_of[2], change_of[3]);
    }
    let is_changed = files.iter().zip(&backup().files).any(|(changed, whole)| changed.1 != whole.1);
    let is_anew = flags % 2 == 1;
    if is_anew {
        for (file, (_, bytes)) in manifest.files.iter_mut().zip(&files) {
            (file.bytes, file.blake3) = (bytes.len() as u64, blake3::hash(bytes).to_hex().to_string());
        }
    }
    let place = directory();
    let (from, to): (PathBuf, PathBuf) = (place.path().join("backup"), place.path().join("restored"));
    write(&from, &files);
    std::fs::write(from.join("BACKUP"), manifest.to_text().expect("legal")).expect("written");
    let restored = forensics::restore(&from, &to, &forensics::RestoreOptions::default());
    if is_changed && !is_anew {
        assert!(restored.is_err() && !to.exists(), "what was changed is not restored");
    } else if !is_changed {
        assert_eq!(restored.expect("whole").events, 24);
    }
    if let Ok(store) = Store::open_read_only(&to) {
        let mut events = 0;
        // A damaged segment ends it with an error; it must not panic, and nothing may come from nowhere.
        let _ = store.scan(0, &mut |_| {
            events += 1;
            ControlFlow::Continue(())
        });
        assert!(events <= 24 * 3, "{events}");
    }
});
