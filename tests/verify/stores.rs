//! Small stores to damage.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sutra_grid_events::forensics::{Severity, Verification, VerifyOptions, verify};
use sutra_grid_events::store::{ForeignConcept, ForeignRecord, Store, StoreConfig};
use sutra_grid_events::{Event, StoreError};
use tempfile::TempDir;

/// Events in each segment.
pub(crate) const SEGMENT_EVENTS: u64 = 40;
/// Segments.
pub(crate) const SEGMENTS: u64 = 3;
/// Events that no segment holds.
pub(crate) const TAIL_EVENTS: u64 = 12;

/// An event; every seventh has a kind of its own, and one in five comes late.
pub(crate) fn event(number: u64) -> Event {
    let late = if number.is_multiple_of(5) { 3 } else { 0 };
    let time = sutra_grid_events::event::timestamp::format(1_795_507_200_000_000 + (number as i64 - late) * 1_000);
    let json = match number % 7 {
        0 => format!(
            r#"{{"event_type":"cluster_note","host":"h\"{}","n":{number}.50,"timestamp":"{time}"}}"#,
            number % 3
        ),
        1 => format!(r#"{{"event_type":"agent_unregistered","agent_id":"agent-{}","timestamp":"{time}"}}"#, number % 4),
        _ => format!(
            r#"{{"event_type":"node_crashed","node_id":"node-{}","agent_id":"agent-{}","exit_code":{},"timestamp":"{time}"}}"#,
            number % 9,
            number % 4,
            number % 2 * 137
        ),
    };
    Event::from_json(&json).expect("an event")
}

pub(crate) fn config() -> StoreConfig {
    StoreConfig { sealed_log_grace: Duration::ZERO, ..StoreConfig::default() }
}

/// A closed store with three segments, a tail, a cursor and a concept that is no event.
pub(crate) fn healthy() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_with(directory.path(), config()).expect("opens");
    let mut number = 0;
    for _ in 0..SEGMENTS {
        for _ in 0..4 {
            let batch: Vec<Event> = (0..SEGMENT_EVENTS / 4).map(|at| event(number + at)).collect();
            number += SEGMENT_EVENTS / 4;
            store.append(&batch).expect("written");
        }
        store.seal().expect("sealed");
    }
    for _ in 0..3 {
        let batch: Vec<Event> = (0..TAIL_EVENTS / 3).map(|at| event(number + at)).collect();
        number += TAIL_EVENTS / 3;
        store.append(&batch).expect("written");
    }
    store.remove_sealed_logs().expect("removed");
    store
        .save_cursor("console", sutra_grid_events::store::Cursor { epoch: store.epoch(), sequence: 7 })
        .expect("saved");
    for number in 0..3 {
        let concept = ForeignConcept {
            id: format!("concept-{number}"),
            learned_us: number,
            of_event: false,
            content: "text".into(),
            embedding: Vec::new(),
            strength: 1.0,
            confidence: 1.0,
            metadata_json: None,
        };
        store.learn_foreign(&[ForeignRecord::Concept(concept)]).expect("learned");
    }
    store.close().expect("closed");
    private(directory.path());
    directory
}

/// Takes from others what they may do with the directory, which `tempfile` and sled leave.
pub(crate) fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).expect("ours");
}

pub(crate) fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().expect("a directory");
    private(to.path());
    copy_below(from, to.path());
    to
}

fn copy_below(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("known").is_dir() {
            std::fs::create_dir_all(&target).expect("writable");
            private(&target);
            copy_below(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// Every file below a directory.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

pub(crate) fn segment(directory: &Path, id: u64) -> PathBuf {
    directory.join(format!("segments/{id:020}.seg"))
}

/// The only log that is left.
pub(crate) fn log(directory: &Path) -> PathBuf {
    let logs = files(&directory.join("tail"));
    assert_eq!(logs.len(), 1, "{logs:?}");
    logs[0].clone()
}

pub(crate) fn check(directory: &Path) -> Verification {
    try_check(directory).expect("a store")
}

pub(crate) fn try_check(directory: &Path) -> Result<Verification, StoreError> {
    verify(directory, &VerifyOptions::default().with_threads(1), &|_| {})
}

/// What was found, one line each.
pub(crate) fn lines(found: &Verification) -> Vec<String> {
    let line = |finding: &sutra_grid_events::forensics::Finding| {
        format!("{:?} {} [{}] {}", finding.severity, finding.file.display(), finding.place, finding.what)
    };
    found.findings.iter().map(line).collect()
}

/// Whether something of this severity was found in a file, with these words.
pub(crate) fn expect(found: &Verification, severity: Severity, file: &str, words: &str) {
    let hit = found.findings.iter().any(|finding| {
        let text = format!("{} {}", finding.place, finding.what);
        finding.severity == severity && finding.file.to_string_lossy().contains(file) && text.contains(words)
    });
    assert!(hit, "no {severity:?} in `{file}` with `{words}` among {:#?}", lines(found));
}
